"""Many inputs under few neurons: the walk in the image of the first layer.

Held against exact polyhedra over the inputs themselves, and against the walk over the inputs,
which runs where decisions are logged.
"""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import linprog

from nnce_cli import _core
from nnce_cli.base.bits import unpack_layers
from nnce_cli.enumeration import WHOLE, DictionaryWalk, Problem, batches
from nnce_cli.enumeration.dictionary import ImageWalk, image, inputs
from nnce_cli.enumeration.dictionary.image import reduce_to_image
from nnce_cli.exact import CellPath, NetworkOnBox, Pullback, cell_point
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.collect import check_rows, count, enumerate_all
from tests.command import nnce, save_network
from tests.oracles.naive import cell_at
from tests.oracles.ppl import exact_cells
from tests.strategies import affine_map, boxes, examples, layer_rows, networks, stack_from
from tests.thin_cells import holds_no_float

SHAPES = [
    (4, 1, 3),
    (5, 1, 2, 2),
    (6, 2, 3),
    (7, 2, 2, 2),
    (6, 2, 6),
    (8, 2, 5),
    (9, 3, 4),
    (9, 3, 2, 3),
]
RANK_TWO = [
    [[1, 1, 1, 1, 1, 1, 1], [1, -1, 1, -1, 1, -1, 0]],
    [[1, 1, -2], [1, -1, 0], [2, 1, -3], [-1, -1, 5], [1, 2, -7]],
]


@pytest.fixture(autouse=True, scope="module")
def small_gain():
    """Walk in the image for networks that are small enough for the oracles, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image, "GAIN", 3)
        yield


def normal_stack(widths, seed, spread=0.5):
    """Return a network with normal weights of 24 binary digits; ``spread`` is that of biases."""
    random = np.random.default_rng(seed)
    maps = []
    for n_in, n_out in pairwise(widths):
        weight = random.normal(0, np.sqrt(2 / n_in), (n_out, n_in)).astype(np.float32)
        bias = random.normal(0, spread, n_out).astype(np.float32)
        maps.append(AffineMap(weight.astype(np.float64), bias.astype(np.float64)))
    return LayerStack(tuple(maps), None, (1, widths[0]), "")


def rows_of(walk):
    """Return the sign bytes of all rows, layers joined, and their ranks."""
    found = list(batches(walk))
    signs = np.concatenate([np.concatenate(batch.signs, axis=1) for batch in found])
    return signs, np.concatenate([batch.ranks for batch in found])


def walk_in_pieces(problem, budget):
    """Return (sign bytes of all rows in order, layer cells, number of walks)."""
    rows, layer_cells, walks, waiting = [], 0, 0, [WHOLE]
    while waiting:
        walk = ImageWalk(problem, waiting.pop(0), witness=False)
        rows += [np.concatenate(batch.signs, axis=1) for batch in batches(walk, budget)]
        layer_cells, walks = layer_cells + np.array(walk.layer_cells), walks + 1
        waiting = ([] if walk.done else walk.rest()) + waiting
    return np.concatenate(rows), layer_cells, walks


@examples(60)
@given(st.data())
def test_rows_are_the_cells_of_exact_polyhedra(data):
    stack = stack_from(data.draw(networks(SHAPES)))
    box = data.draw(boxes(stack.n_inputs, fixed=True))
    cells = exact_cells(stack, box)
    table = enumerate_all(stack, box)
    assert table.signs() == cells.signs
    assert list(map(tuple, table.ranks.tolist())) == cells.ranks
    assert table.walk.layer_cells == cells.layer_cells
    check_rows(table, 20)
    assert count(stack, box) == cells.layer_cells


@examples(15)
@given(st.data())
def test_pieces_make_the_whole(data):
    """A subtree of the relaxed tree may be empty; then the next one counts the cells above it."""
    stack = stack_from(data.draw(networks(SHAPES)))
    problem = Problem.of(stack, data.draw(boxes(stack.n_inputs)))
    assume(problem.in_image is not None)
    whole, layer_cells, _ = walk_in_pieces(problem, None)
    pieces, their_cells, _ = walk_in_pieces(problem, data.draw(st.integers(1, 9)))
    assert np.array_equal(pieces, whole)
    assert np.array_equal(their_cells, layer_cells)


@pytest.mark.parametrize(
    ("widths", "seed"),
    [
        ((12, 4, 6), 1),
        ((15, 5, 5), 2),
        ((40, 5, 4, 4), 3),
        ((100, 6, 5), 4),
        ((21, 7, 7, 7), 5),
    ],
)
def test_the_walk_over_the_inputs_has_the_same_cells(widths, seed):
    stack, box = normal_stack(widths, seed), cube(widths[0], -1, 1)
    assert reduce_to_image(stack, box) is not None
    table = enumerate_all(stack, box)
    over_inputs = DictionaryWalk(Problem.of(stack, box))
    signs, ranks = rows_of(over_inputs)
    assert np.array_equal(table.packed, signs)
    assert np.array_equal(table.ranks, ranks)
    assert table.walk.layer_cells == over_inputs.layer_cells
    check_rows(table, 60)
    assert table.walk.decisions["witnesses_exact"] <= table.walk.cells / 100


def test_leftover_subtrees_of_a_generic_network():
    problem = Problem.of(normal_stack((20, 5, 5), 5), cube(20, -1, 1))
    whole, layer_cells, _ = walk_in_pieces(problem, None)
    pieces, their_cells, walks = walk_in_pieces(problem, 25)
    assert walks > 10
    assert np.array_equal(pieces, whole)
    assert np.array_equal(their_cells, layer_cells)


def test_a_hyperplane_that_touches_the_image_cuts_nothing():
    """|x_1 + … + x_6| <= 6 on the box: a threshold at 6 has one side, one ulp less has two."""
    for threshold, cells in [(6.0, 1), (np.nextafter(6.0, 0.0), 2)]:
        first = AffineMap(np.ones((2, 6)) * [[1.0], [0.5]], np.array([-threshold, -8.0]))
        stack = LayerStack((first,), None, (1, 6), "")
        assert reduce_to_image(stack, cube(6, -1, 1)) is not None
        assert count(stack, cube(6, -1, 1)) == [cells]
        check_rows(enumerate_all(stack, cube(6, -1, 1)))


def test_a_corner_of_the_relaxation_that_no_input_reaches():
    """The image (x_1 + … + x_6, x_1 + … + x_3 - x_4 - … - x_6) is a diamond, not its square."""
    u = [[1.0] * 6, [1.0] * 3 + [-1.0] * 3]
    second = AffineMap(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([-12.0 - 6.0, -12.0 - 6.1]))
    stack = LayerStack((AffineMap(np.array(u), np.array([6.0, 6.0])), second), None, (1, 6), "")
    # relu is the identity: u + 6 >= 0. The sums reach 6 + 12 and no further.
    table = enumerate_all(stack, cube(6, -1, 1))
    assert table.walk.layer_cells == [1, 1]
    lower = AffineMap(second.weight, np.array([-17.0, -17.9]))
    stack = LayerStack((stack.hidden[0], lower), None, (1, 6), "")
    assert enumerate_all(stack, cube(6, -1, 1)).walk.layer_cells == [1, 3]


def test_rows_that_depend_on_others_are_written_exactly():
    """Duplicate, opposite, dead and mixed neurons, and weights that are no floats."""
    third = fmpq(1, 3)
    base = [[1, 2, 0, -1, 3, 1, 1, 2, 1], [0, 1, 1, 2, -1, 1, 0, 1, -2]]
    rows = [base[0], base[1], [-x for x in base[0]], [0] * 9]
    rows.append([x + third * y for x, y in zip(*base, strict=True)])
    weight, bias = (
        fmpq_mat([[fmpq(x) for x in row] for row in rows]),
        fmpq_mat(5, 1, [0, 1, 1, 1, 2]),
    )
    floats = np.array([[float(x.p) / float(x.q) for x in row] for row in weight.tolist()])
    first = AffineMap(floats, np.array([0.0, 1, 1, 1, 2]), (weight, bias))
    second = affine_map(layer_rows(Random(3), 5, 4))
    stack, box = LayerStack((first, second), None, (1, 9), ""), cube(9, -1, 1)
    reduction = reduce_to_image(stack, box)
    assert reduction is not None
    over, constant = reduction.stack.hidden[0].rational
    assert (over.nrows(), over.ncols()) == (5, 2)
    assert constant == bias
    chosen = [i for i in range(5) if floats[i].tolist() in reduction.image.linear.tolist()][:2]
    assert over * fmpq_mat([weight.tolist()[i] for i in chosen]) == weight
    assert enumerate_all(stack, box).signs() == exact_cells(stack, box).signs


def test_where_it_is_no_gain_the_walk_is_over_the_inputs():
    for widths in [(2 * image.GAIN - 1, 2, 4), (8, 8, 4)]:
        assert reduce_to_image(normal_stack(widths, 0), cube(widths[0], -1, 1)) is None
    dead = AffineMap(np.zeros((2, 9)), np.ones(2))
    assert reduce_to_image(LayerStack((dead,), None, (1, 9), ""), cube(9, -1, 1)) is None
    close = AffineMap(np.stack([np.ones(9), np.ones(9) + 2.0**-45 * np.arange(9)]), np.zeros(2))
    stack = LayerStack((close,), None, (1, 9), "")
    assert count(stack, cube(9, -1, 1)) == [len(exact_cells(stack, cube(9, -1, 1)).signs)]
    huge = AffineMap(np.full((1, 9), 1e300), np.ones(1))
    assert reduce_to_image(LayerStack((huge,), None, (1, 9), ""), cube(9, -1, 1)) is None


def test_the_relaxation_holds_the_image_of_every_corner():
    stack = normal_stack((9, 3, 3), 7)
    box = cube(9, -1, 0.3)
    reduction = reduce_to_image(stack, box)
    assert reduction is not None
    corners = np.array(np.meshgrid(*[[-1.0, 0.3]] * 9)).reshape(9, -1).T
    weight, _ = stack.hidden[0].rational
    for corner in corners[::7]:
        point = fmpq_mat(9, 1, [fmpq(*float(x).as_integer_ratio()) for x in corner])
        u = [(weight * point)[i, 0] for i in range(3)]
        for value, lower, upper in zip(u, reduction.box.lower, reduction.box.upper, strict=True):
            assert fmpq(*float(lower).as_integer_ratio()) <= value
            assert value <= fmpq(*float(upper).as_integer_ratio())


def test_without_proofs_the_same_cells():
    stack, box = normal_stack((24, 5, 6), 8), cube(24, -1, 1)
    walk = ImageWalk(Problem.of(stack, box), rows=False, witness=False, certify=False)
    assert all(len(batch.active) == 0 for batch in batches(walk))
    assert walk.layer_cells == count(stack, box)


def leaf_by_inputs(problem, signs):
    """Ask the programs over the inputs, not the projection, of a cell of the relaxed image.

    Returns a point of the cell, and whether floating point proved it; None where there is no cell.
    """
    reduction = problem.in_image
    forms, incoming = [], np.eye(len(reduction.image.middle) + 1)
    ends = np.cumsum([layer.n_out for layer in reduction.stack.hidden])
    for layer, bits in zip(reduction.stack.hidden, np.split(signs, ends[:-1]), strict=True):
        rows = layer.weight @ incoming[1:]
        rows[:, 0] += layer.bias
        forms.append(rows)
        incoming = np.vstack([incoming[:1], rows * bits[:, None]])
    table = np.concatenate(forms)
    sizes = np.abs(table) @ np.append(1.0, reduction.image.magnitude)
    splits = np.flatnonzero(np.abs(table[:, 1:]).max(axis=1) > 1e-9)
    side = np.where(signs, 1, -1)
    slacks = np.ascontiguousarray(side[splits, None] * table[splits])
    zonotope = reduction.image.zonotope()
    cell = _core.ImageCell(zonotope, slacks, sizes[splits], 1e-14 * sizes[splits])
    settled = inputs.settle_by_inputs(reduction.image, slacks, cell)
    if settled.exists is not None:
        return (settled.point, True) if settled.exists else None
    zero = np.abs(table).max(axis=1) < 1e-9
    none = np.zeros(0, dtype=np.int64)
    path = CellPath(side, zero, splits, np.ones(len(side)), none, none == 1)
    network = NetworkOnBox(Pullback(problem.stack), problem.box)
    found = cell_point(network, path, settled.guess)
    return found and (np.array(found.point), False)


def never(*_):
    """Prove nothing."""
    return False


@pytest.fixture(params=["floats", "rationals", "rationals from no guess"])
def program(request, monkeypatch):
    """How the programs over the inputs are solved and proved."""
    if request.param != "floats":
        monkeypatch.setattr(_core.ImageCell, "input_holds", never)
        monkeypatch.setattr(_core.ImageCell, "multipliers_hold", never)
    if request.param.endswith("no guess"):
        monkeypatch.setattr(inputs, "optimum", lambda *_: None)
    return request.param


def test_every_leaf_by_programs_over_the_inputs(program):
    @examples(25)
    @given(st.data())
    def hold(data):
        stack = stack_from(data.draw(networks(SHAPES)))
        box = data.draw(boxes(stack.n_inputs))
        problem = Problem.of(stack, box)
        assume(problem.in_image is not None)
        cells = []
        relaxed = Problem.of(problem.in_image.stack, problem.in_image.box)
        for packed in rows_of(DictionaryWalk(relaxed))[0]:
            layers = np.split(packed, np.cumsum([(n + 7) // 8 for n in problem.widths])[:-1])
            signs = unpack_layers([layer[None] for layer in layers], problem.widths)[0]
            found = leaf_by_inputs(problem, signs)
            if found is None:
                continue
            point, in_float = found
            cells.append(tuple(signs.tolist()))
            held = np.all((problem.box.lower < point) & (point < problem.box.upper))
            held = held and cell_at(problem.stack, point).signs == cells[-1]
            assert held or not in_float
            assert held or holds_no_float(problem.stack, problem.box, cells[-1], point.tolist())
            assert not in_float or program == "floats"
        assert cells == exact_cells(stack, box).signs

    hold()


def test_subtrees_by_programs_over_the_inputs(program, monkeypatch):
    monkeypatch.setattr(_core.TreeWalk, "interior", lambda *_: None)
    for stack in (normal_stack((20, 4, 4), 5), stack_from(RANK_TWO)):
        problem = Problem.of(stack, cube(stack.n_inputs, -1, 1))
        assert problem.in_image is not None
        whole, layer_cells, _ = walk_in_pieces(problem, None)
        pieces, their_cells, walks = walk_in_pieces(problem, 12)
        assert walks > 3, program
        assert np.array_equal(pieces, whole)
        assert np.array_equal(their_cells, layer_cells)


def corner_stack(n_inputs, gaps, seed):
    """Return a network whose cells are counted by hand, on the box [-1, 1]^n.

    Its image is a zonotope of three dimensions, all neurons of the first layer are active, and
    neuron j of the second is active in the corner of the zonotope that is less than ``gaps[j]``
    below its supporting plane in a direction of its own: in no cell where that is 0 or less.
    Generic directions, so no two corners meet; and all numbers are floats.
    """
    random = np.random.default_rng(seed)
    linear = random.integers(-500, 501, (3, n_inputs)).astype(np.float64)
    shift = np.abs(linear).sum(axis=1)
    across = random.permutation(DIRECTIONS)[: len(gaps)].astype(np.float64)
    height = np.abs(across @ linear).sum(axis=1)  # of the supporting plane
    bias = np.array(gaps) - height - across @ shift
    for j, gap in enumerate(gaps):
        assert fmpq(*float(bias[j]).as_integer_ratio()) == fmpq(
            *float(gap).as_integer_ratio()
        ) - int(height[j]) - int(across[j] @ shift)
    first, second = AffineMap(linear, shift), AffineMap(across, bias)
    return LayerStack((first, second), None, (1, n_inputs), "")


# None is in the cone of others that are near, so their corners are apart.
DIRECTIONS = np.array([[1, 2, 3], [-2, 3, 1], [3, -1, -2], [-3, -2, 1], [1, -3, 2], [2, 1, -3]])


@pytest.mark.parametrize("n_inputs", [30, 784])
@pytest.mark.parametrize("program", ["floats", "rationals"], indirect=True)
def test_thin_corners_and_planes_that_touch_the_image(n_inputs, program):
    """Of six neurons one cuts off a visible corner, one a thin one, and four none."""
    for gap in (2.0**-8, 2.0**-18, 2.0**-24):  # 1e-9 to 1e-14 of the size of the image
        stack = corner_stack(n_inputs, [gap, 0.0, -gap, 0.0, 1.0, 0.0], seed=n_inputs)
        box = cube(n_inputs, -1, 1)
        assert reduce_to_image(stack, box) is not None
        walk = ImageWalk(Problem.of(stack, box))
        found = list(batches(walk))
        assert walk.layer_cells == [1, 3]
        signs = np.concatenate([np.concatenate(b.signs, axis=1) for b in found])
        assert len(signs) == 3
        witnesses = np.concatenate([b.witness for b in found])
        for row, point in zip(signs, witnesses, strict=True):
            bits = (*np.unpackbits(row[:1])[:3].tolist(), *np.unpackbits(row[1:])[:6].tolist())
            assert cell_at(stack, point).signs == bits


@examples(12)
@given(st.data())
def test_degenerate_networks_of_more_inputs_against_the_walk_over_them(data):
    """Weights of one digit: cells touch the image, or miss it by a hair."""
    n_inputs, rank = data.draw(st.integers(20, 50)), data.draw(st.integers(3, 5))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    rows = [
        random.integers(-1, 2, (n_out, n_in + 1)).tolist()
        for n_in, n_out in [(n_inputs, rank), (rank, 3)]
    ]
    stack, box = stack_from(rows), cube(n_inputs, -1, 1)
    assert reduce_to_image(stack, box) is not None
    table = enumerate_all(stack, box)
    signs, _ = rows_of(DictionaryWalk(Problem.of(stack, box)))
    assert np.array_equal(table.packed, signs)
    check_rows(table, 20)


@pytest.fixture(scope="module")
def image_stack():
    """An image network with slivers at the rim of its image that the projection leaves open."""
    return normal_stack((784, 10, 10), 1, spread=0.25)


@pytest.mark.slow
def test_an_image_network_with_slivers(image_stack, monkeypatch):
    """Its rows are the same in pieces; and by linear programs over the inputs, on a sample."""
    asked = []
    by_inputs = inputs.settle_by_inputs
    monkeypatch.setattr(
        inputs, "settle_by_inputs", lambda *a: asked.append(by_inputs(*a)) or asked[-1]
    )
    problem = Problem.of(image_stack, cube(784, 0, 1))
    walk = ImageWalk(problem, witness=False)
    rows, _ = rows_of(walk)
    assert walk.done
    assert walk.cells == len(rows) == walk.layer_cells[-1]
    assert [settled.exists for settled in asked].count(True) > 3
    assert walk.decisions["witnesses_exact"] == 0
    pieces, layer_cells, walks = walk_in_pieces(problem, 20_000)
    assert walks > 5
    assert np.array_equal(pieces, rows)
    assert layer_cells.tolist() == walk.layer_cells

    cells = {row.tobytes() for row in rows}
    clear = 0
    for row in np.random.default_rng(0).choice(rows, 12, replace=False):
        for neuron in (*range(10), *range(16, 26)):  # in the bits of two layers of two bytes
            other = row.copy()
            other[neuron // 8] ^= 128 >> neuron % 8
            depth = depth_by_highs(image_stack, np.unpackbits(other)[[*range(10), *range(16, 26)]])
            if abs(depth) > 1e-8:
                assert (other.tobytes() in cells) == (depth > 0)
                clear += 1
    assert clear > 200


def depth_by_highs(stack, signs):
    """Return about how deep an input of [0, 1]^n can be inside a cell, of its slacks' ranges."""
    forms, incoming = [], np.eye(stack.n_inputs + 1)[:-1]
    for layer, bits in zip(stack.hidden, np.split(signs, [stack.hidden[0].n_out]), strict=True):
        rows = layer.weight @ incoming
        rows[:, -1] += layer.bias
        forms.append(rows * np.where(bits, 1.0, -1.0)[:, None])
        incoming = rows * bits[:, None]
    table = np.concatenate(forms)
    table /= np.abs(table[:, :-1]).sum(axis=1, keepdims=True)
    cost = np.append(np.zeros(stack.n_inputs), -1.0)
    found = linprog(
        cost,
        np.column_stack([-table[:, :-1], np.ones(len(table))]),
        table[:, -1],
        bounds=[*[(0.0, 1.0)] * stack.n_inputs, (None, None)],
    )
    assert found.status == 0
    return found.x[-1]


@pytest.mark.slow
def test_the_commands_on_an_image_network_with_slivers(image_stack, tmp_path):
    """Any number of workers writes the same bytes; a forecast ends in time and is near."""
    output = (np.ones((1, 10)), np.zeros(1))
    layers = [*((layer.weight, layer.bias) for layer in image_stack.hidden), output]
    save_network(tmp_path / "model.onnx", layers)
    domain = ["model.onnx", "--box", "0,1"]
    summaries = []
    for jobs in ("1", "2"):
        options = ["-j", jobs, "--no-witness", "--json", "-o", f"{jobs}.parquet"]
        result = nnce("enumerate", *domain, *options, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        summaries.append(json.loads(result.stdout))
        assert summaries[-1]["certified"]
    one, two = ((tmp_path / f"{jobs}.parquet").read_bytes() for jobs in "12")
    assert one == two
    estimate = nnce("estimate", *domain, "--time-limit", "5", "--json", cwd=tmp_path, timeout=120)
    assert estimate.returncode == 0, estimate.stderr
