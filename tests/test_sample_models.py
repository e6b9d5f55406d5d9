"""The committed sample models are what their README says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from nnce_cli.domain import read_bounds, read_slice
from nnce_cli.network import load_network
from sample_models.train import DATA, FOLDER, MOMENTS, accuracy, hand_made, onnx_model, three_digits
from tests.cases import cube
from tests.collect import check_rows, count, enumerate_all
from tests.oracles.graph_cells import box_domain, graph_cells
from tests.oracles.ppl import exact_cells

ROW = re.compile(
    r"^\| `(?P<file>[^`]+)` \| (?P<widths>[\d-]+) \| .+ "
    r"\| `--(?P<kind>box|bounds) (?P<domain>\S+)` \| (?P<accuracy>\S+) \| (?P<cells>[\d,]+) \|$",
    re.MULTILINE,
)
ROWS = {row["file"]: row for row in ROW.finditer((FOLDER / "README.md").read_text())}


PLAIN = ["hand-made", "toy-2d", "digits-pca", "digits-pixels"]


def box_of(row, n):
    """Return the box that the README gives for a model."""
    if row["kind"] == "bounds":
        return read_bounds(FOLDER / row["domain"], n)
    return cube(n, *map(float, row["domain"].split(",")))


def test_the_readme_lists_every_model():
    assert set(ROWS) == {path.name for path in FOLDER.glob("*.onnx")}
    assert set(ROWS) == {f"{name}.onnx" for name in DATA} | {"hand-made.onnx"}


MOMENT = re.compile(r"^\| `(training/[^`]+)` \| (\S+) \| (\d+) \|$", re.MULTILINE)


def test_moments_of_the_training():
    rows = MOMENT.findall((FOLDER / "README.md").read_text())
    assert {file for file, _, _ in rows} == {f"training/toy-2d-{k:03}.onnx" for k in MOMENTS}
    for file, said, cells in rows:
        path = FOLDER / file
        assert f"{accuracy(path, DATA['toy-2d']()):.1%}" == said
        assert count(load_network(path), cube(2, -1, 1))[-1] == int(cells)


@pytest.mark.parametrize("name", DATA)
def test_accuracy(name):
    path = FOLDER / f"{name}.onnx"
    assert f"{accuracy(path, DATA[name]()):.1%}" == ROWS[path.name]["accuracy"]


def test_the_points_of_a_slice_are_digits():
    points = read_slice(FOLDER / "digits-3-5-8.csv").points
    assert np.array_equal(points, three_digits())
    stack = load_network(FOLDER / "digits-convolution.onnx")
    assert stack.forward(points).argmax(axis=1).tolist() == [3, 5, 8]


@pytest.mark.parametrize("file", ROWS)
def test_cells(file):
    row, stack = ROWS[file], load_network(FOLDER / file)
    widths = [*stack.widths, stack.output.n_out]
    assert "-".join(map(str, widths)) == row["widths"]
    box = box_of(row, stack.n_inputs)
    assert f"{count(stack, box)[-1]:,}" == row["cells"]


@pytest.mark.parametrize("name", PLAIN)
def test_rows(name):
    stack = load_network(FOLDER / f"{name}.onnx")
    check_rows(enumerate_all(stack, box_of(ROWS[f"{name}.onnx"], stack.n_inputs)), 40)


@pytest.mark.parametrize("name", ["hand-made", "toy-2d", "digits-pca"])
def test_cells_of_exact_polyhedra(name):
    """Polyhedra with 64 inputs have too many vertices; the others are counted exactly."""
    stack = load_network(FOLDER / f"{name}.onnx")
    cells = exact_cells(stack, box_of(ROWS[f"{name}.onnx"], stack.n_inputs))
    table = enumerate_all(stack, box_of(ROWS[f"{name}.onnx"], stack.n_inputs))
    assert table.signs() == cells.signs
    assert list(map(tuple, table.ranks.tolist())) == cells.ranks


@pytest.mark.slow
@pytest.mark.parametrize(("name", "fixed"), [("digits-residual", []), ("digits-convolution", [35])])
def test_cells_of_the_graph(name, fixed):
    """Counted from the nodes of the file; the oracle needs one of the three pixels to be fixed."""
    path = FOLDER / f"{name}.onnx"
    stack = load_network(path)
    box = box_of(ROWS[path.name], stack.n_inputs)
    box.upper[fixed] = box.lower[fixed]
    cells = graph_cells(path, box_domain(box.lower.tolist(), box.upper.tolist()))
    assert count(stack, box) == cells.cells_after


def test_hand_made_network_has_the_cells_that_the_readme_counts():
    """By layer 4, 16, 28; a quadrant has one cell of rank 0, two of rank 1 and one of rank 2."""
    stack = load_network(FOLDER / "hand-made.onnx")
    table = enumerate_all(stack, cube(2, -1, 1))
    assert table.walk.layer_cells == [4, 16, 28]
    at_layer_2 = {
        bits[:6]: ranks[1] for bits, ranks in zip(table.signs(), table.ranks, strict=True)
    }
    assert sorted(at_layer_2.values()) == [0] * 4 + [1] * 8 + [2] * 4
    by_rank = [int((table.ranks[:, 1] == rank).sum()) for rank in (0, 1, 2)]
    assert by_rank == [4, 16, 8], "cells inside those of layer 2, by their rank there"


def test_hand_made_file_is_what_the_script_writes():
    path = Path(FOLDER / "hand-made.onnx")
    assert onnx.load(path) == onnx_model(hand_made())
