"""Which part of an unbounded domain a picture shows."""

from __future__ import annotations

import numpy as np

from nnce_cli.plotting.plane import Plane
from nnce_cli.plotting.polygons import Floats

INNER = (0.25, 0.75)  # quantiles of the vertices' coordinates, between which half of them are
REACH = 3.0  # vertices farther from there than so many times that range do not count
MARGIN = 0.15  # of the window's width, on each side: what is unbounded is to be seen, too
NARROWEST = 0.25  # of a window's sides, the shorter to the longer


def window(plane: Plane, cuts: Floats, marked: Floats) -> tuple[Floats, Floats]:
    """Return the corners (2,), (2,) of a window on a domain that is unbounded.

    All vertices of the partition are in it but those far away from the most of them, and so are
    all bounded cells that have no such vertex, and the ``marked`` points (m, 2). ``cuts``
    (s, 2, 2) are the pieces of the neurons' bent lines out to a far frame.
    """
    n = plane.dimension
    vertices = np.concatenate([plane.outline.points, cuts.reshape(-1, 2)])
    vertices = vertices[~plane.at_the_end(vertices)]
    if not len(vertices):  # parallel lines, or none: where each is nearest to the origin
        vertices = np.concatenate([np.zeros((1, 2)), _nearest(cuts)])
    known = np.concatenate([*_around_most(vertices[:, :n]), marked[:, :n]])
    low, high = known.min(axis=0), known.max(axis=0)
    centre, half = (low + high) / 2, (high - low) / 2
    longest = half.max() or np.abs(centre).max() or 1.0
    half = np.maximum(half, NARROWEST * longest) * (1 + 2 * MARGIN)
    strip = 2 - n
    return np.append(centre - half, [0.0] * strip), np.append(centre + half, [1.0] * strip)


def _nearest(segments: Floats) -> Floats:
    """Return the point of each segment (s, 2, 2) that is nearest to the origin."""
    start, step = segments[:, 0], segments[:, 1] - segments[:, 0]
    share = -(start * step).sum(axis=1) / (step**2).sum(axis=1)
    found: Floats = start + np.clip(share, 0.0, 1.0)[:, None] * step
    return found


def _around_most(points: Floats) -> tuple[Floats, Floats]:
    """Return bounds (1, n) of points (m, n) but for those that are far from the most of them."""
    low, high = np.quantile(points, INNER, axis=0)
    reach = REACH * (high - low).max()
    near = ((points >= low - reach) & (points <= high + reach)).all(axis=1)
    kept = points[near] if near.any() else points
    return kept.min(axis=0, keepdims=True), kept.max(axis=0, keepdims=True)
