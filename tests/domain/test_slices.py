"""Slices: the network on the line or plane through points of its input space."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pytest
from flint import fmpq

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, Slice, on_slice, read_slice
from nnce_cli.enumeration import Problem, batches, choose, walk_factory
from nnce_cli.network import AffineMap, LayerStack, load_network
from tests.cases import FOLDER, known_cases, needs_cases
from tests.command import assert_refused, four_lines, nnce


def npy(array):
    """The bytes of a file that holds an array."""
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


def slices():
    for folder in ("exports", "domains"):
        for name, entry in known_cases(folder).items():
            if "slice" in entry["domain"]:
                yield pytest.param(folder, name, id=name)


def count(stack, box):
    problem = Problem.of(stack, box)
    walk = walk_factory(choose(problem)[0])(problem)
    for _ in batches(walk):
        pass
    return walk.cells


@needs_cases
@pytest.mark.parametrize(("folder", "name"), list(slices()))
def test_known_slices(folder, name):
    entry = known_cases(folder)[name]
    stack = load_network(FOLDER / folder / entry["file"])
    sliced = on_slice(stack, Slice(np.array(entry["domain"]["slice"])))
    assert count(sliced, Box(np.zeros(2), np.ones(2))) == entry["cells"]


def test_the_product_is_exact():
    """A tenth is no float64: the first layer becomes rational, and the cells are those of it."""
    first = AffineMap(np.array([[0.1, 1.0], [1.0, 0.1]]), np.array([0.3, -0.7]))
    stack = LayerStack((first,), None, (1, 2), "digest")
    plane = Slice(np.array([[0.1, 0.2], [0.7, 0.2], [0.1, 1.3]]))
    sliced = on_slice(stack, plane)
    weight, bias = sliced.hidden[0].rational
    exact = [fmpq(*x.as_integer_ratio()) for x in (0.1, 0.2, 0.7, 1.3, 0.3)]
    tenth, fifth, right, top, constant = exact
    assert weight[0, 0] == tenth * (right - tenth)
    assert weight[0, 1] == top - fifth
    assert bias[0, 0] == constant + tenth * tenth + fifth
    assert (sliced.digest, sliced.n_inputs) == ("digest", 2)


def test_points_of_a_slice_are_where_its_coordinates_say():
    plane = Slice(np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 3.0], [1.0, 0.0, 3.0]]))
    points = plane.inputs_at(np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.25]]))
    assert points.tolist() == [[1, 2, 3], [2, 2, 3], [1.5, 1.5, 3]]
    assert plane.exact_inputs_at([fmpq(1, 3), fmpq(1, 7)]) == [fmpq(4, 3), fmpq(12, 7), fmpq(3)]


@pytest.mark.parametrize(
    ("points", "what"),
    [
        ([[0.0, 0.0]], "2 to"),
        ([[0.0, 0.0], [0.0, 0.0]], "fewer than 1"),
        ([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], "fewer than 2"),
        ([[0.0], [1.0], [2.0]], "fewer than 2"),
        ([[0.0, np.inf], [1.0, 1.0]], "not finite"),
    ],
)
def test_points_that_make_no_slice_are_refused(points, what):
    with pytest.raises(InputError, match=what):
        Slice(np.array(points))


def test_points_are_read_from_every_kind_of_file(tmp_path):
    points = [[0.5, -1.0, 2.0, 0.25], [1.0, 1.0, 0.0, 0.0], [0.0, 3.0, 1.0, 1.0]]
    (tmp_path / "p.csv").write_text("\n".join(",".join(map(str, row)) for row in points) + "\n")
    (tmp_path / "p.json").write_text(json.dumps([np.reshape(p, (2, 2)).tolist() for p in points]))
    np.save(tmp_path / "p.npy", np.reshape(points, (3, 2, 2)).astype(np.float32))
    for name in ("p.csv", "p.json", "p.npy"):
        assert read_slice(tmp_path / name).points.tolist() == points


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("p.csv", b"1,2\n3\n", "different numbers"),
        ("p.csv", b"1,x\n3,4\n", "line 1"),
        ("p.json", b"[1, 2]", "list of points"),
        ("p.json", b"[[1, 2], [1, [2]]]", "not a list of numbers"),
        ("p.json", b"[[", "not valid JSON"),
        ("p.npy", b"\x93NUMPY nonsense", "npy"),
        ("p.csv", b"", "2 to"),
        ("p.npy", npy(np.zeros((0, 2))), "2 to"),
        ("p.npy", npy(np.zeros((0, 2, 3))), "2 to"),
        ("p.npy", npy(np.zeros((3, 0))), "fewer than 2 dimensions"),
    ],
)
def test_files_without_points_are_refused(tmp_path, name, content, what):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=what):
        read_slice(tmp_path / name)


def test_slices_from_the_command_line_to_the_checker(tmp_path):
    four_lines(tmp_path / "m.onnx")
    (tmp_path / "p.csv").write_text("-1,-1\n1,1\n")
    made = nnce("enumerate", "m.onnx", "--slice", "p.csv", "-o", "t", "--json", cwd=tmp_path)
    summary = json.loads(made.stdout)
    assert summary["domain"]["slice"] == [[-1.0, -1.0], [1.0, 1.0]]
    assert summary["widths"][0] == 1
    checked = nnce("verify", "t", "m.onnx", "--samples", "100", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    [line] = nnce("witness", "t", "m.onnx", "--row", "0", cwd=tmp_path).stdout.splitlines()
    x, y = map(float, line.split())
    assert abs(x - y) < 1e-12
    assert -1 < x < 1


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--slice", "p.csv", "--box", "0,1"), "--slice-box"),
        (("--slice-box", "0,1"), "add --slice"),
        (("--slice", "q.csv"), "3 coordinates"),
    ],
)
def test_slices_that_do_not_fit_are_refused(tmp_path, options, what):
    four_lines(tmp_path / "m.onnx")
    (tmp_path / "p.csv").write_text("-1,-1\n1,1\n")
    (tmp_path / "q.csv").write_text("-1,-1,0\n1,1,0\n")
    assert_refused(nnce("enumerate", "m.onnx", *options, cwd=tmp_path), what)
