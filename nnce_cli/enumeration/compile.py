"""Compile the kernels ahead of a run.

``python -m nnce_cli.enumeration.compile`` does it; so does the first command that needs them.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from nnce_cli.domain import Box
from nnce_cli.enumeration.lp.dictionary import Dictionary
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
    """Fill the cache of machine code, in a process of its own.

    The compiler takes some 400 MB, which the enumerating process had better not carry. Where
    there is no cache, or that process fails, the kernels are compiled when they are called.
    """
    if cache_folder() is not None:
        subprocess.run([sys.executable, "-m", __name__], check=False, capture_output=True)


def main() -> None:
    """Call every entry point once on a tiny network, and leave a mark in the cache."""
    identity = AffineMap(np.eye(2), np.zeros(2))
    stack = LayerStack((identity,), None, (1, 2), "")
    problem = Problem.of(stack, Box(-np.ones(2), np.ones(2)))
    SubtreeWalk(problem).call_every_kernel()
    ThinnedWalk(problem, Windows(np.ones(3), 1), np.random.default_rng(0))
    VertexWalk(problem).call_every_kernel()
    Dictionary().minimise(np.ones(2), np.array([[-1.0, 1.0, 2.0]]))
    folder = cache_folder()
    if folder is not None:
        (folder / DONE).touch()


if __name__ == "__main__":
    main()
