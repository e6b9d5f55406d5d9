"""``nnce topology`` as a program."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from tests.command import assert_refused, nnce_inside, save_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with 1/2 - | |x| + |y| - 3/2 |, which is positive in a ring, and its table."""
    folder = tmp_path_factory.mktemp("topology")
    first = (np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]), np.zeros(4))
    second = (np.array([[1] * 4, [-1] * 4]), np.array([-1.5, 1.5]))
    save_network(folder / "ring.onnx", [first, second, (np.array([[-1, -1]]), np.array([0.5]))])
    for options in (["--box=-3,3"], ["--unbounded", "-o", "all.parquet"]):
        done = nnce_inside("enumerate", "ring.onnx", "-q", "-j", "1", *options, cwd=folder)
        assert done.returncode == 0
    return folder


def topology(*arguments, cwd):
    return nnce_inside("topology", *arguments, "-j", "1", cwd=cwd)


def test_a_ring(folder):
    done = topology("ring.cells.parquet", "ring.onnx", "--json", cwd=folder)
    assert done.returncode == 0, done
    found = json.loads(done.stdout)
    assert (found["task"], found["inputs"], found["consistent"]) == ("sign", 2, True)
    assert [region["betti"] for region in found["classes"]] == [[2, 1, 0], [1, 1, 0]]
    assert (found["boundary"]["betti"], found["boundary"]["euler_characteristic"]) == ([2, 2], 0)
    assert found["euler_characteristic"] == 1
    text = topology("ring.cells.parquet", "ring.onnx", cwd=folder).stdout
    rows = [line.split() for line in text.splitlines()]
    assert ["decision", "boundary", "2", "2", "0"] in rows


def test_what_cannot_be_answered_is_refused(folder, monkeypatch):
    assert_refused(topology("all.parquet", "ring.onnx", cwd=folder), "bounded")
    regression = topology("ring.cells.parquet", "ring.onnx", "--task", "regression", cwd=folder)
    assert_refused(regression, "no classes")
    monkeypatch.setitem(sys.modules, "gudhi", None)
    missing = topology("ring.cells.parquet", "ring.onnx", cwd=folder)
    assert_refused(missing, "pip install gudhi")
