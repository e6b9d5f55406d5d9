"""``nnce plot -o cells.html``: cells of three inputs as polytopes, and the page in Chromium."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.atlas import CellSpace
from nnce_cli.domain import Box, Polyhedron
from nnce_cli.network import load_network
from nnce_cli.plotting import polytopes_of
from tests.browser import needs_browser
from tests.collect import enumerate_all
from tests.command import assert_refused, nnce_inside, random_network
from tests.network_tables import Cells, cells_of, network_of
from tests.plotting.pages import AXE, FAULTS, errors, wait
from tests.strategies import examples, integer_networks
from tests.tables import described, forge

# ---- the polytopes

SHAPES = [(3, 3, 1), (3, 2, 2, 2)]


def assert_faces_are_right(cells: Cells, volume: Fraction) -> None:
    """Hold the polytopes against those of PPL, against each other, and against the domain."""
    found = polytopes_of(CellSpace(cells.stack, cells.domain), cells.rows, jobs=1)
    loops = np.split(found.loops, np.cumsum(found.corners)[:-1])
    owner = np.repeat(np.arange(len(found.facets)), found.facets)
    by_facet = defaultdict(list)
    for number, loop in enumerate(loops):
        by_facet[frozenset(loop.tolist())].append(number)
    for i in range(len(cells.bits)):
        exact = cells.polyhedron(i)
        own = [loops[f] for f in np.flatnonzero(owner == i)]
        points = {tuple(found.points[k].tolist()) for loop in own for k in loop}
        assert points == {vertex(g) for g in exact.minimized_generators()}
        assert len(own) == len(list(exact.minimized_constraints()))
        edges = Counter(frozenset(e) for loop in own for e in pairwise([*loop.tolist(), loop[0]]))
        assert set(edges.values()) == {2}
        assert len(points) - len(edges) + len(own) == 2
        outputs = [[float(x) for x in row] for row in outputs_of(cells, i)]
        assert found.outputs[i] == pytest.approx(np.array(outputs))
    for facets in by_facet.values():
        layers = {int(found.layers[f]) for f in facets}
        assert len(layers) == 1
        if layers == {0}:
            assert len(facets) == 1
            continue
        a, b = (cells.bits[owner[f]] for f in facets)
        first = next(k for k, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)
        ends = np.cumsum(cells.stack.widths[1:])
        assert layers == {1 + int(np.searchsorted(ends, first, side="right"))}
    volumes = found.volumes()
    assert (volumes > 0).all()
    assert volumes.sum() == pytest.approx(float(volume), rel=1e-12)


def outputs_of(cells: Cells, i: int):
    return [[*row[:-1], row[-1]] for row in cells.outputs(i)]


def vertex(generator) -> tuple[float, ...]:
    divisor = int(generator.divisor())
    return tuple(int(x) / divisor for x in generator.coefficients())


@given(st.data())
@examples(8)
def test_polytopes_are_those_of_ppl(data):
    layers = data.draw(integer_networks(SHAPES))
    stack = network_of(layers[:-1], layers[-1])
    cells = cells_of(stack, Box(np.full(3, -1.0), np.array([1.0, 2.0, 1.0])))
    assert_faces_are_right(cells, Fraction(12))


def test_polytopes_within_half_spaces():
    """A box that a half-space halves, and a pyramid without bounds of inputs."""
    rows = [[1, 2, -1, 1], [-1, 1, 1, 0], [2, -1, 0, -1]]
    stack = network_of([rows], [[1, -1, 2, 0]])
    half = np.array([[1.0, 1.0, 1.0, 0.0]])
    cells = cells_of(stack, Polyhedron(np.full(3, -1.0), np.full(3, 1.0), half))
    assert_faces_are_right(cells, Fraction(4))
    corner = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0], [1, 1, 1, 3]])
    cells = cells_of(stack, Polyhedron(np.full(3, -np.inf), np.full(3, np.inf), corner))
    assert_faces_are_right(cells, Fraction(27, 6))


# ---- the command


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("space")
    for name, sizes in (("space", [3, 5, 4, 3]), ("plane", [2, 3, 1]), ("four", [4, 3, 1])):
        random_network(path / f"{name}.onnx", sizes, seed=3)
        here(path, "enumerate", f"{name}.onnx", "--box=-1,1", "-o", f"{name}.parquet", "-j", "1")
    here(path, "plot", "space.parquet", "space.onnx", "-o", "space.html")
    return path


def here(folder: Path, *arguments: str) -> None:
    result = nnce_inside(*arguments, cwd=folder)
    assert result.returncode == 0, result


def data_of(path: Path) -> dict:
    (block,) = re.findall(
        r'<script type="application/json" id="cells-data">(.*?)</script>', path.read_text("utf-8")
    )
    return json.loads(block)


def decoded(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype)


def test_the_page_and_its_data(folder):
    text = (folder / "space.html").read_text("utf-8")
    about = described(folder / "space.parquet")
    assert f"{about['cells']:,} cells" in text
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!data:)[\w/.]", text)
    data = data_of(folder / "space.html")
    assert (data["format"], data["version"], data["colouring"]) == ("nnce cells", 1, "class")
    found = data["polytopes"]
    assert (found["lower"], found["upper"]) == ([-1.0] * 3, [1.0] * 3)
    assert len(decoded(found["facets"], "<u2")) == about["cells"] == data["space"]["cells"]
    corners = decoded(found["corners"], "<u2")
    assert decoded(found["facets"], "<u2").sum() == len(corners)
    assert corners.sum() == len(decoded(found["loops"], "<u4"))
    before = (folder / "space.html").read_bytes()
    here(folder, "plot", "space.parquet", "space.onnx", "-o", "space.html", "--force")
    assert (folder / "space.html").read_bytes() == before


def test_what_the_page_begins_with(folder):
    options = ("--component", "2", "--no-lines", "--title", "<b>&")
    here(folder, "plot", "space.parquet", "space.onnx", "-o", "other.html", *options)
    data, text = data_of(folder / "other.html"), (folder / "other.html").read_text("utf-8")
    assert (data["colouring"], data["component"]) == ("output", 2)
    assert "<h1>&lt;b&gt;&amp;</h1>" in text
    assert "id=show-lines>" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plane.parquet", "plane.onnx"), ("2 inputs", "nnce report")),
        (("four.parquet", "four.onnx"), ("4 inputs", "--slice")),
        (("space.parquet",), ("give MODEL",)),
        (("space.parquet", "space.onnx", "--kind", "rank"), (".svg",)),
        (("space.parquet", "space.onnx", "--size", "4,4"), ("--size",)),
        (("space.parquet", "space.onnx", "--dpi", "80"), ("--dpi",)),
        (("space.parquet", "space.onnx", "--points", "p.csv"), ("--points",)),
        (("space.parquet", "space.onnx", "--component", "3"), ("no output 3",)),
        (("space.parquet", "space.onnx", "--task", "regression", "--colour", "class"), ("--task",)),
    ],
)
def test_what_is_refused(folder, arguments, words):
    result = nnce_inside("plot", *arguments, "-o", "no.html", cwd=folder)
    assert_refused(result, *words)
    assert not (folder / "no.html").exists()


def test_a_picture_of_space_names_the_page(folder):
    result = nnce_inside("plot", "space.parquet", "space.onnx", "-o", "no.png", cwd=folder)
    assert_refused(result, "3 inputs", "-o cells.html")


def test_too_many_cells(folder, monkeypatch):
    monkeypatch.setattr("nnce_cli.plotting.polytopes.MOST_CELLS", 10)
    result = nnce_inside("plot", "space.parquet", "space.onnx", "-o", "no.html", cwd=folder)
    assert_refused(result, "up to 10 cells", "nnce enumerate --box", "nnce report")


def test_domains_without_bounds(folder):
    options = ("--unbounded", "-o", "far.parquet", "-j", "1")
    here(folder, "enumerate", "space.onnx", *options)
    result = nnce_inside("plot", "far.parquet", "space.onnx", "-o", "no.html", cwd=folder)
    assert_refused(result, "bounded domains", "box")


def test_a_row_that_is_no_cell(folder):
    table = pq.read_table(folder / "space.parquet").to_pydict()
    known = {tuple(row) for row in zip(table["layer_1"], table["layer_2"], strict=True)}
    forged = next(
        bytes([b << 4]) for b in range(16) if (table["layer_1"][-1], bytes([b << 4])) not in known
    )
    whole = pq.read_table(folder / "space.parquet")
    rows = whole.to_pylist()
    rows[-1]["layer_2"] = forged
    rows.sort(key=lambda row: (row["layer_1"], row["layer_2"]))
    changed = pa.Table.from_pylist(rows, schema=whole.schema)
    forge(folder / "forged", changed, described(folder / "space.parquet"))
    result = nnce_inside("plot", "forged", "space.onnx", "-o", "no.html", cwd=folder)
    assert_refused(result, "no cell of this network", "nnce verify")


# ---- the page, in a browser


@pytest.fixture
def opened(folder, driver, screen):
    screen(600)  # a smaller picture is drawn in less time without a graphics card
    driver.get((folder / "space.html").as_uri())
    wait(lambda: int(canvas_of(driver).get_attribute("data-drawn") or 0) > 0)
    wait(lambda: len(driver.find_elements("css selector", "#cell-list tbody tr")) > 1)
    return driver


def canvas_of(driver):
    return driver.find_element("id", "cells")


def put(driver, control: str, value: object) -> None:
    """Set a slider or a list, and wait for the drawing."""
    before = canvas_of(driver).get_attribute("data-drawn")
    script = """
        const control = document.getElementById(arguments[0]);
        control.value = arguments[1];
        control.dispatchEvent(new Event(control.tagName === "SELECT" ? "change" : "input"));
    """
    driver.execute_script(script, control, str(value))
    wait(lambda: canvas_of(driver).get_attribute("data-drawn") != before)


def seen_at(driver, x: float, y: float) -> tuple[int | None, list[float], list[int]]:
    """Move the pointer to a share of the picture; return the cell, the point and the colour."""
    script = """
        const canvas = document.getElementById("cells"), box = canvas.getBoundingClientRect();
        const at = [arguments[0] * box.width, arguments[1] * box.height];
        canvas.dispatchEvent(new PointerEvent("pointermove", {
          pointerId: 9, clientX: box.left + at[0], clientY: box.top + at[1] }));
        const copy = document.createElement("canvas"), ratio = window.devicePixelRatio;
        copy.width = canvas.width;
        copy.height = canvas.height;
        copy.getContext("2d").drawImage(canvas, 0, 0);
        const pixel = copy.getContext("2d").getImageData(at[0] * ratio, at[1] * ratio, 1, 1).data;
        const panel = document.getElementById("cell");
        return [panel.dataset.row, panel.textContent, Array.from(pixel)];
    """
    row, words, pixel = driver.execute_script(script, x, y)
    numbers = re.findall(r"x\d = ([−\d.e-]+?)(?:,|Cell)", words)
    return int(row) if row else None, [float(t.replace("−", "-")) for t in numbers], pixel


def table_of(folder: Path):
    table = pq.read_table(folder / "space.parquet").to_pydict()
    stack = load_network(folder / "space.onnx")
    keys = list(zip(table["layer_1"], table["layer_2"], strict=True))

    def cells_near(point) -> set[int]:
        """Return the cells around a point that may be on a border."""
        steps = np.random.default_rng(0).normal(size=(200, 3)) * 1e-4
        near = np.clip(np.array(point) + steps, -1, 1)
        codes = [np.packbits(z > 0, axis=1) for z in stack.preactivations(near)]
        pairs = zip(*(map(bytes, code) for code in codes), strict=True)
        return {keys.index(pair) for pair in pairs}

    return stack, cells_near


@needs_browser
def test_turning_and_pointing(folder, opened):
    """What is under the pointer is on the domain's border, in the cell that is said to be there."""
    from selenium.webdriver.common.keys import Keys

    _, cells_near = table_of(folder)
    seen, places = set(), [(0.5, 0.5), (0.42, 0.4), (0.6, 0.55), (0.5, 0.35)]
    for keys in ("", Keys.ARROW_RIGHT * 4, Keys.ARROW_UP * 9, Keys.ARROW_LEFT * 12):
        if keys:
            canvas_of(opened).send_keys(keys)
        for place in places:
            row, point, _ = seen_at(opened, *place)
            assert row in cells_near(point)
            assert max(map(abs, point)) == pytest.approx(1, abs=1e-5)
            seen.add(row)
    assert len(seen) > 5
    assert seen_at(opened, 0.01, 0.01)[0] is None
    assert not errors(opened)


@needs_browser
def test_a_cut_shows_the_cells_that_are_there(folder, opened):
    """As many as on bounds that fix the input; as large as the domain; in the classes' colours."""
    stack, cells_near = table_of(folder)
    for axis, share in ((0, 0.625), (2, 0.25)):
        put(opened, "cut-along", axis)
        put(opened, "cut-at", share)
        at = 2 * share - 1
        low, high = np.full(3, -1.0), np.full(3, 1.0)
        low[axis] = high[axis] = at
        count, area = json.loads(canvas_of(opened).get_attribute("data-cut"))
        assert count == len(enumerate_all(stack, Box(low, high)).ranks)
        assert area == pytest.approx(1, rel=1e-9)  # of the longest side, squared
    put(opened, "cut-along", "0")
    put(opened, "cut-at", 0.625)
    colours = data_of(folder / "space.html")["colours"]["light"]["classes"]
    for box in ("show-lines", "show-boundary"):
        opened.find_element("id", box).click()
    right, seen = [], set()
    for place in np.random.default_rng(1).uniform((0.35, 0.4), (0.6, 0.6), (12, 2)).tolist():
        row, point, pixel = seen_at(opened, *place)
        if row is None or abs(point[0] - 0.25) > 1e-6:
            continue  # beside the cut
        assert row in cells_near(point)
        expected = colours[int(stack.forward(np.array([point]))[0].argmax())]
        seen.add(expected)
        right.append([int(expected[k : k + 2], 16) for k in (1, 3, 5)] == pixel[:3])
    assert len(right) > 6
    assert np.mean(right) > 0.9  # a pixel may be across a border
    assert not errors(opened)


@needs_browser
def test_cells_apart_and_the_list(folder, opened):
    """Apart, cells behind are seen; the list has their volumes, which are the domain's in all."""
    volumes = []
    while True:
        lines = opened.find_elements("css selector", "#cell-list tbody tr")
        volumes += [float(line.text.split()[-1].replace("−", "-")) for line in lines]
        if not opened.find_element("id", "list-on").is_enabled():
            break
        opened.find_element("id", "list-on").click()
    assert len(volumes) == described(folder / "space.parquet")["cells"]
    assert sum(volumes) == pytest.approx(8, rel=1e-4)  # six digits are shown
    _, cells_near = table_of(folder)
    put(opened, "apart", 1)
    inside = 0
    for place in np.random.default_rng(2).uniform(0.3, 0.7, (12, 2)).tolist():
        row, point, _ = seen_at(opened, *place)
        if row is not None:
            assert row in cells_near(point)
            inside += max(map(abs, point)) < 0.999
    assert inside > 1
    line = opened.find_element("css selector", "#cell-list tbody tr")
    line.find_element("tag name", "button").click()
    panel = opened.find_element("id", "cell")
    assert panel.get_attribute("data-row") == line.get_attribute("data-row")
    assert not errors(opened)


@needs_browser
def test_layout_and_accessibility(opened, screen):
    axe = Path(pytest.importorskip("axe_core_python").__file__).with_name("axe.min.js")
    for width in (360, 800, 1400):
        screen(width)
        assert opened.execute_script(FAULTS) == [], width
    opened.execute_script(axe.read_text(encoding="utf-8"))
    for scheme in ("light", "dark"):
        screen(1400, scheme)
        assert opened.execute_async_script(AXE) == []
    screen(1400, "dark", "print")
    hidden = opened.find_elements("css selector", ".controls, .cell-panel, #list-section")
    assert not [element for element in hidden if element.is_displayed()]
    assert len(opened.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 10_000
    assert not errors(opened)
