"""What is on the pictures: nothing clipped, nothing empty, the right colours in their places."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from nnce_cli.analysis import stats
from nnce_cli.base.sizes import Sizes
from nnce_cli.network import AffineMap
from nnce_cli.plotting import (
    COLOURINGS,
    Plane,
    draw_cells,
    draw_layers,
    draw_ranks,
    our_style,
    partition,
    picture,
    title,
)
from nnce_cli.plotting.draw_stats import short_number
from nnce_cli.plotting.fills import MAP_COLOURS, map_colours
from nnce_cli.plotting.lines import INK_SHARE, PALEST, THINNEST, strokes
from nnce_cli.plotting.palette import MOST_CLASSES
from nnce_cli.plotting.style import CLASSES, DIVERGING, NARROWEST, Look, class_colour
from tests.cases import cube
from tests.collect import enumerate_all
from tests.oracles.hand_counted import tents
from tests.oracles.naive import stack_of
from tests.plotting.test_plot_partition import rows_of as rows_of_run
from tests.tables import metadata_of, rows_of


def random_stack(*widths: int, outputs: int = 3, seed: int = 1):
    generator = np.random.default_rng(seed)
    maps = [
        AffineMap(generator.normal(size=(n, m)) * (2 / m) ** 0.5, generator.normal(size=n) / 2)
        for m, n in pairwise([*widths, outputs])
    ]
    stack = stack_of(([[0.0]], [0.0]))
    return replace(stack, hidden=tuple(maps[:-1]), units=stack.units[:-1], output=maps[-1])


def partition_of(stack, box):
    table = enumerate_all(stack, box)
    return partition(Plane.of(stack, box), rows_of_run(table), complete=True)


def assert_whole(figure) -> None:
    """No text reaches over the edge of the picture, no panel is empty, every axis has a name."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) >= -0.01
    assert drawn.x1 <= width + 0.01
    assert drawn.y1 <= height + 0.01
    for axes in figure.axes:
        assert len(axes.get_children()) > EMPTY
    assert figure.get_suptitle()


LONG = "m" * 300
EMPTY = len(Figure().add_subplot().get_children())


@pytest.mark.parametrize("colouring", COLOURINGS)
@pytest.mark.parametrize(
    "widths", [(2, 3), (2, 12, 12), (1, 3), (1, 9, 9, 9), (2, 2, 2, 2, 2, 2, 2)]
)
def test_cells(widths, colouring):
    stack = random_stack(*widths)
    found = partition_of(stack, cube(widths[0], -1, 1))
    words = title(metadata_of(stack.widths), LONG, len(found.polygons))
    with our_style():
        assert_whole(draw_cells(found, colouring, words))


def test_many_layers():
    found = partition_of(random_stack(1, *[6] * 15), cube(1, -1, 1))
    with our_style():
        figure = draw_cells(found, "layer1", "t")
    assert_whole(figure)
    (legend,) = figure.legends
    assert len(legend.get_texts()) <= 8


@pytest.mark.slow
def test_many_classes_and_outputs():
    for widths in [(2, 10), (1, 10)]:
        found = partition_of(random_stack(*widths, outputs=40), cube(widths[0], -1, 1))
        with our_style():
            assert_whole(draw_cells(found, "class", "t"))
            assert_whole(draw_cells(found, "output", "t", 39))


@pytest.mark.slow
def test_a_network_of_one_cell():
    for n in (1, 2):
        found = partition_of(stack_of(([[1.0] * n], [5.0])), cube(n, -1, 1))
        for colouring in COLOURINGS:
            with our_style():
                assert_whole(draw_cells(found, colouring, "t"))


def test_narrow_and_wide_domains():
    stack = random_stack(2, 8, 8)
    for size in (1e-9, 1e-3, 1e3, 1e9):
        box = cube(2, -1, 1)
        box.upper[1] = -1 + size
        with our_style():
            assert_whole(draw_cells(partition_of(stack, box), "active", "t"))


def test_colours_of_classes_are_where_the_classes_are():
    stack = random_stack(2, 10, 10, outputs=3, seed=8)
    found = partition_of(stack, cube(2, -1, 1))
    with our_style():
        figure = draw_cells(found, "class", "t")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[::-1, :, :3] / 255
    points = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    predicted = stack.forward(points).argmax(axis=1)
    assert len(np.unique(predicted)) > 1
    columns, rows = figure.axes[0].transData.transform(points).astype(int).T
    colours = np.array([to_rgb(class_colour(k)) for k in predicted.tolist()])
    right = np.abs(image[rows, columns] - colours).max(axis=1) < 0.02
    assert right.mean() > 0.8  # the others lie under lines
    assert not (np.abs(image[rows, columns] - np.roll(colours, 1, axis=0)).max(axis=1) < 0.02).all()


# What three kinds of colour blindness make of linear RGB (Machado, Oliveira and Fernandes, 2009).
SIGHTS = {
    "all cones": np.eye(3),
    "no red": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]],
    "no green": [[0.3673, 0.8606, -0.228], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "no blue": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


def seen(colour: str, sight) -> np.ndarray:
    """A colour in CIELAB, in which distances are what eyes tell apart."""
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = to_xyz @ np.clip(sight @ linear, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHTS)
def test_classes_can_be_told_apart(sight):
    places = [seen(colour, np.array(SIGHTS[sight])) for colour in CLASSES]
    apart = [np.linalg.norm(a - b) for a, b in combinations(places, 2)]
    assert min(apart) > 9
    assert min(np.linalg.norm(a - b) for a, b in combinations(places[:3], 2)) > 18
    ends = [seen(to_hex(DIVERGING(share)), np.array(SIGHTS[sight])) for share in (0.0, 0.5, 1.0)]
    assert min(np.linalg.norm(a - b) for a, b in combinations(ends, 2)) > 30


def test_a_class_has_one_colour():
    """Also where other classes occur; and many classes have different ones."""
    colours = [class_colour(index) for index in range(MOST_CLASSES)]
    assert len(set(colours)) == MOST_CLASSES
    stack = random_stack(2, 10, 10, outputs=12, seed=8)
    for box in (cube(2, -1, 1), cube(2, -3, -2)):
        with our_style():
            figure = draw_cells(partition_of(stack, box), "class", "t")
        legend = figure.legends[0]
        shown = zip(legend.get_texts(), legend.get_patches(), strict=True)
        assert {t.get_text(): to_hex(p.get_facecolor()) for t, p in shown}.items() <= {
            str(index): colour.lower() for index, colour in enumerate(colours)
        }.items()


def test_an_output_is_coloured_around_the_boundary():
    stack = stack_of(([[1.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]))
    stack = replace(stack, output=AffineMap(np.array([[1.0, -3.0]]), np.zeros(1)))
    with our_style():
        figure = draw_cells(partition_of(stack, cube(2, -1, 1)), "output", "t")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[::-1, :, :3] / 255
    for x, share in ((-0.9, 0.5 - 0.45), (-0.3, 0.5 - 0.15), (0.9, 0.5 + 0.15)):  # of -3 to 3
        column, row = figure.axes[0].transData.transform((x, 0.31)).astype(int)
        assert image[row, column] == pytest.approx(DIVERGING(share)[:3], abs=0.03)


def test_lines_leave_the_cells_visible():
    """They cover no more than a share of the picture, or are as thin and pale as lines can be."""
    inches, area = (5.0, 5.0), 25 * 72**2
    for widths in ((2, 3), (2, 12, 12), (2, 40, 40)):
        found = partition_of(random_stack(*widths), cube(2, -1, 1))
        ends = (found.cuts[:, 1] - found.cuts[:, 0]) / 2 * 5 * 72
        lengths = np.hypot(*ends.T)
        covered = 0.0
        drawn = strokes(found, inches)
        for layer, stroke in enumerate(drawn):
            length = lengths[found.cut_layers == layer].sum()
            covered += length * stroke.width * stroke.opacity / area
            assert THINNEST <= stroke.width <= 1
            assert PALEST <= stroke.opacity <= 1
        assert covered <= INK_SHARE * 1.0001 or drawn[-1].opacity == PALEST
        assert all(a.width >= b.width and a.opacity >= b.opacity for a, b in pairwise(drawn))


@pytest.mark.parametrize(("width", "height"), [(4, 1), (1, 1), (1, 3)])
def test_the_layout_fits_the_domain(width, height):
    """Axes have the shape of the domain, and the figure has no broad empty margins."""
    box = cube(2, 0, 1)
    box.upper[:] = width, height
    stack = random_stack(2, 6)
    with our_style():
        figure = draw_cells(partition_of(stack, box), "class", "t")
        assert_whole(figure)
    (axes,) = figure.axes
    size = figure.get_size_inches()
    place = axes.get_position()
    assert place.height * size[1] / (place.width * size[0]) == pytest.approx(
        height / width, rel=0.01
    )
    assert size[1] - place.height * size[1] < 1.8
    assert size[0] - place.width * size[0] < 2.3 or size[0] == pytest.approx(NARROWEST)


def test_a_size_and_no_lines():
    found = partition_of(random_stack(2, 6, 6), cube(2, -1, 1))
    with our_style():
        figure = draw_cells(found, "class", "", look=Look(size=(3.3, 2.9), lines=False))
        assert figure.get_size_inches().tolist() == [3.3, 2.9]
        assert figure.get_suptitle() == ""
        data = picture(figure, "png", 100)
    assert data[16:24] == (330).to_bytes(4, "big") + (290).to_bytes(4, "big")
    names = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert not [name for name in names if "neurons" in name]


def test_neighbours_have_different_colours():
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 2, (200, 13), dtype=np.uint8)
    for neuron in range(13):
        flipped = bits.copy()
        flipped[:, neuron] ^= 1
        one, other = (map_colours(b) for b in (bits, flipped))
        assert (one != other).all()
        assert max(one.max(), other.max()) < MAP_COLOURS


def test_the_polyline_of_an_interval():
    stack, box, _ = tents(13)
    stack = replace(stack, output=AffineMap(np.array([[1.0, -1.0]]), np.zeros(1)))
    found = partition_of(stack, box)
    assert len(found.polygons) == 2**13
    with our_style():
        figure = draw_cells(found, "layer1", "t")
        (line,) = figure.axes[0].get_lines()
        assert_whole(figure)
    x, y = (values[~np.isnan(values)] for values in line.get_data())
    assert (x[0], x[-1], y.min(), y.max()) == (0, 1, 0, 1)
    assert (np.diff(x) >= 0).all()
    assert len(x) < 2**14


@pytest.mark.parametrize(
    "widths",
    [
        [2, 3],
        [3, 4, 5],
        [5] * 9,
        pytest.param([3] * 60, marks=pytest.mark.slow),
        [2, *[300] * 4],
        [9, 3, 3, 3],
    ],
)
def test_statistics(widths):
    generator = np.random.default_rng(0)
    layers = [generator.integers(0, 2, (300, n)) for n in widths[1:]]
    deep = len(layers) - 1
    paths = (
        tuple(tuple(layers[k][i // 3 ** (deep - k)].tolist()) for k in range(deep + 1))
        for i in range(300)
    )
    cells = sorted(set(paths))
    found = stats([rows_of(cells, widths)], Sizes.of_widths(widths))
    words = title(metadata_of(widths), LONG, found.cells)
    with our_style():
        figures = [draw_layers(found, widths[0], words)]
        if len(widths) > 2:
            figures.append(draw_ranks(found, words))
        for figure in figures:
            assert_whole(figure)
            for axes in figure.axes:
                assert axes.has_data()


def test_bounds_that_are_out_of_sight():
    widths = [60, 2000, 2000]
    cells = [((0,) * 2000, (0,) * 2000), ((0,) * 1900 + (1,) * 100, (0,) * 2000)]
    found = stats([rows_of(cells, widths)], Sizes.of_widths(widths))
    with our_style():
        for figure in (draw_ranks(found, "t"), draw_layers(found, 60, "t")):
            assert_whole(figure)
            texts = [text.get_text() for axes in figure.axes for text in axes.texts]
            assert any(re.fullmatch(r"\d\.\d×10[⁰¹²³⁴⁵⁶⁷⁸⁹]+", text) for text in texts)


def test_what_the_ranks_picture_shows():
    # Two layer-1 cells: 01 with one cell inside, 11 with three; the most are 1 + n_2 = 3 and 4.
    cells = [((0, 1), (0, 1)), ((1, 1), (0, 0)), ((1, 1), (0, 1)), ((1, 1), (1, 0))]
    found = stats([rows_of(cells, [2, 2, 2])], Sizes.of_widths([2, 2, 2]))
    with our_style():
        figure = draw_ranks(found, "t")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1\n(1)", "2\n(1)"]
    lines = {tuple(map(tuple, line.get_xydata().tolist())) for line in axes.get_lines()}
    for rank, count, most in ((1, 1, 3), (2, 3, 4)):
        assert ((rank, count), (rank, count)) in lines
        assert ((rank - 0.36, most), (rank + 0.36, most)) in lines
    assert axes.get_title(loc="left") == "layer-2 cells in a layer-1 cell"
    assert axes.get_xlabel() == "rank at layer 1"


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_hostile_names(kind):
    found = partition_of(random_stack(2, 3), cube(2, -1, 1))
    name = "$\\frac{1}{$ <script>&\n\x00\x1b[31m \udcff 漢 😀 %s {}"
    with our_style():
        data = picture(draw_cells(found, "rank", title(metadata_of([2, 3]), name, 3)), kind)
    assert b"\x1b" not in data or kind != "svg"
    assert b"<script>" not in data or kind != "svg"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (9_999_999, "9,999,999"),
        (10**7, "10⁷"),
        (12_345_678, "1.2×10⁷"),
        (7**400, "1.0×10³³⁸"),
    ],
)
def test_short_numbers(value, expected):
    assert short_number(value) == expected.removeprefix("1.0×")


def test_titles():
    metadata = replace(metadata_of([2, 3, 3]), complete=False, certified=True)
    assert title(metadata, "a.onnx", 1234) == "a.onnx (2-3-3)\n[-1, 1]^2: 1,234 cells, incomplete"
    other = replace(metadata, lower=(0.0, 0.5), upper=(1.0, 0.5), complete=True, certified=False)
    assert title(other, None, 1).splitlines() == [
        "model abababababab (2-3-3)",
        "x0 in [0, 1] (1 fixed): 1 cell, not certified",
    ]
