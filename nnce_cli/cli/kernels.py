"""The kernels' machine code, made by the first command that needs it."""

from __future__ import annotations

import sys


def compile_once(*, quiet: bool = False) -> None:
    """Compile the kernels where that has not been done, and say so unless ``quiet``."""
    from nnce_cli.enumeration import are_kernels_compiled, compile_kernels

    if not are_kernels_compiled():
        if not quiet:
            message = "nnce: compiling the kernels (once; a minute or two)…"
            print(message, file=sys.stderr, flush=True)
        compile_kernels()
