"""Which rung of the ladder of proofs took the decisions of a walk (docs/exact.md).

Shares are of the decisions that a neuron does not cut a cell, and of those that a cell exists.
"""

from __future__ import annotations

from typing import Any

NEURONS, WITNESSES = "neurons_", "witnesses_"
RUNGS = {
    "structure": "neurons_structure",
    "float": "neurons_float",
    "multipliers": "neurons_cone",
    "integers": "neurons_integers",
    "106 bits": "neurons_fine",
    "rational": "neurons_exact",
    "points: float": "witnesses_float",
    "106 bits ": "witnesses_fine",
    "rational ": "witnesses_exact",
}
HEAD = ["network", "decisions a cell", *map(str.strip, RUNGS)]


def taken(decisions: dict[str, int]) -> dict[str, int]:
    """Return those numbers of a walk that count decisions, not work."""
    return {kind: n for kind, n in decisions.items() if kind.startswith((NEURONS, WITNESSES))}


def row(figures: dict[str, Any]) -> list[str]:
    """Return the text of each column of `HEAD` for a network that was measured."""
    decisions = taken(figures["decisions"])
    totals = {
        kind: sum(n for rung, n in decisions.items() if rung.startswith(kind))
        for kind in (NEURONS, WITNESSES)
    }
    shares = [
        percent(decisions[rung], totals[NEURONS if rung.startswith(NEURONS) else WITNESSES])
        for rung in RUNGS.values()
    ]
    return [figures["network"], f"{totals[NEURONS] / figures['cells']:.2f}", *shares]


def percent(part: int, whole: int) -> str:
    """Write a share with at least two digits; nothing where there is none."""
    if part == 0:
        return ""
    share = 100 * part / whole
    return f"{share:.4g}%" if share >= 1 else f"{share:.2g}%"
