"""``nnce report``: the page, read as text, and used in headless Chromium."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("matplotlib")

import pyarrow.parquet as pq
from typer.testing import CliRunner

from nnce_cli.cli.app import app
from nnce_cli.cli.report_page import named_after
from nnce_cli.domain import Box
from nnce_cli.network import load_network
from tests.browser import needs_browser
from tests.collect import enumerate_all
from tests.command import (
    assert_refused,
    four_lines,
    nnce,
    nnce_inside,
    random_network,
    shell,
    tent,
)
from tests.plotting.pages import AXE, FAULTS, errors, wait
from tests.tables import described, forge

HOSTILE = "<img src=x onerror=alert(1)>'\"&.onnx"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with models, tables and reports of one, two and three inputs."""
    path = tmp_path_factory.mktemp("report")
    random_network(path / "plane.onnx", [2, 12, 9, 3], seed=1)
    random_network(path / "space.onnx", [3, 6, 5, 2], seed=1)
    tent(path / "tent.onnx", 3)
    for name, box in (("plane", "-1,1.5"), ("space", "-1,1"), ("tent", "0,1")):
        table = str(path / f"{name}.cells.parquet")
        here("enumerate", str(path / f"{name}.onnx"), f"--box={box}", "-o", table, "-q", "-j", "1")
        here("report", table, str(path / f"{name}.onnx"), "-o", str(path / f"{name}.html"))
    return path


def here(*arguments: str) -> str:
    """Run ``nnce`` in this process, which takes less time; return what it says."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result
    return result.stdout


def report(folder, name: str, *more: str):
    files = (f"{name}.cells.parquet", f"{name}.onnx", "-o", f"{name}.html")
    return nnce("report", *files, *more, cwd=folder)


def page(folder, name: str) -> str:
    return (folder / f"{name}.html").read_text(encoding="utf-8")


def bits_of(packed: bytes, width: int) -> str:
    return "".join(map(str, np.unpackbits(np.frombuffer(packed, np.uint8))[:width]))


# ---- the text


@pytest.mark.parametrize("name", ["plane", "space", "tent"])
def test_what_is_on_the_page(folder, name):
    found = page(folder, name)
    metadata = json.loads(pq.read_metadata(folder / f"{name}.cells.parquet").metadata[b"nnce"])
    for words in (
        f"The cells of {name}.onnx",
        f"<b id=cell-count>{metadata['cells']:,}</b> cells",
        '<span class="badge good">complete</span>',
        '<span class="badge good">certified</span>',
        metadata["model"],
        "Growth by layer",
        "Layer-k cells by rank",
        "theoretical maximum",
        "What was certified",
        f"nnce verify {name}.cells.parquet {name}.onnx",
    ):
        assert words in found, words
    for count in metadata["layer_cells"]:
        assert f"<td>{count:,}</td>" in found
    interactive = name in ("plane", "space")
    assert ("<canvas" in found) is interactive
    assert ("<script>" in found) is interactive
    assert ("id=slice-base" in found) is (name == "space")
    assert found.count("<figure>") == (3 if name == "tent" else 2)


def data_of(found: str) -> dict:
    """Read the page's data as a program does that knows nothing of this one."""
    (block,) = re.findall(r'<script type="application/json" id="report-data">(.*?)</script>', found)
    return json.loads(block)


@pytest.mark.parametrize("name", ["plane", "space", "tent"])
def test_programs_can_read_the_data(folder, name):
    found = data_of(page(folder, name))
    assert (found["format"], found["version"]) == ("nnce report", 1)
    files = (str(folder / f"{name}.cells.parquet"), "--model", str(folder / f"{name}.onnx"))
    said = json.loads(here("stats", *files, "--json"))
    assert found["statistics"].items() <= said.items()
    assert found["network"].items() <= said["network"].items()
    metadata = json.loads(pq.read_metadata(folder / f"{name}.cells.parquet").metadata[b"nnce"])
    assert found["domain"] == metadata["domain"]
    assert found["model"] == {"file": f"{name}.onnx", "digest": metadata["model"]}
    table = (folder / f"{name}.cells.parquet").read_bytes()
    assert found["table"]["sha256"] == hashlib.sha256(table).hexdigest()
    assert (found["map"] is not None) is (name == "plane")
    assert (found["space"] is not None) is (name == "space")
    for bounds, count in zip(found["bounds"], metadata["layer_cells"], strict=True):
        assert all(bound >= count for bound in bounds.values())


def test_a_page_is_called_after_its_table(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here("report", str(folder / "tent.cells.parquet"), str(folder / "tent.onnx"))
    assert [path.name for path in tmp_path.iterdir()] == ["tent.report.html"]
    for table, target in (("x/a.parquet", "a"), ("b", "b"), ("c.csv", "c.csv")):
        assert named_after(table) == f"{target}.report.html"
    assert named_after("-") == "report.html"


@pytest.mark.parametrize("name", ["plane", "space", "tent"])
def test_classes_boundary_and_norms(folder, name):
    """Classes and Jacobians are those of the network at the witnesses."""
    found = page(folder, name)
    table, stack = rows_of(folder, name)
    points = np.array(table["witness"])
    values = stack.forward(points)
    classes = values[:, 0] > 0 if values.shape[1] == 1 else values.argmax(axis=1)
    counted = {int(j): int((classes == j).sum()) for j in np.unique(classes)}
    shown = re.findall(r"</span>class (\d+): <b>([\d,]+)</b>", found)
    assert {int(j): int(count.replace(",", "")) for j, count in shown} == counted
    norms = np.array([np.linalg.norm(jacobian(stack, point), ord=2) for point in points])
    shown = re.search(r"Euclidean</td><td>([^<]+)</td><td>(\d+)</td><td>([^<]+)</td>", found)
    largest, row, mean = float(shown[1]), int(shown[2]), float(shown[3])
    assert largest == pytest.approx(norms.max(), rel=1e-7)
    assert norms[row] == pytest.approx(norms.max(), rel=1e-7)
    assert mean == pytest.approx(norms.mean(), rel=1e-7)
    crossed = data_of(found)["network"]["boundary_cells"]
    share = f"{crossed:,} ({crossed / len(points):.1%})"
    assert f"<dt>cells on the decision boundary</dt><dd>{share}</dd>" in found


def jacobian(stack, point) -> np.ndarray:
    """Return the linear part of the network around a point."""
    linear, value = np.eye(len(point)), point
    for layer in stack.hidden:
        z = layer.weight @ value + layer.bias
        linear, value = (z > 0)[:, None] * (layer.weight @ linear), np.maximum(z, 0)
    return stack.output.weight @ linear


def test_a_page_does_not_wait_for_a_long_count(tmp_path):
    random_network(tmp_path / "wide.onnx", [1200, 8, 8, 3], seed=1)
    nnce("enumerate", "wide.onnx", "--no-witness", "--output=./-wide", cwd=tmp_path)
    result = nnce("report", "./-wide", "wide.onnx", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, ""), result
    found = (tmp_path / "-wide.report.html").read_text(encoding="utf-8")
    assert "nnce stats ./-wide wide.onnx" in found
    assert "Euclidean" not in found


@pytest.mark.parametrize("name", ["plane", "space", "tent"])
def test_nothing_is_loaded(folder, name):
    found = page(folder, name)
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!data:)[\w/.]", found)
    assert "default-src 'none'" in found


@pytest.mark.parametrize("name", ["plane", "tent"])
def test_equal_input_gives_equal_pages(folder, name):
    before = page(folder, name)
    assert report(folder, name, "--force").returncode == 0
    assert page(folder, name) == before


@pytest.mark.slow
def test_the_commands_give_the_same_table_again(folder, tmp_path):
    (tmp_path / "bounds.csv").write_text("0,0.25\n0.5,0.5\n-1,1e-3\n")
    model = tmp_path / "it's a model.onnx"
    model.write_bytes((folder / "space.onnx").read_bytes())
    first = ("enumerate", model.name, "--bounds", "bounds.csv", "--no-witness", "-o", "-a.parquet")
    assert nnce(*first[:-2], "--output=./-a.parquet", cwd=tmp_path).returncode == 0
    assert nnce("report", "./-a.parquet", model.name, cwd=tmp_path).returncode == 0
    found = (tmp_path / "-a.report.html").read_text(encoding="utf-8")
    assert "<canvas" in found
    commands = re.search(r"<pre>(nnce.*?)</pre>", found, flags=re.DOTALL)
    listed = re.search(r"bounds.csv</summary><pre>(.*?)</pre>", found, flags=re.DOTALL)
    lines = [html_text(line) for line in commands[1].splitlines()]
    (tmp_path / "bounds.csv").write_text(listed[1] + "\n")
    before = (tmp_path / "-a.parquet").read_bytes()
    (tmp_path / "-a.parquet").unlink()
    (tmp_path / "-a.report.html").unlink()
    for line in lines:
        result = shell(line, tmp_path)
        assert result.returncode == 0, (line, result)
    assert (tmp_path / "-a.parquet").read_bytes() == before
    assert (tmp_path / "-a.report.html").read_text(encoding="utf-8") == found


@pytest.mark.parametrize(
    "options",
    [
        ("--proof", "p"),
        *(
            pytest.param(options, marks=pytest.mark.slow)
            for options in (
                (),
                ("--max-cells", "7", "-j", "1"),
                ("--method", "dictionary"),
                ("--method", "incremental"),
                ("--method", "reverse-search", "--lp", "highs"),
                ("--max-cells", "20", "--no-certify"),
            )
        ),
    ],
)
def test_the_command_for_each_way_of_making_a_table(folder, tmp_path, options):
    """Run as it is printed, it gives the same bytes; what cannot be had again is not promised."""
    model = folder / "space.onnx"
    shutil.copy(model, tmp_path)
    nnce_inside("enumerate", "space.onnx", "-o", "a.parquet", *options, cwd=tmp_path)
    assert nnce_inside("report", "a.parquet", "space.onnx", cwd=tmp_path).returncode == 0
    found = (tmp_path / "a.report.html").read_text(encoding="utf-8")
    assert "byte for byte" in " ".join(found.split())
    command = html_text(re.search(r"<pre>(nnce enumerate.*)", found)[1])
    before = (tmp_path / "a.parquet").read_bytes()
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    shutil.copy(model, tmp_path)
    again = nnce_inside(*shlex.split(command)[1:], cwd=tmp_path)
    assert again.returncode in (0, 1, 3)
    assert (tmp_path / "a.parquet").read_bytes() == before


@pytest.mark.slow
def test_a_time_limit_is_not_called_reproducible(folder, tmp_path):
    random_network(tmp_path / "m.onnx", [6, 30, 30, 1], seed=1)
    result = nnce("enumerate", "m.onnx", "-o", "a", "--time-limit", "1", cwd=tmp_path)
    assert result.returncode == 3
    metadata = json.loads(pq.read_metadata(tmp_path / "a").metadata[b"nnce"])
    assert metadata["stopped_by"] == "--time-limit"
    assert nnce("report", "a", "m.onnx", cwd=tmp_path).returncode == 0
    found = (tmp_path / "a.report.html").read_text(encoding="utf-8")
    assert "byte for byte" not in " ".join(found.split())
    assert "these commands give the whole table" in found
    assert "--max-cells" not in found


def html_text(escaped: str) -> str:
    import html

    return html.unescape(escaped)


def hostile_model(path):
    model = onnx.load(four_lines(path))
    for k, node in enumerate(model.graph.node):
        node.name = f"</script><script>window.hacked={k}</script>\x1b[31m"
    onnx.save(model, path)


def test_names_from_files_are_escaped(tmp_path):
    hostile_model(tmp_path / HOSTILE)
    nnce("enumerate", HOSTILE, "-o", "t", cwd=tmp_path)
    assert nnce("report", "t", HOSTILE, cwd=tmp_path).returncode == 0
    found = (tmp_path / "t.report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in found
    assert "<script>window" not in found
    assert "\x1b" not in found
    assert "&lt;img src=x onerror=alert(1)&gt;" in found
    assert "&lt;script&gt;window.hacked=0&lt;/script&gt;?[31m" in found
    assert data_of(found)["model"]["file"] == HOSTILE


@pytest.mark.slow
def test_streams_and_existing_files(folder, tmp_path):
    script = "cat plane.cells.parquet | nnce report - plane.onnx -o - > piped.html"
    assert shell(script, folder).returncode == 0
    piped = page(folder, "piped")
    assert "SHA-256 of the table" not in piped
    assert "<canvas" in piped
    assert_refused(report(folder, "plane"), "plane.html", "--force")
    files = ("plane.cells.parquet", "plane.onnx", "-o", "plane.onnx", "--force")
    assert_refused(nnce("report", *files, cwd=folder), "also an input")
    other = nnce("report", "plane.cells.parquet", "space.onnx", "-o", tmp_path / "x", cwd=folder)
    assert_refused(other, "digests differ")
    assert not list(tmp_path.iterdir())


def test_what_is_not_whole_is_said(folder, tmp_path):
    few = str(tmp_path / "few.parquet")
    nnce("enumerate", "plane.onnx", "--max-cells", "7", "--no-certify", "-o", few, cwd=folder)
    target = tmp_path / "few.html"
    assert nnce("report", few, "plane.onnx", "-o", target, cwd=folder).returncode == 0
    found = target.read_text(encoding="utf-8")
    assert '<span class="badge bad">not complete</span>' in found
    assert '<span class="badge bad">not certified</span>' in found
    assert "--max-cells 7 --no-certify" in found


def test_a_changed_table_is_reported(folder, tmp_path):
    table = pq.read_table(folder / "space.cells.parquet")
    about = described(folder / "space.cells.parquet")
    lie = [about["layer_cells"][0] + 1, *about["layer_cells"][1:]]
    forge(tmp_path / "cut", table.slice(0, 9), about | {"layer_cells": lie})
    result = nnce("report", "cut", folder / "space.onnx", cwd=tmp_path)
    assert result.returncode == 1
    assert "was changed" in result.stderr
    assert "it was changed after it was written" in (tmp_path / "cut.report.html").read_text(
        "utf-8"
    )


# ---- the map, in a browser


def open_page(driver, path) -> None:
    driver.get(path.as_uri())
    if "<canvas" in path.read_text(encoding="utf-8"):
        wait(lambda: drawings(driver) > 0)
        script = "document.getElementById('map').scrollIntoView({block: 'center'})"
        driver.execute_script(script)


def drawings(driver) -> int:
    return int(driver.find_element("id", "map").get_attribute("data-drawn") or 0)


class View:
    """Where points of the domain are on the map, by the frame that the page tells, once zoomed."""

    def __init__(self, driver, lower, upper) -> None:
        self.canvas = driver.find_element("id", "map")
        self.frame = json.loads(self.canvas.get_attribute("data-frame"))
        self.lower, self.upper = np.array(lower), np.array(upper)

    def pixel(self, point) -> tuple[float, float]:
        left, top, width, height = self.frame
        x, y = (np.array(point) - self.lower) / (self.upper - self.lower)
        return left + x * width, top + (1 - y) * height

    def offset(self, point) -> tuple[int, int]:
        """Return whole pixels from the middle of the canvas, as selenium wants them."""
        x, y = self.pixel(point)
        size = self.canvas.size
        return round(x - size["width"] / 2), round(y - size["height"] / 2)


def rows_of(folder, name: str):
    table = pq.read_table(folder / f"{name}.cells.parquet").to_pydict()
    return table, load_network(folder / f"{name}.onnx")


def cell_at(table, stack, point) -> int:
    """Return the row of the cell around a point, by the signs there."""
    z = stack.preactivations(np.array([point]))
    signs = tuple(np.packbits(layer[0] > 0).tobytes() for layer in z)
    keys = zip(*(table[f"layer_{k}"] for k in range(1, len(z) + 1)), strict=True)
    return list(keys).index(signs)


def shown_point(driver) -> list[float]:
    """Return the point that the page says it describes."""
    text = driver.find_element("id", "cell-point").text.replace("−", "-")
    return [float(x) for x in re.findall(r"= (\S+?)(?:,|$)", text)]


def move_to(driver, view, offset) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(driver, duration=0).move_to_element_with_offset(view.canvas, *offset).perform()


@needs_browser
def test_the_cell_under_the_pointer(folder, driver):
    open_page(driver, folder / "plane.html")
    table, stack = rows_of(folder, "plane")
    view = View(driver, [-1, -1], [1.5, 1.5])
    panel = driver.find_element("id", "cell")
    seen = set()
    for point in table["witness"][::7]:
        move_to(driver, view, view.offset(point))
        at = shown_point(driver)
        # The pointer stands on whole pixels.
        assert np.hypot(*np.subtract(view.pixel(at), view.pixel(point))) < 1.5
        row = cell_at(table, stack, at)
        assert panel.get_attribute("data-row") == str(row)
        seen.add(row)
        for k, bits in enumerate(panel.find_elements("class name", "signs"), start=1):
            expected = bits_of(table[f"layer_{k}"][row], stack.widths[k])
            assert bits.text.replace(" ", "") == expected
            assert f"rank {table[f'rank_{k}'][row]}" in panel.text
            assert f"{table[f'active_{k}'][row]} of {stack.widths[k]} active" in panel.text
        values = stack.forward(np.array([at]))[0]
        shown = [float(t.replace("−", "-")) for t in re.findall(r"here: (\S+)", panel.text)]
        assert shown == pytest.approx(values, rel=1e-4, abs=1e-4)
        assert panel.get_attribute("data-predicted") == str(values.argmax())
        for m, formula in enumerate(panel.find_elements("class name", "affine")):
            constant, a, b = coefficients(formula.text)
            near = np.array([at, [at[0] + 1e-7, at[1]], [at[0], at[1] + 1e-7]])
            here, right, up = stack.forward(near)[:, m]
            assert constant + a * at[0] + b * at[1] == pytest.approx(here, abs=1e-3)
            assert (a, b) == pytest.approx(((right - here) * 1e7, (up - here) * 1e7), abs=1e-3)
    assert len(seen) > 8
    assert not errors(driver)


def coefficients(formula: str) -> list[float]:
    """Read ``1.5 − 2 x0 + 3 x1``."""
    parts = re.fullmatch(r"(\S+) ([+−]) (\S+) x0 ([+−]) (\S+) x1", formula).groups()
    constant, a, b = (float(parts[i].replace("−", "-")) for i in (0, 2, 4))
    return [constant, -a if parts[1] == "−" else a, -b if parts[3] == "−" else b]


@needs_browser
def test_zooming_and_panning(folder, driver):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
    from selenium.webdriver.common.keys import Keys

    open_page(driver, folder / "plane.html")
    table, stack = rows_of(folder, "plane")
    view = View(driver, [-1, -1], [1.5, 1.5])
    panel = driver.find_element("id", "cell")

    def is_right() -> bool:
        return panel.get_attribute("data-row") == str(cell_at(table, stack, shown_point(driver)))

    # The point under the pointer stays there while the wheel turns.
    offset = view.offset([0.2, -0.3])
    move_to(driver, view, offset)
    before = shown_point(driver)
    origin = ScrollOrigin.from_element(view.canvas, *offset)
    ActionChains(driver).scroll_from_origin(origin, 0, -2000).perform()
    wait(lambda: shown_point(driver) == pytest.approx(before, abs=1e-5))
    assert is_right()
    # A few pixels away it is now another point, close by.
    move_to(driver, view, (offset[0] + 40, offset[1]))
    near = shown_point(driver)
    assert 0 < near[0] - before[0] < 0.05
    assert is_right()
    # Dragging takes the point along.
    actions = ActionChains(driver, duration=0).click_and_hold()
    actions.move_by_offset(30, 10).release().perform()
    move_to(driver, view, (offset[0] + 70, offset[1] + 10))
    assert shown_point(driver) == pytest.approx(near, abs=1e-5)
    # The keys move the view, and show the cell in its middle.
    view.canvas.send_keys(Keys.ARROW_LEFT)
    left = shown_point(driver)
    view.canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert shown_point(driver)[0] > left[0]
    assert is_right()
    view.canvas.send_keys("0")
    assert shown_point(driver) == pytest.approx([0.25, 0.25])
    for button, smaller in (("zoom-in", True), ("zoom-out", False), ("zoom-reset", False)):
        driver.find_element("id", button).click()
        move_to(driver, view, view.offset([1.4, 1.4]))
        assert (shown_point(driver)[0] < 1.3) is smaller
    assert not errors(driver)


@needs_browser
def test_the_colours_of_the_map(folder, driver):
    from selenium.webdriver.support.ui import Select

    open_page(driver, folder / "plane.html")
    table, stack = rows_of(folder, "plane")
    view = View(driver, [-1, -1], [1.5, 1.5])
    for box in ("show-lines", "show-boundary"):
        driver.find_element("id", box).click()
    points = np.random.default_rng(0).uniform(-0.9, 1.4, (150, 2))
    values = stack.forward(points)
    rows = [cell_at(table, stack, point) for point in points]
    said = {
        "rank": [f"rank {table['rank_2'][row]}" for row in rows],
        "class": [f"class {k}" for k in values.argmax(axis=1)],  # chosen already at first
    }

    def colours() -> np.ndarray:
        script = """
            const canvas = document.getElementById("map"), ratio = window.devicePixelRatio;
            const context = canvas.getContext("2d");
            return arguments[0].map(([x, y]) =>
              Array.from(context.getImageData(x * ratio, y * ratio, 1, 1).data.slice(0, 3)));
        """
        pixels = [[float(x) for x in view.pixel(point)] for point in points]
        return np.array(driver.execute_script(script, pixels))

    def choose(value: str) -> np.ndarray:
        before = drawings(driver)
        Select(driver.find_element("id", "colouring")).select_by_value(value)
        wait(lambda: drawings(driver) > before)
        return colours()

    for value, names in said.items():
        found = choose(value)
        key = {}
        for item in driver.find_elements("css selector", "#map-key .key-item"):
            swatch = item.find_element("class name", "key-area")
            channels = re.findall(r"\d+", swatch.value_of_css_property("background-color"))
            key[item.text] = [int(x) for x in channels[:3]]
        expected = np.array([key[name] for name in names])
        assert (np.abs(found - expected).max(axis=1) <= 3).mean() > 0.9, value
    # A scale that goes from light to dark: greater outputs are darker.
    found = choose("output1").sum(axis=1)
    assert np.corrcoef(found, values[:, 1])[0, 1] < -0.9
    active = np.array([table["active_1"][row] + table["active_2"][row] for row in rows])
    assert np.corrcoef(choose("active").sum(axis=1), active)[0, 1] < -0.9
    layer1 = choose("layer1")
    first = [table["layer_1"][row] for row in rows]
    assert len({tuple(colour) for colour in layer1.tolist()}) >= min(4, len(set(first)))


@needs_browser
@pytest.mark.parametrize("name", ["plane", "space", "tent"])
def test_layout_and_accessibility(folder, driver, screen, name):
    """At the widths of a phone, a tablet and a desk; and in the dark, and on paper."""
    axe = Path(pytest.importorskip("axe_core_python").__file__).with_name("axe.min.js")
    open_page(driver, folder / f"{name}.html")
    if name != "tent":
        wait(lambda: len(driver.find_elements("css selector", "#cell-list tbody tr")) > 1)
    for width in (360, 800, 1400):
        screen(width)
        assert driver.execute_script(FAULTS) == [], width
    driver.execute_script(axe.read_text(encoding="utf-8"))
    for scheme in ("light", "dark"):
        screen(1400, scheme)
        assert driver.execute_async_script(AXE) == []
    background = "return getComputedStyle(document.body).backgroundColor"
    assert driver.execute_script(background) != "rgb(255, 255, 255)"
    screen(1400, "dark", "print")
    assert driver.execute_script(background) == "rgb(255, 255, 255)"
    hidden = driver.find_elements("css selector", ".controls, .cell-panel, #list-section")
    assert not [element for element in hidden if element.is_displayed()]
    assert len(driver.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 10_000
    names = driver.execute_script("return performance.getEntries().map((e) => e.name)")
    assert not [name for name in names if name.startswith("http")]
    assert not errors(driver)


@needs_browser
def test_the_first_screen_of_a_desk(folder, driver, screen):
    """What a reader wants is to be seen at once, and the map beside it, not below it."""
    open_page(driver, folder / "plane.html")
    screen(1400)
    driver.execute_script("scrollTo(0, 0)")
    at = """
        const box = document.querySelector(arguments[0]).getBoundingClientRect();
        return [box.left, box.top, box.right, box.bottom];
    """
    summary, stage, panel = (
        driver.execute_script(at, name) for name in (".summary", ".stage", "#cell")
    )
    assert summary[2] <= stage[0] < stage[2] <= panel[0]
    assert stage[3] < 950
    assert summary[1] < 150
    assert panel[2] > 1300  # no empty half


@needs_browser
def test_the_map_in_the_dark(folder, driver, screen):
    open_page(driver, folder / "plane.html")
    bright = """
        const canvas = document.getElementById("map"), context = canvas.getContext("2d");
        const [x, y, w, h] = JSON.parse(canvas.dataset.frame);
        const { data } = context.getImageData(x + 2, y + 2, w - 4, h - 4);
        let sum = 0;
        for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
        return sum / (data.length / 4) / 765;
    """
    screen(1200, "light")
    light = driver.execute_script(bright)
    before = drawings(driver)
    screen(1200, "dark")
    wait(lambda: drawings(driver) > before)
    dark = driver.execute_script(bright)
    assert light > 0.55
    assert dark < 0.45
    before = drawings(driver)
    screen(1200, "dark", "print")
    wait(lambda: drawings(driver) > before)
    assert driver.execute_script(bright) > 0.55


def counted_on(driver) -> int:
    (count,) = re.findall(
        r"([\d,]+) cells? on this plane", driver.find_element("id", "slice-count").text
    )
    return int(count.replace(",", ""))


def cells_where(stack, low, high) -> int:
    """Return the number of cells on bounds of which some fix an input, which are enumerated."""
    return len(enumerate_all(stack, Box(np.array(low), np.array(high))).ranks)


@needs_browser
def test_slices_have_the_cells_that_are_there(folder, driver):
    """As many as nnce enumerates where the other input is fixed, wherever the slider is."""
    open_page(driver, folder / "space.html")
    _, stack = rows_of(folder, "space")
    slide = """
        const slider = document.querySelector("#slider-list input");
        slider.value = arguments[0];
        slider.dispatchEvent(new Event("input"));
    """
    for z in (0.0, 0.5, -0.625):
        before = drawings(driver)
        driver.execute_script(slide, z)
        wait(lambda before=before: drawings(driver) > before)
        assert counted_on(driver) == cells_where(stack, [-1, -1, z], [1, 1, z])
    up = driver.find_element("id", "slice-up")
    driver.execute_script(
        "arguments[0].value = 'input2'; arguments[0].dispatchEvent(new Event('change'))", up
    )
    assert counted_on(driver) == cells_where(stack, [-1, 0, -1], [1, 0, 1])
    assert not errors(driver)


@needs_browser
def test_the_list_of_cells(folder, driver):
    """It is sorted by what is asked for; a row shows its cell on a slice through its witness."""
    open_page(driver, folder / "space.html")
    table, stack = rows_of(folder, "space")
    heads = {cell.text: cell for cell in driver.find_elements("css selector", "#cell-list th")}
    assert list(heads) == ["cell", "rank 1", "rank 2", "active neurons", "class"]
    heads["active neurons"].find_element("tag name", "button").click()
    assert heads["active neurons"].get_attribute("aria-sort") == "descending"
    active = np.array(table["active_1"]) + np.array(table["active_2"])
    order = np.lexsort((np.arange(len(active)), -active))[:20]
    lines = driver.find_elements("css selector", "#cell-list tbody tr")
    shown = [[int(x) for x in line.text.replace(",", "").split()] for line in lines]
    classes = stack.forward(np.array(table["witness"])).argmax(axis=1)
    assert shown == [
        [row, table["rank_1"][row], table["rank_2"][row], active[row], classes[row]]
        for row in order.tolist()
    ]
    driver.find_element("id", "list-on").click()
    assert driver.find_element("id", "list-where").text.startswith("21–40 of ")
    line = driver.find_element("css selector", "#cell-list tbody tr")
    row = int(line.get_attribute("data-row"))
    line.find_element("tag name", "button").click()
    panel = driver.find_element("id", "cell")
    assert panel.get_attribute("data-row") == str(row)
    for k, bits in enumerate(panel.find_elements("class name", "signs"), start=1):
        assert bits.text.replace(" ", "") == bits_of(table[f"layer_{k}"][row], stack.widths[k])
    values = stack.forward(np.array([table["witness"][row]]))[0]
    here = [float(t.replace("−", "-")) for t in re.findall(r"here: (\S+)", panel.text)]
    assert here == pytest.approx(values, rel=1e-4, abs=1e-4)
    assert not errors(driver)


@needs_browser
def test_touching_the_map(folder, driver):
    open_page(driver, folder / "plane.html")
    table, stack = rows_of(folder, "plane")
    view = View(driver, [-1, -1], [1.5, 1.5])
    corner = driver.execute_script(
        "const b = arguments[0].getBoundingClientRect(); return [b.left, b.top]", view.canvas
    )

    def touch(kind: str, *points) -> None:
        touches = [
            {"x": corner[0] + x, "y": corner[1] + y, "id": i} for i, (x, y) in enumerate(points)
        ]
        driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        point = table["witness"][len(table["witness"]) // 2]
        x, y = map(round, view.pixel(point))
        touch("touchStart", (x, y))
        touch("touchEnd")
        panel = driver.find_element("id", "cell")
        wait(lambda: panel.get_attribute("data-row") is not None)
        at = shown_point(driver)
        assert np.hypot(*np.subtract(view.pixel(at), (x, y))) < 1.5
        assert panel.get_attribute("data-row") == str(cell_at(table, stack, at))
        left, top, width, height = view.frame
        # Two fingers that part enlarge what is between them.
        middle = (left + width / 2, top + height / 2)
        apart = (40, 55, 70, 80)
        fingers = [[(middle[0] - d, middle[1]), (middle[0] + d, middle[1])] for d in apart]
        touch("touchStart", *fingers[0])
        for pair in fingers[1:]:
            touch("touchMove", *pair)
        touch("touchEnd")
        touch("touchStart", (middle[0] + 100, middle[1]))
        touch("touchEnd")
        wait(lambda: shown_point(driver) != at)
        zoom = 2.5 * 100 / width / (shown_point(driver)[0] - 0.25)
        assert 1.4 < zoom < 2.1  # 2, less the first movement, in which the browser sees a tap
    finally:
        driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


@needs_browser
def test_hostile_names_in_a_browser(tmp_path, driver):
    hostile_model(tmp_path / HOSTILE)
    nnce("enumerate", HOSTILE, "-o", "t", cwd=tmp_path)
    assert nnce("report", "t", HOSTILE, cwd=tmp_path).returncode == 0
    open_page(driver, tmp_path / "t.report.html")
    assert driver.execute_script("return window.hacked") is None
    assert HOSTILE in driver.find_element("tag name", "h1").text
    assert not errors(driver)


@needs_browser
@pytest.mark.slow
def test_points_outside_of_an_incomplete_table(folder, tmp_path, driver):
    few = str(tmp_path / "few.parquet")
    nnce("enumerate", "plane.onnx", "--box=-1,1.5", "--max-cells", "7", "-o", few, cwd=folder)
    target = tmp_path / "few.html"
    nnce("report", few, "plane.onnx", "-o", target, cwd=folder)
    open_page(driver, target)
    table, _ = rows_of(folder, "plane")
    view = View(driver, [-1, -1], [1.5, 1.5])
    for row in (3, len(table["witness"]) - 1):
        move_to(driver, view, view.offset(table["witness"][row]))
        panel = driver.find_element("id", "cell")
        if row >= 7:
            assert panel.get_attribute("data-row") == ""
            assert "incomplete" in panel.text


def test_commands_are_quoted():
    # What the page says is for a shell: it must read a name as one word.
    from nnce_cli.plotting.reproduce import argument

    for name in ("a b.onnx", "-o.onnx", "'\"$(x).onnx"):
        (word,) = shlex.split(shlex.quote(argument(name)))
        assert word.endswith(name)
        assert not word.startswith("-")


@needs_browser
@pytest.mark.slow
def test_a_slice_with_marks_and_a_polygon_on_the_map(tmp_path, driver):
    """Points of the slice and data are told at the pointer; outside of half-spaces is no cell."""
    random_network(tmp_path / "net.onnx", [4, 8, 3], seed=1)
    random_network(tmp_path / "plane.onnx", [2, 8, 3], seed=1)
    (tmp_path / "points.csv").write_text("0,0,0,0\n1,0,0,0\n0,1,0,0\n")
    (tmp_path / "data.csv").write_text("0.5,0.5,0.3,0.4\n")
    (tmp_path / "halfspaces.csv").write_text("1,1,0\n")
    for name, options in (
        ("net", ("--slice", "points.csv", "--margin", "0.5")),
        ("plane", ("--box=-1,1", "--halfspaces", "halfspaces.csv")),
    ):
        made = nnce("enumerate", f"{name}.onnx", *options, cwd=tmp_path)
        assert made.returncode == 0, made
    assert report(tmp_path, "net", "--points", "data.csv").returncode == 0
    assert report(tmp_path, "plane").returncode == 0

    open_page(driver, tmp_path / "net.html")
    view = View(driver, [-0.5, -0.5], [1.5, 1.5])
    panel = driver.find_element("id", "cell")
    for point, words in (
        ((0, 1), "p2: on the slice"),
        ((1, 0), "p1: on the slice"),
        ((0.5, 0.5), "point 0: 0.5 from the plane"),
    ):
        move_to(driver, view, view.offset(point))
        wait(lambda words=words: words in panel.text)
    assert "u1 = " in panel.text
    assert " u2" in panel.find_element("class name", "affine").text

    open_page(driver, tmp_path / "plane.html")
    view = View(driver, [-1, -1], [1, 1])
    panel = driver.find_element("id", "cell")
    move_to(driver, view, view.offset((0.5, 0.5)))
    wait(lambda: "Outside of the domain." in panel.text)
    assert panel.get_attribute("data-row") == ""
    move_to(driver, view, view.offset((-0.5, -0.25)))
    wait(lambda: panel.get_attribute("data-row") != "")
    stack = load_network(tmp_path / "plane.onnx")
    table = pq.read_table(tmp_path / "plane.cells.parquet").to_pydict()
    assert panel.get_attribute("data-row") == str(cell_at(table, stack, shown_point(driver)))
