"""Statistics on polyhedra, bounded or not, and on slices, against exact polyhedra."""

from __future__ import annotations

import numpy as np
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis import stats
from nnce_cli.analysis.network_stats import NetworkCounter
from nnce_cli.domain import Polyhedron
from nnce_cli.enumeration import CellPoints, Problem
from tests.network_tables import cells_of, exact_class, is_crossed, network_of
from tests.strategies import examples, layer_rows, networks
from tests.thin_cells import inward_functions


@st.composite
def domains(draw, n: int) -> Polyhedron:
    """Draw bounds and half-spaces that hold around the origin, and may leave it unbounded."""
    ends = st.sampled_from([1.0, 2.0, np.inf, np.inf])
    lower, upper = (np.array([draw(ends) for _ in range(n)]) for _ in range(2))
    row = st.tuples(*[st.integers(-2, 2)] * n, st.integers(1, 3)).filter(lambda r: any(r[:-1]))
    rows = draw(st.lists(row, max_size=3))
    return Polyhedron(-lower, upper, np.array(rows, dtype=float).reshape(-1, n + 1))


@st.composite
def tables(draw, *, witness: bool = True):
    layers = draw(networks([(1, 3), (2, 4), (1, 3, 3), (2, 4, 3), (3, 3)]))
    random = draw(st.randoms(use_true_random=True))
    output = layer_rows(random, len(layers[-1]), draw(st.integers(1, 3)))
    stack = network_of(layers, output)
    return cells_of(stack, draw(domains(stack.n_inputs)), witness=witness)


@examples(24)
@given(tables())
def test_bounded_cells_classes_and_the_boundary(cells):
    polyhedra = [cells.polyhedron(i) for i in range(len(cells.bits))]
    found = stats([cells.rows], cells.metadata.sizes)
    if cells.metadata.tells_bounded:
        assert found.bounded_cells == sum(cell.is_bounded() for cell in polyhedra)
    else:
        assert found.bounded_cells is None
    counter = NetworkCounter(cells.stack, cells.metadata)
    for _ in counter.watch([cells.rows]):
        pass
    result = counter.result()
    assert result.boundary_cells == sum(is_crossed(cells, i) for i in range(len(polyhedra)))
    classes = [exact_class(cells, i) for i in range(len(polyhedra))]
    assert result.classes == {j: classes.count(j) for j in sorted(set(classes))}


@examples(18)
@given(tables(witness=False), st.data())
def test_points_of_cells_are_inside_the_domain(cells, data):
    """Computed again from the signs, as `nnce witness` does, strictly inside of all limits."""
    points = CellPoints(Problem.of(cells.stack, cells.domain))
    for i in data.draw(st.lists(st.integers(0, len(cells.bits) - 1), min_size=1, max_size=4)):
        point = points.find(np.array(cells.bits[i], dtype=np.uint8))
        if point.exact is not None:
            continue
        x = [*(fmpq(*t.as_integer_ratio()) for t in point.point.tolist()), fmpq(1)]
        for row in inward_functions(cells.stack, cells.bits[i]):
            value = sum((a * b for a, b in zip(row, x, strict=True)), fmpq(0))
            assert value > 0 or not any(row)
        # All numbers of the domain are small integers.
        assert (cells.domain.lower < point.point).all()
        assert (point.point < cells.domain.upper).all()
        rows = cells.domain.halfspaces
        assert (rows[:, :-1] @ point.point < rows[:, -1]).all()
