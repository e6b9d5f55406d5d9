"""Which of the walks to take."""

from __future__ import annotations

from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.scaling import MOST_INPUTS
from nnce_cli.enumeration.subtree import SubtreeWalk
from nnce_cli.enumeration.vertex import VertexWalk

METHODS: dict[str, type[SubtreeWalk] | type[VertexWalk]] = {
    "dictionary": SubtreeWalk,
    "vertex": VertexWalk,
}


def faster_method(problem: Problem, *, log: bool = False) -> str:
    """Return the name of the method to take: "vertex" wherever it can serve.

    On random networks it is up to 20 times as fast; where hyperplanes meet in degenerate ways, so
    that all is left to the dictionaries in the end, it loses a few hundredths (docs/methods.md has
    the measurements). With ``log`` only the dictionaries will do.
    """
    return "vertex" if problem.net.lower.size <= MOST_INPUTS and not log else "dictionary"
