"""The words over a picture: which model, on which domain, how many cells."""

from __future__ import annotations

from collections import Counter

from nnce_cli.network import CLIP, Units
from nnce_cli.table import Metadata

LONGEST_NAME = 60


def title(metadata: Metadata, model: str | None, cells: int) -> str:
    """Return a title of two lines.

    ``model`` is the name of the model's file, None where only the table is known; ``cells`` is
    how many were read.
    """
    widths = "-".join(map(str, metadata.widths))
    name = f"model {metadata.model[:12]}" if model is None else printable(model)
    domain = f"{domain_words(metadata)}: {cells_words(metadata, cells)}"
    return f"{shortened(name)} ({shortened(widths)})\n{domain}"


def domain_words(metadata: Metadata) -> str:
    """Return the domain in a few words."""
    intervals = list(zip(metadata.lower, metadata.upper, strict=True))
    varying = [i for i, (lo, hi) in enumerate(intervals) if lo < hi]
    if len(set(intervals)) == 1 and varying:
        power = f"^{len(intervals)}" if len(intervals) > 1 else ""
        return interval_words(*intervals[0]) + power
    if 1 <= len(varying) <= 3:
        named = ", ".join(f"x{i} in {interval_words(*intervals[i])}" for i in varying)
        fixed = len(intervals) - len(varying)
        return named if not fixed else f"{named} ({fixed} fixed)"
    return f"box of {len(intervals)} inputs, {len(varying)} of them vary"


def interval_words(lower: float, upper: float) -> str:
    """Return an interval with six digits."""
    return f"[{lower:.6g}, {upper:.6g}]"


def cells_words(metadata: Metadata, cells: int) -> str:
    """Return the number of cells, and what is wrong with it."""
    words = "1 cell" if cells == 1 else f"{cells:,} cells"
    if not metadata.complete:
        words += ", incomplete"
    if not metadata.certified:
        words += ", not certified"
    return words


def printable(text: str) -> str:
    """Return the text without what cannot be printed: names may come from anywhere."""
    return "".join(c if c.isprintable() else "?" for c in text)


def shortened(text: str) -> str:
    """Return a text that fits over a picture."""
    if len(text) <= LONGEST_NAME:
        return text
    half = LONGEST_NAME // 2
    return f"{text[:half]}…{text[-half + 1 :]}"


def units_words(units: Units, neurons: int) -> str:
    """Return the units of a layer of so many neurons in a few words."""
    kinds = Counter(_kind_of_slope(slope) for slope in units.slopes.tolist())
    kinds.update("clip" if unit.kind == CLIP else f"max of {unit.pieces}" for unit in units.pieces)
    words = [f"{count:,} {kind}" for kind, count in kinds.items()]
    if neurons > units.rows:
        words.append(f"{neurons - units.rows:,} passing by")
    return ", ".join(words)


def _kind_of_slope(slope: float) -> str:
    """Return what a unit with two pieces is called by its slope where it is not active."""
    named = {0.0: "ReLU", -1.0: "absolute value"}
    return named.get(slope, f"leaky ReLU ({slope:.6g})")
