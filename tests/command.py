"""Running ``nnce`` as a shell does, and networks to run it on."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from nnce_cli.cli import main
from tests.loaded import loaded_process

BIN = Path(sys.executable).parent


def environment(**more: str) -> dict[str, str]:
    """The environment of a shell in which ``nnce`` is the one under test."""
    return os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"} | more


def nnce(*arguments: str | Path, cwd: Path, **options) -> subprocess.CompletedProcess:
    """Run ``nnce`` to its end; text in, text out, unless told otherwise.

    Without options it is a fork of a process that has loaded everything, which is quicker.
    """
    if not options:
        words = ["nnce", *map(str, arguments)]
        return subprocess.CompletedProcess(words, *loaded_process().run(words, cwd, environment()))
    options = {"capture_output": True, "text": True, "env": environment()} | options
    return subprocess.run([BIN / "nnce", *arguments], check=False, cwd=cwd, **options)


def nnce_inside(*arguments: str | Path, cwd: Path, **options) -> subprocess.CompletedProcess:
    """Run ``nnce`` as `nnce` does, text in and out, but in this process: without its start."""
    words = ["nnce", *map(str, arguments)]
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    out, err = io.StringIO(), io.StringIO()
    try:
        with (
            contextlib.chdir(cwd),
            mock.patch.multiple(sys, argv=words, stdin=io.StringIO(options.get("input", ""))),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main()
    except SystemExit as ending:
        code = ending.code
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def shell(script: str, cwd: Path, **more: str) -> subprocess.CompletedProcess:
    """Run a bash script; the exit codes of its last pipe are in ``${PIPESTATUS[@]}``."""
    return subprocess.run(
        ["bash", "-c", script],
        check=False,
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
    )


def assert_refused(result: subprocess.CompletedProcess, *words: str) -> None:
    """Bad input: exit code 2, nothing on stdout, one line on stderr with these words in it."""
    assert result.returncode == 2, result
    assert not result.stdout
    assert result.stderr.startswith("nnce: error: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


def save_network(path: Path, layers: list[tuple[np.ndarray, np.ndarray]]) -> Path:
    """Write a ReLU network of these (W, b), the last without ReLU, as Gemm and Relu nodes."""
    nodes, constants, value = [], [], "x"
    for k, (weight, bias) in enumerate(layers):
        constants.append(numpy_helper.from_array(np.asarray(weight, np.float32), f"W{k}"))
        constants.append(numpy_helper.from_array(np.asarray(bias, np.float32), f"b{k}"))
        nodes.append(helper.make_node("Gemm", [value, f"W{k}", f"b{k}"], [f"z{k}"], transB=1))
        value = f"z{k}"
        if k < len(layers) - 1:
            nodes.append(helper.make_node("Relu", [value], [f"a{k}"]))
            value = f"a{k}"
    sizes = (np.shape(layers[0][0])[1], np.shape(layers[-1][0])[0])
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
        for name, size in zip(("x", value), sizes, strict=True)
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8  # what onnxruntime of the lower version bound reads
    onnx.save(model, path)
    return path


def tent(path: Path, depth: int) -> Path:
    """Save the tent map composed ``depth`` times: 2^depth cells on [0, 1].

    One map is ``relu(2x) - relu(4x - 2)``. On [0, 1] the first neuron is always active, and the
    second one on the upper half of the values that it sees.
    """
    first = (np.array([[2], [4]]), np.array([0, -2]))
    later = (np.array([[2, -2], [4, -4]]), np.array([0, -2]))
    return save_network(path, [first, *[later] * (depth - 1), (np.array([[1, -1]]), np.zeros(1))])


def four_lines(path: Path) -> Path:
    """Save one layer of four lines that cross pairwise in [-1, 1]^2: 1 + 4 + 6 = 11 cells."""
    weight = np.array([[1, 0], [0, 1], [1, 1], [1, -1]])
    return save_network(
        path, [(weight, np.array([0.25, 0.5, 0.125, 0.25])), (np.ones((1, 4)), [0])]
    )


def random_network(path: Path, sizes: list[int], seed: int) -> Path:
    """Save a ReLU network with weights N(0, 2 / fan_in) and biases N(0, 1/4)."""
    generator = np.random.default_rng(seed)
    return save_network(
        path,
        [
            (generator.normal(size=(n, m)) * (2 / m) ** 0.5, generator.normal(size=n) / 2)
            for m, n in pairwise(sizes)
        ],
    )


def large_network(path: Path) -> Path:
    """Save a network with far more cells than a test can wait for."""
    return random_network(path, [8, 40, 40, 40, 1], seed=0)
