"""Cells of an atlas: arrays that agree with the network, the table and each other."""

from __future__ import annotations

import gc
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import nnce_cli as nnce
from tests.api.test_python import MODELS, TOY
from tests.networks import mlp_model

POINT = np.array([0.3, -0.2])


@pytest.fixture(scope="module")
def network():
    return nnce.load(TOY)


@pytest.fixture(scope="module")
def atlas(network):
    return nnce.enumerate(network, jobs=1)


@pytest.fixture(scope="module")
def cell(atlas):
    return atlas.locate(POINT)


def test_a_point_has_a_cell_by_row_by_signs_and_by_itself(atlas, network, cell):
    bits = [bits[0] for bits, _ in network.stack.codes(POINT[None])]
    assert [layer.tolist() for layer in cell.signs] == [layer.tolist() for layer in bits]
    assert [len(layer) for layer in cell.pieces] == [0, 0]
    for same in (
        atlas.cell(row=cell.row),
        atlas.cell(cell.row),
        atlas.cell(at=POINT),
        atlas.cell(signs=cell.signs),
        atlas.cell(signs=[layer.astype(bool) for layer in cell.signs]),
        atlas.cell(signs=cell.code),
        atlas.locate([0.3, -0.2]),
    ):
        assert (same.row, same.code) == (cell.row, cell.code)
    assert np.array_equal(atlas.signs(1)[cell.row], cell.signs[0])
    assert repr(cell) == f"<Cell {cell.row}: {cell.code}>"


def test_many_points_have_rows(atlas):
    points = np.random.default_rng(0).uniform(-1.2, 1.2, (200, 2))
    found = atlas.locate(points)
    assert np.array_equal(found.is_outside, (abs(points) > 1).any(axis=1))
    assert ((found.row < 0) == found.is_outside).all()
    for k in np.flatnonzero(found.row >= 0)[:10].tolist():
        assert atlas.locate(points[k]).row == found.row[k]
    again = atlas.locate(atlas.witness)
    assert np.array_equal(again.row, np.arange(atlas.cells))
    assert np.array_equal(again.occupancy()[1], np.ones(atlas.cells))


def test_a_point_on_a_border_has_all_rows_and_no_single_cell():
    atlas = nnce.enumerate(nnce.load(MODELS / "hand-made.onnx"), jobs=1)
    corners = [vertex for row in range(atlas.cells) for vertex in atlas.cell(row).vertices.tolist()]
    found = atlas.locate(corners)
    assert found.borders
    point, rows = next(iter(found.borders.items()))
    assert len(rows) > 1
    assert found.row[point] == rows[0]
    with pytest.raises(nnce.InputError, match="on a border between"):
        atlas.locate(corners[point])
    for row in rows:
        assert atlas.cell(row).distance(corners[point]) == 0


def test_the_map_is_the_networks_inside(cell, network, atlas):
    inside = cell.chebyshev.centre
    assert np.allclose(cell.A @ inside + cell.b, network.stack.forward(inside[None])[0])
    for layer, z in zip(cell.layers, network.stack.preactivations(inside[None]), strict=True):
        assert np.allclose(layer.A @ inside + layer.b, z[0])
    assert cell.A.dtype == cell.b.dtype == cell.halfspaces.dtype == np.float64
    assert cell.A.shape == (3, 2)


def test_the_polytope_is_of_one_piece(cell, atlas):
    a, b = cell.halfspaces[:, :-1], cell.halfspaces[:, -1]
    assert len(a) == len(cell.origins)
    assert cell.is_bounded
    slack = b[:, None] - a @ cell.vertices.T
    assert (slack > -1e-9).all()
    assert len(cell.vertices) == len(cell.facets)  # a polygon
    assert cell.rays.shape == (0, 2)
    x, y = cell.vertices[hull_order(cell.vertices)].T
    area = abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2
    assert cell.volume == pytest.approx(area)
    far = max(np.linalg.norm(p - q) for p in cell.vertices for q in cell.vertices)
    assert cell.diameter == pytest.approx(far)
    for facet in cell.facets:
        on = np.isclose(cell.vertices @ facet.a, facet.b)
        assert on.sum() == 2
        assert np.isclose(facet.a @ facet.point, facet.b)
        assert facet.is_of_domain == (facet.neighbour is None)
    assert set(cell.neighbours) == {f.neighbour for f in cell.facets} - {None}
    for row in cell.neighbours.tolist():
        assert cell.row in atlas.cell(row).neighbours


def hull_order(points):
    centre = points.mean(axis=0)
    return np.argsort(np.arctan2(*(points - centre).T))


def test_distances(cell, atlas):
    inside = cell.chebyshev.centre
    assert cell.distance(inside) == 0
    step = cell.border(inside)
    assert step.distance == pytest.approx(cell.chebyshev.radius)
    assert float(step.squared.p) / float(step.squared.q) == pytest.approx(step.distance**2)
    assert np.linalg.norm(step.point - inside) == pytest.approx(step.distance)
    way = cell.next_cell(inside)
    assert way.row in cell.neighbours
    others = [atlas.cell(row).distance(inside) for row in cell.neighbours.tolist()]
    assert min(others) == way.distance == atlas.cell(way.row).distance(inside)
    assert str(way.origins[0]).startswith("layer ")
    with pytest.raises(nnce.InputError, match="not in the cell"):
        cell.border([0.9, 0.9])


def test_what_is_unbounded_or_too_much_is_said(network):
    atlas = nnce.enumerate(network, nnce.Space(), jobs=1)
    row = int(np.flatnonzero(~atlas.bounded)[0])
    cell = atlas.cell(row)
    assert not cell.is_bounded
    assert (cell.volume, cell.diameter) == (np.inf, np.inf)
    assert cell.rays.shape[1] == 2
    wide = nnce.load(mlp_model([(np.eye(2, 7), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))]))
    many = nnce.enumerate(wide, jobs=1)
    with pytest.raises(nnce.InputError, match="not computed"):
        _ = many.cell(0).vertices
    with pytest.raises(nnce.InputError, match="not computed"):
        _ = many.cell(0).volume


def test_fixed_inputs_are_left_out_of_maps_and_kept_in_points(network):
    atlas = nnce.enumerate(network, nnce.Box([-1, 0.25], [1, 0.25]), jobs=1)
    cell = atlas.locate([0.1, 0.25])
    assert cell.inputs.tolist() == [0]
    assert cell.A.shape == (3, 1)
    x = np.array([0.1, 0.25])
    assert np.allclose(cell.A @ x[cell.inputs] + cell.b, network.stack.forward(x[None])[0])
    assert cell.vertices[:, 1].tolist() == [0.25, 0.25]
    assert cell.distance([0.1, 0.75]) == 0.5


def test_a_cell_keeps_its_atlas(network):
    cell = nnce.enumerate(network, jobs=1).cell(5)
    gc.collect()
    assert len(cell.neighbours) > 0


def test_questions_need_the_network(atlas):
    alone = nnce.open(atlas.path)
    for ask in (lambda: alone.locate(POINT), lambda: alone.cell(0)):
        with pytest.raises(nnce.InputError, match=r"nnce\.open\(table, network\)"):
            ask()


def test_metadata_is_where_pyarrow_looks_and_survives_a_rewriting(network, tmp_path):
    """Also where the table was joined from parts of several tasks and row groups."""
    path, again = tmp_path / "cells.parquet", tmp_path / "again.parquet"
    atlas = nnce.enumerate(network, to=path, jobs=1)
    table = pq.read_table(path)
    said = json.loads(table.schema.metadata[b"nnce"])
    assert said == json.loads(pq.read_metadata(path).metadata[b"nnce"])
    assert said["cells"] == table.num_rows
    pq.write_table(table, again)  # with other row groups and another compression
    assert nnce.open(again, network).stats().cells == atlas.cells
    assert table.schema.equals(atlas.table.schema, check_metadata=True)


def test_data_frames(atlas):
    frame, polars = atlas.to_pandas(), atlas.to_polars()
    assert len(frame) == len(polars) == atlas.cells
    assert frame["rank_2"].tolist() == polars["rank_2"].to_list() == atlas.ranks[:, 1].tolist()
    assert np.allclose(np.stack(frame["witness"]), atlas.witness)
    assert np.allclose(polars["witness"].to_numpy(), atlas.witness)


def test_the_graph_is_that_of_the_cells(atlas, cell):
    graph = atlas.graph()
    assert graph.matrix.shape == (atlas.cells, atlas.cells)
    beyond = graph.matrix[[cell.row]].indices
    assert sorted(beyond.tolist()) == cell.neighbours.tolist()
    assert sorted(graph.to_networkx()[cell.row]) == cell.neighbours.tolist()


def test_units_and_topology(atlas):
    for layer, neurons in enumerate(atlas.neurons(), start=1):
        assert neurons.active.tolist() == atlas.signs(layer).sum(axis=0).tolist()
    topology = atlas.topology()
    assert topology.is_consistent
    assert sorted(topology.regions) == [0, 1, 2]  # three arms of a spiral
    with pytest.raises(nnce.InputError, match="no task"):
        atlas.topology("clustering")


def test_geometry_is_a_table_beside_the_cells(atlas):
    found = atlas.geometry(["volume", "map_id", "class"])
    assert found.column_names == ["volume", "class", "map_id"]
    assert found.num_rows == atlas.cells
    assert sum(found["volume"].to_pylist()) == pytest.approx(4, rel=1e-12)
    first = found["map_id"].to_numpy()
    assert (first <= np.arange(atlas.cells)).all()
    assert (first[first] == first).all()
    assert atlas.cell(row=0).volume == pytest.approx(found["volume"][0].as_py())
    for wrong in (["none"], ["volume", "none"]):
        with pytest.raises(nnce.InputError, match="no column 'none'"):
            atlas.geometry(wrong)
