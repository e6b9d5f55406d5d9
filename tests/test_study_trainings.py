"""The study's records of trainings, held against exact polyhedra and against pixels."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("gudhi")

from scipy import ndimage

import nnce_cli as nnce
from experiments.data import bounds, inputs, planes, write_moments
from experiments.plan import (
    AVERAGE_POOLING,
    CIRCLES,
    MAX_FIRST,
    MAX_POOLING,
    PIXELS,
    PLAIN,
    SHELL,
    SKIP,
    STRIDES,
    Training,
)
from experiments.sections.boundary import euler_agrees
from experiments.trainings import (
    MARGIN,
    measure_training,
    of_boundary,
    on_box,
    on_planes,
    segments,
)
from tests.oracles.graph_cells import Domain, box_domain, graph_cells, plane_domain


@pytest.mark.parametrize("kind", [SKIP, pytest.param(PLAIN, marks=pytest.mark.slow)])
def test_a_record_of_a_box_is_that_of_exact_polyhedra(kind, tmp_path):
    training = Training("components-2", kind, (3, 3, 3), 1, (0, 2))
    record = measure_training(on_box, training, tmp_path)
    for moment in record["moments"]:
        path = tmp_path / f"{training.name}_epochs{moment['epochs']}.onnx"
        exact = graph_cells(path, box_domain(*bounds(training.data).T.tolist()))
        assert moment["cells"] == exact.cells
        assert moment["layer_cells"] == exact.cells_after
        assert moment["distinct_maps"] == exact.affine_maps <= moment["linear_regions"]
        assert sum(moment["cells_by_rank"][-1].values()) == exact.cells
        assert sum(moment["output_ranks"].values()) == exact.cells


@pytest.mark.parametrize(
    "kind",
    [
        STRIDES,
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in (MAX_FIRST, AVERAGE_POOLING)),
        pytest.param(MAX_POOLING, marks=pytest.mark.slow),
    ],
)
def test_a_record_of_planes_is_that_of_exact_polyhedra(kind, tmp_path):
    training = Training(PIXELS, kind, (1, 3), 0, (0,))
    record = measure_training(on_planes, training, tmp_path)
    (path,) = tmp_path.iterdir()
    points, found = planes()[0], record["moments"][0]["planes"][0]
    ends = (-MARGIN,) * 2, (1 + MARGIN,) * 2
    exact = graph_cells(path, Domain(plane_domain(*points).inputs, *ends))
    assert found["cells"] == exact.cells
    assert found["distinct_maps"] == exact.affine_maps


def test_planes_go_through_test_digits_of_different_classes():
    split = inputs(PIXELS)
    for points in planes():
        rows = [np.flatnonzero((split.test == point).all(axis=1)) for point in points]
        assert len({int(split.test_labels[row[0]]) for row in rows}) == 3


@pytest.fixture(scope="module")
def circles(tmp_path_factory):
    """Return a network with a closed boundary, where it is, and the record of its training."""
    folder = tmp_path_factory.mktemp("circles")
    training = Training(CIRCLES, PLAIN, (6, 6), 0, (0, 150))
    record = measure_training(of_boundary, training, folder)
    network = nnce.load(folder / f"{training.name}_epochs150.onnx")
    return network, nnce.Box(*bounds(CIRCLES).T), record


def test_betti_numbers_are_those_of_pixels(circles):
    network, box, record = circles
    first, last = record["moments"]
    assert first["test_accuracy"] < 0.8 < last["test_accuracy"]
    assert all(map(euler_agrees, (first, last)))
    axes = [np.linspace(low, high, 300) for low, high in zip(box.lower, box.upper, strict=True)]
    points = np.stack(np.meshgrid(*axes), axis=-1)
    predicted = network(points.reshape(-1, 2)).argmax(axis=1).reshape(300, 300)
    for label, found in last["classes"].items():
        pieces = ndimage.label(predicted == label)[1]
        others, count = ndimage.label(predicted != label)
        at_border = set(np.concatenate([others[[0, -1]].ravel(), others[:, [0, -1]].ravel()]))
        assert found["betti"] == (pieces, count - len(at_border - {0}), 0)
    assert last["boundary"]["betti"] == (1, 1)


def test_what_is_drawn_is_a_closed_curve_of_equal_scores(circles):
    network, box, _ = circles
    drawn = np.array(segments(nnce.enumerate(network, box, jobs=1)))
    ends = drawn.reshape(-1, 2)
    scores = network(ends)
    assert np.abs(scores[:, 0] - scores[:, 1]).max() < 1e-6
    apart = np.linalg.norm(ends[:, None] - ends[None], axis=-1)
    assert ((apart < 1e-9).sum(axis=1) == 2).all(), "each end is that of two pieces"


def test_the_shell_has_a_gap_and_longer_training_goes_on(tmp_path):
    split = inputs(SHELL)
    radii = np.linalg.norm(split.train, axis=1)
    assert radii[split.train_labels == 0].max() <= 0.5
    assert radii[split.train_labels == 1].min() >= 0.75
    (tmp_path / "again").mkdir()
    long = write_moments(Training(SHELL, PLAIN, (4, 4), 0, (1, 3)), tmp_path)
    short = write_moments(Training(SHELL, PLAIN, (4, 4), 0, (1,)), tmp_path / "again")
    assert long[1].read_bytes() == short[1].read_bytes() != long[3].read_bytes()
