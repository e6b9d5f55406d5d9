"""A report gives the options and files that make its table again, on every domain."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from nnce_cli.cli.domain_options import DomainOptions
from nnce_cli.cli.loading import named_place
from nnce_cli.domain import Polyhedron, Slice, make_domain, on_slice
from nnce_cli.plotting.domain_files import domain_options
from nnce_cli.table import Metadata, domain_of, load_as
from tests.command import assert_refused, nnce, save_network, shell
from tests.oracles.naive import stack_of

INF = np.inf
ROWS = np.array([[0.1, -2 / 3, 1.0], [1e-300, 3.0, 7.0]])
SPACE = np.full(2, -INF), np.full(2, INF)
ODD = np.array([0.1, -1 / 3]), np.array([0.1 + 0.2, 5e-324])
NONE = np.zeros((0, 3))
DOMAINS = {
    "space": Polyhedron.space(2),
    "polyhedron": Polyhedron(*SPACE, ROWS),
    "box": make_domain(np.zeros(2), np.full(2, 0.1), NONE),
    "bounds": make_domain(*ODD, NONE),
    "polygon": make_domain(np.zeros(2), np.full(2, 0.1), ROWS),
    "polygon in bounds": make_domain(*ODD, ROWS),
    "half-plane": Polyhedron(np.array([-INF, 1 / 3]), SPACE[1], NONE),
    "half-plane and half-spaces": Polyhedron(np.array([-INF, 0.1]), np.array([2.0, INF]), ROWS),
}


def named(options: list[str], folder) -> DomainOptions:
    """What a command line of these options says."""
    given = {}
    for option in options:
        name, value = re.fullmatch(r"--([\w-]+)(?:[= ](.+))?", option).groups()
        field = {"slice": "slice_of"}.get(name, name.replace("-", "_"))
        given[field] = True if value is None else value if "box" in name else folder / value
    if "bounds" in given:
        given["bounds"] = (given["bounds"],)
    return DomainOptions(**given)


def again(metadata: Metadata, folder) -> Metadata:
    """The metadata of the table that the options and files give."""
    options, files = domain_options(metadata)
    for name, content in files.items():
        (folder / name).write_text(content + "\n")
    stack = stack_of(([[1.0] * 3], [0.5])) if metadata.points else stack_of(([[1.0, 2]], [0.5]))
    place = named_place(stack.n_inputs, named(options, folder))
    if place.points:
        stack = on_slice(stack, Slice(np.array(place.points)))
    return Metadata.of(stack, place.domains[0], witness=True)


@pytest.mark.parametrize("name", DOMAINS)
def test_the_same_domain_to_the_last_bit(name, tmp_path):
    metadata = Metadata.of(stack_of(([[1.0, 2]], [0.5])), DOMAINS[name], witness=True)
    assert again(metadata, tmp_path).domain == metadata.domain


@pytest.mark.parametrize("name", ["space", "box"])
def test_slices(name, tmp_path):
    points = np.array([[0.1, 0.2, 1 / 3], [1.0, 0, 0], [0, 1e-5, 7]])
    stack = on_slice(stack_of(([[1.0] * 3], [0.5])), Slice(points))
    metadata = Metadata.of(stack, DOMAINS[name], witness=True)
    assert again(metadata, tmp_path).domain == metadata.domain


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("domains")
    generator = np.random.default_rng(3)
    layers = [
        (generator.normal(size=(n, m)), generator.normal(size=n)) for m, n in ((4, 6), (6, 2))
    ]
    save_network(path / "net.onnx", layers)
    layers[0] = (layers[0][0][:, :2], layers[0][1])
    save_network(path / "plane.onnx", layers)
    (path / "points.csv").write_text("0,0,0,0\n1,0,0.5,0\n0,1,0,-0.5\n")
    (path / "halfspaces.csv").write_text("-1,0.5,1\n0.25,-1,1\n")
    return path


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("net", "--slice points.csv --margin 0.25", "on the plane through 3 points of R^4"),
        ("plane", "--halfspaces halfspaces.csv", "the polyhedron of 2 half-spaces"),
        pytest.param(
            "net",
            "--slice points.csv --unbounded",
            "all of R^2 on the plane",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_report_with_its_commands(folder, tmp_path, model, options, words):
    """Run as they are printed, they give the same bytes; the map and all figures are there."""
    made = shell(f"nnce enumerate {model}.onnx {options} -o t.parquet --force -q", folder)
    assert made.returncode == 0, made
    result = nnce("report", "t.parquet", f"{model}.onnx", "-o", tmp_path / "r.html", cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert words in page
    assert "<canvas" in page
    tells_bounded = "--margin" not in options
    assert ("bounded</span>" in page) is tells_bounded
    assert ("<td class=word>unbounded</td>" in page) is tells_bounded
    assert ("The domain is unbounded; drawn: " in page) is tells_bounded
    assert ("u1 (p1 − p0) + u2 (p2 − p0)" in page) is (model == "net")
    before = (folder / "t.parquet").read_bytes()
    (tmp_path / f"{model}.onnx").write_bytes((folder / f"{model}.onnx").read_bytes())
    for name, content in re.findall(r"<summary>(\S+)</summary><pre>(.*?)</pre>", page, re.DOTALL):
        (tmp_path / name).write_text(content)
    command = re.search(r"<pre>(nnce enumerate .*)", page)[1]
    assert shell(command, tmp_path).returncode == 0, command
    assert (tmp_path / "t.parquet").read_bytes() == before


def test_witnesses_and_statistics_of_the_model(folder):
    """Rows of an unbounded domain have witnesses with their signs, and classes on them."""
    shell("nnce enumerate plane.onnx --unbounded -o w.parquet -q", folder)
    rows = [str(row) for row in (0, 3, 7)]
    options = [part for row in rows for part in ("--row", row)]
    result = nnce("witness", "w.parquet", "plane.onnx", *options, cwd=folder)
    assert result.returncode == 0, result
    from nnce_cli.table import CellTableReader

    with CellTableReader(folder / "w.parquet") as reader:
        metadata, (rows_read,) = reader.metadata, list(reader.batches())
    stack = load_as(metadata, folder / "plane.onnx")
    assert domain_of(metadata).n_inputs == 2
    points = np.array([line.split() for line in result.stdout.splitlines()], dtype=float)
    signs = np.packbits(stack.preactivations(points)[0] > 0, axis=1)
    assert np.array_equal(signs, rows_read.signs[0][[0, 3, 7]])
    found = shell("nnce stats w.parquet --model plane.onnx --json", folder)
    assert f'"bounded_cells": {int(rows_read.bounded.sum())},' in found.stdout
    classes = stack.forward(rows_read.witness).argmax(axis=1)
    for label, count in zip(*np.unique(classes, return_counts=True), strict=True):
        assert f'"{label}": {count}' in found.stdout


def test_marked_points_of_a_command(folder, tmp_path):
    (tmp_path / "data.csv").write_text("0.5,0.5,0,0\n")
    shell("nnce enumerate net.onnx --slice points.csv -o m.parquet -q", folder)
    files = ("m.parquet", "--model", "net.onnx", "--points", tmp_path / "data.csv")
    target = tmp_path / "m.svg"
    assert nnce("plot", *files, "-o", target, cwd=folder).returncode == 0
    assert "1 points, paler where farther off" in target.read_text(encoding="utf-8")
    assert_refused(
        nnce("plot", *files, "--kind", "rank", "-o", tmp_path / "x.svg", cwd=folder), "--points"
    )
    assert_refused(
        nnce("plot", *files[:-1], "absent.csv", "-o", tmp_path / "x.svg", cwd=folder),
        "absent.csv",
    )
