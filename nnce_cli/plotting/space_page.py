"""The cells of space as one HTML page, on which they can be turned and cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnce_cli.base.task import Task
from nnce_cli.plotting.encoding import encoded
from nnce_cli.plotting.fills import Colouring
from nnce_cli.plotting.page_colours import page_colours
from nnce_cli.plotting.polygons import Floats
from nnce_cli.plotting.polytopes import INPUTS, Polytopes
from nnce_cli.plotting.space import Space
from nnce_cli.plotting.template import page_of

FORMAT, VERSION = "nnce cells", 1
SCRIPTS = (
    "dom.js", "network.js", "shades.js", "facts.js", "solids.js", "painter.js", "space_view.js",
    "cells.js", "space_page.js",
)  # fmt: skip


@dataclass(frozen=True)
class First:
    """What a page shows at first: its title, a colouring, the output of that, the lines or not."""

    heading: str
    colouring: Colouring
    component: int = 0
    lines: bool = True


def space_page(space: Space, cells: Polytopes, first: First) -> str:
    """Return the page. Equal input gives equal text."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "colouring": first.colouring,
        "component": first.component,
        "colours": page_colours(),
        "space": space.values(),
        "polytopes": _values(cells),
    }
    return page_of(
        "cells.html.j2",
        SCRIPTS,
        data,
        heading=first.heading,
        lines=first.lines,
        noun=space.stack.sizes.noun,
        has_classes=space.task is not Task.REGRESSION,
    )


def _values(cells: Polytopes) -> dict[str, Any]:
    """Return the polytopes as JSON values, within the frame just around them."""
    lower, upper = cells.points.min(axis=0), cells.points.max(axis=0)
    return {
        "lower": lower.tolist(),
        "upper": upper.tolist(),
        "points": encoded(cells.points, "<f8"),
        "facets": encoded(cells.facets, "<u2"),
        "corners": encoded(cells.corners, "<u2"),
        "loops": encoded(cells.loops, "<u4"),
        "layers": encoded(cells.layers, "<u2"),
        "maps": encoded(_in_shares(cells.outputs, lower, upper), "<f4"),
    }


def _in_shares(maps: Floats, lower: Floats, upper: Floats) -> Floats:
    """Return affine maps (…, 4) as functions of the share of the frame's sides."""
    constant = maps[..., INPUTS] + maps[..., :INPUTS] @ lower
    slopes = maps[..., :INPUTS] * (upper - lower)
    return np.concatenate([slopes, constant[..., None]], axis=-1)
