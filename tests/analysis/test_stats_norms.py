"""Affine maps of cells and their norms: error bounds against exact arithmetic, and samples."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis.affine_maps import CellMaps, cell_maps
from nnce_cli.analysis.network_stats import NetworkCounter
from nnce_cli.analysis.norms import NormCounter, infinity_norms, spectral_norms
from nnce_cli.domain import Box, fix_inputs
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.network_tables import cells_of, network_of, outputs_on
from tests.oracles.naive import stack_of
from tests.strategies import boxes, examples, layer_rows, networks


def exactly(x: float) -> fmpq:
    return fmpq(*float(x).as_integer_ratio())


def is_positive_definite(matrix: fmpq_mat) -> bool:
    """Sylvester's criterion: all leading minors are positive."""
    n = matrix.nrows()
    return all(
        fmpq_mat([[matrix[i, j] for j in range(k)] for i in range(k)]).det() > 0
        for k in range(1, n + 1)
    )


def encloses_spectral_norm(low: fmpq, high: fmpq, linear: list[list[fmpq]]) -> bool:
    """Tell whether the largest singular value of a rational matrix is in [low, high], exactly.

    It is below s where s^2 I - A A^T is positive definite.
    """
    a = fmpq_mat(linear)
    gram = a * a.transpose()

    def is_below(s: fmpq) -> bool:
        shifted = -gram
        for i in range(shifted.nrows()):
            shifted[i, i] += s * s
        return is_positive_definite(shifted)

    return is_below(high + fmpq(1, 10**300)) and (low <= 0 or not is_below(low))


def check_norms(maps: CellMaps, row: int, linear: list[list[fmpq]]) -> None:
    """Hold the norms of a row's map against the exact linear part, by rows."""
    for found, is_inside in (
        (spectral_norms(maps), lambda low, high: encloses_spectral_norm(low, high, linear)),
        (
            infinity_norms(maps),
            lambda low, high: low <= max(sum(map(abs, row), fmpq(0)) for row in linear) <= high,
        ),
    ):
        norm, error = (exactly(values[row]) for values in found)
        assert error >= 0
        assert is_inside(norm - error, norm + error)


@examples(40)
@given(st.data())
def test_maps_and_norms_of_degenerate_networks(data):
    layers = data.draw(networks([(1, 3), (2, 4), (3, 3, 3), (2, 4, 3, 2)]))
    random = data.draw(st.randoms(use_true_random=True))
    stack = network_of(layers, layer_rows(random, len(layers[-1]), data.draw(st.integers(1, 4))))
    box = data.draw(boxes(stack.n_inputs, fixed=True))
    cells = cells_of(stack, box)
    reduced, _, free = fix_inputs(stack, box)
    point = box.upper[free] / 3
    assert stack.output is not None
    for part, maps in cell_maps(reduced, stack.output, cells.rows):
        values, errors = maps.at(np.tile(point, (len(maps.value), 1)))
        for row in range(part.stop - part.start):
            exact = outputs_on(reduced, cells.bits[part.start + row])
            for j, (*linear, constant) in enumerate(exact):
                for value, error, true in zip(
                    maps.value[row, j], maps.error[row, j], [constant, *linear], strict=True
                ):
                    assert abs(exactly(value) - true) <= exactly(error)
                at_point = constant + sum(
                    (a * exactly(x) for a, x in zip(linear, point, strict=True)), fmpq(0)
                )
                assert abs(exactly(values[row, j]) - at_point) <= exactly(errors[row, j])
            check_norms(maps, row, [linear for *linear, _ in exact])


@pytest.mark.parametrize("scale", [1.0, 1e-170, 1e150])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (3, 7), (6, 4)])
def test_norms_of_single_matrices(shape, scale):
    random = np.random.default_rng(shape)
    matrices = random.normal(size=(4, *shape)) * scale
    matrices[1] *= 0
    matrices[2] = np.outer(matrices[2, :, 0], random.integers(-2, 3, shape[1]))  # rank one
    value = np.concatenate([np.zeros((4, shape[0], 1)), matrices], axis=2)
    error = np.zeros_like(value)
    error[3, :, 1:] = scale / 8
    maps = CellMaps(value, error)
    for row in range(4):
        linear = [[exactly(x) for x in line] for line in matrices[row].tolist()]
        check_norms(maps, row, linear)
    # The bounds are tight where the map is exact, and cover the map's own error where not.
    moved = CellMaps(value + error, 0 * error)
    for norm in (spectral_norms, infinity_norms):
        norms, errors = norm(maps)
        assert (errors[:3] <= 1e-13 * norms[:3]).all()
        assert 0 < abs(norm(moved)[0][3] - norms[3]) <= errors[3]


def sampled_gradients(stack: LayerStack, points: np.ndarray) -> np.ndarray:
    """Return the Jacobians (m, n_out, n_0) at points, by the chain rule."""
    jacobian = np.tile(np.eye(stack.n_inputs), (len(points), 1, 1))
    for layer, z in zip(stack.hidden, stack.preactivations(points), strict=True):
        jacobian = (z > 0)[:, :, None] * (layer.weight @ jacobian)
    return jacobian if stack.output is None else stack.output.weight @ jacobian


def random_stack(widths: list[int], seed: int) -> LayerStack:
    random = np.random.default_rng(seed)
    maps = [
        AffineMap(random.normal(size=(n, m)), random.normal(size=n) / 2)
        for m, n in pairwise(widths)
    ]
    return LayerStack(tuple(maps[:-1]), maps[-1], (widths[0],), "")


@pytest.mark.parametrize("widths", [[1, 5, 4, 3], [2, 5, 4, 1], [2, 4, 4, 3, 2]])
def test_lipschitz_constants_against_dense_samples(widths):
    stack, box = random_stack(widths, 1), cube(widths[0], -1, 1)
    cells = cells_of(stack, box)
    counter = NetworkCounter(stack, cells.metadata)
    assert sum(len(batch.active) for batch in counter.watch([cells.rows])) == len(cells.bits)
    found = counter.result()
    points = np.random.default_rng(2).uniform(-1, 1, size=(400_000, widths[0]))
    gradients = sampled_gradients(stack, points)
    other = points[::-1]
    steps = stack.forward(points) - stack.forward(other)
    for norm, order in ((found.spectral_norm, 2), (found.infinity_norm, np.inf)):
        assert norm is not None
        assert norm.relative_error < 1e-12
        sampled = np.linalg.norm(gradients, ord=order, axis=(1, 2))
        assert sampled.max() == pytest.approx(norm.largest, rel=1e-9)  # every large cell is hit
        moved = np.linalg.norm(points - other, ord=order, axis=1)
        assert (np.linalg.norm(steps, ord=order, axis=1) <= norm.largest * moved + 1e-12).all()
        at_witness = sampled_gradients(stack, cells.rows.witness)
        each = np.linalg.norm(at_witness, ord=order, axis=(1, 2))
        assert norm.mean == pytest.approx(each.mean(), rel=1e-12)
        assert each[norm.row] == pytest.approx(norm.largest, rel=1e-12)


def test_fixed_inputs_do_not_count():
    stack = dataclasses.replace(
        stack_of(([[3, 100], [0, 1]], [1000, 1])), output=AffineMap(np.eye(2), np.zeros(2))
    )
    cells = cells_of(stack, Box(np.array([0.0, 0.5]), np.array([1.0, 0.5])))
    counter = NetworkCounter(stack, cells.metadata)
    list(counter.watch([cells.rows]))
    found = counter.result()
    assert found.spectral_norm.largest == pytest.approx(3, rel=1e-15)
    assert found.infinity_norm.largest == 3


def test_a_network_that_ends_in_a_relu():
    stack = stack_of(([[3, 4], [0, 0]], [0, 1]))
    cells = cells_of(stack, cube(2, -1, 1))
    counter = NetworkCounter(stack, cells.metadata)
    list(counter.watch([cells.rows]))
    found = counter.result()
    assert found.outputs == 2
    assert (found.spectral_norm.largest, found.spectral_norm.row) == (pytest.approx(5), 1)
    assert (found.infinity_norm.largest, found.infinity_norm.mean) == (7, 3.5)


def test_batches_and_empty_tables():
    random = np.random.default_rng(0)
    norms, errors = random.uniform(1, 2, 50), random.uniform(0, 1e-9, 50)
    whole, parts = NormCounter(), NormCounter()
    assert whole.result() is None
    whole.add(norms, errors)
    for start, stop in pairwise([0, 0, 7, 8, 50]):
        parts.add(norms[start:stop], errors[start:stop])
    for found in (whole.result(), parts.result()):
        assert found.row == int(norms.argmax())
        assert found.largest == norms.max()
        assert found.mean == pytest.approx(norms.mean(), rel=1e-14)
        at_least = max(errors.max() / norms.max(), errors.sum() / norms.sum())
        assert at_least <= found.relative_error <= at_least + 1e-12


def test_a_constant_network_has_no_relative_error():
    stack = stack_of(([[0, 0]], [1]))
    cells = cells_of(stack, cube(2, -1, 1))
    counter = NetworkCounter(stack, cells.metadata)
    list(counter.watch([cells.rows]))
    norm = counter.result().spectral_norm
    assert (norm.largest, norm.mean, norm.relative_error) == (0, 0, None)


def test_norms_out_of_range_are_not_known():
    stack = dataclasses.replace(
        stack_of(([[1e200]], [0.0])), output=AffineMap(np.array([[1e200]]), np.zeros(1))
    )
    cells = cells_of(stack, cube(1, -1, 1))
    counter = NetworkCounter(stack, cells.metadata)
    list(counter.watch([cells.rows]))
    found = counter.result()
    assert found.spectral_norm is None
    assert found.infinity_norm is None
    assert found.classes == {0: 1, 1: 1}
    assert found.boundary_cells == 0
