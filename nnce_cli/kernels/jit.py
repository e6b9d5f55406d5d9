"""How kernels are compiled: inlined into a few entry points, whose machine code is cached.

Kernels pass the whole network and workspace along. That costs nothing where the call is
inlined and about 0.3 µs, more than a pivot, where it is not; and numba does not inline
functions that have a cache of their own. So only entry points are cached (and one of them that
kernels call too, for what is long and seldom needed), in a folder named
after the digest of all kernel sources: numba itself looks for changes in one file only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    # Of the fast-math flags only these: the error bounds of the proofs hold for any order of
    # summation and for fused multiply-adds, but not where NaN and infinity are assumed away.
    "fastmath": {"reassoc", "contract"},
    # Kernels allocate nothing, so arrays need no reference counts; counting them (atomically,
    # at every slice) costs more than the arithmetic.
    "_nrt": False,
    # A kernel runs for some 50 ms; meanwhile other threads may write what the last call found.
    "nogil": True,
}


def kernel(function: Function) -> Function:
    """Compile ``function`` to be inlined where another kernel calls it."""
    return cast(Function, numba.njit(forceinline=True, **OPTIONS)(function))


def subroutine(function: Function) -> Function:
    """Compile ``function`` once in each entry point that calls it: long ones, seldom called."""
    return cast(Function, numba.njit(**OPTIONS)(function))


def entry_point(function: Function) -> Function:
    """Compile ``function``, with all the kernels it calls, and cache the machine code.

    Where no folder for a cache can be written, it is compiled in each process anew.
    """
    folder = cache_folder()
    if folder is None:
        return cast(Function, numba.njit(**OPTIONS)(function))
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        return cast(Function, numba.njit(cache=True, **OPTIONS)(function))
    finally:
        config.CACHE_DIR = before


@cache
def cache_folder() -> Path | None:
    """Return the folder of these sources' machine code: beside them, or in the user's cache."""
    here = Path(__file__).parent
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    name = f"nnce-{digest.hexdigest()[:16]}"
    user_cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for parent in (here / "__pycache__", Path(user_cache) / "nnce"):
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(parent, os.W_OK):
            return parent / name
    return None


def padded_length(n: int) -> int:
    """Return ``n`` rounded up to a multiple of 8.

    Loops along rows and forms run that far, into padding whose values mean nothing: then they are
    whole vector instructions, with no remainder whose length the processor mispredicts.
    """
    return (n + 7) & -8


padded = kernel(padded_length)
