"""A box from the command line: one interval for all inputs."""

from __future__ import annotations

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.domain.box import Box
from nnce_cli.domain.numbers import parse_float


def parse_box(text: str, n_inputs: int) -> Box:
    """Return the box ``[lo, hi]^n_inputs`` that ``LO,HI`` describes.

    Decimals become the nearest float64.

    Raises:
        InputError: if the text is not two numbers with lo <= hi.
    """
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError(f"the box {text!r} is not two numbers LO,HI: write for example -1,1")
    try:
        lower, upper = (parse_float(part) for part in parts)
    except InputError as error:
        raise InputError(
            f"the box {text!r} is not two numbers LO,HI ({error}): write for example -1,1"
        ) from error
    if lower > upper:
        raise InputError(f"the box {text!r} is empty: its lower bound is above its upper bound")
    return Box(np.full(n_inputs, lower), np.full(n_inputs, upper))
