"""Exit codes are those of the work, whoever reads; and who is at fault is told in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from nnce_cli.base.memory import is_out_of_memory
from tests.command import (
    assert_refused,
    four_lines,
    large_network,
    nnce,
    nnce_inside,
    save_network,
    shell,
)

HUGE = "99999999999999999999"
TOO_LONG = "x" * 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model of eleven cells, its table, and one that is wrong."""
    folder = tmp_path_factory.mktemp("codes")
    four_lines(folder / "m.onnx")
    large_network(folder / "large.onnx")
    assert nnce("enumerate", "m.onnx", "-q", "-o", "good", cwd=folder).returncode == 0
    save_network(folder / "other.onnx", [(np.eye(2), [0.5, 0.25]), (np.ones((1, 2)), [0])])
    assert nnce("enumerate", "m.onnx", "-q", "--no-certify", "-o", "bad", cwd=folder).returncode
    return folder


VERIFY_BAD = "verify bad m.onnx --samples 10"
STOPPED = "enumerate large.onnx --json -q --force --max-cells 100 -o stopped"


@pytest.mark.parametrize("reader", ["| head -1", pytest.param("| true", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (VERIFY_BAD, 1),
        (STOPPED, 3),
        ("compare good bad --show 100", 0),
        ("inspect m.onnx", 0),
        ("stats good", 0),
        ("methods", 0),
    ],
)
def test_the_code_does_not_depend_on_the_reader_of_a_pipe(command, code, reader, folder):
    result = shell(f'nnce {command} {reader}; echo "${{PIPESTATUS[0]}}"', folder)
    alone = nnce(*command.split(), cwd=folder)
    assert (int(result.stdout.split()[-1]), alone.returncode) == (code, code)
    assert "Broken" not in result.stderr


@pytest.mark.parametrize("to", [">&-", "> /dev/full"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (VERIFY_BAD, 1),
        (STOPPED, 3),
        ("enumerate m.onnx --json -q --force -o full", 2),  # the work is done, the summary is lost
        ("inspect m.onnx", 2),
    ],
)
def test_lost_output_is_told_and_hides_no_failure(command, code, to, folder):
    result = shell(f"nnce {command} {to}", folder)
    assert result.returncode == code
    last = result.stderr.splitlines()[-1]
    assert last.startswith("nnce: error: cannot write to standard output: ")


def test_nothing_is_lost_where_nothing_was_to_be_said(folder):
    result = shell("nnce enumerate m.onnx -q --force -o quiet >&- 2>&- <&-", folder)
    assert result.returncode == 0
    assert (folder / "quiet").read_bytes() == (folder / "good").read_bytes()


def test_messages_do_not_go_to_standard_output_where_there_is_no_other(folder):
    result = shell("nnce inspect absent.onnx 2>&-", folder)
    assert (result.returncode, result.stdout) == (2, "")


def test_an_encoding_without_our_letters(folder):
    result = shell("nnce inspect m.onnx", folder, PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert r"Mont\xfafar" in result.stdout


def test_an_incomplete_count_is_not_printed_as_the_answer(folder):
    command = "enumerate large.onnx --count-only --max-cells 100 --force"
    quiet = nnce(*command.split(), "-q", cwd=folder)
    assert (quiet.returncode, quiet.stdout) == (3, "")
    assert "stopped by --max-cells after 100 cells; go on with: nnce enumerate" in quiet.stderr
    assert quiet.stderr.count("\n") == 1
    loud = nnce(*command.split(), cwd=folder)
    assert (loud.returncode, loud.stdout) == (3, "")
    assert nnce("enumerate", "m.onnx", "--count-only", "-q", cwd=folder).stdout == "11\n"


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_time_limit_is_kept_where_one_question_takes_longer(jobs, tmp_path):
    """An exact question about 784 inputs takes minutes in a call that nothing interrupts."""
    generator = np.random.default_rng(0)
    sizes = [784, *[250] * 7, 10]
    layers = [
        (generator.normal(size=(n, m)) * (2 / m) ** 0.5, generator.normal(size=n) / 2)
        for m, n in pairwise(sizes)
    ]
    save_network(tmp_path / "wide.onnx", layers)
    started = time.monotonic()
    result = nnce("enumerate", "wide.onnx", "--time-limit", "8", "-q", "-j", jobs, cwd=tmp_path)
    assert result.returncode == 3
    assert time.monotonic() - started < 40  # with reading the model, and on a busy machine


# Who is at fault.


@pytest.mark.parametrize("box", ["-1e308,1e308", "-1e39,1e39", "0,1.7e308"])
def test_boxes_beyond_the_numbers_of_the_model(box, folder):
    for command in ("enumerate", "estimate"):
        assert_refused(
            nnce(command, "m.onnx", f"--box={box}", cwd=folder), "float32", "smaller domain"
        )


OPTIONS_OF_ENUMERATE = ("-o", "--run-dir", "--proof", "--load-history", "--bounds", "--vnnlib")


@pytest.mark.parametrize(
    "command",
    [
        *(f"enumerate m.onnx -q --force {option} PATH" for option in OPTIONS_OF_ENUMERATE),
        "enumerate PATH -q",
        "estimate PATH",
        "inspect PATH",
        "stats PATH",
        "stats good --model PATH",
        "stats good --by-layer PATH",
        "verify PATH m.onnx",
        "runs PATH",
        "compare good PATH",
        "plot good -o PATH --format png",
        "report good m.onnx -o PATH",
        "witness PATH m.onnx --row 0",
    ],
)
@pytest.mark.parametrize("path", ["loop", TOO_LONG])
def test_paths_that_cannot_be(command, path, folder):
    loop = folder / "loop"
    if not loop.is_symlink():
        (folder / "back").symlink_to("loop")
        loop.symlink_to("back")
    result = nnce(*command.replace("PATH", path).split(), cwd=folder)
    assert_refused(result)
    assert loop.is_symlink()  # and nothing was put in its place


@pytest.mark.parametrize(
    "arguments",
    [
        ["enumerate", "m.onnx", "-j", HUGE],
        ["enumerate", "m.onnx", "-j", "0"],
        ["enumerate", "m.onnx", "--max-cells", "0"],
        ["enumerate", "m.onnx", "--max-cells", "9" * 5000],
        ["enumerate", "m.onnx", "--time-limit", "nan"],
        ["estimate", "m.onnx", "-j", HUGE],
        ["estimate", "m.onnx", "--time-limit", "inf"],
        ["witness", "good", "m.onnx", "--row", HUGE],
        [
            "plot",
            "good",
            "--model",
            "m.onnx",
            "-o",
            "p.png",
            "--colour=output",
            "--component",
            HUGE,
        ],
    ],
)
def test_numbers_out_of_range(arguments, folder):
    assert_refused(nnce(*arguments, cwd=folder))


@pytest.mark.parametrize(
    "arguments",
    [
        ["enumerate", "m.onnx", "--max-cells", HUGE, "-q", "--force"],
        ["enumerate", "m.onnx", "--time-limit", "1e308", "-q", "--force"],
        ["estimate", "m.onnx", "--probes", HUGE, "--time-limit", "0.5"],
        ["estimate", "m.onnx", "--seed", HUGE],
        ["compare", "good", "good", "--show", HUGE],
    ],
)
def test_large_numbers_that_mean_something(arguments, folder):
    assert nnce(*arguments, cwd=folder).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_names_that_are_not_text(folder):
    name = os.fsdecode(b"caf\xe9.onnx")
    shutil.copy(folder / "m.onnx", folder / name)
    refused = nnce("enumerate", name, "-q", cwd=folder)
    assert_refused(refused, r"caf\xe9.cells.parquet is not UTF-8", "--output")
    assert not list(folder.glob("caf*run"))
    done = nnce("enumerate", name, "-o", "named", cwd=folder)
    assert done.returncode == 0
    assert r"caf\xe9.onnx" in done.stderr
    assert (folder / "named").read_bytes() == (folder / "good").read_bytes()
    shown = nnce("inspect", name, cwd=folder)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert r"caf\xe9.onnx" in shown.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is Linux")
@pytest.mark.parametrize("memory", [60_000, 100_000, 200_000])
def test_out_of_memory(memory, folder):
    result = shell(f"ulimit -v {memory}; nnce enumerate m.onnx -q --force", folder)
    assert_refused(result, "out of memory")


def test_what_is_out_of_memory():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(OSError(12, "Cannot allocate memory"))
    assert is_out_of_memory(ImportError("x.so: failed to map segment from shared object"))
    assert not is_out_of_memory(ImportError("No module named 'x'"))
    assert not is_out_of_memory(ValueError("cannot allocate memory"))


def test_a_run_that_is_out_of_memory_can_be_resumed(folder):
    code = """
import sys
from nnce_cli.cli import enumerate as command, main
inner = command.run

def run(request, observers, *others):
    def fail(progress):
        if progress.done:
            raise MemoryError
    return inner(request, [*observers, fail], *others)

command.run = run
sys.argv = ["nnce", "enumerate", "large.onnx", "-q", "--force", "-o", "short of it"]
main()
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 3
    assert result.stderr == (
        "nnce: error: out of memory; the run is saved: go on with "
        "nnce enumerate large.onnx -q -o 'short of it' --resume\n"
    )


# Names of nodes.


def test_names_in_a_model_reach_no_terminal(folder):
    evil = "a\x1b[2J\u202eb\nnnce: all is well"
    nodes = [
        helper.make_node("Identity", ["x"], ["i"], name=evil),
        helper.make_node("Relu", ["i"], ["y"], name=f"{evil}2"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
        folder / "evil.onnx",
    )
    shown = nnce("inspect", "evil.onnx", cwd=folder)
    assert shown.returncode == 0
    assert r"a\x1b[2J\u202eb\nnnce: all is well (Identity)" in shown.stdout
    nodes[1].op_type = "Erf"
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph), folder / "evil2.onnx")
    assert_refused(nnce("inspect", "evil2.onnx", cwd=folder), r"a\x1b[2J\u202eb")
    name = "b\x1b[31m\u202e\n.onnx"
    shutil.copy(folder / "evil.onnx", folder / name)
    results = [nnce("enumerate", name, "-v", "--force", "-o", f"{name}.t", cwd=folder)]
    results.append(nnce("enumerate", name, "--count-only", "--max-cells", "1", cwd=folder))
    results.append(nnce("runs", ".", cwd=folder))
    results.append(nnce_inside("verify", f"{name}.t", name, "--box=0,1", cwd=folder))
    results.append(nnce_inside("compare", f"{name}.t", f"{name}.t", cwd=folder))
    for text in (text for result in results for text in (result.stdout, result.stderr)):
        assert not any(c in text for c in "\x1b\u202e")
    assert "\\x1b[31m\\xe2\\x80\\xae" in results[1].stderr  # the command to go on with
