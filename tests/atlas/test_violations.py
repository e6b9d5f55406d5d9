"""All cells in which a property is violated, and their volume, against exact polyhedra."""

from __future__ import annotations

from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from ppl import NNC_Polyhedron

from nnce_cli.atlas import violations, write_violations
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Case, Inequality, Polyhedron, Property
from nnce_cli.exact import volume
from tests.atlas.test_check import network, questions, relu_chain
from tests.cases import cube
from tests.oracles import outputs as oracle
from tests.oracles import ppl
from tests.oracles.units import exact_cells
from tests.strategies import boxes, examples


def true_cells(drawn, case):
    """Return whether a case occurs, and on how many pieces with an interior it does."""
    n, found = case.domain.n_inputs, 0
    for part, outputs in oracle.pieces(drawn, case.domain):
        if part.affine_dimension() < n:
            continue
        left = NNC_Polyhedron(part)
        for inequality in case.inequalities:
            form = oracle.form_of(inequality, outputs, n)
            value = ppl.expression(form)
            left.add_constraint(value < 0 if inequality.is_strict else value <= 0)
        found += not left.is_empty()
    return found


@examples(15)
@given(questions(boxes))
def test_cells_are_those_of_polyhedra(drawn):
    layers, cases = drawn
    if any(layer.maxima for layer in layers):
        return
    stack, domain = network(layers), cases[0].domain
    found = violations(stack, Property(tuple(cases)))
    [of_domain] = found.domains
    cells = exact_cells(layers, domain)
    assert found.complete
    assert of_domain.cells == len(cells.codes)
    known = {_bytes(stack, row) for row in cells.codes}
    for k, case in enumerate(cases):
        mine = [cell for cell in of_domain.found if cell.case == k]
        assert {cell.codes.tobytes() for cell in mine} <= known
        if oracle.occurs(layers, domain, case.inequalities):
            assert mine
        pieces = true_cells(layers, case)
        assert len(mine) <= pieces
        assert bool(mine) == bool(pieces)


def _bytes(stack, row):
    """Return the row's codes as tables have them."""
    found, at = [], 0
    for units in stack.units:
        bits = np.array([row[at : at + units.bits]], np.uint8)
        at += units.bits
        found.append((bits, np.array([row[at : at + len(units.pieces)]], np.uint8)))
        at += len(units.pieces)
    return stack.layout.join_layers(found).tobytes() if found else b""  # no layer has a unit


def test_share_of_the_volume(tmp_path):
    """|x| <= 1/2 on a half of [-1, 1], in both cells; the table has a witness of each."""
    import pyarrow.parquet as pq

    near = Inequality({}, {0: Fraction(1)}, Fraction(-1, 2))
    stack = network(relu_chain())
    found = violations(stack, Property((Case(cube(1, -1, 1), (near,)),)))
    [of_domain] = found.domains
    assert (len(of_domain.found), of_domain.cells) == (2, 2)
    assert sum(cell.volume for cell in of_domain.found) / of_domain.volume == Fraction(1, 2)
    path = tmp_path / "violated.parquet"
    write_violations(str(path), stack, found)
    table = pq.read_table(path)
    assert table["case"].to_pylist() == [0, 0]
    points = [x for [x] in table["witness"].to_pylist()]
    assert [x > 0 for x in points] == [False, True] or [x > 0 for x in points] == [True, False]
    assert all(0 < abs(x) < 0.5 for x in points)
    with pytest.raises(InputError, match="exists"):
        write_violations(str(path), stack, found)


def test_cells_that_are_only_touched_are_found():
    """|x| <= 0 at one point, which both cells have on their border; their volume is 0."""
    zero = Inequality({}, {0: Fraction(1)}, Fraction(0))
    found = violations(network(relu_chain()), Property((Case(cube(1, -1, 1), (zero,)),)))
    [of_domain] = found.domains
    assert [(cell.point, cell.volume) for cell in of_domain.found] == [((0,), 0)] * 2


def test_what_is_not_bounded_is_refused():
    case = Case(Polyhedron.space(1), ())
    with pytest.raises(InputError, match="bound every input"):
        violations(network(relu_chain()), Property((case,)))


@pytest.mark.parametrize("n", range(1, 6))
def test_volumes_of_simplices(n):
    """X >= 0, sum of x <= 1; and the part of the cube beyond it."""
    unit = [[fmpq(0), *(fmpq(int(i == k)) for k in range(n))] for i in range(n)]
    far = [[fmpq(1), *(-fmpq(int(i == k)) for k in range(n))] for i in range(n)]
    below = [fmpq(1), *([fmpq(-1)] * n)]
    above = [-x for x in below]
    assert volume([*unit, below], n) == fmpq(1, factorial(n))
    assert volume([*unit, *far, above, above], n) == 1 - fmpq(1, factorial(n))


@examples(24)
@given(st.integers(1, 4), st.randoms(use_true_random=True))
def test_volumes_add_up(n, random):
    """What a hyperplane divides has the volume of its parts, wherever it is."""
    box = [
        [fmpq(1), *(sign * fmpq(int(i == k)) for k in range(n))]
        for i in range(n)
        for sign in (1, -1)
    ]
    forms = [[fmpq(random.randint(-2, 2)) for _ in range(n + 1)] for _ in range(3)]
    *kept, cut = forms
    if not any(cut[1:]):
        return
    parts = [volume([*box, *kept, [sign * x for x in cut]], n) for sign in (1, -1)]
    assert sum(parts, fmpq(0)) == volume([*box, *kept], n)
