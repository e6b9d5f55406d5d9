"""``nnce enumerate`` as a program: files, streams, limits, signals, exit codes."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

from nnce_cli.cli import main
from nnce_cli.enumeration import DictionaryWalk
from tests.command import (
    assert_refused,
    environment,
    four_lines,
    large_network,
    nnce,
    shell,
    tent,
)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    return four_lines(tmp_path_factory.mktemp("models") / "lines.onnx")


@pytest.fixture(scope="module")
def tent_3(tmp_path_factory):
    return tent(tmp_path_factory.mktemp("models") / "tent.onnx", 3)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return large_network(tmp_path_factory.mktemp("models") / "large.onnx")


def metadata(path) -> dict:
    return json.loads(pq.read_metadata(path).metadata[b"nnce"])


def test_the_table_of_the_tent_map(tent_3, tmp_path):
    result = nnce("enumerate", tent_3, "--box", "0,1", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout == ""
    assert "table" in result.stderr
    assert os.listdir(tmp_path) == ["tent.cells.parquet"]
    table = pq.read_table(tmp_path / "tent.cells.parquet")
    # Every pattern of halves occurs once; neuron 0 is active throughout.
    halves = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    for k in range(3):
        expected = [bytes([0b10000000 | cell[k] << 6]) for cell in halves]
        assert table[f"layer_{k + 1}"].to_pylist() == expected
        assert table[f"active_{k + 1}"].to_pylist() == [1 + cell[k] for cell in halves]
        assert table[f"rank_{k + 1}"].to_pylist() == [1] * 8
    for (witness,), cell in zip(table["witness"].to_pylist(), halves, strict=True):
        value = witness
        for half in cell:
            assert value not in (0, 0.5, 1)
            assert (value > 0.5) == half
            value = 2 * value if value < 0.5 else 2 - 2 * value
    described = metadata(tmp_path / "tent.cells.parquet")
    assert described["layer_cells"] == [2, 4, 8]
    assert described["complete"] is described["certified"] is True
    assert described["domain"] == {"kind": "box", "lower": [0.0], "upper": [1.0]}


def test_summary(lines, tmp_path):
    result = nnce("enumerate", lines, "--json", "-q", "-o", "t.parquet", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stderr == ""
    summary = json.loads(result.stdout)
    assert summary["model"] == str(lines)
    assert summary["widths"] == [2, 4]
    assert summary["domain"] == {"kind": "box", "lower": [-1.0, -1.0], "upper": [1.0, 1.0]}
    assert summary["cells"] == 11
    assert summary["layer_cells"] == [11]
    assert summary["complete"] is summary["certified"] is True
    assert summary["output"] == "t.parquet"
    assert 0 < summary["seconds"] < 600
    assert summary["cells_per_second"] == pytest.approx(11 / summary["seconds"], rel=0.01)
    assert 10e6 < summary["peak_memory_bytes"] < 500e6
    assert isinstance(summary["decisions"], dict)


def test_count_only(lines, tmp_path):
    result = nnce("enumerate", lines, "--count-only", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "11\n")
    assert "11" in result.stderr
    result = nnce("enumerate", lines, "--count-only", "-q", "--json", cwd=tmp_path)
    assert result.stderr == ""
    assert json.loads(result.stdout)["output"] is None
    assert os.listdir(tmp_path) == []


def test_without_witness(lines, tmp_path):
    assert nnce("enumerate", lines, "--no-witness", cwd=tmp_path).returncode == 0
    assert pq.read_schema(tmp_path / "lines.cells.parquet").names == [
        *("layer_1", "active_1", "rank_1")
    ]
    assert metadata(tmp_path / "lines.cells.parquet")["options"] == {"witness": False}


def test_domains(tent_3, tmp_path):
    (tmp_path / "bounds.csv").write_text("0,0.25\n")
    (tmp_path / "bounds.json").write_text("[[0, 0.25]]")
    (tmp_path / "p.vnnlib").write_text(
        "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n"
        "(assert (>= X_0 0))\n(assert (<= X_0 0.25))\n(assert (>= Y_0 0))\n"
    )
    # The first quarter holds two of the eight cells.
    for option in (
        ["--box", "0,0.25"],
        ["--bounds", "bounds.csv"],
        ["--bounds", "bounds.json"],
        ["--vnnlib", "p.vnnlib"],
    ):
        result = nnce("enumerate", tent_3, *option, "--count-only", "--json", cwd=tmp_path)
        found = json.loads(result.stdout)
        assert (found["cells"], found["layer_cells"]) == (2, [1, 1, 2]), result.stderr
        assert found["domain"] == {"kind": "box", "lower": [0.0], "upper": [0.25]}
    # On the default box, [-1, 1], the negative half is one more cell.
    assert nnce("enumerate", tent_3, "--count-only", cwd=tmp_path).stdout == "9\n"


def test_the_same_run_gives_the_same_bytes(tent_3, tmp_path):
    for name in ("a", "b"):
        nnce("enumerate", tent_3, "-q", "-o", name, cwd=tmp_path)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    piped = shell(f"nnce enumerate {tent_3} -q -o - > c", tmp_path)
    assert piped.returncode == 0
    assert (tmp_path / "c").read_bytes() == (tmp_path / "a").read_bytes()


# Limits and signals


@pytest.mark.parametrize("more", [[], ["--count-only"]])
def test_the_first_cells(tent_3, tmp_path, more):
    full = nnce("enumerate", tent_3, "--box", "0,1", "-q", "-o", "full", cwd=tmp_path)
    assert full.returncode == 0
    first = ["enumerate", tent_3, "--box", "0,1", "--force", "--json", "--max-cells"]
    result = nnce(*first, "5", *more, cwd=tmp_path)
    assert result.returncode == 3
    assert "--max-cells" in result.stderr
    found = json.loads(result.stdout)
    assert (found["cells"], found["layer_cells"], found["complete"]) == (5, [2, 3, 5], False)
    if not more:
        table = pq.read_table(tmp_path / "tent.cells.parquet")
        assert table.equals(pq.read_table(tmp_path / "full").slice(0, 5))
        assert metadata(tmp_path / "tent.cells.parquet")["complete"] is False
    # A limit of just the number of cells cuts nothing off.
    result = nnce(*first, "8", *more, cwd=tmp_path)
    assert result.returncode == 0
    assert json.loads(result.stdout)["complete"] is True
    if not more:
        exact = (tmp_path / "tent.cells.parquet").read_bytes()
        assert exact == (tmp_path / "full").read_bytes()


def test_time_limit(large, tmp_path):
    result = nnce("enumerate", large, "--time-limit", "0.5", "--json", cwd=tmp_path)
    assert result.returncode == 3
    assert "stopped by --time-limit" in result.stderr
    found = json.loads(result.stdout)
    assert found["complete"] is False
    assert found["seconds"] >= 0.5
    described = metadata(tmp_path / "large.cells.parquet")
    assert described["complete"] is False
    assert described["cells"] == found["cells"] > 0
    assert "nnce enumerate" in found["resume"]
    assert pq.read_metadata(tmp_path / "large.cells.parquet").num_rows == found["cells"]


@pytest.mark.parametrize(("name", "code"), [("certified", 1), ("layer_cells", 101)])
def test_what_fails_a_check(lines, tmp_path, monkeypatch, name, code):
    monkeypatch.chdir(tmp_path)
    arguments = ["nnce", "enumerate", str(lines), "-o", "t", "-q", "--method", "dictionary"]
    if name == "layer_cells":
        monkeypatch.setattr(DictionaryWalk, name, property(lambda walk: [10]))
    else:
        arguments.append("--no-certify")
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == code
    if code == 1:
        assert metadata("t")["certified"] is False
    else:
        assert not (tmp_path / "t").exists()


def test_without_proofs_the_same_cells_and_exit_code_1(lines, tmp_path):
    command = ("enumerate", lines, "--json", "-q", "--method", "dictionary")
    proved = nnce(*command, "-o", "a", cwd=tmp_path)
    result = nnce(*command, "-o", "b", "--no-certify", cwd=tmp_path)
    assert (proved.returncode, result.returncode) == (0, 1)
    summary = json.loads(result.stdout)
    assert summary["certified"] is False
    assert metadata(tmp_path / "b")["certified"] is False
    assert summary["layer_cells"] == json.loads(proved.stdout)["layer_cells"]
    assert summary["decisions"]["witnesses_float"] == 0


def test_a_certificate_beside_the_table(lines, tmp_path):
    result = nnce("enumerate", lines, "-o", "t", "--proof", "p", "-q", cwd=tmp_path)
    assert result.returncode == 0
    proof = pq.read_table(tmp_path / "p")
    about = json.loads(proof.schema.metadata[b"nnce-proof"])
    assert (about["cells"], about["complete"]) == (11, True)
    decisions = proof["decision"].to_pylist()
    assert decisions.count(4) == 11
    assert decisions.count(3) == 10  # a binary tree with 11 leaves
    again = nnce("enumerate", lines, "-o", "t2", "--proof", "p2", "-q", cwd=tmp_path)
    assert again.returncode == 0
    assert (tmp_path / "p").read_bytes() == (tmp_path / "p2").read_bytes()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--proof", "p", "--count-only"], "--count-only"),
        (["--proof", "p", "--no-certify"], "--no-certify"),
        (["--proof", "t", "-o", "t"], "different files"),
        (["--proof", "missing/p"], "does not exist"),
    ],
)
def test_certificates_that_make_no_sense(lines, tmp_path, options, word):
    result = nnce("enumerate", lines, *options, cwd=tmp_path)
    assert_refused(result, word)
    assert os.listdir(tmp_path) == []


# Streams


def test_piped_into_stats(lines, tmp_path):
    result = shell(f"nnce enumerate {lines} -q -o - | nnce stats - --json", tmp_path)
    assert result.returncode == 0
    assert json.loads(result.stdout)["cells"] == 11
    assert result.stderr == ""
    assert os.listdir(tmp_path) == []


def test_a_pipe_gets_rows_while_the_run_goes_on(large, tmp_path):
    script = f"nnce enumerate {large} -q -o - | tee >(head -c 100000 > first) > /dev/null"
    process = subprocess.Popen(["bash", "-c", script], cwd=tmp_path, env=environment())
    deadline = time.monotonic() + 300
    while not (tmp_path / "first").exists() or (tmp_path / "first").stat().st_size < 100_000:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # It may be gone: tee ends when head has enough, and nnce when nobody reads.
    subprocess.run(["pkill", "-INT", "-f", f"nnce enumerate {large} -q -o -"], check=False)
    process.wait(timeout=60)


def test_a_run_into_a_broken_pipe_is_incomplete(large, lines, tmp_path):
    script = f'nnce enumerate {large} -q -o - | head -c 10 | wc -c; echo "${{PIPESTATUS[*]}}"'
    result = shell(script, tmp_path)
    assert result.stdout.split("\n")[:2] == ["10", "3 0 0"]
    assert result.stderr == ""
    script = f'nnce enumerate {lines} -q -o - | true; echo "${{PIPESTATUS[*]}}"'
    result = shell(script, tmp_path)  # small enough to be complete before anything is written
    assert (result.stdout, result.stderr) == ("0 0\n", "")


def test_binary_data_is_not_written_to_a_terminal(lines, tmp_path):
    shown = on_a_terminal(f"nnce enumerate {lines} -o -; echo code $?", tmp_path)
    assert "standard output is a terminal" in shown
    assert "code 2" in shown
    assert "PAR1" not in shown


def test_progress_on_a_terminal_only(large, tmp_path):
    command = f"nnce enumerate {large} --force --time-limit 1"
    shown = on_a_terminal(command, tmp_path)
    assert "cells/s" in shown
    assert re.search(r"[0-9]%", shown)
    quiet = on_a_terminal(f"{command} -q", tmp_path)
    assert quiet.strip() == ""
    piped = shell(f"{command} 2>&1 | cat", tmp_path)
    assert "cells/s, about" not in piped.stdout
    assert "\x1b" not in piped.stdout


def on_a_terminal(command: str, cwd, **more: str) -> str:
    """Run a shell command with a terminal as all of its streams; return what it shows."""
    leader, follower = os.openpty()
    process = subprocess.Popen(
        ["bash", "-c", command],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=cwd,
        env=environment(TERM="xterm-256color", **more),
        start_new_session=True,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(leader)
    process.wait()
    return shown.decode()


def test_no_color(lines, tmp_path):
    nnce("enumerate", lines, "-q", "-o", "t", cwd=tmp_path)
    assert "\x1b[1m" in on_a_terminal("nnce stats t", tmp_path)
    plain = on_a_terminal("nnce stats t", tmp_path, NO_COLOR="1")
    assert "\x1b[3" not in plain


# Bad usage and bad input: one line, exit code 2, nothing left behind


def test_options_at_odds(lines, tmp_path):
    def refused(*options, words):
        assert_refused(nnce("enumerate", lines, *options, cwd=tmp_path), *words)

    refused("--box", "0,1", "--vnnlib", "x", words=["--box, --bounds and --vnnlib"])
    refused("--bounds", "x", "--vnnlib", "x", words=["use one of them"])
    refused("--json", "-o", "-", words=["standard output"])
    refused("--count-only", "-o", "t", words=["--count-only"])
    refused("--max-cells", "0", words=["--max-cells", "nnce enumerate --help"])
    refused("--max-cells", "many", words=["--max-cells"])
    refused("--time-limit", "0", words=["--time-limit"])
    refused("--time-limit", "nan", words=["--time-limit"])
    refused("--colour", words=["--colour"])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "options",
    [
        ["--box", "1,0"],
        ["--box", "0"],
        ["--box", "a,b"],
        ["--box", "0,inf"],
        ["--bounds", "absent.csv"],
        ["--bounds", "three.csv"],
        ["--vnnlib", "absent.vnnlib"],
    ],
)
def test_bad_domains(lines, tmp_path, options):
    (tmp_path / "three.csv").write_text("0,1\n0,1\n0,1\n")
    assert_refused(nnce("enumerate", lines, *options, cwd=tmp_path))
    assert os.listdir(tmp_path) == ["three.csv"]


def test_bad_models(lines, tmp_path):
    content = lines.read_bytes()
    for name, data in {
        "empty.onnx": b"",
        "text.onnx": b"hello\n",
        "cut.onnx": content[: len(content) // 2],
    }.items():
        (tmp_path / name).write_bytes(data)
        assert_refused(nnce("enumerate", name, cwd=tmp_path), name)
    assert_refused(nnce("enumerate", "absent.onnx", cwd=tmp_path), "absent.onnx")
    assert_refused(nnce("enumerate", ".", cwd=tmp_path))
    assert_refused(nnce("enumerate", cwd=tmp_path), "MODEL")
    assert not list(tmp_path.glob("*parquet")) + list(tmp_path.glob(".nnce*"))


def test_bad_outputs(lines, tmp_path):
    (tmp_path / "t").write_text("precious")
    assert_refused(nnce("enumerate", lines, "-o", "t", cwd=tmp_path), "t exists", "--force")
    assert (tmp_path / "t").read_text() == "precious"
    assert_refused(nnce("enumerate", lines, "-o", "a/b", cwd=tmp_path), "a/b", "does not exist")
    assert_refused(nnce("enumerate", lines, "-o", ".", "--force", cwd=tmp_path))
    (tmp_path / "m.onnx").write_bytes(lines.read_bytes())
    own = nnce("enumerate", "m.onnx", "-o", "./m.onnx", "--force", cwd=tmp_path)
    assert_refused(own, "also an input")
    assert (tmp_path / "m.onnx").read_bytes() == lines.read_bytes()


def test_an_output_that_exists_is_refused_before_any_slow_work(large, tmp_path):
    (tmp_path / "large.cells.parquet").touch()
    assert_refused(nnce("enumerate", large, cwd=tmp_path, timeout=60), "exists")


def test_a_full_disk(large, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    result = nnce("enumerate", large, "-q", "-o", "t", cwd=tmp_path, preexec_fn=small_files)
    assert_refused(result, "File too large", "--resume")
    assert set(os.listdir(tmp_path)) <= {"t.run"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_standard_output(lines, tmp_path):
    for command in (f"enumerate {lines} -q -o -", f"inspect {lines}", f"enumerate {lines} --help"):
        result = shell(f"nnce {command} > /dev/full", tmp_path)
        assert_refused(result, "cannot write", "standard output: No space left on device")
    result = shell(f"nnce enumerate {lines} -q -o - >&-", tmp_path)
    assert_refused(result, "closed")


def test_memory_over_several_row_groups(large, tmp_path):
    result = nnce("enumerate", large, "--max-cells", "70000", "-q", "--json", cwd=tmp_path)
    assert json.loads(result.stdout)["cells"] == 70_000
    assert json.loads(result.stdout)["peak_memory_bytes"] < 500e6
    table = pq.read_table(tmp_path / "large.cells.parquet")
    witness = np.array(table["witness"].to_pylist()[::1000])
    assert (abs(witness) < 1).all()
