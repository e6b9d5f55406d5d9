"""Several domains in one call: a table for each, and the cells of their union."""

from __future__ import annotations

import json

import pytest

from nnce_cli.table import CellTableReader
from tests.command import assert_refused, four_lines, nnce

LEFT, RIGHT = "-1,0\n-1,0\n", "-0.5,1\n0,1\n"
PROPERTY = """
(assert (or (and (<= X_0 0) (>= X_0 -1) (>= X_1 -1) (<= X_1 0) (<= Y_0 0))
            (and (<= X_0 1) (>= X_0 -0.5) (>= X_1 0) (>= Y_0 9))))
(assert (<= X_1 1))
"""


@pytest.fixture
def folder(tmp_path):
    four_lines(tmp_path / "m.onnx")
    (tmp_path / "left.csv").write_text(LEFT)
    (tmp_path / "right.csv").write_text(RIGHT)
    (tmp_path / "p.vnnlib").write_text(PROPERTY)
    return tmp_path


BOTH = ("--bounds", "left.csv", "--bounds", "right.csv")


def signs(path) -> set[bytes]:
    with CellTableReader(path) as reader:
        rows = [batch.signs for batch in reader.batches()]
    return {b"".join(bytes(layer[i]) for layer in s) for s in rows for i in range(len(s[0]))}


def test_each_domain_has_a_table_and_the_union_is_counted(folder):
    done = nnce("enumerate", "m.onnx", *BOTH, "-o", "t.parquet", "-j", "1", "--json", cwd=folder)
    assert done.returncode == 0
    said = json.loads(done.stdout)
    names = ["t.1.parquet", "t.2.parquet"]
    assert [domain["output"] for domain in said["domains"]] == names
    found = [signs(folder / name) for name in names]
    assert [domain["cells"] for domain in said["domains"]] == list(map(len, found))
    assert said["union_layer_cells"][-1] == len(found[0] | found[1]) > max(map(len, found))
    for name, bounds in zip(names, ("left.csv", "right.csv"), strict=True):
        alone = nnce(
            "enumerate", "m.onnx", "--bounds", bounds, "-o", "alone", "-qj1", "--force", cwd=folder
        )
        assert alone.returncode == 0
        assert (folder / name).read_bytes() == (folder / "alone").read_bytes()


def test_a_table_of_one_of_several_domains_is_held_against_them(folder):
    nnce("enumerate", "m.onnx", "--vnnlib", "p.vnnlib", "-o", "t", "-qj1", cwd=folder)
    for bounds, code in ((BOTH, 0), (("--bounds", "left.csv") * 2, 1)):
        done = nnce("verify", "t.2", "m.onnx", *bounds, "-j", "1", cwd=folder)
        assert done.returncode == code, done.stdout
    assert "its domain is none of the 2 named" in done.stdout


def test_a_property_with_two_boxes_has_the_same_domains(folder):
    command = ["enumerate", "m.onnx", "--count-only", "-qj1"]
    both = nnce(*command, *BOTH, cwd=folder)
    of_property = nnce(*command, "--vnnlib", "p.vnnlib", cwd=folder)
    assert of_property.stdout == both.stdout
    assert both.stdout.count("\n") == 2


def test_what_was_stopped_goes_on_and_what_is_there_stays(folder):
    command = ["enumerate", "m.onnx", *BOTH, "-o", "t", "-j", "1"]
    stopped = nnce(*command, "-q", "--max-cells", "2", cwd=folder)
    assert stopped.returncode == 3
    gone_on = nnce(*command, "--resume", cwd=folder)
    assert gone_on.returncode == 0
    assert "union" in gone_on.stderr
    assert sorted(path.name for path in folder.glob("t*")) == ["t.1", "t.2"]
    again = nnce(*command, "--resume", cwd=folder)
    assert again.returncode == 0
    assert_refused(nnce(*command, cwd=folder), "t.1")


def test_what_several_domains_cannot_have(folder):
    assert_refused(
        nnce("enumerate", "m.onnx", *BOTH, "-o", "-", cwd=folder), "standard output", "2 domains"
    )
    assert_refused(nnce("estimate", "m.onnx", *BOTH, cwd=folder), "this command takes one")
