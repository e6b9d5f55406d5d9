"""Small networks as people's exporters write them."""

from __future__ import annotations

import pytest

from nnce_cli.network import load_network
from tests.cases import cube
from tests.collect import count
from tests.exports.make_exports import EXPORTS, FOLDER, NEEDED, is_possible
from tests.graph_cases import check_maps, unit_cube
from tests.oracles.graph_cells import graph_cells

FILES = sorted(FOLDER.glob("*.onnx"))


def test_the_files_are_those_of_the_script():
    assert {path.stem for path in FILES} == set(EXPORTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_files_name_no_folder(path):
    """Exporters write where the code of a layer stands."""
    content = path.read_bytes()
    assert len(content) < 10_000
    assert not any(word in content for word in (b"/tmp", b"/home", b"/root", b"site-packages"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_oracle_reads_the_files(path):
    domain = unit_cube(path)
    check_maps(path, graph_cells(path, domain), domain)


def check_cells(path):
    """Assert that an enumeration has the cells of the oracle."""
    cells = graph_cells(path, unit_cube(path))
    stack = load_network(path)
    assert count(stack, cube(stack.n_inputs, -1, 1))[-1:] == cells.cells_after[-1:]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_cells_of_the_files(path):
    check_cells(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTS)
def test_the_cells_of_a_fresh_export(name, tmp_path):
    """In an environment that has the libraries."""
    if not is_possible(name):
        pytest.skip(f"needs {', '.join(NEEDED[name])}")
    EXPORTS[name](tmp_path / "fresh.onnx")
    check_cells(tmp_path / "fresh.onnx")
