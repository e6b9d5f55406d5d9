"""What a network is for: how a class is read off its outputs, if any."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """How a class is read off the outputs; of a regression there is none."""

    ARGMAX = "argmax"
    ARGMIN = "argmin"
    SIGN = "sign"
    REGRESSION = "regression"


# What a network says that its outputs mean, and tables of its cells do.
MEANINGS = {
    "classes by argmax": Task.ARGMAX,
    "classes by argmin": Task.ARGMIN,
    "sign": Task.SIGN,
    "regression": Task.REGRESSION,
}
