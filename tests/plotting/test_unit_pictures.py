"""Pictures of networks with slopes, units of many pieces, pass-throughs, or no hidden layer."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from nnce_cli.analysis import stats
from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.domain import Box
from nnce_cli.network import Units
from nnce_cli.plotting import (
    COLOURINGS,
    Plane,
    Space,
    Subject,
    draw_cells,
    draw_layers,
    draw_ranks,
    our_style,
    partition,
    report_page,
)
from nnce_cli.plotting.classes import classes
from nnce_cli.plotting.titles import units_words
from nnce_cli.table import Metadata, Rows
from tests.browser import needs_browser
from tests.cases import cube
from tests.plotting.test_polyhedra import rows_on
from tests.plotting.test_report_page import (
    View,
    counted_on,
    drawings,
    errors,
    move_to,
    open_page,
    shown_point,
)
from tests.tables import part
from tests.unit_stacks import clip, maximum, sampled, zoo

STACKS = {(name, inputs): stack for inputs in (1, 2) for name, stack in zoo(inputs).items()}


def drawn(stack, task=None, rows=None, *, complete=True):
    cells = sampled(stack, samples=100_000)
    plane = Plane.of(stack, cells.box, task)
    return cells, partition(plane, cells.rows if rows is None else rows, complete=complete)


@pytest.fixture(params=STACKS, ids=lambda key: f"{key[0]} of {key[1]}", scope="module")
def picture(request):
    """The cells of a network that samples have met, which are all, and their partition."""
    return drawn(STACKS[request.param])


def test_polygons_are_the_cells(picture):
    """They fill the domain, and each has the codes of its row in its middle."""
    cells, found = picture
    inputs = cells.stack.n_inputs
    assert found.polygons.areas().sum() == pytest.approx(2.0**inputs)
    assert (found.polygons.areas() > 0).all()
    centres = found.polygons.centres()[:, :inputs]
    codes = cells.stack.codes(centres)
    if codes:
        assert np.array_equal(cells.stack.layout.join_layers(codes), cells.joined)
    outputs = (found.outputs[:, :, :inputs] * centres[:, None, :]).sum(axis=2)
    assert outputs + found.outputs[:, :, 2] == pytest.approx(cells.stack.forward(centres))


def test_cuts_are_where_codes_change(picture):
    """Beside the middle of each cut the codes of its layer differ, and those before it do not."""
    cells, found = picture
    stack, middles = cells.stack, found.cuts.mean(axis=1)
    along = found.cuts[:, 1] - found.cuts[:, 0]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    step = 1e-9 * (across if stack.n_inputs == 2 else np.ones_like(across))
    sides = [stack.codes((middles + s)[:, : stack.n_inputs]) for s in (step, -step)]
    for i, layer in enumerate(found.cut_layers.tolist()):
        for k in range(layer + 1):
            one, other = (np.concatenate([c[i] for c in side[k]]) for side in sides)
            assert np.array_equal(one, other) == (k < layer)
    assert len(found.cuts) >= len(cells.joined) - 1


def test_the_first_rows_are_the_first_polygons(picture):
    cells, whole = picture
    count = len(cells.joined)
    for rows in {1, count // 3 or 1, count // 2 or 1, count - 1 or 1}:
        found = partition(whole.plane, part(cells.rows, 0, rows), complete=rows == count)
        assert found.polygons.areas() == pytest.approx(whole.polygons.areas()[:rows])


def test_rows_that_are_no_cells_are_refused():
    for name in ("clips", "pool"):
        cells, found = drawn(STACKS[name, 2])
        column = cells.stack.layout.columns.index(("piece_1" if name == "clips" else "piece_2", 2))
        for code in range(3):
            signs = [c[:1].copy() for c in cells.rows.signs]
            if signs[column][0, 0] == code:
                continue
            signs[column][0, 0] = code
            rows = Rows(signs, cells.rows.active[:1], cells.rows.ranks[:1])
            with pytest.raises(InputError, match="row 0 of the table is no cell"):
                partition(found.plane, rows, complete=True)


@pytest.mark.parametrize("name", ["all kinds", "pool", "no hidden layer"])
@pytest.mark.parametrize("inputs", [1, 2])
def test_pictures_are_drawn(name, inputs):
    cells, found = drawn(STACKS[name, inputs])
    of_table = stats([cells.rows], cells.stack.sizes)
    with our_style():
        for colouring in COLOURINGS:
            draw_cells(found, colouring, "t").canvas.draw()
        if len(of_table.layer_cells) > 1:
            draw_ranks(of_table, "t").canvas.draw()
        figure = draw_layers(of_table, inputs, "t")
        figure.canvas.draw()
    words = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert ("upper bound (Montúfar 2017)" in words) != cells.stack.is_relu


@pytest.mark.parametrize("task", Task)
def test_classes_are_those_of_the_task(task):
    outputs = 1 if task is Task.SIGN else 3
    stack = dataclasses.replace(zoo(2, outputs)["all kinds"])
    cells, found = drawn(stack, task)
    cut = classes(found)
    centres = cut.pieces.centres()
    values = stack.forward(centres)
    expected = {
        Task.ARGMAX: values.argmax(axis=1),
        Task.ARGMIN: values.argmin(axis=1),
        Task.SIGN: (values[:, 0] > 0).astype(int),
        Task.REGRESSION: np.zeros(len(values), dtype=int),
    }[task]
    assert np.array_equal(cut.classes, expected)
    if task is Task.REGRESSION:
        assert len(cut.pieces) == len(cells.joined)
        assert not len(cut.boundary)
        with pytest.raises(InputError, match="no classes"), our_style():
            draw_cells(found, "class", "t")


def test_units_in_words():
    slopes = np.array([0.0, 0.0, -1.0, 0.01])
    units = Units(slopes, (clip(), maximum(4, 12), maximum(4, 13)))
    assert units_words(units, units.rows + 2) == (
        "2 ReLU, 1 absolute value, 1 leaky ReLU (0.01), 1 clip, 2 max of 4, 2 passing by"
    )


def page_of(name: str, task: Task = Task.ARGMAX) -> tuple:
    cells, found = drawn(STACKS[name, 2], task)
    metadata = dataclasses.replace(cells.metadata, complete=True, certified=True)
    subject = Subject(
        model="m.onnx",
        table="t.cells.parquet",
        table_digest=None,
        stack=cells.stack,
        task=task,
        metadata=metadata,
        stats=stats([cells.rows], cells.stack.sizes),
        network=None,
        partition=found,
        marks=None,
        space=None,
    )
    return cells, report_page(subject)


def test_what_a_page_says():
    _, page = page_of("all kinds")
    assert "A piecewise linear network of widths 2-4-3" in page
    assert "1 ReLU, 1 leaky ReLU (0.5), 1 clip, 1 max of 4, 1 passing by" in page
    assert "by active units of layer" in page
    assert "Serra" not in page  # whose bound is not one of theirs
    assert "decision boundary" in page
    _, page = page_of("relu")
    assert "A ReLU network of widths 2-5-3" in page
    assert "Serra" in page


def test_a_page_of_a_regression_has_no_boundary():
    _, page = page_of("leaky", Task.REGRESSION)
    body = page[: page.index("<script>")]
    assert "decision boundary" not in body
    assert "Classes and" not in body
    assert "nnce report t.cells.parquet m.onnx --task regression\n" in page
    assert "nnce stats t.cells.parquet m.onnx --task regression" in page


@needs_browser
@pytest.mark.parametrize("name", ["leaky", "passing", "all kinds", "pool", "no hidden layer"])
@pytest.mark.parametrize("task", [Task.ARGMIN, Task.REGRESSION])
def test_the_cell_under_the_pointer(name, task, tmp_path, driver):
    cells, page = page_of(name, task)
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    open_page(driver, tmp_path / "page.html")
    view, panel = View(driver, [-1, -1], [1, 1]), driver.find_element("id", "cell")
    seen = 0
    for row, point in enumerate(cells.rows.witness[:6]):
        move_to(driver, view, view.offset(point))
        at = np.array([shown_point(driver)])
        codes = cells.stack.codes(at)
        found = cells.stack.layout.join_layers(codes)[0] if codes else cells.joined[0]
        if not np.array_equal(found, cells.joined[row]):
            continue  # a cell that is smaller than a pixel
        seen += 1
        assert panel.get_attribute("data-row") == str(row)
        texts = cells.stack.layout.texts(found)
        shown = [e.text.replace(" ", "") for e in panel.find_elements("class name", "signs")]
        assert shown == list(texts)
        values = cells.stack.forward(at)[0]
        here = [float(t.replace("−", "-")) for t in re.findall(r"here: (\S+)", panel.text)]
        assert here == pytest.approx(values, rel=1e-4, abs=1e-4)
        least = str(values.argmin()) if task is Task.ARGMIN else None
        assert panel.get_attribute("data-predicted") == least
    assert seen > min(len(cells.joined), 6) // 2
    first, *options = driver.find_elements("css selector", "#colouring option")
    for option in [*options, first]:
        before = drawings(driver)
        option.click()
        assert drawings(driver) > before
    names = [option.text for option in (first, *options)]
    assert ("predicted class" in names) == (task is Task.ARGMIN)
    assert not errors(driver)


@needs_browser
@pytest.mark.parametrize("name", ["all kinds", "pool", "no hidden layer"])
def test_slices_of_other_units(name, tmp_path, driver):
    """The page cuts a plane into as many cells as the enumeration does where an input is fixed."""
    stack, box = zoo(3)[name], cube(3, -1, 1)
    rows = rows_on(stack, box)
    metadata = Metadata.of(stack, box, witness=False)
    subject = Subject(
        model="m.onnx",
        table="t.cells.parquet",
        table_digest=None,
        stack=stack,
        task=Task.ARGMAX,
        metadata=metadata,
        stats=stats([rows], stack.sizes),
        network=None,
        partition=None,
        marks=None,
        space=Space.of(stack, box, Task.ARGMAX, [rows], np.array([[0.5, 0.25, -0.375]]), ["1"]),
    )
    (tmp_path / "page.html").write_text(report_page(subject), encoding="utf-8")
    open_page(driver, tmp_path / "page.html")
    for base, z in (("centre", 0.0), ("point0", -0.375)):
        select = driver.find_element("id", "slice-base")
        script = (
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))"
        )
        driver.execute_script(script, select, base)
        fixed = Box(np.array([-1.0, -1.0, z]), np.array([1.0, 1.0, z]))
        assert counted_on(driver) == len(rows_on(stack, fixed).active)
    assert not errors(driver)
