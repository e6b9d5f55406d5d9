"""Time against cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.results import Record
from experiments.sections.draw import colour, explain, logarithmic, panels, points
from experiments.sections.found import AGREES, CANNOT_TELL, DISAGREES, IN_PART, Found, Section
from experiments.sections.words import between, count, decimals, inputs, percent, short, table
from experiments.statistics import UNIT, PowerLaw, power_law
from nnce_cli.plotting.style import INK

ENOUGH_CELLS = 100_000  # in one network, for what the cells of a data set cost to be seen
NEARLY_ONE = (0.9, 1.1)
CLOSE = 0.25  # a spread of logarithms: about a quarter
FAR = 2.0  # times as long as the law says

CLAIM = "The number of cells dictates the run time."
TITLE = "Time against cells"


def time_section(found: Found) -> Section:
    """Fit the time to the number of cells, where rational arithmetic has no part in it."""
    data = [name for name in found.data if _largest(_clear(found, name)) >= ENOUGH_CELLS]
    law = power_law([_pairs(_clear(found, name)) for name in data]) if data else None
    if law is None:
        return Section(TITLE, CLAIM, CANNOT_TELL, "the networks are too small or too few", "")
    times_as_long = _times_as_long(found, data, law)
    summary = (
        "on the same inputs the time of the cells grows as their number to the power "
        f"{between(law.slope)}; single networks are within {percent(law.spread)} of that (one "
        "standard deviation)"
    )
    if times_as_long:
        summary += (
            f", but those with very thin cells take {short(float(np.median(times_as_long)))} "
            "times as long in the median"
        )
    return Section(
        title=TITLE,
        claim=CLAIM,
        verdict=_verdict(law, times_as_long),
        summary=summary,
        text=_text(found, data, law, times_as_long),
        pictures={"time": partial(_draw, found, data, law)},
    )


def _clear(found: Found, data: str) -> list[Record]:
    """Return the networks of which no cell was examined in rational arithmetic."""
    return [each for each in found.networks if each["data"] == data and not each["exact_cells"]]


def _pairs(networks: Sequence[Record]) -> list[tuple[float, float]]:
    return [(each["cells"], each["processor_seconds"]) for each in networks]


def _largest(networks: Sequence[Record]) -> int:
    return max((each["cells"] for each in networks), default=0)


def _times_as_long(found: Found, data: Sequence[str], law: PowerLaw) -> list[float]:
    """Return how much longer the networks with thin cells took than the law says."""
    return [
        each["processor_seconds"] / law.at(each["cells"], data.index(each["data"]))
        for each in found.networks
        if each["data"] in data and each["exact_cells"]
    ]


def _verdict(law: PowerLaw, times_as_long: Sequence[float]) -> str:
    if law.slope.low <= 0:
        return CANNOT_TELL if law.slope.high >= NEARLY_ONE[0] else DISAGREES
    in_proportion = NEARLY_ONE[0] <= law.slope.value <= NEARLY_ONE[1]
    alike = law.spread <= CLOSE and max(times_as_long, default=1.0) <= FAR
    return AGREES if in_proportion and alike else IN_PART


def _text(found: Found, data: Sequence[str], law: PowerLaw, times_as_long: Sequence[float]) -> str:
    fitted = sum(len(_clear(found, name)) for name in data)
    one = "is" if law.slope.low <= 1 <= law.slope.high else "is not"
    return "\n\n".join(
        [
            "Time is processor time, user and system, of `nnce enumerate -j 1` and its worker: "
            "other programs on the machine disturb it less than they do the clock. To the times "
            f"of {fitted} networks we fit `start + factor * cells^slope`, by least squares of the "
            "logarithms: one start (to start the program and load the core takes the same time "
            "for all), one slope, and a factor for each kind of inputs.",
            f"The start comes out as {decimals(law.start)} s and the slope as "
            f"{between(law.slope)}; in proportion to the cells would be 1, which {one} within the "
            f"interval. The standard deviation around the fit is {percent(law.spread)}.",
            _table(found, data, law),
            _exact(found, times_as_long),
            "![Time against cells](figures/time.svg)",
        ]
    )


def _table(found: Found, data: Sequence[str], law: PowerLaw) -> str:
    rows = []
    for place, name in enumerate(data):
        networks = _clear(found, name)
        alone = power_law([_pairs(networks)])
        rows.append(
            [
                inputs(name),
                str(len(networks)),
                count(_largest(networks)),
                short(law.factors[place] / UNIT * 1e6),
                between(alone.slope) if alone else "too few networks",
            ]
        )
    heads = ["inputs", "networks", "most cells", f"µs a cell at {UNIT:,.0f} cells"]
    return table([*heads, "slope of these alone [95%]"], rows)


def _exact(found: Found, times_as_long: Sequence[float]) -> str:
    """Say what cells cost that floating point cannot settle."""
    thin = [each for each in found.networks if each["exact_cells"]]
    if not thin:
        return "No cell of these networks had to be examined in rational arithmetic."
    sentence = (
        f"Left out of the fit are {len(thin)} networks in which some cells are so thin that they "
        "were examined in rational arithmetic: up to "
        f"{count(max(each['exact_cells'] for each in thin))} cells of one."
    )
    if not times_as_long:
        return sentence
    return (
        f"{sentence} They took {short(min(times_as_long))} to {short(max(times_as_long))} times as "
        f"long as the fit says, {short(float(np.median(times_as_long)))} times in the median. So "
        "the number of cells is not all that matters."
    )


def _draw(found: Found, data: Sequence[str], law: PowerLaw) -> Figure:
    figure, (axes,) = panels(1, height=4.0)
    for place, name in enumerate(found.data):
        for depth in (2, 3):
            chosen = [each for each in _clear(found, name) if len(each["hidden"]) == depth]
            cells = [each["cells"] for each in chosen]
            points(axes, cells, [each["processor_seconds"] for each in chosen], place, depth)
    thin = [each for each in found.networks if each["exact_cells"]]
    if thin:
        axes.plot(*zip(*_pairs(thin), strict=True), "x", color=INK, markersize=4)
    for place, name in enumerate(data):
        cells = [each["cells"] for each in _clear(found, name)]
        x = np.geomspace(min(cells), max(cells), 60)
        y = [law.at(value, place) for value in x]
        axes.plot(x, y, color=colour(found.data.index(name)), linewidth=1)
    axes.set(xlabel="cells", ylabel="processor seconds")
    logarithmic(axes)
    crosses = Line2D(
        [], [], marker="x", linestyle="none", color=INK, label="thin cells (not fitted)"
    )
    title = f"Time against cells: start {decimals(law.start)} s, slope {between(law.slope)}"
    explain(figure, found.data, title, more=[crosses] if thin else [])
    return figure
