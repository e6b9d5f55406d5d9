"""``nnce plot`` as a program."""

from __future__ import annotations

import html
import os
import pty
import re
import subprocess

import pytest

pytest.importorskip("matplotlib")

from tests.command import BIN, assert_refused, environment, four_lines, nnce, shell, tent
from tests.tables import described, forge

SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def slow(*values):
    """Return a parameter of which only `make test-all` has tests."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with four.onnx (11 cells of a square), tent.onnx (8 intervals), tables."""
    path = tmp_path_factory.mktemp("plot")
    four_lines(path / "four.onnx")
    tent(path / "tent.onnx", 3)
    nnce("enumerate", "four.onnx", cwd=path)
    nnce("enumerate", "tent.onnx", "--box", "0,1", cwd=path)
    nnce("enumerate", "tent.onnx", "--box", "0.5,0.5", "-o", "point.parquet", cwd=path)
    return path


def plot(folder, *arguments: str, **options):
    return nnce("plot", *arguments, cwd=folder, **options)


def texts(svg: bytes) -> str:
    """Return the texts of an SVG file, which stand in comments beside their outlines."""
    return html.unescape("\n".join(re.findall(r"<!-- (.*?) -->", svg.decode(), flags=re.DOTALL)))


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("partition", "png"),
        ("rank", "svg"),
        ("layers", "pdf"),
        *(slow("partition", ending) for ending in ("svg", "pdf")),
        *(slow("rank", ending) for ending in ("png", "pdf")),
        *(slow("layers", ending) for ending in ("png", "svg")),
    ],
)
def test_kinds_and_formats(folder, tmp_path, kind, ending):
    target = tmp_path / f"a.{ending}"
    for name in ("tent",) if kind == "rank" else ("four", "tent"):
        files = (f"{name}.cells.parquet", "--model", f"{name}.onnx", "--kind", kind)
        result = plot(folder, *files, "-o", str(target), "--force")
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        assert target.read_bytes().startswith(SIGNATURES[ending])


@pytest.mark.parametrize("colour", ["class", *map(slow, ("layer1", "rank", "output", "active"))])
def test_colours_and_words(folder, tmp_path, colour):
    target = tmp_path / "a.svg"
    result = plot(
        folder, "four.cells.parquet", "--model", "four.onnx", "--colour", colour, "-o", str(target)
    )
    assert result.returncode == 0, result
    shown = texts(target.read_bytes())
    words = ["four.onnx (2-4)\n[-1, 1]^2: 11 cells", "input x0", "input x1", "neurons of layer 1"]
    named = {"layer1": "colours: layer-1 cells", "class": "> 0", "active": "active neurons"}
    words.append(named.get(colour, colour))
    assert all(word in shown for word in words), shown


def test_defaults(folder):
    four = ("four.cells.parquet", "-o", "-", "--format", "svg")
    with_model = plot(folder, *four, "--model", "four.onnx", text=False)
    assert "input x0" in texts(with_model.stdout)
    without = plot(folder, *four, text=False)
    shown = texts(without.stdout)
    assert "layer-k cells" in shown
    assert "model " in shown
    of_tent = plot(folder, "tent.cells.parquet", "-o", "-", "--format", "svg", text=False)
    assert "layer-2 cells in a layer-1 cell" in texts(of_tent.stdout)
    assert "≤ 0" not in texts(with_model.stdout)  # a single output is drawn by its value
    assert "output = 0" in texts(with_model.stdout)
    png = plot(folder, "four.cells.parquet", "-o", "-", text=False)
    assert png.stdout.startswith(SIGNATURES["png"])


@pytest.mark.parametrize("ending", ["svg", *(slow(ending) for ending in ("png", "pdf"))])
@pytest.mark.slow
def test_equal_input_gives_equal_bytes(folder, tmp_path, ending):
    (tmp_path / "matplotlibrc").write_text("font.size: 20\nsvg.fonttype: none\n")
    files = []
    for i, settings in enumerate(({}, {"MATPLOTLIBRC": str(tmp_path), "TZ": "Asia/Tokyo"})):
        for kind in ("partition", "layers"):
            target = tmp_path / f"{i}.{kind}.{ending}"
            arguments = ("four.cells.parquet", "--model", "four.onnx", "--kind", kind)
            result = plot(folder, *arguments, "-o", str(target), env=environment(**settings))
            assert result.returncode == 0, result
            files.append(target.read_bytes())
    assert files[:2] == files[2:]


def test_from_standard_input(folder):
    layers = "--kind layers -o -"
    piped = f"nnce plot - {layers} < four.cells.parquet"
    script = f"{piped} | cmp - <(nnce plot four.cells.parquet {layers})"
    assert shell(script, folder).returncode == 0


def test_size_title_and_labelled_points(folder, tmp_path):
    (tmp_path / "data.csv").write_text("x0,x1,label\n0.5,0.5,1\n-0.5,0.25,0\n0.1,0.2,cat\n")
    target = tmp_path / "a.svg"
    options = ("--size", "80mm,7cm", "--title", "a title", "--no-lines", "--dpi", "50")
    files = ("four.cells.parquet", "--model", "four.onnx", "--points", str(tmp_path / "data.csv"))
    assert plot(folder, *files, *options, "-o", str(target)).returncode == 0
    svg = target.read_bytes()
    shown = texts(svg)
    width, height = (
        float(x) for x in re.search(rb'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()
    )
    assert (width, height) == pytest.approx((80 / 25.4 * 72, 70 / 25.4 * 72), abs=0.01)
    for words in ("a title", "3 points", "label 0", "label 1", "label cat"):
        assert words in shown
    assert "neurons of layer" not in shown
    assert "four.onnx" not in shown


def test_existing_files(folder, tmp_path):
    target = tmp_path / "a.png"
    target.write_text("mine")
    assert_refused(plot(folder, "four.cells.parquet", "-o", str(target)), "--force")
    assert target.read_text() == "mine"
    assert plot(folder, "four.cells.parquet", "-o", str(target), "--force").returncode == 0
    for name in ("four.cells.parquet", "four.onnx"):
        four = ("four.cells.parquet", "--model", "four.onnx", "--format", "png")
        result = plot(folder, *four, "-o", name, "--force")
        assert_refused(result, "also an input")
    broken = plot(folder, "absent.parquet", "-o", str(tmp_path / "b.png"))
    assert_refused(broken, "absent.parquet")
    assert sorted(os.listdir(tmp_path)) == ["a.png"]


def test_what_cannot_be_drawn(folder, tmp_path):
    target = str(tmp_path / "a.png")
    four = ("four.cells.parquet", "-o", target)
    assert_refused(plot(folder, *four, "--kind", "partition"), "give MODEL")
    assert_refused(plot(folder, *four, "--model", "tent.onnx"), "digests differ")
    wrong = plot(folder, *four, "--kind", "layers", "--model", "tent.onnx")
    assert_refused(wrong, "digests differ")
    assert_refused(plot(folder, *four, "--kind", "rank"), "one hidden layer", "--kind layers")
    assert_refused(plot(folder, *four, "--kind", "layers", "--no-lines"), "--no-lines")
    for size, words in (("4", "85mm,70mm"), ("0,4", "1 to 40 inches"), ("4in,99in", "inches")):
        assert_refused(plot(folder, *four, "--size", size), "--size", words)
    assert_refused(plot(folder, *four, "--size", "30,30", "--dpi", "600"), "too large", "--dpi")
    assert_refused(plot(folder, *four, "--model", "absent.onnx"), "absent.onnx")
    component = ("--colour", "rank", "--component", "0")
    assert_refused(plot(folder, *four, "--model", "four.onnx", *component), "--colour")
    output = ("--colour", "output", "--component", "1")
    assert_refused(plot(folder, *four, "--model", "four.onnx", *output), "no output 1")
    task = ("--task", "regression")
    assert_refused(plot(folder, *four, "--kind", "rank", *task), "--task")
    of_class = ("--model", "four.onnx", "--colour", "class", *task)
    assert_refused(plot(folder, *four, *of_class), "no classes", "--task")
    argmax = ("--model", "four.onnx", "--task", "argmax")
    assert_refused(plot(folder, *four, *argmax), "--task argmax is for several outputs")
    assert_refused(plot(folder, "four.cells.parquet", "-o", "a.jpg"), ".png", "--format")
    assert_refused(plot(folder, "four.cells.parquet"), "--output")
    assert_refused(plot(folder, *four, "--kind", "pie"), "partition")
    point = plot(folder, "point.parquet", "--model", "tent.onnx", "-o", target)
    assert_refused(point, "0 inputs", "--kind rank")
    assert not os.listdir(tmp_path)


def test_a_point_has_statistics(folder, tmp_path):
    for kind in ("rank", "layers"):
        target = str(tmp_path / f"{kind}.png")
        result = plot(folder, "point.parquet", "--kind", kind, "-o", target)
        assert result.returncode == 0, result


def test_a_terminal_gets_no_picture(folder):
    ours, theirs = pty.openpty()
    result = subprocess.run(
        [BIN / "nnce", "plot", "four.cells.parquet", "-o", "-"],
        check=False,
        cwd=folder,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.close(ours)
    assert result.returncode == 2
    assert "terminal" in result.stderr


def test_without_matplotlib(folder, tmp_path):
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text(
        "raise ModuleNotFoundError('No module', name='matplotlib')\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    result = plot(folder, "four.cells.parquet", "-o", "a.png", env=environment(PYTHONPATH=path))
    assert_refused(result, "matplotlib", "pip install matplotlib")


@pytest.mark.slow
def test_a_changed_table_is_drawn_and_reported(folder, tmp_path):
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "tent.cells.parquet")
    about = described(folder / "tent.cells.parquet")
    lie = [about["layer_cells"][0] + 1, *about["layer_cells"][1:]]
    forge(tmp_path / "cut.parquet", table.slice(0, 5), about | {"layer_cells": lie})
    result = plot(tmp_path, "cut.parquet", "-o", "a.svg")
    assert result.returncode == 1
    assert "was changed" in result.stderr
    assert "5 cells" in texts((tmp_path / "a.svg").read_bytes())
    forge(tmp_path / "none.parquet", table.slice(0, 0), about)
    files = ("none.parquet", "--model", folder / "tent.onnx", "-o", "b.svg")
    for kind in ("partition", "rank", "layers"):
        assert_refused(plot(tmp_path, *files, "--kind", kind), "no cells")


def test_an_incomplete_table_says_so(folder, tmp_path):
    arguments = ("--max-cells", "5", "-o", tmp_path / "five.parquet")
    nnce("enumerate", "four.onnx", *arguments, cwd=folder)
    target = tmp_path / "a.svg"
    files = (str(tmp_path / "five.parquet"), "--model", "four.onnx")
    assert plot(folder, *files, "-o", str(target)).returncode == 0
    assert "5 cells, incomplete" in texts(target.read_bytes())
