"""Workers, tasks and the journal, seen from inside: the same answer whatever happens."""

from __future__ import annotations

import itertools
import os
import random
import resource
import shutil
import signal
import sqlite3
import threading
import time

import numpy as np
import pytest

from nnce_cli.base.bits import pack_bytes
from nnce_cli.base.checksum import Checksum
from nnce_cli.base.errors import InputError
from nnce_cli.enumeration import (
    DictionaryWalk,
    Subtree,
    batches,
    pack_subtrees,
    place,
    unpack_subtrees,
)
from nnce_cli.network import neuron_bits
from nnce_cli.parallel import Journal, Limits, Part, RunFolder, coordinate, is_run
from nnce_cli.parallel.budget import LARGEST, budget, divide
from nnce_cli.parallel.folder import JOURNAL
from nnce_cli.parallel.local import Growing
from nnce_cli.parallel.parts import check_range
from nnce_cli.parallel.queue import Queue
from nnce_cli.parallel.schema import sum_of_tasks
from nnce_cli.parallel.task import Outcome, Task
from nnce_cli.parallel.walking import walk_task
from tests.runs import generic, heavy_cell, one_first_cell, plan_of, stack_of
from tests.unit_stacks import sampled, zoo


def new_journal(folder, plan):
    Journal.create(folder / JOURNAL, {"rows": False}, len(plan.problem.stack.hidden))
    return Journal(folder / JOURNAL, write=True)


def in_one_walk(plan):
    walk = DictionaryWalk(plan.problem, rows=False, witness=False)
    for _ in batches(walk):
        pass
    return walk


def never():
    return False


@pytest.fixture
def at_once(monkeypatch):
    """Worker processes are started at the beginning, however small the run."""
    start_after(0.0, monkeypatch)


def start_after(seconds, monkeypatch):
    """Let worker processes start after so many seconds, however small the run."""
    for name in ("SECONDS_ALONE", "SMALL_RUN"):
        monkeypatch.setattr(f"nnce_cli.parallel.local.{name}", seconds)


@pytest.fixture
def one_process(monkeypatch, at_once):
    """One worker is a process of its own, too."""
    monkeypatch.setattr("nnce_cli.parallel.coordinator.InProcess", lambda plan: Growing(plan, 1))


def walked(task, plan):
    steps = walk_task(task, plan)
    while True:
        try:
            next(steps)
        except StopIteration as ending:
            return ending.value


# Tasks


def test_budgets_grow_and_shrink_for_dear_nodes():
    usual = [budget(generation, (8, 8, 8)) for generation in range(40)]
    assert usual == sorted(usual)
    assert (usual[0], usual[-1]) == (256, LARGEST)
    assert all(budget(g, (784, 16, 8)) < usual[g] for g in range(40))
    assert budget(0, (10_000, 10_000)) >= 16


@pytest.mark.parametrize("generation", range(5))
def test_leftovers_are_divided_in_order(generation):
    for n in range(1, 12):
        tasks = divide(list(range(n)), generation)
        assert [x for task in tasks for x in task] == list(range(n))
        assert all(tasks)
        assert len(tasks) <= 4


def test_roots_survive_packing():
    generator = random.Random(0)
    roots = tuple(
        Subtree(tuple(generator.choices([0, 1], k=length)), length % 3) for length in range(40)
    )
    assert unpack_subtrees(pack_subtrees(roots)) == roots
    for damaged in (b"\x01", pack_subtrees(roots)[:-1], b"\xff" * 8):
        with pytest.raises(ValueError, match="cut off"):
            unpack_subtrees(damaged)


def test_places_sort_as_the_table_does():
    """By the signs first; where one prefix begins the other, the shorter one comes first."""
    prefixes = [p for n in range(1, 11) for p in itertools.product((0, 1), repeat=n)]
    prefixes.append(())
    by_place = sorted(prefixes, key=lambda prefix: place(Subtree(prefix)))
    for a, b in itertools.pairwise(by_place):
        assert a[: len(b)] <= b[: len(a)]
        if a[: len(b)] == b[: len(a)]:
            # The one extends the other, or would with zeros: then length decides.
            assert len(a) < len(b) or any(b)


def test_a_walk_that_begins_again_is_a_new_one():
    plan = plan_of(generic(4, 10, 10))
    first = DictionaryWalk(plan.problem)
    for _ in batches(first, 300):
        pass
    for subtree in first.rest():
        new = DictionaryWalk(plan.problem, subtree)
        rows = [np.concatenate(batch.signs, axis=1) for batch in batches(new)]
        first.begin(subtree)
        again = [np.concatenate(batch.signs, axis=1) for batch in batches(first)]
        assert np.array_equal(np.concatenate(rows), np.concatenate(again))
        assert (new.layer_cells, new.nodes, new.share) == (
            first.layer_cells,
            first.nodes,
            first.share,
        )
        assert new.decisions == first.decisions


@pytest.mark.parametrize("layers", [generic(4, 12, 12), heavy_cell(4, 14), one_first_cell(4, 14)])
def test_tasks_in_any_order_make_the_whole(layers):
    plan, generator = plan_of(layers), random.Random(3)
    whole = in_one_walk(plan)
    waiting, share, nodes = [Task(0, 0, (Subtree(),))], 0.0, 0
    layer_cells = np.zeros(2, dtype=int)
    while waiting:
        outcome = walked(waiting.pop(generator.randrange(len(waiting))), plan).finish()
        layer_cells += outcome.layer_cells
        share, nodes = share + outcome.share, nodes + outcome.nodes
        errand = generator.choice([0.0, 0.01])  # it does not matter which tasks go together
        waiting += [Task(0, g, tuple(roots), errand) for g, roots in outcome.tasks]
    assert layer_cells.tolist() == whole.layer_cells
    assert nodes == whole.nodes
    assert share == pytest.approx(1.0)


# This process, and the pool


@pytest.mark.parametrize(("jobs", "alone"), [(1, 0.0), (2, 0.0), (7, 0.0), (2, 0.02), (3, 9.9)])
@pytest.mark.parametrize("layers", [generic(4, 16, 16), heavy_cell(5, 20), one_first_cell(5, 20)])
def test_the_same_sums_for_any_number_of_workers(layers, jobs, alone, tmp_path, monkeypatch):
    """However long this process works alone, and whatever it has in hand when others join in."""
    start_after(alone, monkeypatch)
    plan = plan_of(layers)
    with new_journal(tmp_path, plan) as journal:
        assert coordinate(journal, plan, jobs, Limits(), never) is None
        totals = journal.totals
    whole = in_one_walk(plan)
    assert totals.layer_cells == whole.layer_cells
    assert totals.nodes == whole.nodes
    assert (totals.waiting, totals.given_up, totals.retries) == (0, 0, 0)
    assert totals.share == pytest.approx(1.0)


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_small_run_starts_no_process(jobs, tmp_path, monkeypatch):
    monkeypatch.setattr("os.fork", None)
    plan, pids = plan_of(generic(3, 8, 8)), set()
    with new_journal(tmp_path, plan) as journal:
        look = lambda view: pids.update(w.pid for w in view.workers)  # noqa: E731
        assert coordinate(journal, plan, jobs, Limits(), never, [look]) is None
        assert journal.totals.layer_cells == in_one_walk(plan).layer_cells
    assert pids == {os.getpid()}


@pytest.mark.parametrize(
    ("elapsed", "done", "pays"),
    [
        (0.2, 0.0, False), (0.4, 0.0, True), (0.4, 0.39, True), (0.4, 0.41, False),
        (0.9, 0.89, True), (0.9, 0.95, False), (1.1, 0.99, True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("left", [1.0, 0.25])
def test_workers_join_in_where_a_run_would_not_end_in_a_second(elapsed, done, pays, left):
    """Of a run that is resumed, ``left`` is the share of its tree that is not done."""
    engine, now = Growing(plan_of(generic(3, 8, 8)), 2, left), time.monotonic()
    engine._began, engine._gained = now - elapsed, done * left
    assert list(engine.results(0.0)) == []
    assert engine.room == (2 if pays else 1)


def test_workers_join_in(tmp_path, monkeypatch):
    """This process ends its task beside them, and then it only coordinates."""
    start_after(0.05, monkeypatch)
    plan, seen = plan_of(generic(5, 26, 26)), []
    with new_journal(tmp_path, plan) as journal:
        look = lambda view: seen.append([w.pid for w in view.workers if w.task])  # noqa: E731
        assert coordinate(journal, plan, 2, Limits(), never, [look]) is None
    assert seen[0] == [os.getpid()]
    assert max(map(len, seen)) == 2
    assert os.getpid() not in seen[-2]


def test_a_stop_in_the_middle_of_a_task_leaves_no_part(tmp_path):
    """The task waits again, and a later run finds the whole."""
    plan, looks = plan_of(generic(5, 20, 20)), itertools.count()
    plan.sink = lambda number: NotedSink(tmp_path / f"{number}")
    with new_journal(tmp_path, plan) as journal:
        assert coordinate(journal, plan, 1, Limits(), lambda: next(looks) > 8) == "a signal"
        done = journal.totals.done
        assert journal.totals.waiting > 0
        assert all(path.read_text() == "done" for path in tmp_path.glob("[0-9]*"))
        assert len(list(tmp_path.glob("[0-9]*"))) == done
        assert coordinate(journal, plan, 1, Limits(), never) is None
        assert journal.totals.layer_cells == in_one_walk(plan).layer_cells


class NotedSink:
    """A part that is a file which says how far it is."""

    rows, first, last, table, proof = 1, b"\0", b"\0", Checksum(1, b""), None

    def __init__(self, path):
        self._path = path
        path.write_text("begun")

    def write(self, batch):
        pass

    def commit(self, decisions, exact_witnesses):
        self._path.write_text("done")

    def discard(self):
        self._path.unlink()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("layers", [heavy_cell(5, 26), one_first_cell(5, 26)])
def test_no_worker_idles_while_tasks_wait(layers, tmp_path):
    """At each moment that the coordinator sees, all workers are busy or no task waits."""
    plan, seen = plan_of(layers), []
    with new_journal(tmp_path, plan) as journal:
        coordinate(
            journal, plan, 3, Limits(), never, [lambda view: seen.append((view.busy, view.waiting))]
        )
    assert all(busy == 3 or waiting == 0 for busy, waiting in seen)
    assert any(busy == 3 for busy, _ in seen)


@pytest.mark.usefixtures("at_once")
def test_workers_killed_at_random_moments(tmp_path):
    plan = plan_of(generic(5, 22, 22))
    killed, generator = 0, random.Random(5)
    pids: list[int] = []
    done = threading.Event()

    def see(view):
        pids[:] = [worker.pid for worker in view.workers]

    def kill_now_and_then():
        nonlocal killed
        while not done.wait(generator.uniform(0.0, 0.15)):
            if pids and killed < 40:
                try:
                    os.kill(generator.choice(pids), signal.SIGKILL)
                except ProcessLookupError:
                    continue
                killed += 1

    with new_journal(tmp_path, plan) as journal:
        killer = threading.Thread(target=kill_now_and_then)
        killer.start()
        try:
            assert coordinate(journal, plan, 3, Limits(), never, [see]) is None
        finally:
            done.set()
            killer.join()
        totals = journal.totals
    assert totals.layer_cells == in_one_walk(plan).layer_cells
    assert killed >= 5
    assert totals.retries > 0


@pytest.mark.usefixtures("at_once")
def test_a_task_that_kills_its_workers_is_given_up_and_the_rest_is_done(tmp_path, monkeypatch):
    plan = plan_of(generic(4, 16, 16))
    deadly = 4

    def run(task, *arguments):
        if task.number == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return walk_task(task, *arguments)

    monkeypatch.setattr("nnce_cli.parallel.worker.walk_task", run)
    with new_journal(tmp_path, plan) as journal:
        assert coordinate(journal, plan, 2, Limits(), never) is None
        assert journal.troubles() == [(deadly, "its worker was killed by signal 9")]
        assert (journal.totals.waiting, journal.totals.given_up) == (0, 1)
        before = journal.totals.cells
        monkeypatch.undo()
        journal.try_again()
        assert coordinate(journal, plan, 2, Limits(), never) is None
        assert journal.troubles() == []
        assert before < journal.totals.cells
        assert journal.totals.layer_cells == in_one_walk(plan).layer_cells


class SlowSink:
    """A part that takes its time to reach the disk; it notes when it began and when it was done."""

    rows, first, last, table, proof = 1, b"\0", b"\0", Checksum(1, b""), None

    def __init__(self, log):
        self._log = log

    def write(self, batch):
        pass

    def commit(self, decisions, exact_witnesses):
        self._note("begin")
        time.sleep(0.2)
        self._note("end")

    def discard(self):
        pass

    def _note(self, what):
        with self._log.open("a") as file:
            file.write(f"{what} {time.monotonic()}\n")


@pytest.mark.usefixtures("one_process")
def test_a_task_is_walked_while_the_part_before_it_is_written(tmp_path, monkeypatch):
    """One part at a time; a result counts when its part is written, and not before."""
    plan = plan_of(generic(4, 16, 16))
    plan.sink = lambda number: SlowSink(tmp_path / "log")
    walked = []

    def walk(task, *arguments):
        with (tmp_path / "log").open("a") as file:
            file.write(f"walk {time.monotonic()}\n")
        return walk_task(task, *arguments)

    def look(view):
        written = (tmp_path / "log").read_text().count("end")
        walked.append(view.journal.totals.done <= written)

    monkeypatch.setattr("nnce_cli.parallel.worker.walk_task", walk)
    (tmp_path / "log").touch()
    with new_journal(tmp_path, plan) as journal:
        assert coordinate(journal, plan, 1, Limits(), never, [look]) is None
        done = journal.totals.done
        assert journal.totals.layer_cells == in_one_walk(plan).layer_cells
    assert all(walked)
    events = [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()]
    assert events.count("walk") == events.count("end") == done
    parts = [event for event in events if event != "walk"]
    assert parts == ["begin", "end"] * done
    during = [a for a, b in itertools.pairwise(events) if (a, b) == ("begin", "walk")]
    assert len(during) > done // 2


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("fatal", [True, False])
def test_an_error_while_a_part_is_written_is_told(tmp_path, fatal, jobs):
    plan = plan_of(generic(2, 4, 4))

    class BrokenSink(SlowSink):
        def commit(self, decisions, exact_witnesses):
            raise InputError("no room") if fatal else ZeroDivisionError("by zero")

    plan.sink = lambda number: BrokenSink(tmp_path / "log")
    with new_journal(tmp_path, plan) as journal:
        if fatal:
            with pytest.raises(InputError, match="no room"):
                coordinate(journal, plan, jobs, Limits(), never)
        else:
            coordinate(journal, plan, jobs, Limits(), never)
            assert "ZeroDivisionError: by zero" in journal.troubles()[0][1]


@pytest.mark.usefixtures("one_process")
def test_a_worker_that_dies_loses_what_it_walks_and_what_it_writes(tmp_path, monkeypatch):
    """Both tasks wait again, and the whole is found all the same."""
    plan = plan_of(generic(4, 16, 16))
    plan.sink = lambda number: SlowSink(tmp_path / "log")
    (tmp_path / "log").touch()

    def walk(task, *arguments):
        text = (tmp_path / "log").read_text()
        if text.count("begin") > text.count("end") and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return walk_task(task, *arguments)

    monkeypatch.setattr("nnce_cli.parallel.worker.walk_task", walk)
    with new_journal(tmp_path, plan) as journal:
        assert coordinate(journal, plan, 1, Limits(), never) is None
        assert journal.totals.retries == 2
        assert journal.totals.layer_cells == in_one_walk(plan).layer_cells
    assert (tmp_path / "died").exists()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("jobs", "where"), [(1, "local"), (2, "worker")])
def test_an_error_in_a_worker_is_told(tmp_path, monkeypatch, jobs, where):
    plan = plan_of(generic(2, 4, 4))

    def run(*arguments):
        yield 0
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(f"nnce_cli.parallel.{where}.walk_task", run)
    with new_journal(tmp_path, plan) as journal:
        coordinate(journal, plan, jobs, Limits(), never)
        ((number, trouble),) = journal.troubles()
    assert number == 1
    assert "ZeroDivisionError: by zero" in trouble


def test_workers_do_not_outlive_the_coordinator(tmp_path):
    plan, pids = plan_of(generic(8, 40, 40)), []
    child = os.fork()
    if child == 0:
        with new_journal(tmp_path, plan) as journal:

            def see(view):
                (tmp_path / "pids").write_text(" ".join(str(w.pid) for w in view.workers))

            coordinate(journal, plan, 2, Limits(), never, [see])
        os._exit(0)
    while len(pids) < 2:
        time.sleep(0.05)
        if (tmp_path / "pids").exists():
            pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    deadline = time.monotonic() + 60
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


# The journal


def outcome_of(task, tasks=(), cells=3):
    return Outcome(
        task=task, cells=cells, layer_cells=[1, cells], nodes=5, share=0.5, decisions={"pivots": 2},
        seconds=0.1, rows=cells, first=b"\0", last=b"\1", table=Checksum(1, b""), proof=None,
        memory=10, tasks=list(tasks),
    )  # fmt: skip


def test_what_is_committed_is_there_after_reopening(tmp_path):
    plan = plan_of(generic(2, 4, 4))
    with new_journal(tmp_path, plan) as journal:
        (root,) = Queue(journal).take(9)
        leftover = [[Subtree((0, 1))], [Subtree((1,)), Subtree((1, 1), 1)]]
        journal.commit([outcome_of(root, [(1, roots) for roots in leftover])])
    with Journal(tmp_path / JOURNAL, write=True) as journal:
        queue = Queue(journal)
        tasks = list(queue.take(9))
        assert [list(task.roots) for task in tasks] == leftover
        assert {task.generation for task in tasks} == {1}
        assert not queue
        queue.put_back(tasks[1])
        assert list(queue.take(9)) == tasks[1:]
        assert journal.totals.layer_cells == [1, 3]
        assert (journal.totals.waiting, journal.totals.done) == (2, 1)
        assert journal.front() == place(Subtree((0, 1)))
        assert [part.rows for part in journal.parts()] == [3]
        assert journal.rows_in_front() == 3


def test_a_commit_that_fails_changes_nothing(tmp_path):
    plan = plan_of(generic(2, 4, 4))
    with new_journal(tmp_path, plan) as journal:
        (root,) = Queue(journal).take(1)
        other = sqlite3.connect(tmp_path / JOURNAL, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # another process writes, and does not end
        journal._db.execute("PRAGMA busy_timeout = 10")
        with pytest.raises(InputError, match="locked"):
            journal.commit([outcome_of(root)])
        other.execute("ROLLBACK")
        other.close()
        assert (journal.totals.waiting, journal.totals.done) == (1, 0)
        journal.commit([outcome_of(root)])
        assert journal.totals.done == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"not a database, however long this text may be" * 99),
        lambda path: path.write_bytes(path.read_bytes()[:1000]),
        lambda path: sqlite3.connect(path).executescript("DROP TABLE about"),
        lambda path: sqlite3.connect(path).executescript("PRAGMA user_version = 99"),
        lambda path: sqlite3.connect(path).executescript("UPDATE about SET value = '[1]'"),
        lambda path: sqlite3.connect(path).executescript("UPDATE about SET value = '{\"a\": 1}'"),
        lambda path: path.write_bytes(b""),
    ],
)
def test_a_damaged_journal_is_refused(tmp_path, damage):
    new_journal(tmp_path, plan_of(generic(2, 4, 4))).close()
    damage(tmp_path / JOURNAL)
    with pytest.raises(InputError, match=JOURNAL):
        Journal(tmp_path / JOURNAL, write=True).close()


def test_a_journal_appears_whole_or_not_at_all(tmp_path):
    """However little room there is: with more room the run begins, or goes on."""
    created, stack = 0, stack_of(generic(2, 3, 3))
    for room in range(0, 100 * 1024, 2048):
        folder = tmp_path / str(room)
        code = in_a_process(
            lambda f=folder: RunFolder.create(f, {"rows": False}, 2, force=False), room
        )
        assert code in (0, 2)
        if is_run(folder):
            assert os.listdir(folder / "parts") == []
            shutil.copy(folder / JOURNAL, tmp_path / "alone.sqlite")  # it needs no other file
            with Journal(tmp_path / "alone.sqlite", write=False) as journal:
                journal.check(stack)
                assert journal.totals.waiting == 1
            RunFolder.resume(folder, {"rows": False}, stack).__exit__(None, None, None)
            created += 1
        else:
            assert code == 2
            assert not folder.exists()
            RunFolder.create(folder, {"rows": False}, 2, force=False).__exit__(None, None, None)
    assert 0 < created < 45


def in_a_process(action, room: int) -> int:
    """Do something in a process that can write no file of more than ``room`` bytes."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            action()
            code = 0
        except InputError:
            code = 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_seal_is_that_of_the_rows_however_they_came_about(tmp_path):
    """What transactions add up is what one counts afterwards."""
    plan = plan_of(generic(3, 8, 8))
    with new_journal(tmp_path, plan) as journal:
        for attempt in range(2):
            (task, *_) = Queue(journal).take(1)
            journal.note_failure(task, "trouble", most=attempt + 1)
            journal.try_again()
            journal.check(plan.problem.stack)
        assert coordinate(journal, plan, 1, Limits(), never) is None
        journal.set_about("ours", ["table"])
        journal.check(plan.problem.stack)
    with Journal(tmp_path / JOURNAL, write=True) as journal:
        journal.check(plan.problem.stack)
        assert journal.about["ours"] == ["table"]


@pytest.mark.parametrize(
    ("first", "last", "following"),
    [
        ((0, 1, 0, 1), (1, 1, 0, 1), None),  # before the first subtree of the task
        ((1, 1, 0, 1), (1, 0, 0, 1), None),  # the last before the first
        ((1, 0, 0, 1), (1, 1, 0, 1), (1, 1, 0)),  # in the next task
        ((1, 0, 0, 1), (1, 1, 1, 1), (1, 1, 0)),  # after it
    ],
)
def test_rows_of_another_task_are_not_joined(first, last, following):
    def row(bits):
        return b"".join(pack_bytes(layer) for layer in (bits[:3], bits[3:]))

    here = place(Subtree((1, 0)))
    after = None if following is None else place(Subtree(following))
    whole, stack = Checksum(1, b""), stack_of(generic(2, 3, 1))
    check_range(Part(7, 2, row((1, 0, 0, 1)), row((1, 0, 1, 1)), whole, None, here), after, stack)
    with pytest.raises(RuntimeError, match="task 7"):
        check_range(Part(7, 2, row(first), row(last), whole, None, here), after, stack)


def test_rows_of_codes_are_held_against_places_of_bits():
    """The codes of a clip and a maximum stand for bits of their neurons."""
    stack = zoo()["all kinds"]
    cells = sampled(stack)
    bits = [tuple(row) for row in neuron_bits(stack, cells.joined).tolist()]
    whole = Checksum(1, b"")
    first, last = cells.joined[0].tobytes(), cells.joined[-2].tobytes()
    after = place(Subtree(bits[-1]))
    for length in (0, 1):
        here = place(Subtree(bits[0][:length]))
        check_range(Part(7, 2, first, last, whole, None, here), after, stack)
    with pytest.raises(RuntimeError, match="task 7"):
        check_range(Part(7, 2, first, last, whole, None, here), place(Subtree(bits[-2])), stack)
    here = place(Subtree(bits[1]))
    with pytest.raises(RuntimeError, match="task 7"):
        check_range(Part(7, 2, first, last, whole, None, here), after, stack)


def test_rows_of_a_network_without_hidden_layers():
    part = Part(1, 1, b"", b"", Checksum(1, b""), None, place(Subtree()))
    check_range(part, None, zoo()["no hidden layer"])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("roots", pack_subtrees([Subtree((0,) * 9)])),  # more signs than there are neurons
        ("roots", pack_subtrees([Subtree((), 3)])),  # cells of more layers than there are
        ("roots", b""),
        ("roots", b"\1\2"),
        ("roots", pack_subtrees([Subtree((1,))])),  # not at its place
        ("part_bytes", 17),  # with rows at its ends that it has not
        ("first_row", b"\0"),
    ],
)
def test_a_sealed_journal_of_no_such_network_is_refused(column, value, tmp_path):
    plan = plan_of(generic(2, 4, 4))
    with new_journal(tmp_path, plan) as journal:
        if column == "first_row":
            journal._db.execute("UPDATE tasks SET part_bytes = 1, last_row = x'0000'")
        journal._db.execute(f"UPDATE tasks SET {column} = ?", (value,))
        journal._tasks = sum_of_tasks(journal._db) % 2**256
        journal.set_about("anything", None)  # which seals it
    reopened = Journal(tmp_path / JOURNAL, write=True)
    with reopened, pytest.raises(InputError, match="another network"):
        reopened.check(plan.problem.stack)


def test_a_sealed_journal_of_more_layers_is_refused(tmp_path):
    journal, other = new_journal(tmp_path, plan_of(generic(2, 4, 4))), generic(2, 4, 4, 4)
    with journal, pytest.raises(InputError, match="another network"):
        journal.check(stack_of(other))


def test_damaged_roots_are_refused(tmp_path):
    with new_journal(tmp_path, plan_of(generic(2, 4, 4))) as journal:
        journal._db.execute("UPDATE tasks SET roots = x'0102'")
        with pytest.raises(InputError, match="cut off"):
            list(Queue(journal).take(1))


def test_a_run_folder_of_another_run_is_refused(tmp_path):
    about = {"model": "a", "version of nnce": "1", "rows": False}
    stack = stack_of(generic(2, 3, 3))
    with RunFolder.create(tmp_path / "r", about, 2, force=False):
        pass
    with RunFolder.resume(tmp_path / "r", about, stack):
        pass
    for name, words in (("model", "another model"), ("version of nnce", "another version of nnce")):
        with pytest.raises(InputError, match=words):
            RunFolder.resume(tmp_path / "r", about | {name: "b"}, stack)
    with pytest.raises(InputError, match="--resume"):
        RunFolder.create(tmp_path / "r", about, 2, force=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").touch()
    with pytest.raises(InputError, match="not the folder of a run"):
        RunFolder.create(tmp_path / "other", about, 2, force=True)
    assert (tmp_path / "other" / "precious").exists()


def test_the_queue_is_on_the_disk(tmp_path):
    """Memory is measured where it would grow: in the process that holds the queue."""
    import tracemalloc

    with new_journal(tmp_path, plan_of(generic(2, 4, 4))) as journal:
        journal._db.execute("PRAGMA synchronous = OFF")
        roots = pack_subtrees([Subtree((0, 1) * 16)])
        journal._db.execute("BEGIN")
        journal._db.executemany(
            "INSERT INTO tasks (generation, signs, length, roots, state) VALUES (1, ?, 32, ?, 0)",
            ((number.to_bytes(4, "big"), roots) for number in range(100_000)),
        )
        journal._db.execute("COMMIT")
        tracemalloc.start()
        tasks = list(Queue(journal).take(8))
        assert journal.front() is not None
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(tasks) == 8
    assert peak < 4e6
