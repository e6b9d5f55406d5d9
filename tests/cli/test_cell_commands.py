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
    csv = nnce("locate", "cells.parquet", "m.onnx", "points.csv", "--format", "csv", cwd=folder)
    lines = [f"{k},{row}" for k in (0, 1) for row in listed[k]["rows"]]
    assert csv.stdout.split() == ["point,row", *lines, "2,outside"]


def test_points_come_in_every_form(folder):
    points = np.array([[0.5, 0.5], [-0.25, 0.9], [3, 0]])
    np.save(folder / "points.npy", points)
    np.save(folder / "columns.npy", np.asfortranarray(points.astype(np.float32)))
    (folder / "points.json").write_text(json.dumps(points.reshape(3, 1, 2).tolist()))
    expected = run_json("locate", "cells.parquet", "m.onnx", "points.csv", cwd=folder)
    for name in ("points.npy", "points.json"):
        assert run_json("locate", "cells.parquet", "m.onnx", name, cwd=folder) == expected
    found = run_json("locate", "cells.parquet", "m.onnx", "columns.npy", cwd=folder)
    assert found["inside"] == 2
    text = (folder / "points.csv").read_text()
    assert run_json("locate", "cells.parquet", "m.onnx", "-", cwd=folder, input=text) == expected


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"1,2\n3\n", "as many numbers"),
        (b"a,b\n", "as many numbers"),
        (b"", "no points"),
        (b"[1, 2]", "row of its own"),
        (b'{"a": 1}', "as many numbers"),
        (b"[[1], [2, 3]]", "of one size"),
        (b"1,2,3\n", "3 coordinates"),
        (b"nan,0\n", "not finite"),
        (b"\x93NUMPY\x01\x00", "not an .npy"),
        (b"\xff\xfe", "neither text"),
    ],
)
def test_bad_points_are_refused(folder, content, word):
    (folder / "bad").write_bytes(content)
    assert_refused(nnce("locate", "cells.parquet", "m.onnx", "bad", cwd=folder), word)


def test_an_array_that_claims_to_be_large_is_refused(folder):
    np.save(folder / "large.npy", np.zeros((2, 2)))
    content = (folder / "large.npy").read_bytes().replace(b"(2, 2), ", b"(9999999999, 2), ", 1)
    (folder / "large.npy").write_bytes(content.replace(b" " * 8 + b"\n", b"\n", 1))
    assert_refused(nnce("locate", "cells.parquet", "m.onnx", "large.npy", cwd=folder), ".npy")


def test_cell(folder):
    row = run_json("locate", "cells.parquet", "m.onnx", "points.csv", cwd=folder)["points"][0]
    number = str(row["rows"][0])
    cell = run_json("cell", "cells.parquet", "m.onnx", "--row", number, cwd=folder)
    at = run_json("cell", "cells.parquet", "m.onnx", "--at", "0.5,0.5", cwd=folder)
    bits = ["--signs", cell["signs"][0]]
    assert cell == at == run_json("cell", "cells.parquet", "m.onnx", *bits, cwd=folder)
    assert cell["signs"] == ["1111"]
    assert cell["outputs"] == {"A": [[3.0, 1.0]], "b": [1.125]}
    assert cell["bounded"]
    beyond = [f["neighbour"]["row"] for f in cell["facets"] if f["neighbour"]]
    for other in beyond[:2]:
        back = run_json("cell", "cells.parquet", "m.onnx", "--row", str(other), cwd=folder)
        assert int(number) in [f["neighbour"]["row"] for f in back["facets"] if f["neighbour"]]
    text = nnce("cell", "cells.parquet", "m.onnx", "--row", number, cwd=folder).stdout
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
    for options in ([], ["--row", "1", "--at", "0,0"]):
        assert_refused(nnce(*cell, *options, cwd=folder), "give one of")
    assert_refused(nnce(*cell, "--row", "11", cwd=folder), "no row 11")
    assert_refused(nnce(*cell, "--at", "x,1", cwd=folder), "numbers with commas")
    assert_refused(nnce(*cell, "--signs", "0000 1", cwd=folder), "layers")
    for command in (["cell", "cells.parquet", "other.onnx", "--row", "1"],
                    ["neurons", "cells.parquet", "other.onnx"],
                    ["locate", "cells.parquet", "other.onnx", "points.csv"]):  # fmt: skip
        assert_refused(nnce(*command, cwd=folder), "was not made from")
    assert_refused(nnce("locate", "-", "m.onnx", "-", cwd=folder), "cannot both")
