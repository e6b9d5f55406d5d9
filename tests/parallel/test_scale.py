"""What lets one coordinator serve many workers, and the join while a run goes on."""

from __future__ import annotations

import dataclasses
import io
import os
import re
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from nnce_cli.cli import progress
from nnce_cli.enumeration import Subtree
from nnce_cli.parallel import JOURNAL, Journal, Limits, coordinate
from nnce_cli.parallel.budget import (
    ERRAND_SECONDS,
    ERRAND_SHARE,
    LARGEST,
    LARGEST_COUNTED,
    budget,
    errand_seconds,
)
from nnce_cli.parallel.engine import Worker
from nnce_cli.parallel.queue import Queue
from nnce_cli.run.events import Progress
from nnce_cli.run.gathering import Gathering
from nnce_cli.run.pace import ALMOST, Pace
from tests.command import four_lines
from tests.faults import run_forked
from tests.parallel.test_parallel import in_one_walk, never, new_journal, outcome_of, walked
from tests.runs import generic, heavy_cell, plan_of, save_layers

# Budgets and errands


@given(
    st.integers(0, 200), st.lists(st.integers(1, 1000), min_size=2, max_size=6), st.integers(1, 99)
)
def test_budgets_of_counts_are_those_of_tables_up_to_a_bound(generation, widths, cost):
    with_rows, counted = (budget(generation, widths, cost, rows=rows) for rows in (True, False))
    assert 16 <= counted <= max(LARGEST_COUNTED, 16)
    assert counted <= with_rows <= LARGEST
    assert counted == with_rows or with_rows > counted >= 16
    assert counted <= budget(generation + 1, widths, cost, rows=False)


@given(st.floats(0, 1e6), *[st.integers(0, 10**6)] * 3)
def test_errands_leave_tasks_to_others(elapsed, waiting, workers, busy):
    seconds = errand_seconds(elapsed, waiting, workers, busy, 1e-4)
    least = errand_seconds(0.0, 0, workers, busy, 1e-4)  # what the coordinator needs
    assert least == errand_seconds(1e6, 0, 1, busy, 1e-4) == pytest.approx(busy * 1e-4)
    assert least <= seconds <= max(least, min(ERRAND_SECONDS, elapsed * ERRAND_SHARE))
    assert seconds == least or waiting > workers
    assert errand_seconds(elapsed, 0, workers, 2, 1e-4) < 1e-3


@pytest.mark.parametrize("layers", [generic(4, 16, 16), heavy_cell(5, 16)])
def test_sums_do_not_depend_on_errands(layers, tmp_path, monkeypatch):
    """Nor do the decisions on the way: the tasks are the same, whichever go together."""
    found = []
    for number, seconds in enumerate((0.0, 0.01, 1e9)):
        monkeypatch.setattr("nnce_cli.parallel.coordinator.errand_seconds", lambda *_, s=seconds: s)
        plan = plan_of(layers)
        (tmp_path / str(number)).mkdir()
        with new_journal(tmp_path / str(number), plan) as journal:
            assert coordinate(journal, plan, 1, Limits(), never) is None
            journal.check(plan.problem.stack)
            totals = journal.totals
        found.append((totals.layer_cells, totals.nodes, totals.decisions))
        done = totals.done
    assert found[0] == found[1] == found[2]
    assert found[0][0] == in_one_walk(plan_of(layers)).layer_cells
    assert done == 1  # the last run was one errand


# The queue


@given(st.lists(st.sampled_from("tbd"), max_size=60), st.integers(1, 4), st.integers(1, 3))
def test_the_queue_is_what_waits_in_the_journal(steps, kept, children):
    """However few tasks are in memory: t(ake), put b(ack), d(one), which leaves some over."""
    in_hand = []
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr("nnce_cli.parallel.queue.KEPT", kept)
        with new_journal(Path(folder), plan_of(generic(2, 4, 4))) as journal:
            queue = Queue(journal)
            for step in steps:
                if step == "t":
                    numbers = {task.number for task in in_hand}
                    waiting = [n for *_, n in journal.waiting(99) if n not in numbers]
                    taken = list(queue.take(2))
                    assert [task.number for task in taken] == waiting[:2]
                    in_hand += taken
                elif in_hand and step == "b":
                    queue.put_back(in_hand.pop(0))
                elif in_hand:
                    task = in_hand.pop()
                    below = [(*task.roots[0].prefix, *bits) for bits in BELOW[:children]]
                    queue.finish([counted(task, [(1, [Subtree(prefix)]) for prefix in below])])
            numbers = {task.number for task in in_hand}
            left = [n for *_, n in journal.waiting(999) if n not in numbers]
            assert len(queue) <= len(left)
            assert bool(queue) == bool(left)
            assert [task.number for task in queue.take(999)] == left


BELOW = [(0, 0), (0, 1), (1, 0)]  # the first signs of what is left over


# Commits


class EightAtOnce:
    """An engine that walks what it was given when it is asked for results, and gives all back."""

    result_seconds = 0.0

    def __init__(self, plan):
        self._plan = plan
        self._tasks = []
        self.size = 8
        self.workers = [Worker(os.getpid())]

    @property
    def in_hand(self):
        return len(self._tasks)

    @property
    def room(self):
        return 8 - len(self._tasks)

    def give(self, task):
        self._tasks.append(task)
        return True

    def results(self, seconds):
        done, self._tasks = self._tasks, []
        return iter([walked(task, self._plan).finish() for task in done])

    def end(self):
        pass


def test_results_that_come_together_are_one_transaction(tmp_path):
    plan, sizes = plan_of(generic(4, 16, 16)), []
    with new_journal(tmp_path, plan) as journal:
        commit = journal.commit

        def noted(outcomes):
            sizes.append(len(outcomes))
            return commit(outcomes)

        journal.commit = noted
        assert coordinate(journal, plan, 8, Limits(), never, [], EightAtOnce(plan)) is None
        assert journal.totals.layer_cells == in_one_walk(plan).layer_cells
        assert sum(sizes) == journal.totals.done
        assert max(sizes) == 8
        journal.check(plan.problem.stack)


@pytest.mark.parametrize("when", ["before new tasks", "before the commit"])
def test_a_kill_takes_all_of_a_batch_back_or_nothing(tmp_path, monkeypatch, when):
    plan = plan_of(generic(2, 4, 4))
    with new_journal(tmp_path, plan) as journal:
        (root,) = Queue(journal).take(1)
        journal.commit([counted(root, [(1, [Subtree((s,))]) for s in (0, 1)])])
    child = os.fork()
    if child == 0:
        what = "_insert" if when == "before new tasks" else "_seal"
        monkeypatch.setattr(
            f"nnce_cli.parallel.journal.{what}", lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        )
        with Journal(tmp_path / JOURNAL, write=True) as journal:
            tasks = list(Queue(journal).take(2))
            journal.commit([counted(task, [(2, list(task.roots))]) for task in tasks])
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    with Journal(tmp_path / JOURNAL, write=True) as journal:
        journal.check(plan.problem.stack)
        assert (journal.totals.done, journal.totals.waiting) == (1, 2)
        tasks = list(Queue(journal).take(9))
        assert [task.roots for task in tasks] == [(Subtree((0,)),), (Subtree((1,)),)]
        journal.commit([counted(task) for task in tasks])
        assert (journal.totals.done, journal.totals.waiting) == (3, 0)


# The join while the run goes on


@pytest.fixture
def joined_at_once(monkeypatch):
    """Parts are joined from the beginning, one at a look."""
    monkeypatch.setattr("nnce_cli.run.gathering.SECONDS_BEFORE", 0.0)
    monkeypatch.setattr("nnce_cli.run.gathering.SECONDS_AT_ONCE", 0.0)


@pytest.mark.parametrize("limit", [(), ("--max-cells", "20000")])
def test_parts_are_joined_while_tasks_wait(tmp_path, monkeypatch, limit):
    """And the table is the same, byte for byte, as when they are joined at the end."""
    model = save_layers(tmp_path / "model.onnx", generic(4, 20, 20))
    tables, notes, add = [], tmp_path / "notes", Gathering._add

    def noted(gathering, part):
        with notes.open("a") as file:  # another process reads it
            file.write(f"{gathering._folder.journal.totals.waiting}\n")
        add(gathering, part)

    monkeypatch.setattr(Gathering, "_add", noted)
    for seconds in (0.0, 1e9):
        monkeypatch.setattr("nnce_cli.run.gathering.SECONDS_BEFORE", seconds)
        command = ["enumerate", str(model), "-o", "t", "-j", "1", "-q", "--force", *limit]
        assert run_forked(command, tmp_path)[0] == (3 if limit else 0)
        tables.append((tmp_path / "t").read_bytes())
        if seconds == 0.0:
            assert sum(int(line) > 0 for line in notes.read_text().split()) > 3
            assert not list(tmp_path.glob(".nnce-*"))
    assert tables[0] == tables[1]


@pytest.mark.usefixtures("joined_at_once")
@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("go_on", ["--resume", "--force"])
def test_killed_while_parts_are_joined(tmp_path, go_on, step):
    """At a write, sync, rename or commit; nothing is left beside the table at the end."""
    command = ["enumerate", str(four_lines(tmp_path / "m.onnx")), "-o", "t", "-j", "1", "-q"]
    (tmp_path / "whole").mkdir()
    code, errors, operations = run_forked(command, tmp_path / "whole")
    assert (code, errors) == (0, "")
    whole, killed = (tmp_path / "whole" / "t").read_bytes(), 0
    faults = range(1, operations + 1, step)
    for fault in faults:
        folder = tmp_path / str(fault)
        folder.mkdir()
        code, _, _ = run_forked(command, folder, fault, deadly=True)
        killed += code == -signal.SIGKILL
        assert run_forked([*command, go_on], folder)[:2] == (0, ""), fault
        assert (folder / "t").read_bytes() == whole
        assert os.listdir(folder) == ["t"], fault
    assert killed == len(faults)


# What a person sees


def counted(task, tasks=()):
    return dataclasses.replace(outcome_of(task, tasks), rows=0, table=None)


def seen(cells=0, share=0.0, *, over=False, retries=0):
    return Progress(cells, cells, share, 12, 345, retries, over, ())


class Told:
    """A forecast that was told."""

    def __init__(self, cells):
        self.cells = cells


@pytest.mark.parametrize("expected", [None, 7.5e14])
def test_the_line_fits_and_says_each_thing_once(monkeypatch, expected):
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    screen = io.StringIO()
    console = Console(file=screen, width=80, force_terminal=True)
    verbosity = progress.Verbosity(quiet=False, verbose=False)
    with progress._bar(console) as bar:
        show = progress._Display(bar, verbosity, Told(expected))
        for step in range(1, 5):
            clock[0] += 3e6
            show(seen(step * 10**14, step / 7.5, retries=0))
    lines = [
        re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", x) for x in re.split(r"[\r\n]", screen.getvalue())
    ]
    lines = [line for line in lines if "cells/s" in line]
    assert lines
    assert all(len(line) <= 80 and line.count("%") == 1 for line in lines)
    assert lines[-1].startswith("53.3%")
    # Three steps of 10^14 cells in 9e6 s; 3.5 of them are left, 10.5e6 s.
    assert lines[-1].count("left") == 1
    assert "about 122 days left" in lines[-1]


def test_no_run_is_done_before_its_end(monkeypatch):
    """A forecast that was too low leaves the end open, and no time that is not known."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    pace = Pace()
    pace.expect(100.0)
    pace.look(seen(10))
    clock[0] = 10.0
    assert pace.look(seen(55)) == (4.5, pytest.approx(10.0))
    clock[0] = 20.0
    assert pace.share(seen(130)) == ALMOST
    assert pace.look(seen(130)) == (6.0, None)
    assert pace.share(seen(130, over=True)) == 1.0
