"""The benchmark measures what it says; no test asserts a time."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    baselines,
    compare,
    growth,
    history,
    methods,
    page,
    parallel,
    peers,
    rungs,
    trees,
)
from benchmarks.bench import COLUMNS
from benchmarks.bench import row as bench_row
from benchmarks.command import count_cells
from benchmarks.floor import Floor
from benchmarks.group_memory import Memory, MemoryWatch
from benchmarks.measure import count as timed_count
from benchmarks.measure import exact_share
from benchmarks.networks import default_names, known_layer_cells, names, network
from benchmarks.scaling import measure
from benchmarks.tasks import Costs, Way, Work, _Run, replay, tasks_of
from benchmarks.trees import STEP, Piece, Tree
from benchmarks.vertex import row as vertex_row
from nnce_cli.domain import Box
from nnce_cli.enumeration import Problem
from nnce_cli.parallel.budget import divide
from tests.collect import count
from tests.oracles.naive import exhaustive_signs, stack_of

ROOT = Path(__file__).resolve().parents[1]


def test_the_floor_evaluates_the_network():
    stack, box = network("seeded-3-8-8")
    outputs = Floor(stack, box).forward()
    points = np.random.default_rng(0).uniform(box.lower, box.upper, size=(len(outputs), 3))
    for layer in stack.hidden:
        points = np.maximum(points @ layer.weight.T + layer.bias, 0)
    expected = points @ stack.output.weight.T + stack.output.bias
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-12)


def test_seeded_networks_are_the_same_every_time():
    first, again = (network("seeded-3-8-8")[0] for _ in range(2))
    assert all(
        np.array_equal(a.weight, b.weight) and np.array_equal(a.bias, b.bias)
        for a, b in zip(first.hidden, again.hidden, strict=True)
    )


def test_bench_prints_the_figures_of_a_network():
    command = [sys.executable, "-m", "benchmarks.bench", "--only", "seeded-10-8-8", "--json"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    figures = json.loads(finished.stdout)
    assert figures["network"] == "seeded-10-8-8"
    assert figures["cells"] == count(*network("seeded-10-8-8"))[-1]
    assert 0 < figures["counting_seconds"] < figures["table_seconds"]
    assert figures["times_the_floor"] > 1
    assert figures["spread"] >= 0
    assert figures["pivots_per_cell"] > figures["linear_programs_per_cell"] / 10 > 0
    assert figures["exact_share"] == 0  # random weights, far from any tie
    assert figures["jobs_2_over_1"] is None
    assert len(bench_row(figures)) == len(COLUMNS)
    assert sum(figures["decisions"].values()) > 2 * figures["cells"]
    assert figures["decisions"]["witnesses_float"] == figures["cells"]
    assert figures["peak_memory_bytes"] > 10_000_000


def test_the_replay_of_tasks_by_hand():
    """Task 0 (1 s) leaves 1 (4 s) and 2 (1 s); 2 leaves 3 (2 s). Results take 1 s in the last."""
    tasks = [Work(1.0, [], 0), Work(4.0, [], 1), Work(1.0, [], 2), Work(2.0, [], 3)]
    tasks[0].children, tasks[2].children = tasks[1:3], tasks[3:]
    free, dear = Costs(0, 0, 0, 0, 0, 0), Costs(0, 1.0, 0, 0, 0, 0)
    way = Way(errands=False)
    assert replay(tasks, 1, 1.0, free, way).seconds == 8.0
    assert replay(tasks, 2, 1.0, free, way).seconds == 5.0
    # 0: 0-1, committed at 2. 1: 2-6; 2: 2-3, committed at 4. 3: 4-6. Both end at 6, committed at 8.
    run = replay(tasks, 2, 1.0, dear, way)
    assert (run.seconds, run.busy, run.messages) == (8.0, 4.0, 4)


def test_the_replay_of_tasks_in_one_message_by_hand():
    """Task 0 (1 s) leaves 1 (1 s), 2 (1 s) and 3 (9 s); messages take 0.25 s, errands 2 s."""
    tasks = [Work(1.0, [], 0), Work(1.0, [], 1), Work(1.0, [], 2), Work(9.0, [], 3)]
    tasks[0].children = tasks[1:]
    costs = Costs(0, 0, 0, 0, 0, 0, message=0.25)
    # 0 to 1.25; then there is no errand, as nobody else is busy: one by one.
    run = replay(tasks, 1, 1.0, costs, Way(together=3))
    assert (run.seconds, run.busy, run.messages) == (13.0, 1.0, 4)


def test_the_replay_of_an_order_that_is_too_long():
    """What was not begun in the time of an errand comes back, and costs nothing more."""
    tasks = [Work(1.0, [], place) for place in range(6)]
    tasks[0].children = tasks[1:5]
    run = _Run([1.0] * 6, tasks, 1, Costs(0, 0, 0, 0, 0, 0), Way(together=4))
    assert run._walk([1, 2, 3, 4], 2.0) == (2.0, [], [4, 3])
    assert run._walk([0, 5], 1.5) == (2.0, [4, 3, 2], [5])
    run._waiting, run._walked = [1, 2, 3, 4, 5], (2, 2.0)
    assert run._size(2.5) == 3
    assert run._size(99.0) == 4
    run._idle = 3
    assert run._size(99.0) == 1


def test_tasks_of_a_tree_are_the_whole_tree():
    """However large they are; and what is not known of it is filled in with the same nodes."""
    model = Piece(3.0 * STEP, [Piece(STEP * 1.5), Piece(STEP * 0.5)])
    root = Piece(STEP + 9e4 + 3e5, [Piece(9e4), Piece(3e5)])
    tree = Tree(root, [model], cells=2e5, node_seconds=1.0)
    for room in (STEP, 3_000, 10**6):
        tasks = tasks_of(tree, lambda generation, room=room: room, divide)
        assert sum(task.nodes for task in tasks) == pytest.approx(root.nodes)
        assert all(task.nodes < room + STEP for task in tasks)
        assert [task.place for task in tasks] == list(range(len(tasks)))


def test_a_grown_tree_weighs_what_the_tree_does():
    """Of the known cells, within what thinned walks of few paths can tell."""
    stack, box = network("seeded-4-16-16")
    cells = count(stack, box)[-1]
    found = [trees.grown(Problem.of(stack, box), 60, seed).cells for seed in range(4)]
    assert 0.5 * cells < np.mean(found) < 2 * cells


def test_scaling_adds_up():
    figures = measure(*network("seeded-4-16-16"), pieces=60)
    one, *more = figures["replayed"]
    assert one["speed_up"] <= 1.0
    for row in more:
        assert 0 < row["efficiency"] <= 1
        assert row["seconds"] <= 1.01 * one["seconds"]


def test_the_vertex_benchmark_prints_a_row_of_its_table():
    row = vertex_row("seeded-3-8-8")
    name, cells, microseconds, counting, rows = map(str.strip, row.split("|")[1:-1])
    assert name == "seeded-3-8-8"
    assert int(cells) == count(*network("seeded-3-8-8"))[-1]
    assert all(float(number) > 0 for number in (microseconds, counting, rows))


def test_the_comparison_of_methods_counts_the_same_cells(monkeypatch):
    monkeypatch.setattr(methods, "_in_a_process", methods.measure)
    monkeypatch.setattr(methods, "BACK_ENDS", ("dictionary",))
    rows = methods.compare("seeded-3-4-4", rounds=1)
    assert {row["method"] for row in rows} >= {"dictionary", "incremental", "reverse-search"}
    expected = count(*network("seeded-3-4-4"))
    assert all(row["layer_cells"] == expected for row in rows)
    lines = methods.markdown(rows).splitlines()
    assert len(lines) == len(rows)
    assert all(line.count("|") == methods.HEAD.splitlines()[0].count("|") for line in lines)


def test_the_benchmark_of_workers_measures_ratios():
    row = parallel.measure("3-8-8", rounds=1)
    assert row["cells"] == count(*network("seeded-3-8-8"))[-1]
    assert all(value > 0 for value in row.values())


@pytest.mark.parametrize("test", [baselines.linprog_test, baselines.cvxpy_test])
@pytest.mark.parametrize("shape", ["2-3-3", "3-2-3-2", "1-4"])
def test_the_method_as_published_finds_all_cells(test, shape):
    stack, box = network(f"seeded-{shape}")
    assert list(baselines.cells(stack, box, test)) == exhaustive_signs(stack, box)


def test_the_method_as_published_with_dead_and_constant_neurons():
    """The second neuron is always 1, the first layer is dead on the left half."""
    stack = stack_of(([[1], [0]], [0, 1]), ([[1, -0.5], [0, 0]], [0, 0]))
    box = Box(np.array([-1.0]), np.array([1.0]))
    found = list(baselines.cells(stack, box, baselines.linprog_test))
    assert found == exhaustive_signs(stack, box) == [(0, 1, 0, 0), (1, 1, 0, 0), (1, 1, 1, 0)]


def test_the_method_as_published_stops_after_some_cells():
    stack, box = network("seeded-2-3-3")
    assert baselines.count(stack, box, baselines.linprog_test, 3) == 3
    every = len(exhaustive_signs(stack, box))
    assert baselines.count(stack, box, baselines.linprog_test) == every


def test_peers_are_measured_side_by_side(monkeypatch):
    monkeypatch.setattr(peers, "NETWORKS", {"seeded-2-3-3": None, "seeded-3-8-8": 2})
    monkeypatch.setattr(peers, "BASELINES", {"as published": "linprog"})
    monkeypatch.setattr(peers, "PYTHON", Path("/nowhere/python"))
    rows = peers.measure()
    assert [row["program"] for row in rows] == 2 * [peers.OURS, "as published", peers.RELUCENT]
    cells = len(exhaustive_signs(*network("seeded-2-3-3")))
    assert [row["cells"] for row in rows[:2]] == [cells, cells]
    assert rows[4]["cells"] == 2
    assert rows[5]["trouble"] == "not installed: make bench-peers"
    lines = peers.table(rows)
    assert len(lines) == 2 + len(rows)
    assert all(line.count("|") == lines[0].count("|") for line in lines)
    assert f"2 of {rows[4]['all_cells']:,}" in lines[-2]


def test_peers_that_disagree_are_an_error(monkeypatch):
    monkeypatch.setattr(peers, "NETWORKS", {"seeded-2-3-3": None})
    monkeypatch.setattr(peers, "BASELINES", {})
    monkeypatch.setattr(peers, "run_relucent", lambda *_: {"cells": 1, "seconds": 1.0})
    with pytest.raises(RuntimeError, match="relucent finds 1 cells of seeded-2-3-3"):
        peers.measure()


def test_a_peer_that_fails_says_why_in_a_line(monkeypatch):
    monkeypatch.setattr(peers, "PYTHON", Path(sys.executable))  # which has no relucent
    trouble = peers.run_relucent("seeded-2-3-3", None)["trouble"]
    assert trouble == "ModuleNotFoundError: No module named 'relucent'"


@pytest.mark.skipif(not peers.PYTHON.exists(), reason="make bench-peers installs relucent")
def test_relucent_finds_all_cells():
    found = peers.run_relucent("seeded-2-3-3", None)
    assert found.get("cells") == len(exhaustive_signs(*network("seeded-2-3-3"))), found


def test_the_command_is_measured_with_the_memory_of_all_its_processes():
    name = "image-784-11-11"  # of which a look now and then sees enough
    run = count_cells(name, 2)
    assert run.summary["cells"] == count(*network(name))[-1]
    assert run.summary["complete"]
    assert run.summary["certified"]
    assert run.processor_seconds > 0
    if run.memory.is_known:
        assert run.memory.rss >= run.memory.pss >= run.memory.uss > 10_000_000


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="Linux tells, others not")
def test_the_memory_of_a_session_is_that_of_its_processes():
    """Two processes hold 40 MB each that they do not share."""
    hold = "import sys; x = bytearray(b'x' * 40_000_000); print('ready', flush=True); input()"
    parent = (
        "import subprocess, sys; "
        f"child = subprocess.Popen([sys.executable, '-c', {hold!r}], stdin=subprocess.PIPE); {hold}"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, text=True, start_new_session=True, **pipes) as process:
        with MemoryWatch(process.pid) as watch:
            assert [process.stdout.readline() for _ in range(2)] == 2 * ["ready\n"]
            deadline = time.monotonic() + 60
            while watch.peak.uss < 80_000_000 and time.monotonic() < deadline:
                time.sleep(0.01)
            process.communicate("\n")
        peak = watch.peak
    assert 80_000_000 < peak.uss <= peak.pss <= peak.rss < 300_000_000


def test_the_share_of_exact_decisions():
    counts = {"neurons_float": 90, "neurons_exact": 1, "witnesses_float": 7, "witnesses_exact": 2}
    assert exact_share(counts) == 0.03
    assert exact_share(dict.fromkeys(counts, 0)) == 0


def test_shares_of_rungs_have_two_digits_however_small():
    assert rungs.percent(0, 10) == ""
    assert rungs.percent(1, 3_000_000) == "3.3e-05%"
    assert rungs.percent(10, 10) == "100%"
    other = {"pivots": 7, "ranks_exact": 3}
    counts = dict.fromkeys(rungs.RUNGS.values(), 1)
    assert rungs.taken(counts | other) == counts


def test_the_rungs_are_those_that_a_summary_counts():
    """None is left out of the table."""
    stack, box = network("seeded-4-4-4")
    assert set(rungs.taken(timed_count(stack, box)[1].decisions)) == set(rungs.RUNGS.values())


def test_a_slice_is_the_same_for_the_command():
    stack, box = network("slice-20-8-8")
    assert stack.n_inputs == 2
    assert len(stack.points) == 3
    assert len(stack.points[0]) == 20
    cells = count(stack, box)
    assert cells[-1] > 50
    assert count_cells("slice-20-8-8", 1).summary["layer_cells"] == cells


def test_known_networks_are_preferred_and_their_cells_are_known():
    assert set(default_names()) <= set(names())
    assert known_layer_cells("seeded-3-8-8") is None
    for name in default_names():
        if name.startswith("random-"):
            assert len(known_layer_cells(name)) == len(network(name)[0].hidden)


MACHINE = {"cpu": "One", "cores": 2, "python": "3.11.7", "core": "x86-64-v3"}


def figures(floor: float, spread: float = 0.02) -> dict:
    """Made-up figures of a network."""
    return {
        "network": "seeded-3-8-8",
        "method": "vertex",
        "cells": 472,
        "cells_per_second": 1e6,
        "times_the_floor": floor,
        "spread": spread,
        "linear_programs_per_cell": 0.0,
        "pivots_per_cell": 0.0,
        "exact_share": 0.0,
        "decisions": dict.fromkeys(rungs.RUNGS.values(), 0)
        | {"neurons_float": 919, "neurons_fine": 25, "witnesses_float": 472},
        "certified_over_not": 1.5,
        "table_over_counting": 2.0,
        "peak_memory_bytes": 2e8,
        "jobs_2_over_1": None,
    }


def state(floor: float, spread: float = 0.02, **changed) -> history.State:
    """A made-up state in which one network was measured."""
    base = history.State("a" * 40, False, "2024-01-02T03:04:05+00:00", 0.5, MACHINE)
    return dataclasses.replace(base, networks={"seeded-3-8-8": figures(floor, spread)}, **changed)


def test_history_gives_back_what_was_put_in(tmp_path):
    path = tmp_path / "history.jsonl"
    assert history.read(path) == []
    states = [state(3.0), state(2.0, dirty=True, commit=None)]
    for each in states:
        history.append(each, path)
    assert history.read(path) == states
    assert path.read_text().count("\n") == 2
    assert [each.title for each in states] == [
        "aaaaaaaaa, 2024-01-02",
        "no commit+changes, 2024-01-02",
    ]


def test_the_state_of_this_folder_names_the_machine():
    here = history.this_state()
    assert here.machine["cores"] > 0
    assert here.machine["cpu"]
    assert here.networks == {}


def test_states_of_one_kind_of_machine_are_compared():
    other = state(9.0, machine=MACHINE | {"cpu": "Another"})
    old, new = state(3.0), state(2.0)
    assert compare.last_two([state(7.0), old, other, new]) == (old, new)
    assert compare.last_two([old, other]) is None
    assert compare.last_two([old]) is None
    assert compare.last_two([]) is None


@pytest.mark.parametrize(
    ("after", "spread", "verdict"),
    [
        (10.0, 0.0, ""),
        (10.4, 0.0, ""),
        (10.6, 0.0, "slower"),
        (10.6, 0.1, ""),
        (9.0, 0.0, "faster"),
        (9.0, 0.2, ""),
    ],
)
def test_a_change_beyond_noise_is_marked(after, spread, verdict):
    for spreads in ((spread, 0.0), (0.0, spread)):
        found = compare.changes(state(10.0, spreads[0]), state(after, spreads[1]))
        assert [change.verdict for change in found] == [verdict, "", ""]
        lines = compare.table(found)
        assert len(lines) == 4
        assert lines[1].endswith(verdict)
        assert f"{after:.2f}" in lines[1]


def test_networks_that_one_state_lacks_are_left_out():
    assert compare.changes(state(1.0), dataclasses.replace(state(1.0), networks={})) == []
    assert compare.changes(dataclasses.replace(state(1.0), networks={}), state(1.0)) == []


def grown(cells: int, seconds: float) -> growth.Row:
    """A made-up count."""
    return {
        "network": f"image-9-{cells}",
        "cells": cells,
        "seconds": seconds,
        "start_seconds": 0.5,
        "processor_seconds": 2 * seconds,
        "decisions": {"neurons_float": 9, "neurons_exact": 1, "witnesses_float": 0,
                      "witnesses_exact": 0},
        "memory": Memory(rss=3, pss=2, uss=1)._asdict(),
        "jobs": 2,
        "machine": MACHINE,
    }  # fmt: skip


def test_the_fitted_power_is_that_of_the_times():
    factor, slope = growth.power([grown(n, 3e-6 * n**1.25) for n in (100, 1000, 10_000)])
    assert factor == pytest.approx(3e-6)
    assert slope == pytest.approx(1.25)


def test_counts_are_kept_by_cells_and_replaced_by_newer_ones(tmp_path):
    path, figure = tmp_path / "growth.json", tmp_path / "growth.svg"
    growth.keep(grown(1000, 2.0), path, figure)
    assert not figure.exists()  # no line goes through one point
    growth.keep(grown(10, 1.0), path, figure)
    growth.keep(grown(1000, 3.0), path, figure)
    assert growth.read(path) == [grown(10, 1.0), grown(1000, 3.0)]
    assert figure.read_bytes().startswith(b"<?xml")
    assert growth.picture(growth.read(path)) == figure.read_bytes()


def test_growth_counts_cells(monkeypatch):
    monkeypatch.setattr(growth, "TURNS", 1)
    row = growth.measure("image-20-3-3")
    assert row["layer_cells"] == count(*network("image-20-3-3"))
    assert f"{row['cells']:,} cells, certified" in growth.text(row)


def test_the_page_has_what_was_measured():
    peer = {"network": "n", "program": "nnce", "cells": 10, "all_cells": 10, "seconds": 1.0,
            "trouble": None}  # fmt: skip
    other = peer | {"program": "slow", "cells": 5, "seconds": 50.0}
    absent = peer | {"program": "absent", "trouble": "not installed"}
    measured = state(3.25, peers=[peer, other, absent])
    text = page.PAGE.read_text(encoding="utf-8")
    written = page.page(text, measured, [grown(100, 1.0), grown(10_000, 100.0)])
    assert "| seeded-3-8-8 | vertex | 472 | 1,000,000 | 3.2 |" in written
    assert "| seeded-3-8-8 | 2.00 |  | 97.35% |  |  | 2.648% |  | 100% |  |  |" in written
    assert "| n | slow | 5 of 10 | 10 | 100 |" in written
    assert "| n | absent | not installed |" in written
    assert "Fitted: time grows like cells^1.00." in written
    assert "| image-9-100 | 100 | 1.00 | 2.0 | 100 | 10.00% |" in written
    assert page.page(written, measured, [grown(100, 1.0), grown(10_000, 100.0)]) == written
    with pytest.raises(ValueError, match="0 places for the networks"):
        page.page("nothing", measured, [])


def test_the_page_in_docs_is_that_of_the_stored_results():
    assert page.stored_page() == page.PAGE.read_text(encoding="utf-8")
    figure = growth.FIGURE.read_text(encoding="utf-8")
    for row in growth.read():
        assert f"<!-- {row['network'].removeprefix('image-')} -->" in figure
