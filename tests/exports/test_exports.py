"""Small networks as people's exporters write them."""

from __future__ import annotations

import pytest

from tests.exports.make_exports import EXPORTS, FOLDER
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
