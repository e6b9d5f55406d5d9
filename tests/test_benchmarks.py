"""The benchmark measures what it says; no test asserts a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks import methods, parallel
from benchmarks.floor import Floor
from benchmarks.networks import network
from benchmarks.scaling import Recorded, measure, replay
from benchmarks.vertex import row as vertex_row
from tests.collect import count

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
    assert figures["peak_memory_bytes"] > 10_000_000


def test_the_replay_of_tasks_by_hand():
    """Task 1 (1 s) leaves 2 (4 s) and 3 (1 s); 3 leaves 4 (2 s). Commits take 1 s in the second."""
    tasks = {
        1: Recorded((b"", 0), 1.0, (2, 3)),
        2: Recorded((b"\0", 1), 4.0, ()),
        3: Recorded((b"\x80", 1), 1.0, (4,)),
        4: Recorded((b"\x80", 2), 2.0, ()),
    }
    assert replay(tasks, 1, 0.0) == (8.0, 0.0)
    assert replay(tasks, 2, 0.0) == (5.0, 0.0)
    # 1: 0-1, committed at 2. 2: 2-6; 3: 2-3, committed at 4. 4: 4-6. Commits end at 7 and 8.
    assert replay(tasks, 2, 1.0) == (8.0, 4.0)


def test_scaling_adds_up():
    figures = measure(*network("seeded-3-12-12"), jobs=2)
    assert figures["cells"] == count(*network("seeded-3-12-12"))[-1]
    one, *more = figures["replayed"]
    assert one["speed_up"] <= 1.0
    for row in more:
        assert 0 < row["efficiency"] <= 1
        assert row["seconds"] <= one["seconds"]


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
    assert all(row[name] > 0 for name in ("speed_up", "limit", "over_in_process"))
