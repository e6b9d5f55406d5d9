"""The benchmark measures what it says; no test asserts a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks import methods
from benchmarks.floor import Floor
from benchmarks.networks import network
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
