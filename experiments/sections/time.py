"""Time against cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from experiments.results import Record
from experiments.sections.draw import colour, explain, logarithmic, panels, points
from experiments.sections.found import AGREES, CANNOT_TELL, DISAGREES, IN_PART, Found, Section
from experiments.sections.words import between, count, decimals, inputs, short, table
from experiments.statistics import PowerLaw, power_law

LEAST_CELLS = 100_000  # below, to start the program takes several times as long as the cells
NEARLY_ONE = (0.9, 1.1)
STRONG = 0.9

CLAIM = "The number of cells dictates the run time."


def time_section(found: Found) -> Section:
    """Fit the time to the number of cells."""
    large = [each for each in found.networks if each["cells"] >= LEAST_CELLS]
    law = fit(large, found)
    if law is None:
        few = f"too few networks have {LEAST_CELLS:,} cells"
        return Section("Time against cells", CLAIM, CANNOT_TELL, few, f"We cannot tell: {few}.")
    summary = (
        f"on the same inputs the time grows as the number of cells to the power "
        f"{between(law.slope)}, which explains {law.r_squared:.0%} of the variance of its logarithm"
    )
    return Section(
        title="Time against cells",
        claim=CLAIM,
        verdict=_verdict(law),
        summary=summary,
        text=_text(found, large, law, summary),
        pictures={"time": partial(_draw, found, large, law)},
    )


def net_seconds(network: Record, found: Found) -> float:
    """Return the processor time of an enumeration without that of starting the program."""
    return float(network["processor_seconds"]) - found.start_up[network["data"]]


def fit(networks: Sequence[Record], found: Found) -> PowerLaw | None:
    """Fit a power law to the net times, where these are positive: a factor for each data set."""
    return power_law([_pairs(networks, data, found) for data in _data(networks, found)])


def _data(networks: Sequence[Record], found: Found) -> list[str]:
    """Return the data sets of which there are networks with a time."""
    return [data for data in found.data if _pairs(networks, data, found)]


def _pairs(networks: Sequence[Record], data: str, found: Found) -> list[tuple[float, float]]:
    pairs = [(each["cells"], net_seconds(each, found)) for each in networks if each["data"] == data]
    return [(cells, seconds) for cells, seconds in pairs if seconds > 0]


def _verdict(law: PowerLaw) -> str:
    in_proportion = NEARLY_ONE[0] <= law.slope.value <= NEARLY_ONE[1]
    if law.slope.low <= 0:
        return DISAGREES
    return AGREES if in_proportion and law.r_squared >= STRONG else IN_PART


def _text(found: Found, large: Sequence[Record], law: PowerLaw, summary: str) -> str:
    low, high = law.slope.low, law.slope.high
    start = ", ".join(f"{inputs(data)} {s:.2f} s" for data, s in found.start_up.items())
    return "\n\n".join(
        [
            "Time is processor time, user and system, of `nnce enumerate -j 1` and its worker: "
            "other programs on the machine disturb it less than they do the clock. What it takes "
            "with a single cell, to start the program and load the kernels, is subtracted "
            f"({start}). With fewer than {LEAST_CELLS:,} cells that is several times what is left; "
            f"the networks with more are fitted, {len(large)} of {len(found.networks)}.",
            f"A line is fitted to the logarithms, with one slope for all and a factor for each "
            f"kind of inputs, whose number makes a cell dear: {summary}. In proportion to the "
            f"cells would be a slope of 1, which {'is' if low <= 1 <= high else 'is not'} within "
            "the interval.",
            _table(found, large),
            _exact(found, large),
            "![Time against cells](figures/time.svg)",
        ]
    )


def _table(found: Found, large: Sequence[Record]) -> str:
    rows = []
    for data in found.data:
        chosen = [each for each in large if each["data"] == data]
        law = fit(chosen, found)
        costs = [net_seconds(each, found) / each["cells"] * 1e6 for each in chosen]
        rows.append(
            [
                inputs(data),
                str(len(chosen)),
                between(law.slope) if law else "too few",
                decimals(law.r_squared) if law else "",
                short(float(np.median(costs))) if costs else "",
                short(max(costs)) if costs else "",
            ]
        )
    heads = ["inputs", "networks", "slope [95%]", "R²", "median µs a cell", "largest µs a cell"]
    return table(heads, rows)


def _exact(found: Found, large: Sequence[Record]) -> str:
    """Say what cells cost that floating point cannot settle."""
    thin = [each for each in large if each["exact_cells"]]
    if not thin or len(thin) == len(large):
        return f"In {len(thin)} of them some cells were examined in rational arithmetic."

    def cost(networks: Sequence[Record]) -> str:
        return short(
            float(np.median([net_seconds(each, found) / each["cells"] * 1e6 for each in networks]))
        )

    clear = [each for each in large if not each["exact_cells"]]
    without = fit(clear, found)
    sentence = (
        f"In {len(thin)} of these networks some cells are so thin that they were examined in "
        f"rational arithmetic, up to {count(max(each['exact_cells'] for each in thin))} in one; "
        f"the median cost there is {cost(thin)} µs a cell, and {cost(clear)} µs in the others."
    )
    if without is not None:
        sentence += (
            f" Without these networks the slope is {between(without.slope)}, with "
            f"R² = {decimals(without.r_squared)}."
        )
    return sentence


def _draw(found: Found, large: Sequence[Record], law: PowerLaw) -> Figure:
    figure, (axes,) = panels(1, height=3.8)
    for place, data in enumerate(found.data):
        for depth in (2, 3):
            chosen = [
                each
                for each in large
                if each["data"] == data and len(each["hidden"]) == depth
                if net_seconds(each, found) > 0
            ]
            seconds = [net_seconds(each, found) for each in chosen]
            points(axes, [each["cells"] for each in chosen], seconds, place, depth)
    for data, factor in zip(_data(large, found), law.factors, strict=True):
        cells = [x for x, _ in _pairs(large, data, found)]
        ends = np.array([min(cells), max(cells)])
        line = factor * ends**law.slope.value
        axes.plot(ends, line, color=colour(found.data.index(data)), linewidth=1)
    axes.set(xlabel="cells", ylabel="processor seconds, net")
    logarithmic(axes)
    explain(figure, found.data, f"Time against cells: slope {between(law.slope)}")
    return figure
