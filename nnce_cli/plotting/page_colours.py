"""The colours of a report's map, on light and on dark paper."""

from __future__ import annotations

from typing import Any

from nnce_cli.plotting import style
from nnce_cli.plotting.fills import MAP_COLOURS
from nnce_cli.plotting.palette import MOST_CLASSES, shades_of_scale

SHADES = 64


def page_colours() -> dict[str, Any]:
    """Return the colours of areas, classes, lines and scales."""
    classes = [style.class_colour(index) for index in range(MOST_CLASSES)]
    light, dark = (
        {
            "areas": areas,
            "classes": of_classes,
            "lines": list(lines),
            "boundary": boundary,
            "scale": shades_of_scale(scale, SHADES),
            "diverging": shades_of_scale(diverging, SHADES),
            "paper": paper,
            "ink": ink,
        }
        for areas, of_classes, lines, boundary, scale, diverging, paper, ink in (
            (
                list(style.AREAS), classes, style.LINES, style.BOUNDARY, style.SCALE,
                style.DIVERGING, "#FFFFFF", style.INK,
            ),
            (
                list(map(style.darkened, style.AREAS)), list(map(style.darkened, classes)),
                style.DARK_LINES, style.DARK_BOUNDARY, style.DARK_SCALE, style.DARK_DIVERGING,
                style.DARK_PAPER, "#FFFFFF",
            ),
        )
    )  # fmt: skip
    return {"mapColours": MAP_COLOURS, "light": light, "dark": dark}
