"""The notebooks run, and print what stands in them."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 150_000  # bytes: pictures are small


def code_cells(path: Path) -> list[dict]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def printed_before(cell: dict) -> str:
    """Return what a cell printed when the notebook was saved."""
    streams = (out for out in cell["outputs"] if out["output_type"] == "stream")
    return "".join("".join(out["text"]) for out in streams)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, monkeypatch):
    """Cell by cell in one namespace, in the notebook's own folder; pictures are drawn nowhere."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    monkeypatch.chdir(FOLDER)
    space: dict = {"__name__": "__main__"}
    with matplotlib.rc_context():
        for number, cell in enumerate(code_cells(path)):
            printed = io.StringIO()
            with redirect_stdout(printed):
                exec(compile("".join(cell["source"]), f"{path.name}[{number}]", "exec"), space)
            assert printed.getvalue() == printed_before(cell), f"{path.name}, code cell {number}"
            pyplot.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_clean_and_small(path):
    assert path.stat().st_size < LARGEST
    for cell in code_cells(path):
        assert cell["execution_count"] is None
        assert not any(out["output_type"] == "error" for out in cell["outputs"])


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 4
