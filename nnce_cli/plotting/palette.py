"""From the values of areas to colours, and to what explains them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import Normalize, to_hex

from nnce_cli.plotting.fills import Fill
from nnce_cli.plotting.polygons import Floats, Ints
from nnce_cli.plotting.style import AREAS, SCALE

SHADES = 64  # of a scale; more cannot be told apart
MOST_NAMES = 12  # in a legend; where there are more, a colour bar explains them


@dataclass(frozen=True, eq=False)
class Palette:
    """The colour of each value is ``colours[shades]``; ``shades`` has the shape of the values.

    ``names`` explains colours one by one; ``scale`` explains all of them, where it is not None.
    """

    shades: Ints
    colours: list[str]
    names: dict[int, str]
    scale: Normalize | None


def palette(fill: Fill) -> Palette:
    """Choose the colours of a fill."""
    if fill.names is None or len(fill.names) > MOST_NAMES:
        return _scale(fill.values.astype(np.float64))
    if not fill.names:
        return Palette(fill.values.astype(np.int64), list(AREAS), {}, None)
    values = sorted(fill.names)
    shades = np.searchsorted(values, fill.values)
    names = {shade: fill.names[value] for shade, value in enumerate(values)}
    enough = len(values) <= len(AREAS) and not fill.ordered
    end = min(1.0, 0.3 + 0.1 * len(values))  # of few colours none has to be dark
    colours = list(AREAS) if enough else shades_of_scale(len(values), end)
    return Palette(shades, colours, names, None)


def _scale(values: Floats) -> Palette:
    low, high = float(values.min()), float(values.max())
    norm = Normalize(low, high if high > low else low + 1)
    shades = np.minimum(np.asarray(norm(values)) * SHADES, SHADES - 1).astype(np.int64)
    return Palette(shades, shades_of_scale(SHADES), {}, norm)


def shades_of_scale(count: int, end: float = 1) -> list[str]:
    """Return ``count`` colours from the beginning of the scale to this share of it."""
    return [to_hex(colour) for colour in SCALE(np.linspace(0, end, count))]
