"""The command ``nnce graph``: what it prints and writes, how it stops and goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from nnce_cli.atlas import read_graph
from nnce_cli.cli import graph as command
from nnce_cli.cli.app import app
from tests.atlas.test_graph import arrangement, edges_of
from tests.command import save_network


def run(*arguments, code=0):
    result = CliRunner().invoke(app, ["graph", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A table of the cells of five lines, and its model."""
    folder = tmp_path_factory.mktemp("graph")
    [layer] = arrangement(2, 5).hidden
    ones = layer.weight[:1, :1] * 0 + [[1.0] * 5]
    model = save_network(folder / "m.onnx", [(layer.weight, layer.bias), (ones, ones[0, :1])])
    cells = folder / "cells.parquet"
    result = CliRunner().invoke(app, ["enumerate", str(model), "-o", str(cells), "--quiet"])
    assert result.exit_code == 0, result.output
    return cells, model


def test_statistics_are_printed_as_text_and_json(files, tmp_path):
    target = tmp_path / "graph.parquet"
    values = json.loads(run(*files, "-o", target, "--json").stdout)
    found = read_graph(target)
    edges = len(found.edges.row)
    assert values["edges"] == edges == pq.read_metadata(target).num_rows
    assert values["facets_between_cells"] == 2 * edges
    assert values["facets"] == 2 * edges + values["facets_of_domain"]
    assert values["degree"]["mean"] == 2 * edges / values["cells"]
    assert values["components"] == 1
    assert values["certified"]
    assert values["complete"]
    text = run(*files, "-o", target, "--force").stdout
    assert f"2 × {edges} edges = {2 * edges} facets" in text
    assert not Path(f"{target}.run").exists()


def test_graphml_is_the_same_graph(files, tmp_path):
    networkx = pytest.importorskip("networkx")
    run(*files, "-o", tmp_path / "g.graphml", "--format", "graphml")
    run(*files, "-o", tmp_path / "g.parquet")
    found = read_graph(tmp_path / "g.parquet")
    drawn = networkx.read_graphml(tmp_path / "g.graphml", node_type=int)
    assert sorted(tuple(sorted(edge)) for edge in drawn.edges) == edges_of(found)
    assert sorted(drawn) == list(range(found.cells))
    units = [drawn.edges[edge]["unit"] for edge in edges_of(found)]
    assert units == found.edges.unit.tolist()


def test_a_stopped_run_goes_on(files, tmp_path, monkeypatch):
    monkeypatch.setattr("nnce_cli.atlas.graph_run.ROWS", 4)
    monkeypatch.setattr(command, "resume_command", lambda: "nnce graph --resume")
    target = tmp_path / "graph.parquet"
    asked = iter([False, False, True])
    with monkeypatch.context() as patch:
        patch.setattr("nnce_cli.base.signals.Stop.is_requested", lambda _: next(asked))
        stopped = run(*files, "-o", target, "-j", 1, code=3)
    assert "go on with: nnce graph --resume" in stopped.output
    assert not target.exists()
    refused = CliRunner().invoke(app, ["graph", *map(str, files), "-o", str(target)])
    assert "unfinished run; add --resume" in str(refused.exception)
    run(*files, "-o", target, "--resume")
    run(*files, "-o", tmp_path / "other.parquet")
    assert target.read_bytes() == (tmp_path / "other.parquet").read_bytes()


def test_bad_usage_is_refused_before_the_work(files, tmp_path):
    for arguments, words in (
        (["-o", "-"], "give --output a file name"),
        (["--force", "--resume"], "use one of them"),
        (["-o", str(files[0])], "is also an input"),
        (["-o", str(tmp_path / "none" / "g.parquet")], "does not exist"),
    ):
        result = CliRunner().invoke(app, ["graph", *map(str, files), *arguments])
        assert words in str(result.exception)
    there = tmp_path / "there.parquet"
    there.touch()
    result = CliRunner().invoke(app, ["graph", *map(str, files), "-o", str(there)])
    assert "use --force to replace it" in str(result.exception)
