"""How wide and how strong the lines of the neurons are drawn, so that cells stay visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnce_cli.plotting.cutting import Partition
from nnce_cli.plotting.polygons import Floats

INK_SHARE = 0.07  # of a picture: more than that is not covered by lines
WIDEST = (0.9, 0.65, 0.5, 0.4)  # points, by layer; deeper ones as the last
THINNEST = 0.25  # thinner lines do not get thinner, they fade
PALEST = 0.12
FADING = 0.85  # what is left of a line's strength from one layer to the next
POINTS = 72  # an inch


@dataclass(frozen=True)
class Stroke:
    """The width of a line in points, and how opaque it is."""

    width: float
    opacity: float


def strokes(partition: Partition, inches: tuple[float, float]) -> list[Stroke]:
    """Return the strokes of the layers, for a picture of this width and height.

    All lines become thinner by one factor where they would cover too much.
    """
    depth = len(partition.plane.stack.hidden)
    widths = np.array([WIDEST[min(layer, len(WIDEST) - 1)] for layer in range(depth)])
    lengths = _lengths(partition, np.array(inches)) * POINTS
    covered = float(lengths @ widths) / (inches[0] * inches[1] * POINTS**2)
    widths *= min(1.0, INK_SHARE / max(covered, 1e-300))
    faded = FADING ** np.minimum(np.arange(depth), len(WIDEST) - 1)
    opacities = np.clip(widths / THINNEST, PALEST, 1.0) * faded
    return [
        Stroke(max(width, THINNEST), max(opacity, PALEST))
        for width, opacity in zip(widths.tolist(), opacities.tolist(), strict=True)
    ]


def _lengths(partition: Partition, inches: Floats) -> Floats:
    """Return how long the lines of each layer are in all, in inches."""
    plane = partition.plane
    depth = len(plane.stack.hidden)
    if plane.dimension == 1:  # each is as high as the strip
        return np.bincount(partition.cut_layers, minlength=depth) * np.float64(inches[1])
    share = (partition.cuts[:, 1] - partition.cuts[:, 0]) / (plane.upper - plane.lower)
    lengths = np.hypot(*(share * inches).T)
    return np.asarray(np.bincount(partition.cut_layers, lengths, minlength=depth), np.float64)
