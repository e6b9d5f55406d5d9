"""``nnce locate``, ``nnce cell`` and ``nnce neurons`` as programs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.command import assert_refused, four_lines, nnce, save_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a network of four lines, its table, a table of a slice, and points."""
    folder = tmp_path_factory.mktemp("cells")
    four_lines(folder / "m.onnx")
    save_network(folder / "other.onnx", [(np.ones((4, 2)), np.zeros(4)), (np.ones((1, 4)), [0])])
    (folder / "plane.csv").write_text("0,0\n1,1\n")
    for options in (
        ["-o", "cells.parquet"],
        ["-o", "slice.parquet", "--slice", "plane.csv", "--slice-box", "-1,1"],
    ):
        assert nnce("enumerate", "m.onnx", "-q", "-j", "1", *options, cwd=folder).returncode == 0
    (folder / "points.csv").write_text("0.5,0.5\n-0.25,0.9\n\n3,0\n")
    return folder


def run_json(*arguments, cwd, **options):
    done = nnce(*arguments, "--json", cwd=cwd, **options)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def test_locate(folder):
    found = run_json("locate", "cells.parquet", "m.onnx", "points.csv", cwd=folder)
    listed = found["points"]
    assert listed[2] == {"outside": True}
    assert len(listed[0]["rows"]) == 1
    assert len(listed[1]["rows"]) == 2  # on the line x = -1/4
    assert (found["inside"], found["outside"], found["on_borders"]) == (2, 1, 1)
    assert found["cells_with_points"] == 3
    text = nnce("locate", "cells.parquet", "m.onnx", "points.csv", cwd=folder).stdout
    assert "point 2: outside" in text
    assert f"point 0: row {listed[0]['rows'][0]}" in text
    content = (folder / "points.csv").read_text()
    options = {"cwd": folder, "input": content}
    csv = nnce("locate", "cells.parquet", "m.onnx", "-", "--format", "csv", **options)
    lines = [f"{k},{row}" for k in (0, 1) for row in listed[k]["rows"]]
    assert csv.stdout.split() == ["point,row", *lines, "2,outside"]


def test_cell(folder):
    row = run_json("locate", "cells.parquet", "m.onnx", "points.csv", cwd=folder)["points"][0]
    number = str(row["rows"][0])
    cell = run_json("cell", "cells.parquet", "m.onnx", "--row", number, cwd=folder)
    at = run_json("cell", "cells.parquet", "m.onnx", "--at", "0.5,0.5", cwd=folder)
    assert cell == at
    assert cell["signs"] == ["1111"]
    assert cell["outputs"] == {"A": [[3.0, 1.0]], "b": [1.125]}
    assert cell["bounded"]
    beyond = [f["neighbour"]["row"] for f in cell["facets"] if f["neighbour"]]
    text = nnce("cell", "cells.parquet", "m.onnx", "--signs", "1111", cwd=folder).stdout
    assert "upper bound of input 0" in text
    assert "the domain ends" in text
    assert f"row {beyond[0]}" in text


def test_cell_writes_arrays(folder):
    command = ["cell", "cells.parquet", "m.onnx", "--row", "3", "--npz", "cell.npz"]
    assert nnce(*command, cwd=folder).returncode == 0
    assert_refused(nnce(*command, cwd=folder), "exists")
    cell = run_json("cell", "cells.parquet", "m.onnx", "--row", "3", cwd=folder)
    with np.load(folder / "cell.npz") as arrays:
        assert arrays["A_1"].tolist() == cell["layers"][0]["A"]
        assert arrays["vertices"].tolist() == cell["vertices"]
        facets, inside = arrays["halfspaces"][arrays["facets"]], arrays["centre"]
        assert (facets[:, :-1] @ inside < facets[:, -1]).all()
        assert len(arrays["neighbours"]) == len(facets)


def test_cells_of_a_slice_are_over_its_coordinates(folder):
    found = run_json("cell", "slice.parquet", "m.onnx", "--at", "0.5", cwd=folder)
    assert found["inputs"] == [0]
    assert found["vertices"][-1] == [1.0]
    assert_refused(
        nnce("cell", "slice.parquet", "m.onnx", "--at", "0.5,0.5", cwd=folder), "of the slice"
    )


def test_neurons(folder):
    found = run_json("neurons", "cells.parquet", "m.onnx", cwd=folder)
    assert found["cells"] == 11
    assert found["layers"][0]["unstable"] == [0, 1, 2, 3]
    assert "always active" in nnce("neurons", "cells.parquet", "m.onnx", cwd=folder).stdout


def test_wrong_usage_is_refused(folder):
    cell = ["cell", "cells.parquet", "m.onnx"]
    assert_refused(nnce(*cell, "--row", "1", "--at", "0,0", cwd=folder), "give one of")
    assert_refused(nnce(*cell, "--row", "11", cwd=folder), "no row 11")
    assert_refused(nnce(*cell, "--at", "x,1", cwd=folder), "numbers with commas")
    other = ["locate", "cells.parquet", "other.onnx", "points.csv"]
    assert_refused(nnce(*other, cwd=folder), "was not made from")
    assert_refused(nnce("locate", "-", "m.onnx", "-", cwd=folder), "cannot both")
