"""The kernels' machine code, made by the first command that needs it."""

from __future__ import annotations

import sys


def compile_once() -> None:
    """Compile the kernels where that has not been done, and say so on standard error."""
    from nnce_cli.enumeration import are_kernels_compiled, compile_kernels

    if not are_kernels_compiled():
        print("nnce: compiling the kernels (once; about a minute)…", file=sys.stderr, flush=True)
        compile_kernels()
