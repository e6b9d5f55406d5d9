"""How all pictures look, and how they are written: equal input gives equal bytes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_hex, to_rgb
from matplotlib.figure import Figure

# Paul Tol's "light" scheme, made for coloured areas, and dark colours for lines over them; the
# neighbours in each list can be told apart in all common forms of colour blindness.
# https://personal.sron.nl/~pault/ (technical note SRON/EPS/TN/09-002).
AREAS = (
    "#77AADD", "#EEDD88", "#FFAABB", "#44BB99", "#EE8866", "#99DDFF", "#BBCC33", "#DDDDDD",
    "#AAAA00",
)  # fmt: skip
# Classes: the same scheme and a purple. Any two of them differ to all eyes, the first ones most.
CLASSES = (
    "#77AADD", "#EE8866", "#EEDD88", "#44BB99", "#DDDDDD", "#AA7FB5", "#FFAABB", "#AAAA33",
    "#99DDFF", "#BBCC33",
)  # fmt: skip
LINES = ("#000000", "#004488", "#997700", "#994455", "#117733", "#661100")
CURVES = ("#4477AA", "#997700", "#EE6677", "#228833", "#AA3377", "#66CCEE")  # hues as in AREAS
BOUNDARY = "#CC0033"
INK, MUTED = "#222222", "#767676"
# From the colour of the class "≤ 0" to that of "> 0", through white at the boundary.
DIVERGING = LinearSegmentedColormap.from_list(
    "classes", ["#2F6EA8", "#77AADD", "#F8F7F4", "#EE8866", "#BC4F2C"]
)
SCALE = ListedColormap(colormaps["YlGnBu"](np.linspace(0.0, 0.7, 256)))  # light, for lines over it
# On dark paper: the same hues, darker areas under lighter lines.
DARK_PAPER = "#16191D"
DARK_SHARE = 0.5
DARK_LINES = ("#FFFFFF", "#8FC1FF", "#FFD27A", "#FF9FC0", "#86E0A0", "#FFB48A")
DARK_BOUNDARY = "#FF4D6D"
DARK_SCALE = ListedColormap(colormaps["YlGnBu"](np.linspace(0.95, 0.35, 256)))
DARK_DIVERGING = LinearSegmentedColormap.from_list(
    "dark classes", ["#6FB1F0", "#2F5F8E", "#22262B", "#94482C", "#FF9A6B"]
)
FORMATS = ("png", "svg", "pdf")
DPI = 200
LEGEND_MARGIN = 0.1  # inches on either side of a legend below the axes
NARROWEST = 3.4  # inches: titles and legends need some room, however narrow the domain is
MOST_FITS, SPARE = 4, 0.005  # times, inches
LAYOUT_ROUNDS = 2  # the size of the labels depends on that of the panels, and this on that

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


@dataclass(frozen=True)
class Look:
    """What a picture looks like beside what it shows.

    ``size`` is its width and height in inches, by default what suits the content; ``lines`` says
    whether the neurons' lines are drawn.
    """

    size: tuple[float, float] | None = None
    lines: bool = True


def class_colour(index: int) -> str:
    """Return the colour of a class: the same one in all pictures, whichever other classes occur.

    The eleventh class and its ten successors are lighter, the next ten darker; then they repeat.
    """
    turn = index // len(CLASSES) % 3
    toward, share = ((1.0, 0.0), (1.0, 0.45), (0.0, 0.3))[turn]
    base = np.array(to_rgb(CLASSES[index % len(CLASSES)]))
    mixed = base + share * (toward - base)
    return to_hex(tuple(mixed.tolist()))


def darkened(colour: str) -> str:
    """Return the colour that stands for one of an area on dark paper."""
    base, paper = np.array(to_rgb(colour)), np.array(to_rgb(DARK_PAPER))
    return to_hex(tuple((paper + (1 - DARK_SHARE) * (base - paper)).tolist()))


@contextmanager
def our_style() -> Iterator[None]:
    """Draw in our style, whatever the user's matplotlibrc says."""
    with warnings.catch_warnings(), matplotlib.style.context(["default", _STYLE], after_reset=True):
        # A file's name may have letters that the font does not have; boxes stand for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def picture(figure: Figure, kind: str, dpi: int = DPI) -> bytes:
    """Return a figure as a file of one of `FORMATS`; call it within `our_style`."""
    file = BytesIO()
    figure.savefig(file, format=kind, dpi=dpi, metadata=_NO_METADATA[kind])
    return file.getvalue()


def new_figure(width: float, height: float, look: Look = Look()) -> Figure:
    """Return an empty figure of this size in inches, or that of the look; all labels have room."""
    return Figure(figsize=look.size or (width, height), layout="constrained")


def finish(
    figure: Figure, title: str, fitted: tuple[Axes, tuple[float, float]] | None = None
) -> None:
    """Write a title over the whole figure, in letters that let it fit, and fix the layout.

    The figure is made as large as the ``fitted`` axes, which are given with their width and height
    in inches, and what is around them need.
    """
    ratio = None if fitted is None else fitted[0].get_box_aspect()
    if fitted is not None:
        fitted[0].set_box_aspect(None)
    if title:
        text = figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=9, color=INK)
    _fit(figure, fitted)
    if title:
        width = text.get_window_extent().width
        text.set_fontsize(9 * min(1.0, 0.98 * figure.bbox.width / width))
        _fit(figure, fitted)
    figure.set_layout_engine("none")
    if fitted is not None:
        fitted[0].set_box_aspect(ratio)


def _lay_out(figure: Figure) -> None:
    """Place what is in a figure, as often as it takes for labels and panels to agree."""
    engine = figure.get_layout_engine()
    assert engine is not None
    for _ in range(LAYOUT_ROUNDS):
        engine.execute(figure)


def _fit(figure: Figure, fitted: tuple[Axes, tuple[float, float]] | None) -> None:
    """Lay a figure out; make it as large as the fitted axes, and what is around them, need.

    The ratio of their sides is free meanwhile: with a fixed one they do not fill their room, and
    the layout takes what they leave for a part of what is around them.
    """
    _lay_out(figure)
    if fitted is None:
        return
    axes, inches = fitted
    for _ in range(MOST_FITS):  # ticks depend a little on the size
        width, height = map(float, figure.get_size_inches())
        room = axes.get_position(original=True)
        legends = [legend.get_window_extent().width / figure.dpi for legend in figure.legends]
        needed = max([NARROWEST, *(legend + 2 * LEGEND_MARGIN for legend in legends)])
        wider = max(needed, width * (1 - float(room.width)) + inches[0])
        higher = height * (1 - float(room.height)) + inches[1]
        if max(abs(wider - width), abs(higher - height)) <= SPARE:
            break
        figure.set_size_inches(wider, higher)
        _lay_out(figure)
