"""What units do on all cells: against the columns of the table, and known duplicates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.atlas import neurons_of
from nnce_cli.domain import Polyhedron
from tests.atlas.cells import table_of
from tests.cases import cube
from tests.enumeration.test_polyhedra import is_flat
from tests.enumeration.test_unit_kinds import layers
from tests.oracles.units import exact_cells, stack_of
from tests.strategies import boxes, examples, stack_from


@examples(12)
@given(st.data())
def test_counts_are_those_of_exact_polyhedra(tmp_path_factory, data):
    n, drawn = data.draw(layers())
    domain = data.draw(st.one_of(boxes(n), st.just(Polyhedron.space(n))))
    if is_flat(domain):
        return
    stack = stack_of(drawn)
    codes = np.array(exact_cells(drawn, domain).codes)
    path = tmp_path_factory.mktemp("cells") / "cells.parquet"
    with table_of(path, stack, domain) as reader:
        found = neurons_of(reader, stack)
    start = 0
    for units, layer in zip(stack.units, found, strict=True):
        columns = codes[:, start : start + units.count]
        start += units.count
        assert layer.active.tolist() == columns[:, : units.bits].sum(axis=0).tolist()
        for p, counts in enumerate(layer.pieces):
            column = columns[:, units.bits + p]
            assert counts.tolist() == np.bincount(column, minlength=len(counts)).tolist()
            is_settled = len(set(column.tolist())) == 1
            assert is_settled == ((units.bits + p) in [unit for unit, _ in layer.settled])
        assert sorted([*layer.dead, *layer.always_active, *layer.unstable]) == list(
            range(units.bits)
        )
        for i in layer.unstable:
            for j in layer.unstable:
                if i < j:
                    a, b = columns[:, i], columns[:, j]
                    alike = (a == b).all() or (a != b).all()
                    assert alike == any({i, j} <= set(t.units) for t in layer.together)
        for each in layer.together:
            first = columns[:, each.units[0]]
            for unit, opposite in zip(each.units, each.opposite, strict=True):
                assert ((columns[:, unit] != first) == opposite).all()


def test_multiples_are_proved_by_weights(tmp_path):
    """But for the weights of dead units, which change nothing."""
    f = Fraction
    first = [[f(1), f(0)], [f(2), f(0)], [f(-1), f(0)], [f(0), f(-1)], [f(1), f(1, 4)]]
    second = [[f(1), f(0), f(-1), f(7), f(0), f(-1, 4)], [f(-2), 0, f(2), f(5), f(0), f(1, 2)]]
    stack = stack_from([first, second])
    with table_of(tmp_path / "cells.parquet", stack, cube(1, -1, 1)) as reader:
        one, two = neurons_of(reader, stack)
    assert one.dead == [3]
    assert [(t.units, t.opposite) for t in one.together] == [((0, 1, 2), (False, False, True))]
    assert one.together[0].factors == (fmpq(1), fmpq(2), fmpq(-1))
    [pair] = two.together
    assert (pair.units, pair.opposite) == ((0, 1), (False, True))
    assert pair.factors == (fmpq(1), fmpq(-2))
