"""``nnce verify`` as a program."""

from __future__ import annotations

import json

import pytest

from tests.cases import cube
from tests.command import assert_refused, four_lines, nnce, shell
from tests.verify_tables import CHECKS, Tampered, write_exact_table


@pytest.fixture
def folder(tmp_path):
    """A folder with the model m.onnx, its table and certificate, and a table without a row."""
    four_lines(tmp_path / "m.onnx")
    arguments = ("enumerate", "m.onnx", "-o", "t", "--proof", "p", "--quiet")
    assert nnce(*arguments, cwd=tmp_path).returncode == 0
    table = Tampered.read(tmp_path / "t")
    table.remove(3)
    table.recount()
    table.write(tmp_path / "broken")
    return tmp_path


def test_json(folder):
    result = nnce("verify", "t", "m.onnx", "--proof", "p", "--json", cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert (found["passed"], found["proved"], found["table"]) == (True, True, "t")
    assert [check["name"] for check in found["checks"]] == [*CHECKS, "certificate"]
    assert all(check["status"] == "passed" and check["checked"] for check in found["checks"])


def test_for_people(folder):
    result = nnce("verify", "t", "m.onnx", cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[1:3] == ["Checks", lines[2]]
    assert lines[2].split()[:3] == ["check", "result", "checked"]
    assert lines[-1] == "Proved: every row is a cell of the model, and no cell is missing."
    assert all(line.isascii() and line == line.rstrip() for line in lines)


def test_a_failure(folder):
    result = nnce("verify", "broken", "m.onnx", cwd=folder)
    assert result.returncode == 1
    assert "which is not listed" in result.stdout
    assert result.stdout.endswith("The table is NOT right.\n")
    found = json.loads(nnce("verify", "broken", "m.onnx", "--json", cwd=folder).stdout)
    assert not found["passed"]
    assert not found["proved"]
    closure = found["checks"][4]
    assert closure["failed"] == len(closure["failures"]) > 0


def test_a_certificate_of_a_table_with_more_rows(folder):
    result = nnce("verify", "broken", "m.onnx", "--proof", "p", "--json", cwd=folder)
    assert result.returncode == 1
    assert "its cells is 11" in str(json.loads(result.stdout)["checks"][-1]["failures"])


def test_quiet(folder):
    result = nnce("verify", "t", "m.onnx", "-q", cwd=folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    result = nnce("verify", "broken", "m.onnx", "-q", cwd=folder)
    assert result.returncode == 1
    assert "which is not listed" in result.stdout


def test_what_was_not_done_is_said(folder):
    arguments = ("verify", "t", "m.onnx", "--samples", "0", "--closure", "0")
    result = nnce(*arguments, cwd=folder)
    assert result.returncode == 0
    assert result.stdout.count("not done") == 3
    assert "do not prove" in result.stdout
    found = json.loads(nnce(*arguments, "--json", cwd=folder).stdout)
    assert found["passed"]
    assert not found["proved"]


def test_a_sample_of_cells_proves_nothing(folder):
    result = nnce("verify", "t", "m.onnx", "--closure", "5", "--json", cwd=folder)
    assert result.returncode == 0
    assert not json.loads(result.stdout)["proved"]


def test_from_standard_input(folder):
    result = shell("cat t | nnce verify - m.onnx --json", folder)
    assert result.returncode == 0
    assert json.loads(result.stdout)["proved"]
    assert shell("nnce enumerate m.onnx -q -o - | nnce verify - m.onnx -q", folder).returncode == 0


def test_a_table_without_witnesses(folder):
    assert write_exact_table(folder / "bare", folder / "m.onnx", cube(2, -1, 1)) == 11
    found = json.loads(nnce("verify", "bare", "m.onnx", "--json", cwd=folder).stdout)
    assert found["proved"]
    assert found["checks"][1]["details"]["witnesses exactly"] == 11
    assert found["checks"][6]["status"] == "not done"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing", "m.onnx"), "nothing"),
        (("t", "nothing.onnx"), "nothing.onnx"),
        (("t", "t"), "t"),
        (("m.onnx", "m.onnx"), "is not a cell table"),
        (("t", "m.onnx", "--proof", "nothing"), "nothing"),
        (("t", "m.onnx", "--proof", "t"), "not a certificate"),
        (("t", "m.onnx", "--samples", "-1"), "--samples"),
        (("t", "m.onnx", "--closure", "some"), "--closure"),
        (("t",), "MODEL"),
    ],
)
def test_bad_input(folder, arguments, words):
    assert_refused(nnce("verify", *arguments, cwd=folder), words)
