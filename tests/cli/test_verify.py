"""``nnce verify`` as a program."""

from __future__ import annotations

import json

import pytest

from nnce_cli.cli import progress
from nnce_cli.network import load_network
from tests.cases import cube
from tests.command import assert_refused, four_lines, nnce, shell
from tests.networks import mlp_model, save
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
    assert [line.split()[0] for line in lines[:4]] == ["table", "model", "domain", "method"]
    assert lines[5:7] == ["Checks", lines[6]]
    assert lines[6].split()[:3] == ["check", "result", "checked"]
    proved = "Proved: every row is a cell of the model on this domain, and no cell is missing."
    assert lines[-1] == proved
    assert all(line.isascii() and line == line.rstrip() for line in lines)


def test_what_was_proved_of_what_is_said(folder):
    """The domain and the model's digest, for people and for programs."""
    digest = load_network(folder / "m.onnx").digest
    fields = dict(
        line.split(maxsplit=1)
        for line in nnce("verify", "t", "m.onnx", cwd=folder).stdout.splitlines()[:4]
    )
    assert fields["model"] == f"m.onnx, SHA-256 {digest}"
    assert fields["domain"] == "[-1.0, 1.0]^2"
    found = json.loads(nnce("verify", "t", "m.onnx", "--json", cwd=folder).stdout)
    assert found["model_digest"] == digest
    assert found["domain"] == {"kind": "box", "lower": [-1.0, -1.0], "upper": [1.0, 1.0]}
    assert "method" in found


@pytest.fixture
def tiny(folder):
    """The table of a box that lies inside one cell: whole, for its own domain."""
    arguments = ("--box", "0.5,0.500001", "-o", "tiny", "--quiet")
    assert nnce("enumerate", "m.onnx", *arguments, cwd=folder).returncode == 0
    return folder


def test_a_table_of_another_domain_is_not_proved(tiny):
    result = nnce("verify", "tiny", "m.onnx", cwd=tiny)
    assert result.returncode == 0
    assert "domain  [0.5, 0.500001]^2" in result.stdout
    assert nnce("verify", "tiny", "m.onnx", "--box", "0.5,0.500001", cwd=tiny).returncode == 0
    (tiny / "p.vnnlib").write_text(
        "".join(f"(declare-const X_{i} Real)\n" for i in range(2))
        + "(declare-const Y_0 Real)\n"
        + "".join(f"(assert (>= X_{i} -1.0))\n(assert (<= X_{i} 1.0))\n" for i in range(2))
        + "(assert (>= Y_0 0.0))\n"
    )
    for named in (("--box", "-1,1"), ("--vnnlib", "p.vnnlib")):
        assert nnce("verify", "t", "m.onnx", *named, "-q", cwd=tiny).returncode == 0
        result = nnce("verify", "tiny", "m.onnx", *named, cwd=tiny)
        assert (result.returncode, result.stderr) == (1, "")
        [line] = result.stdout.splitlines()
        assert line.startswith("tiny is NOT the table of m.onnx: input 0 goes through [0.5, ")
        found = json.loads(nnce("verify", "tiny", "m.onnx", *named, "--json", cwd=tiny).stdout)
        assert (found["passed"], found["proved"]) == (False, False)
        assert found["checks"][0]["status"] == "failed"


def test_one_input_that_goes_further_is_another_domain(folder):
    (folder / "b.csv").write_text("-1,1\n-1,1.0000000000000002\n")
    result = nnce("verify", "t", "m.onnx", "--bounds", "b.csv", cwd=folder)
    assert result.returncode == 1
    assert "input 1 goes through [-1.0, 1.0] in its domain" in result.stdout


def test_another_model_is_said_in_one_line(folder):
    other = mlp_model([([[1, 0], [0, 1]], [0, 0]), ([[1, 1]], [0])])
    save(other, folder / "other.onnx")
    save(
        mlp_model([([[1, 0], [0, 1], [1, 1], [1, 2]], [0.5, 0, 0, 0]), ([[1] * 4], [0])]),
        folder / "like.onnx",
    )
    for name in ("other.onnx", "like.onnx"):
        for more in ((), ("-q",)):
            result = nnce("verify", "t", name, *more, cwd=folder)
            assert (result.returncode, result.stderr) == (1, "")
            [line] = result.stdout.splitlines()
            assert line.startswith(f"t is NOT the table of {name}: ")
            assert line.endswith("it is the table of another model")


@pytest.mark.slow
def test_processes_agree(folder):
    for table, code in (("t", 0), ("broken", 1)):
        results = [
            nnce("verify", table, "m.onnx", "--proof", "p", "--json", "-j", str(jobs), cwd=folder)
            for jobs in (1, 2, 3)
        ]
        assert {result.returncode for result in results} == {code}
        assert len({result.stdout for result in results}) == 1


def test_progress_says_what_is_left(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with progress.check_progress(True) as watch:
        for clock[0], done in ((0.0, 0), (20.0, 20), (40.0, 40), (41.0, 41)):
            watch("closure", done, 100)
        for clock[0], done in ((71.0, 70), (81.0, 90)):
            watch("regions", done, None)  # of a search nobody knows how much is left
    assert capsys.readouterr().err.splitlines() == [
        "nnce: closure: 40 of 100, about 60 s left", "nnce: regions: 70 so far",
    ]  # fmt: skip


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
        (("t", "m.onnx", "--box", "0,1", "--bounds", "b"), "each give the domain"),
        (("t", "m.onnx", "--box", "1,0"), "empty"),
        (("t", "m.onnx", "--bounds", "nothing"), "nothing"),
        (("t", "m.onnx", "-j", "0"), "-j"),
        (("t", "m.onnx", "--closure", "some"), "--closure"),
        (("t",), "MODEL"),
    ],
)
def test_bad_input(folder, arguments, words):
    assert_refused(nnce("verify", *arguments, cwd=folder), words)
