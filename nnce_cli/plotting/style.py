"""How all pictures look, and how they are written: equal input gives equal bytes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

# Paul Tol's "light" scheme, made for coloured areas, and dark colours for lines over them; the
# neighbours in each list can be told apart in all common forms of colour blindness.
# https://personal.sron.nl/~pault/ (technical note SRON/EPS/TN/09-002).
AREAS = (
    "#77AADD", "#EEDD88", "#FFAABB", "#44BB99", "#EE8866", "#99DDFF", "#BBCC33", "#DDDDDD",
    "#AAAA00",
)  # fmt: skip
LINES = ("#000000", "#004488", "#997700", "#994455", "#117733", "#661100")
CURVES = ("#4477AA", "#997700", "#EE6677", "#228833", "#AA3377", "#66CCEE")  # hues as in AREAS
BOUNDARY = "#CC0033"
INK, MUTED = "#222222", "#767676"
SCALE = ListedColormap(colormaps["YlGnBu"](np.linspace(0.0, 0.7, 256)))  # light, for lines over it
FORMATS = ("png", "svg", "pdf")
LAYOUT_ROUNDS = 3  # the size of the labels depends on that of the panels, and this on that

# Dates and versions stay out of the files; ids in SVG files come from the salt.
_NO_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_STYLE: dict[str, Any] = {
    "svg.hashsalt": "nnce",
    "pdf.fonttype": 42,
    "text.parse_math": False,  # a file's name may hold dollar signs
    "font.family": ["DejaVu Sans"],  # matplotlib brings it along
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


@contextmanager
def our_style() -> Iterator[None]:
    """Draw in our style, whatever the user's matplotlibrc says."""
    with warnings.catch_warnings(), matplotlib.style.context(["default", _STYLE], after_reset=True):
        # A file's name may have letters that the font does not have; boxes stand for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def picture(figure: Figure, kind: str, dpi: int = 200) -> bytes:
    """Return a figure as a file of one of `FORMATS`; call it within `our_style`."""
    file = BytesIO()
    figure.savefig(file, format=kind, dpi=dpi, metadata=_NO_METADATA[kind])
    return file.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches, which leaves room for all labels."""
    return Figure(figsize=(width, height), layout="constrained")


def finish(figure: Figure, title: str) -> None:
    """Write a title over the whole figure, in letters that let it fit, and fix the layout."""
    text = figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=9, color=INK)
    figure.draw_without_rendering()
    width = text.get_window_extent().width
    text.set_fontsize(9 * min(1.0, 0.98 * figure.bbox.width / width))
    for _ in range(LAYOUT_ROUNDS):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
