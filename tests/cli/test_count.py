"""``nnce count``: many networks in one table."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from tests.command import assert_refused, four_lines, large_network, nnce_inside, tent

TENT = [4, 16]  # cells on [0, 1] of tents of depth 2 and 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("count")
    tent(folder / "two.onnx", 2)
    tent(folder / "four.onnx", 4)
    four_lines(folder / "lines.onnx")
    (folder / "broken.onnx").write_text("no model")
    return folder


def counted(*arguments, cwd, code=0):
    done = nnce_inside("count", *arguments, cwd=cwd)
    assert done.returncode == code, done
    return done.stdout


def test_a_row_for_each_model(folder):
    models = ["two.onnx", "four.onnx"]
    rows = json.loads(counted(*models, "--box", "0,1", "--json", cwd=folder))["models"]
    assert [row["model"] for row in rows] == models
    assert [row["cells"] for row in rows] == TENT
    assert [row["widths"] for row in rows] == [[1, 2, 2], [1, 2, 2, 2, 2]]
    assert [row["layer_cells"] for row in rows] == [[2, 4], [2, 4, 8, 16]]
    assert all(row["complete"] and row["certified"] and row["seconds"] > 0 for row in rows)
    assert {row["domain"] for row in rows} == {"[0, 1]"}
    assert {row["error"] for row in rows} == {None}


def test_all_formats_say_the_same(folder):
    command = ["two.onnx", "lines.onnx", "-q", "-j", "1"]
    lines = list(csv.DictReader(io.StringIO(counted(*command, "--format", "csv", cwd=folder))))
    assert [(row["model"], row["cells"]) for row in lines] == [
        ("two.onnx", "5"),
        ("lines.onnx", "11"),
    ]
    assert [row["layer_cells"] for row in lines] == ["3 5", "11"]
    for name in ("counts.csv", "counts.json", "counts.md", "counts.parquet"):
        counted(*command, "-o", name, cwd=folder)
    assert [row["cells"] for row in pq.read_table(folder / "counts.parquet").to_pylist()] == [5, 11]
    assert (folder / "counts.csv").read_text().startswith("model,widths,domain,cells,")
    assert json.loads((folder / "counts.json").read_text())["models"][1]["cells"] == 11
    table = (folder / "counts.md").read_text().splitlines()
    assert [line.split("|")[4].strip() for line in table] == ["cells", "---:", "5", "11"]
    text = counted(*command, cwd=folder)
    assert text.splitlines()[-1].split()[:2] == ["lines.onnx", "2-4"]
    assert_refused(nnce_inside("count", *command, "-o", "counts.csv", cwd=folder), "exists")


def test_a_model_that_cannot_be_read_is_a_row(folder):
    done = nnce_inside("count", "broken.onnx", "lines.onnx", "no.onnx", "-q", "--json", cwd=folder)
    assert done.returncode == 2
    rows = json.loads(done.stdout)["models"]
    assert [row["cells"] for row in rows] == [None, 11, None]
    assert "no such file" in rows[2]["error"]
    assert rows[0]["error"] in done.stderr


def test_the_domain_is_that_of_all_models(folder):
    (folder / "point.csv").write_text("0.5,0.5\n0.25,0.5\n")
    slices = ["two.onnx", "lines.onnx", "--slice", "point.csv", "--json"]
    rows = json.loads(counted(*slices, "-q", cwd=folder, code=2))["models"]
    assert "1 input" in rows[0]["error"]
    assert rows[1]["domain"].endswith("on the line through 2 points of R^2")
    for k, bounds in enumerate(("0,1\n", "0,0.25\n")):
        (folder / f"{k}.csv").write_text(bounds)
    several = ["two.onnx", "--bounds", "0.csv", "--bounds", "1.csv", "--json"]
    rows = json.loads(counted(*several, cwd=folder))["models"]
    assert [(row["domain"], row["cells"]) for row in rows] == [("[0, 1]", 4), ("[0, 0.25]", 1)]


def test_a_time_limit_is_for_each_model(folder, tmp_path):
    large_network(tmp_path / "large.onnx")
    command = [tmp_path / "large.onnx", "lines.onnx", "--time-limit", "0.2", "-j", "1", "--json"]
    large, small = json.loads(counted(*command, cwd=folder, code=3))["models"]
    assert (large["complete"], small["complete"]) == (False, True)
    assert large["cells"] > 0


def test_wrong_usage_is_refused(folder):
    for options, words in (
        (["--format", "csv", "--json"], ["two formats"]),
        (["-o", "counts"], ["--format"]),
        (["-o", "lines.onnx", "--format", "csv"], ["also an input"]),
        (["--time-limit", "0"], ["--time-limit"]),
    ):
        assert_refused(nnce_inside("count", "lines.onnx", *options, cwd=folder), *words)
