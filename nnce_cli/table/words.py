"""A table's domain in a few words, for titles and reports."""

from __future__ import annotations

from math import inf, isfinite

from nnce_cli.table.metadata import Metadata

FEW = 3  # inputs whose intervals are named one by one
SLICES = {1: "line", 2: "plane"}
POLYTOPES = {1: "interval", 2: "polygon"}


def domain_words(metadata: Metadata) -> str:
    """Return the domain of a table in a few words."""
    words = _polyhedron_words(metadata)
    points = metadata.points
    if not points:
        return words
    kind = SLICES.get(len(points) - 1, "slice")
    return f"{words} on the {kind} through {len(points)} points of R^{len(points[0])}"


def interval_words(lower: float, upper: float) -> str:
    """Return an interval with six digits."""
    left, right = "(" if lower == -inf else "[", ")" if upper == inf else "]"
    return f"{left}{lower:.6g}, {upper:.6g}{right}"


def _polyhedron_words(metadata: Metadata) -> str:
    n, count = metadata.widths[0], len(metadata.halfspaces)
    is_space = set(metadata.lower) == {-inf} and set(metadata.upper) == {inf}
    bounds = (f"all of R^{n}" if n > 1 else "all of R") if is_space else _box_words(metadata)
    if not count:
        return bounds
    kind = "polyhedron" if metadata.tells_bounded else POLYTOPES.get(n, "polytope")
    words = f"the {kind} of {count} half-space{'s' if count > 1 else ''}"
    return words if is_space else f"{words} in {bounds}"


def _box_words(metadata: Metadata) -> str:
    """Return the bounds in a few words; not all of them are infinite."""
    intervals = list(zip(metadata.lower, metadata.upper, strict=True))
    varying = [i for i, (lo, hi) in enumerate(intervals) if lo < hi]
    if len(set(intervals)) == 1 and varying:
        power = f"^{len(intervals)}" if len(intervals) > 1 else ""
        return interval_words(*intervals[0]) + power
    if 1 <= len(varying) <= FEW:
        names = [f"u{i + 1}" if metadata.points else f"x{i}" for i in varying]
        ends = [interval_words(*intervals[i]) for i in varying]
        named = ", ".join(f"{name} in {end}" for name, end in zip(names, ends, strict=True))
        fixed = len(intervals) - len(varying)
        return named if not fixed else f"{named} ({fixed} fixed)"
    words = f"box of {len(intervals)} inputs, {len(varying)} of them vary"
    free = sum(not all(map(isfinite, interval)) for interval in intervals)
    return words if not free else f"{words} and {free} without a bound"
