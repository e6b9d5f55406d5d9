"""From the values of areas to colours, and to what explains them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import Colormap, Normalize, to_hex

from nnce_cli.plotting.fills import Fill
from nnce_cli.plotting.polygons import Ints
from nnce_cli.plotting.style import AREAS, DIVERGING, SCALE, class_colour

SHADES = 64  # of a scale; more cannot be told apart
MOST_NAMES = 12  # in a legend; where there are more, a colour bar explains them
MOST_CLASSES = 30  # whose colours differ


@dataclass(frozen=True, eq=False)
class Scale:
    """The colours from the least to the greatest of a range of numbers."""

    norm: Normalize
    colours: Colormap


@dataclass(frozen=True, eq=False)
class Palette:
    """The colour of each value is ``colours[shades]``; ``shades`` has the shape of the values.

    ``names`` explains colours one by one; ``scale`` explains all of them, where it is not None.
    """

    shades: Ints
    colours: list[str]
    names: dict[int, str]
    scale: Scale | None


def palette(fill: Fill) -> Palette:
    """Choose the colours of a fill."""
    if fill.of_classes and fill.names is not None:
        return _classes(fill, fill.names)
    if fill.names is None or len(fill.names) > MOST_NAMES:
        return _scale(fill)
    if not fill.names:
        return Palette(fill.values.astype(np.int64), list(AREAS), {}, None)
    values = sorted(fill.names)
    shades = np.searchsorted(values, fill.values)
    names = {shade: fill.names[value] for shade, value in enumerate(values)}
    end = min(1.0, 0.3 + 0.1 * len(values))  # of few colours none has to be dark
    return Palette(shades, shades_of_scale(SCALE, len(values), end), names, None)


def _classes(fill: Fill, names: dict[int, str]) -> Palette:
    """Give each class its colour; those that do not occur do not change the others."""
    values = sorted(names)
    colours = [class_colour(value) for value in values]
    named = {shade: names[value] for shade, value in enumerate(values[:MOST_CLASSES])}
    return Palette(np.searchsorted(values, fill.values), colours, named, None)


def _scale(fill: Fill) -> Palette:
    values = fill.values.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    colours: Colormap = SCALE
    if fill.centre is not None:
        reach = max(high - fill.centre, fill.centre - low)
        low, high, colours = fill.centre - reach, fill.centre + reach, DIVERGING
    norm = Normalize(low, high if high > low else low + 1)
    shades = np.minimum(np.asarray(norm(values)) * SHADES, SHADES - 1).astype(np.int64)
    return Palette(shades, shades_of_scale(colours, SHADES), {}, Scale(norm, colours))


def shades_of_scale(scale: Colormap, count: int, end: float = 1) -> list[str]:
    """Return ``count`` colours from the beginning of a scale to this share of it."""
    return [to_hex(colour) for colour in scale(np.linspace(0, end, count))]
