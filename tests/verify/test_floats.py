"""What the checker proves in floating point, against rational arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.domain import Box
from nnce_cli.network import load_network
from nnce_cli.table import CellTableReader
from nnce_cli.verify.combinations import combinations_prove
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.facets import Cells, FacetCheck, hyperplanes_differ
from nnce_cli.verify.float_forms import FloatForms, Functions
from nnce_cli.verify.forms import least_on_cube
from nnce_cli.verify.hyperplanes import codes_across, surroundings
from nnce_cli.verify.listed import Listed
from nnce_cli.verify.polytope import Polytope
from nnce_cli.verify.programs import find_combinations
from nnce_cli.verify.table_rows import Table, packed_rows
from tests.cases import cube
from tests.command import nnce
from tests.strategies import SHAPES, boxes, examples, networks, stack_from
from tests.verify_tables import Tampered, model_of, write_exact_table

TOY = Path(__file__).parents[2] / "sample_models" / "toy-2d.onnx"


def rational(values):
    return [fmpq(*x.as_integer_ratio()) for x in np.asarray(values, dtype=np.float64).tolist()]


@given(layers=networks(SHAPES), data=boxes(4, fixed=True), seed=st.integers(0, 2**20))
@examples(100)
def test_functions_are_within_their_bounds(layers, data, seed):
    """For any signs, of cells or not: each entry, what varies, and what is zero."""
    stack = stack_from(layers)
    box = Box(data.lower[-stack.n_inputs :], data.upper[-stack.n_inputs :])
    network = ExactNetwork(stack, box)
    codes = np.random.default_rng(seed).integers(0, 2, (3, network.units), dtype=np.uint8)
    found = FloatForms(network).on(codes, network.depth)
    for i in range(len(codes)):
        for k in range(network.rows):
            form = network.form(k, codes[i])
            wrong = sum(
                (abs(a - b) for a, b in zip(rational(found.values[i, k]), form, strict=True)),
                fmpq(0),
            )
            assert wrong <= rational([found.error[i, k]])[0]
            assert (
                sum(map(abs, rational(found.values[i, k])), fmpq(0))
                <= rational([found.size[i, k]])[0]
            )
            assert found.varies[i, k] or not any(form[1:])
            assert not found.are_zero[i, k] or not any(form)
            assert not found.are_not_zero[i, k] or any(form)


@given(layers=networks(SHAPES), seed=st.integers(0, 2**20))
@examples(100)
def test_hyperplanes_that_differ_are_different(layers, seed):
    stack = stack_from(layers)
    network = ExactNetwork(stack, cube(stack.n_inputs, -1, 1))
    codes = np.random.default_rng(seed).integers(0, 2, (8, network.units), dtype=np.uint8)
    sides = network.sides(codes)
    differ = hyperplanes_differ(FloatForms(network).on(codes, network.depth).turned(sides), sides)
    for i in np.flatnonzero(differ).tolist():
        around = surroundings(network, codes[i])
        assert not around.zero
        assert all(len(hyperplane.rows) == 1 for hyperplane in around.hyperplanes)


def functions_of(values):
    """Return functions that are exactly what they are."""
    values = np.asarray(values, dtype=np.float64)
    return Functions(values, np.zeros(values.shape[:-1]), np.abs(values).sum(axis=-1))


@pytest.mark.parametrize("d", [1, 2, 4, 7])
def test_combinations_with_room(d):
    """Rests whose least value is 2^-k or -2^-k: what is proved is true, and large k are proved."""
    random = np.random.default_rng(d)
    others = random.normal(size=(400, d, 1 + d))
    multipliers = random.uniform(0, 2, size=(400, d))
    room = np.where(np.arange(400) % 2, 1.0, -1.0) * 2.0 ** -(np.arange(400) % 80)
    rest = np.concatenate([room[:, None], np.zeros((400, d))], axis=1)
    values = np.einsum("pk,pkc->pc", multipliers, others) + rest
    never = np.zeros(400, dtype=np.bool_)
    proved = combinations_prove(functions_of(values), functions_of(others), multipliers, never)
    for p in range(400):
        total = [
            sum(
                (
                    x * y
                    for x, y in zip(
                        rational(multipliers[p]), rational(others[p, :, c]), strict=True
                    )
                ),
                fmpq(0),
            )
            for c in range(1 + d)
        ]
        exact = [a - b for a, b in zip(rational(values[p]), total, strict=True)]
        assert not proved[p] or least_on_cube(exact) >= 0
        assert proved[p] == (room[p] > 0) or abs(room[p]) < 2.0**-40


def test_errors_of_functions_are_taken_into_account():
    """Of g and g + 2^-20, either may be off by more than that, or by less."""
    g, f = [[0.0, 1.0, -1.0]], [2.0**-20, 1.0, -1.0]
    for error, proved in ((2.0**-19, False), (2.0**-24, True), (np.inf, False), (np.nan, False)):
        for mine, others in ((error, 0.0), (0.0, error)):
            functions = functions_of([f])._replace(error=np.array([mine]))
            around = functions_of([g])._replace(error=np.array([[others]]))
            meet = np.zeros(1, dtype=np.bool_)
            assert combinations_prove(functions, around, np.ones((1, 1)), meet)[0] == proved


def test_what_is_no_number_proves_nothing():
    for bad in (np.nan, np.inf, -np.inf):
        for place in range(3):
            values, others = np.ones((1, 3)), np.ones((1, 2, 3))
            multipliers = np.ones((1, 2))
            (values, others[0], multipliers)[place][0, 0] = bad
            functions, around = functions_of(values), functions_of(others)
            if place == 2 and not bad > 0:
                continue  # becomes 0, and 1 + u + v is >= 0 by itself
            meet = np.ones(1, dtype=np.bool_)
            assert not combinations_prove(functions, around, multipliers, meet)[0]


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_combinations_that_meet(d):
    """Integer gradients, often dependent: what is proved has one solution, and it is positive."""
    random = np.random.default_rng(d)
    count = 600
    others = random.integers(-2, 3, size=(count, d, 1 + d)).astype(np.float64)
    others[::3] += random.choice([0.0, 2.0**-30, 2.0**-50], size=others[::3].shape)
    right = random.integers(-3, 8, size=(count, d)).astype(np.float64)
    values = np.einsum("pk,pkc->pc", right, others)
    multipliers = right + 2.0**-52 * random.integers(-4, 5, size=right.shape)
    others[:, :, 0] = 7.0  # constants do not matter
    everywhere = np.ones(count, dtype=np.bool_)
    proved = combinations_prove(functions_of(values), functions_of(others), multipliers, everywhere)
    for p in range(count):
        gradients = fmpq_mat(d, d, [x for i in range(d) for x in rational(others[p, :, 1 + i])])
        goal = fmpq_mat(d, 1, rational(values[p, 1:]))
        regular = gradients.rank() == d
        fine = regular and min(gradients.solve(goal).entries()) >= 0
        with_room = values[p, 0] + np.minimum(values[p, 1:], 0).sum() >= 0
        assert not proved[p] or fine or with_room or _has_room(values[p], others[p], multipliers[p])
        if regular and right[p].min() >= 1 and p % 3:
            assert proved[p]


def _has_room(values, others, multipliers):
    used = np.maximum(multipliers, 0)
    rest = [
        a
        - sum((x * y for x, y in zip(rational(used), rational(others[:, c]), strict=True)), fmpq(0))
        for c, a in enumerate(rational(values))
    ]
    return least_on_cube(rest) >= 0


def test_the_search_finds_what_is_redundant():
    """Random cells: the functions that are redundant are found so by the multipliers alone."""
    random = np.random.default_rng(0)
    forms = random.normal(size=(40, 12, 5))
    points = random.uniform(0.1, 0.9, size=(40, 4))
    forms *= np.sign(forms[:, :, 0] + np.einsum("mnc,mc->mn", forms[:, :, 1:], points))[:, :, None]
    walls = np.zeros((40, 12), dtype=np.bool_)
    for i in range(40):
        cell = Polytope([rational(form) for form in forms[i]], 4)
        walls[i] = [not cell.is_redundant(k) for k in range(12)]
    found = find_combinations(forms, walls, ~walls, points)
    others = np.where(found.columns < 12, found.columns, 0)
    proved = combinations_prove(
        functions_of(forms[found.cell, found.target]),
        functions_of(forms[found.cell[:, None], others]),
        np.where(found.columns < 12, found.multipliers, 0.0),
        np.zeros(len(found.cell), dtype=np.bool_),
    )
    assert 0 < (~walls).sum() == proved.sum()


def missing_exactly(network, listed, codes):
    """Return the facets of a cell beyond which nothing is listed, by rational arithmetic alone."""
    around = surroundings(network, codes)
    across = codes_across(network, codes, around)
    found = listed.lists(packed_rows(across, network.layout))
    cell = Polytope([hyperplane.inward for hyperplane in around.hyperplanes], network.dimension)
    return [
        (around.hyperplanes[k].rows, across[k].tolist())
        for k in np.flatnonzero(~found).tolist()
        if not cell.is_redundant(k)
    ]


def compared(path, network, *, hints):
    """Look at all facets of a table in both ways; return how many lead nowhere."""
    with CellTableReader(path) as reader:
        table = Table(reader, network.layout)
        listed = Listed(table)
        check = FacetCheck(network, listed)
        missing = 0
        for part in table.parts(witness=hints is None):
            points = part.rows.witness if hints is None else hints(len(part))
            rows = np.arange(part.start, part.start + len(part))
            facets = check.look(Cells(rows, part.codes, points))
            found = {}
            for one in facets.missing:
                found.setdefault(one.row, []).append((one.walls, one.beyond.tolist()))
            for row, codes in zip(rows.tolist(), part.codes, strict=True):
                assert found.get(row, []) == missing_exactly(network, listed, codes)
            missing += len(facets.missing)
    return missing


@given(
    layers=networks([s for s in SHAPES if len(s) < 4]),
    data=boxes(4, fixed=True),
    seed=st.integers(0, 99),
)
@examples(40)
def test_facets_as_rational_arithmetic_finds_them(layers, data, seed, tmp_path_factory):
    """Degenerate networks, with rows missing, and with points that are anywhere as hints."""
    stack = stack_from(layers)
    box = Box(data.lower[-stack.n_inputs :], data.upper[-stack.n_inputs :])
    if any(layer.exact is not None for layer in stack.hidden):
        return
    folder = tmp_path_factory.mktemp("facets")
    model = model_of(folder / "m.onnx", stack)
    cells = write_exact_table(folder / "t", model, box)
    random = np.random.default_rng(seed)

    def anywhere(count):
        return random.uniform(box.lower, box.upper, (count, box.n_inputs))

    network = ExactNetwork(stack, box)
    assert compared(folder / "t", network, hints=anywhere) == 0
    table = Tampered.read(folder / "t")
    table.remove(cells // 2)
    table.recount()
    missing = compared(table.write(folder / "broken"), network, hints=anywhere)
    assert missing > 0 or cells == 1


def test_facets_of_an_enumerated_table(tmp_path):
    assert nnce("enumerate", TOY, "-o", "t", "--quiet", cwd=tmp_path).returncode == 0
    network = ExactNetwork(load_network(TOY), cube(2, -1, 1))
    assert compared(tmp_path / "t", network, hints=None) == 0
    table = Tampered.read(tmp_path / "t")
    for row in (250, 100, 0):
        table.remove(row)
    table.recount()
    assert compared(table.write(tmp_path / "broken"), network, hints=None) > 6
