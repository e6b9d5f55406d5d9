"""The options of `nnce enumerate` that give the domain of a table, and the files they read."""

from __future__ import annotations

import json
from math import inf, isfinite

from nnce_cli.table import Metadata


def domain_options(metadata: Metadata) -> tuple[list[str], dict[str, str]]:
    """Return options, and the files that they name with what is in them."""
    intervals = list(zip(metadata.lower, metadata.upper, strict=True))
    options, files = _bounds(intervals)
    if metadata.points:
        options = [option.replace("--box=", "--slice-box=") for option in options]
        options.insert(0, "--slice points.json")
        files["points.json"] = json.dumps(metadata.points)
    if metadata.halfspaces:
        options = [option for option in options if option != "--unbounded"]
        options.append("--halfspaces halfspaces.csv")
        files["halfspaces.csv"] = _csv(metadata.halfspaces)
    return options, files


def _bounds(intervals: list[tuple[float, float]]) -> tuple[list[str], dict[str, str]]:
    """Return the options and files that give the bounds of all inputs."""
    if set(intervals) == {(-inf, inf)}:
        return ["--unbounded"], {}
    if not all(isfinite(end) for interval in intervals for end in interval):
        return ["--vnnlib bounds.vnnlib"], {"bounds.vnnlib": _vnnlib(intervals)}
    if len(set(intervals)) == 1:
        lower, upper = intervals[0]
        return [f"--box={lower!r},{upper!r}"], {}
    return ["--bounds bounds.csv"], {"bounds.csv": _csv(intervals)}


def _csv(rows: tuple[tuple[float, ...], ...] | list[tuple[float, float]]) -> str:
    return "\n".join(",".join(map(repr, row)) for row in rows)


def _vnnlib(intervals: list[tuple[float, float]]) -> str:
    """Return the bounds that there are as a VNNLIB property, which can leave inputs without one."""
    lines = [f"(declare-const X_{i} Real)" for i in range(len(intervals))]
    lines.append("(declare-const Y_0 Real)")
    for i, (lower, upper) in enumerate(intervals):
        if lower > -inf:
            lines.append(f"(assert (>= X_{i} {lower!r}))")
        if upper < inf:
            lines.append(f"(assert (<= X_{i} {upper!r}))")
    return "\n".join(lines)
