"""Compile the kernels ahead of a run.

The first command that needs them does it; ``python -m nnce_cli.enumeration.compile PART`` does a
part of it.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from nnce_cli.domain import Box
from nnce_cli.enumeration.image import GAIN
from nnce_cli.enumeration.lp.dictionary import Dictionary as LinearPrograms
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import SubtreeWalk
from nnce_cli.enumeration.thinned import ThinnedWalk, Windows
from nnce_cli.enumeration.vertex import VertexWalk
from nnce_cli.kernels.jit import cache_folder
from nnce_cli.network import AffineMap, LayerStack

DONE = "all-compiled"  # the name of a file that says that every kernel is in the cache


def are_kernels_compiled() -> bool:
    """Tell whether the machine code of these sources is in the cache."""
    folder = cache_folder()
    return folder is not None and (folder / DONE).exists()


def compile_kernels() -> None:
    """Fill the cache of machine code, in processes of their own that work side by side.

    The compiler takes some 400 MB, which the enumerating process had better not carry. Where
    there is no cache, or a process fails, the kernels are compiled when they are called.
    """
    folder = cache_folder()
    if folder is None:
        return
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, part],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for part in PARTS
    ]
    codes = [process.wait() for process in processes]
    if not any(codes):
        (folder / DONE).touch()


def _tiny_problem(n_inputs: int = 2) -> Problem:
    first = AffineMap(np.eye(2, n_inputs), np.zeros(2))
    stack = LayerStack((first,), None, (1, n_inputs), "")
    return Problem.of(stack, Box(-np.ones(n_inputs), np.ones(n_inputs)))


def _compile_dictionary() -> None:
    in_image = _tiny_problem(2 * GAIN)  # such a walk has all kernels, those of the inputs too
    SubtreeWalk(in_image).call_every_kernel()
    LinearPrograms().minimise(np.ones(2), np.array([[-1.0, 1.0, 2.0]]))


def _compile_vertex() -> None:
    VertexWalk(_tiny_problem()).call_every_kernel()


def _compile_estimate() -> None:
    ThinnedWalk(_tiny_problem(), Windows(np.ones(3), 1), np.random.default_rng(0))


PARTS = {
    "dictionary": _compile_dictionary,
    "vertex": _compile_vertex,
    "estimate": _compile_estimate,
}


if __name__ == "__main__":
    PARTS[sys.argv[1]]()
