"""What a script or a notebook does: the names of `nnce_cli` itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import nnce_cli as nnce
from nnce_cli.domain import Polyhedron as ExactPolyhedron
from nnce_cli.domain import Property, make_domain
from nnce_cli.enumeration import Problem, batches, choose, walk_factory

MODELS = Path(__file__).parents[2] / "sample_models"
TOY = MODELS / "toy-2d.onnx"


@pytest.fixture(scope="module")
def network():
    return nnce.load(TOY)


def cells_of(network, domain):
    """Return the sign vectors that a walk of the rooms below finds."""
    problem = Problem.of(network.stack, domain)
    found = list(batches(walk_factory(choose(problem)[0])(problem)))
    return np.concatenate([np.concatenate(batch.signs, axis=1) for batch in found])


def packed(atlas):
    layers = range(1, len(atlas.layer_cells) + 1)
    return np.concatenate([np.packbits(atlas.signs(k), axis=1) for k in layers], axis=1)


def test_a_network_comes_from_a_name_from_bytes_and_from_a_model(network):
    data = TOY.read_bytes()
    for model in (str(TOY), data, onnx.load_from_string(data)):
        assert nnce.load(model).stack.digest == network.stack.digest
    assert network.widths == [2, 16, 16]
    assert repr(network) == "<Network 2-16-16, toy-2d.onnx>"


def test_what_is_no_network_is_refused():
    for model in (b"no model", 7, MODELS / "none.onnx"):
        with pytest.raises(nnce.InputError):
            nnce.load(model)


@pytest.mark.parametrize(
    ("where", "domain"),
    [
        (nnce.Box(-1, 1), make_domain(-np.ones(2), np.ones(2), np.zeros((0, 3)))),
        ((-1, [0.5, 1]), make_domain(-np.ones(2), np.array([0.5, 1]), np.zeros((0, 3)))),
        (nnce.Space(), ExactPolyhedron.space(2)),
        (
            nnce.HalfSpaces([[1, 1, 1]], nnce.Box(0, 1)),
            make_domain(np.zeros(2), np.ones(2), np.ones((1, 3))),
        ),
    ],
    ids=["box", "pair", "space", "half-spaces"],
)
def test_cells_are_those_of_the_walk(network, where, domain):
    atlas = nnce.enumerate(network, where, jobs=1)
    assert np.array_equal(packed(atlas), cells_of(network, domain))
    assert len(atlas) == atlas.cells == atlas.layer_cells[-1] == len(atlas.witness)
    assert atlas.complete
    assert atlas.certified
    assert bool(atlas.bounded.all()) == (not isinstance(where, nnce.Space))


def test_the_table_has_its_metadata_and_all_columns(network):
    atlas = nnce.enumerate(network, jobs=1)
    said = json.loads(atlas.table.schema.metadata[b"nnce"])
    assert said["cells"] == atlas.table.num_rows == atlas.cells
    assert atlas.table["rank_2"].to_pylist() == atlas.ranks[:, 1].tolist()
    assert atlas.table["active_1"].to_pylist() == atlas.signs(1).sum(axis=1).tolist()
    assert atlas.stats().cells == atlas.cells
    with pytest.raises(nnce.InputError, match="no layer 3"):
        atlas.signs(3)


def test_a_slice_is_over_its_coordinates(network):
    points = np.array([[-1.0, -1.0], [1.0, 1.0]])
    atlas = nnce.enumerate(network, nnce.Slice(points), jobs=1)
    assert atlas.metadata.widths[0] == 1
    on_plane = points[0] + atlas.witness @ (points[1:] - points[0])
    bits = np.concatenate([bits for bits, _ in network.stack.codes(on_plane)], axis=1)
    layers = np.concatenate([atlas.signs(k) for k in (1, 2)], axis=1)
    assert np.array_equal(bits, layers)


def test_a_stream_has_the_rows_of_the_table(network):
    stream = nnce.enumerate(network, stream=True)
    rows = np.concatenate([np.concatenate(batch.signs, axis=1) for batch in stream])
    assert np.array_equal(rows, packed(nnce.enumerate(network, jobs=1)))


def test_a_file_is_kept_and_not_overwritten(network, tmp_path):
    path = tmp_path / "cells.parquet"
    first = nnce.enumerate(network, to=path, jobs=1)
    with pytest.raises(nnce.InputError, match="exists"):
        nnce.enumerate(network, to=path, jobs=1)
    again = nnce.open(path, network)
    assert again.cells == first.cells
    with pytest.raises(nnce.InputError, match="not made from this model"):
        nnce.open(path, nnce.load(MODELS / "hand-made.onnx"))


def test_an_interrupt_leaves_a_run_that_can_be_resumed(network, tmp_path):
    path = tmp_path / "cells.parquet"

    def interrupt(view):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nnce.enumerate(network, to=path, jobs=1, watch=interrupt)
    assert not path.exists()
    assert nnce.enumerate(network, to=path, jobs=1, resume=True).complete


def test_limits_leave_an_incomplete_atlas(network):
    atlas = nnce.enumerate(network, jobs=1, max_cells=10)
    assert (atlas.cells, atlas.complete) == (10, False)


def test_estimates_and_checks(network):
    assert nnce.estimate(network, seconds=1).cells.estimate == nnce.enumerate(network).cells
    atlas = nnce.enumerate(network, jobs=1)
    assert nnce.verify(atlas, samples=100, closure=20).passed
    with pytest.raises(nnce.InputError, match="give the network"):
        nnce.verify(nnce.open(atlas.path))
    assert nnce.check(network, Property(())).holds


def test_bad_domains_are_one_line(network):
    for where in (
        nnce.Box([0, 0, 0], 1),
        nnce.HalfSpaces([[1, 2]]),
        "everywhere",
        nnce.Box("a", 1),
    ):
        with pytest.raises(nnce.InputError) as error:
            nnce.enumerate(network, where)
        assert "\n" not in str(error.value)


def test_the_front_of_the_house_is_light_and_keeps_its_names():
    """Importing loads nothing heavy; the room verify does not take the function's name."""
    code = """
import sys
import nnce_cli as nnce
assert not {"numpy", "onnx", "pyarrow", "flint"} & set(sys.modules), sorted(sys.modules)
import nnce_cli.verify
from nnce_cli.verify import Options
assert nnce.verify.__name__ == "verify" and callable(nnce.verify)
for name in nnce.__all__:
    getattr(nnce, name)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
