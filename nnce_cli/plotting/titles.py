"""The words over a picture: which model, on which domain, how many cells."""

from __future__ import annotations

from collections import Counter

from nnce_cli.network import CLIP, Units
from nnce_cli.plotting.cutting import Partition
from nnce_cli.plotting.plane import Part
from nnce_cli.plotting.words import printable
from nnce_cli.table import Metadata, domain_words

LONGEST_NAME = 60


def title(metadata: Metadata, model: str | None, cells: int, seen: str = "") -> str:
    """Return a title of two lines.

    ``model`` is the name of the model's file, None where only the table is known; ``cells`` is
    how many were read, and ``seen`` says which part of them is drawn (`seen_words`).
    """
    widths = "-".join(map(str, metadata.widths))
    name = f"model {metadata.model[:12]}" if model is None else printable(model)
    domain = f"{domain_words(metadata)}: {cells_words(metadata, cells)}{seen and f'; {seen}'}"
    return f"{shortened(name)} ({shortened(widths)})\n{domain}"


def seen_words(partition: Partition) -> str:
    """Return which part of a domain is drawn, and what that leaves out; nothing where it is all."""
    plane = partition.plane
    if plane.part is not Part.WINDOW:
        return ""
    sides = zip(plane.names, plane.lower.tolist(), plane.upper.tolist(), strict=False)
    words = ", ".join(f"{name} from {low:.3g} to {high:.3g}" for name, low, high in sides)
    return f"drawn: {words}" + (
        f", {partition.outside:,} cells beyond" if partition.outside else ""
    )


def cells_words(metadata: Metadata, cells: int) -> str:
    """Return the number of cells, and what is wrong with it."""
    words = "1 cell" if cells == 1 else f"{cells:,} cells"
    if not metadata.complete:
        words += ", incomplete"
    if not metadata.certified:
        words += ", not certified"
    return words


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
