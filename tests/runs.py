"""Runs of the parallel enumeration, in this process and in others, for tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from nnce_cli.enumeration import Problem
from nnce_cli.network import AffineMap, LayerStack
from nnce_cli.parallel import Plan
from tests.cases import cube
from tests.command import environment, save_network

Layers = list[tuple[np.ndarray, np.ndarray]]  # (W, b) of the hidden layers


def plan_of(layers: Layers) -> Plan:
    """Return a plan that only counts the cells in the cube [-1, 1]^n."""
    stack = stack_of(layers)
    return Plan(
        problem=Problem.of(stack, cube(stack.n_inputs, -1, 1)),
        witness=False,
        certify=True,
        log=False,
        sink=None,
    )


def heavy_cell(n_inputs: int, width: int) -> Layers:
    """Return a network of which one first-layer cell holds nearly all cells.

    Each first-layer neuron cuts a small corner off the cube [-1, 1]^n.
    """
    generator = np.random.default_rng(0)
    corners = generator.choice([-1.0, 1.0], size=(n_inputs, n_inputs))
    return [(-corners, np.full(n_inputs, n_inputs - 0.25)), _centred(n_inputs, width, n_inputs)]


def one_first_cell(n_inputs: int, width: int) -> Layers:
    """Return a network whose first layer does not cut the cube [-1, 1]^n at all."""
    return [(np.eye(n_inputs), np.full(n_inputs, 2.0)), _centred(n_inputs, width, 2.0)]


def _centred(n_inputs: int, width: int, middle: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a layer whose hyperplanes pass near the point with all coordinates ``middle``."""
    generator = np.random.default_rng(1)
    weight = np.round(generator.normal(size=(width, n_inputs)) * 64) / 64
    return weight, np.round(generator.normal(size=width) * 16) / 64 - weight.sum(axis=1) * middle


def generic(*widths: int) -> Layers:
    """Return a network with random weights."""
    generator = np.random.default_rng(7)
    return [
        (generator.normal(size=(n, m)) * (2 / m) ** 0.5, generator.normal(size=n) / 2)
        for m, n in pairwise(widths)
    ]


def stack_of(layers: Layers) -> LayerStack:
    """Return the stack of some hidden layers."""
    hidden = tuple(AffineMap(weight, bias) for weight, bias in layers)
    return LayerStack(hidden=hidden, output=None, input_shape=(hidden[0].n_in,), digest="")


def save_layers(path: Path, layers: Layers) -> Path:
    """Write the network with these hidden layers and one output."""
    width = len(layers[-1][1])
    return save_network(path, [*layers, (np.ones((1, width)), np.zeros(1))])


# The command, in which worker processes start at once: most runs of tests are over before they pay.
AT_ONCE = """
import sys
from nnce_cli.parallel import local
local.SECONDS_ALONE = local.SMALL_RUN = 0.0
from nnce_cli.cli import main
sys.argv[0] = "nnce"
main()
"""


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Start ``nnce enumerate`` in a process group of its own, its workers at once."""
    return subprocess.Popen(
        [sys.executable, "-c", AT_ONCE, "enumerate", *arguments],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a command and all of its workers, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Return the process numbers of a command's children."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def wait_until(condition, process: subprocess.Popen[str], seconds: float = 300) -> None:
    """Wait until a condition holds while a command is running."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def part_files(folder: Path) -> list[Path]:
    """Return the part files of a run folder."""
    return list((folder / "parts").glob("[0-9]*.parquet"))
