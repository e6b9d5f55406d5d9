"""What the pictures have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from experiments.sections.words import inputs
from nnce_cli.plotting.style import CURVES, finish, new_figure

SHAPES = {2: "o", 3: "^"}  # by the number of hidden layers
FEW_DECADES = 2.0  # have ticks between the powers of ten
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def panels(number: int, height: float = 3.0) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels side by side."""
    figure = new_figure(max(6.0, 2.7 * number + 0.6), height)
    places: list[Axes] = list(figure.subplots(1, number, squeeze=False)[0])
    for axes in places:
        axes.grid(color="#E4E4E4", linewidth=0.6)
        axes.set_axisbelow(True)
    return figure, places


def colour(place: int) -> str:
    """Return the colour of a data set, or of a curve, by its place in a list."""
    return CURVES[place % len(CURVES)]


def logarithmic(axes: Axes, which: str = "xy") -> None:
    """Make axes logarithmic, with few ticks and numbers that can be read; draw first, then this."""
    for name in which:
        axes.set(**{f"{name}scale": "log"})
        axis: Axis = getattr(axes, f"{name}axis")
        low, high = axis.get_view_interval()
        subs = (1.0, 2.0, 5.0) if math.log10(high / low) < FEW_DECADES else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
        axis.set_minor_formatter(NullFormatter())


def _tick(value: float) -> str:
    exponent = round(math.log10(value))
    if value >= 10_000 and math.isclose(value, 10.0**exponent):
        return "10" + str(exponent).translate(RAISED)
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def points(axes: Axes, x: Sequence[float], y: Sequence[float], place: int, depth: int) -> None:
    """Draw networks as points."""
    (drawn,) = axes.plot(x, y, SHAPES[depth], color=colour(place))
    drawn.set(markersize=4, alpha=0.75, markeredgewidth=0)


def explain(
    figure: Figure,
    data: Sequence[str],
    title: str,
    *,
    shapes: bool = True,
    more: Sequence[Line2D] = (),
) -> None:
    """Add what colours and shapes stand for, and the title."""
    handles = [
        Line2D([], [], marker="s", linestyle="none", color=colour(i), label=inputs(name))
        for i, name in enumerate(data)
    ]
    handles += [
        Line2D([], [], marker=shape, linestyle="none", color="#444444", label=f"{depth} layers")
        for depth, shape in SHAPES.items()
        if shapes
    ]
    handles += more
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
    finish(figure, title)
