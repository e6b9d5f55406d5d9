"""The core in C++, in the build that was made for this processor.

Its source is compiled once for each level of the x86-64 psABI: 2 has vectors of two doubles, 3 of
four and fused multiply-adds, 4 of eight. This module loads the highest that the processor can run
(on other processors there is one build, ``baseline``) and has all names of that build. The
environment variable ``NNCE_CPU`` asks for another build, such as ``x86-64-v2``.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from nnce_cli._core import cpu
from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    from nnce_cli._core.stub import *  # noqa: F403

VARIABLE = "NNCE_CPU"
CHECKED = "sanitized"  # the build that `make test-sanitized` adds

_LEVEL = cpu.level()
# What this processor can run, the best first.
BUILDS = [f"x86-64-v{k}" for k in range(_LEVEL, 1, -1)] if _LEVEL else ["baseline"]


def _choose() -> str:
    """Return the name of the build to load, one of `BUILDS` or `CHECKED`."""
    if not BUILDS:
        raise InputError("nnce needs a processor with SSE4.2 and POPCNT (x86-64-v2)")
    wanted = os.environ.get(VARIABLE) or BUILDS[0]
    if wanted not in (*BUILDS, CHECKED):
        raise InputError(f"this processor has {', '.join(BUILDS)}, and not {VARIABLE}={wanted}")
    return wanted


BUILD = _choose()
MODULE = f"{__name__}.{BUILD.replace('-', '_')}"
globals().update({k: v for k, v in vars(import_module(MODULE)).items() if not k.startswith("_")})
