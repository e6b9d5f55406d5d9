"""Classes and crossed cells by a walk along the table: all units and domains, gaps, workers."""

from __future__ import annotations

import dataclasses
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from nnce_cli.analysis import decisions, network_stats, winners
from nnce_cli.analysis.network_stats import NetworkCounter
from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.domain import Box, Polyhedron, Slice, on_slice
from nnce_cli.enumeration import (
    DICTIONARY,
    Problem,
    RowScores,
    along,
    batches,
    choose,
    walk_factory,
)
from nnce_cli.network import AffineMap, LayerStack, neuron_bits
from nnce_cli.table import Metadata, Rows
from tests.cases import cube
from tests.enumeration.test_polyhedra import is_flat, polyhedra
from tests.enumeration.test_unit_kinds import SHAPES, SMALL, layers
from tests.oracles.units import DrawnLayer, codes_at, exact_cells, stack_of
from tests.strategies import boxes, examples


@dataclasses.dataclass(frozen=True)
class Table:
    """A network, the rows of a table of it, and what the table says of itself."""

    stack: LayerStack
    metadata: Metadata
    rows: Rows

    @property
    def count(self) -> int:
        return len(self.rows.active)

    def take(self, kept: list[int]) -> Table:
        """Return the table of some of the rows."""
        rows, exact = self.rows, self.metadata.exact_witnesses
        witness = None if rows.witness is None else rows.witness[kept]
        some = Rows([s[kept] for s in rows.signs], rows.active[kept], rows.ranks[kept], witness)
        moved = {i: exact[row] for i, row in enumerate(kept) if row in exact}
        said = dataclasses.replace(self.metadata, exact_witnesses=moved, complete=False)
        return Table(self.stack, said, some)

    def stats(self, parts: int = 1, jobs: int = 1, task: Task | None = None):
        """Return the statistics of the table, read in so many batches."""
        counter = NetworkCounter(self.stack, self.metadata, task=task, jobs=jobs)
        cuts = np.linspace(0, self.count, parts + 1).astype(int).tolist()
        read = [self.take(list(range(a, b))).rows for a, b in pairwise(cuts)]
        assert [len(b.active) for b in counter.watch(read)] == [len(b.active) for b in read]
        return counter.result()


def table_of(stack: LayerStack, domain, *, witness: bool = True) -> Table:
    problem = Problem.of(stack, domain)
    walk = walk_factory(choose(problem)[0])(problem, witness=witness)
    found = [batch for batch in batches(walk) if len(batch)]
    rows = Rows(
        signs=[np.concatenate(parts) for parts in zip(*(b.signs for b in found), strict=True)],
        active=np.concatenate([b.active for b in found]),
        ranks=np.concatenate([b.ranks for b in found]),
        witness=np.concatenate([b.witness for b in found]) if witness else None,
    )
    metadata = dataclasses.replace(
        Metadata.of(stack, domain, witness=witness),
        layer_cells=tuple(walk.layer_cells),
        exact_witnesses=walk.exact_witnesses if witness else {},
        complete=True,
    )
    return Table(stack, metadata, rows)


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A classifier, and the last layer that tells who wins, for the oracle."""

    n: int
    layers: list[DrawnLayer]
    winner: DrawnLayer
    stack: LayerStack

    def truth(self, domain) -> dict[tuple[int, ...], set[int]]:
        """Return the classes that win in each cell, by exact polyhedra."""
        wins: dict[tuple[int, ...], set[int]] = {}
        for codes in exact_cells([*self.layers, self.winner], domain).codes:
            wins.setdefault(codes[:-1], set()).add(codes[-1])
        return wins

    def class_at(self, point: list[Fraction]) -> int:
        return codes_at([*self.layers, self.winner], point)[-1]


@st.composite
def classifiers(draw, shapes=SHAPES):
    """Draw a network with units of all kinds and one to five outputs, some of them equal."""
    n, drawn = draw(layers(shapes))
    random = draw(st.randoms(use_true_random=True))
    width = drawn[-1].values
    bias = draw(st.sampled_from([[Fraction(0)], SMALL]))
    rows = [
        [*random.choices(SMALL, k=width), random.choice(bias)]
        for _ in range(draw(st.integers(1, 5)))
    ]
    if random.random() < 0.4:
        rows[-1] = list(random.choice(rows))
    zero = Fraction(0)
    if len(rows) > 2:
        winner = DrawnLayer(plain=[], maxima=[rows])
    else:
        lead = rows[0] if len(rows) == 1 else [b - a for a, b in zip(*rows, strict=True)]
        winner = DrawnLayer(plain=[(lead, zero)])
    whole = stack_of([*drawn, DrawnLayer(plain=[(row, zero) for row in rows])])
    stack = dataclasses.replace(
        whole, hidden=whole.hidden[:-1], units=whole.units[:-1], output=whole.hidden[-1]
    )
    return Drawn(n, drawn, winner, stack)


def codes_of(table: Table) -> list[tuple[int, ...]]:
    layout = table.stack.layout
    parts = [part for layer in layout.layers(table.rows.signs) for part in layer]
    return [tuple(row) for row in np.concatenate(parts, axis=1).tolist()]


def point_of(table: Table, row: int) -> list[Fraction]:
    exact = table.metadata.exact_witnesses.get(row)
    return [Fraction(x) for x in exact or table.rows.witness[row].tolist()]


def check(drawn: Drawn, table: Table, truth) -> None:
    """Hold the classes and crossed cells of a table against the oracle."""
    found = table.stats(parts=2)
    codes = codes_of(table)
    assert found.boundary_cells == sum(len(truth[code]) > 1 for code in codes)
    expected = Counter(drawn.class_at(point_of(table, row)) for row in range(len(codes)))
    assert found.classes == dict(expected)


@examples(18)
@given(st.data())
def test_against_exact_polyhedra_on_boxes(data):
    drawn = data.draw(classifiers())
    domain = data.draw(boxes(drawn.n, fixed=True))
    table, truth = table_of(drawn.stack, domain), drawn.truth(domain)
    check(drawn, table, truth)
    bare = table_of(drawn.stack, domain, witness=False).stats()
    assert bare == table.stats()  # the points found are the witnesses of the method auto


@examples(15)
@given(st.data())
def test_against_exact_polyhedra_on_polyhedra(data):
    drawn = data.draw(classifiers())
    domain = data.draw(polyhedra(drawn.n))
    if not is_flat(domain):
        check(drawn, table_of(drawn.stack, domain), drawn.truth(domain))


@examples(18)
@given(st.data())
def test_tables_with_gaps(data):
    drawn = data.draw(classifiers())
    domain = data.draw(boxes(drawn.n))
    whole, truth = table_of(drawn.stack, domain), drawn.truth(domain)
    kept = data.draw(st.lists(st.integers(0, whole.count - 1), unique=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(along, "NODES", data.draw(st.sampled_from([1, 20])))
        patch.setattr(along, "STRAYS", data.draw(st.sampled_from([0, 2])))
        check(drawn, whole.take(sorted(kept)), truth)


@examples(18)
@given(st.data())
def test_many_classes_are_told_cell_by_cell(data):
    """The other way to the same answers, which is taken from 33 classes on."""
    drawn = data.draw(classifiers())
    table = table_of(drawn.stack, data.draw(boxes(drawn.n)), witness=data.draw(st.booleans()))
    found = table.stats()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decisions, "MOST_CLASSES", 1)
        assert table.stats() == found


def random_stack(widths: list[int], seed: int = 0) -> LayerStack:
    rng = np.random.default_rng(seed)
    maps = [AffineMap(rng.normal(size=(n, m)), rng.normal(size=n) / 2) for m, n in pairwise(widths)]
    return LayerStack(tuple(maps[:-1]), maps[-1], (widths[0],), "")


@pytest.fixture(scope="module")
def table():
    return table_of(random_stack([4, 8, 8, 3]), cube(4, -1, 1))


@pytest.mark.parametrize("witness", [True, False])
def test_the_answer_does_not_depend_on_the_workers(table, witness, monkeypatch):
    if not witness:
        bare = dataclasses.replace(table.rows, witness=None)
        table = dataclasses.replace(table, rows=bare)
    monkeypatch.setattr(network_stats, "ROWS", 64)
    assert table.count > 10 * 64
    alone = table.stats(parts=3)
    assert table.stats(parts=3, jobs=2) == alone
    monkeypatch.undo()
    whole = table.stats()  # the same but for the rounding of sums
    assert (whole.classes, whole.boundary_cells) == (alone.classes, alone.boundary_cells)
    for one, other in (
        (whole.spectral_norm, alone.spectral_norm),
        (whole.infinity_norm, alone.infinity_norm),
    ):
        assert (one.largest, one.row) == (other.largest, other.row)
        assert one.mean == pytest.approx(other.mean, rel=one.relative_error)


def test_many_real_classes():
    """More classes than one layer compares, and ties between them."""
    stack = random_stack([2, 5, 40])
    weight, bias = stack.output.weight.copy(), stack.output.bias.copy()
    weight[20:] = weight[:20]
    bias[20:] = bias[:20]
    twice = dataclasses.replace(stack, output=AffineMap(weight, bias))
    once = dataclasses.replace(stack, output=AffineMap(weight[:20], bias[:20]))
    found, expected = (table_of(net, cube(2, -1, 1)).stats() for net in (twice, once))
    assert found.classes == expected.classes
    assert found.boundary_cells == expected.boundary_cells > 0


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("witness", [True, False])
def test_the_first_row_that_is_no_cell_is_named(table, witness, jobs):
    joined = np.concatenate(table.rows.signs, axis=1)
    cells = {row.tobytes() for row in joined}
    place = table.count // 2
    for byte in range(256):  # a row between two cells of the table
        forged = np.append(joined[place, :-1], np.uint8(byte))
        if forged.tobytes() not in cells and bytes(forged) > joined[place].tobytes():
            break
    after = next(i for i, row in enumerate(joined) if row.tobytes() > forged.tobytes())
    order = np.insert(np.arange(table.count), after, place)
    rows = table.take(order.tolist())
    rows.rows.signs[-1][after] = forged[-1:]
    if not witness:
        rows = dataclasses.replace(rows, rows=dataclasses.replace(rows.rows, witness=None))
    with pytest.raises(InputError, match=f"row {after} of the table is not a cell of the model"):
        rows.stats(parts=2, jobs=jobs)


def test_rows_out_of_order_are_refused(table):
    turned = table.take([0, 2, 1])
    with pytest.raises(InputError, match="the table is not sorted: row 2 is out of order"):
        turned.stats()


def test_a_few_rows_of_a_large_table_do_not_take_the_walk_of_all(table, monkeypatch):
    """Rows far apart: the walk goes round what lies between them."""
    few = table.take(np.linspace(0, table.count - 1, 5).astype(int).tolist())
    met = []
    take = along._Places.take

    def counted(self, codes):
        met.append(len(codes))
        return take(self, codes)

    monkeypatch.setattr(along._Places, "take", counted)
    monkeypatch.setattr(along, "STRAYS", 4)
    few.stats()
    assert sum(met) < table.count / 4


def test_slices():
    """A slice's table is one of the network over its coordinates."""
    stack = dataclasses.replace(random_stack([6, 8, 8, 4]), digest="")
    points = np.random.default_rng(3).normal(size=(3, 6))
    sliced = on_slice(stack, Slice(points))
    table = table_of(sliced, Box(np.zeros(2), np.ones(2)))
    found = table.stats()
    assert found.classes == dict(
        Counter(sliced.forward(table.rows.witness).argmax(axis=1).tolist())
    )
    assert found.boundary_cells > 0


def test_all_of_space():
    """|x| - 1 in all of R: both cells are crossed; |x| + 1: none is."""
    for bias, crossed in ((-1.0, 2), (1.0, 0), (0.0, 0)):
        absolute = dataclasses.replace(
            random_stack([1, 2, 1]),
            hidden=(AffineMap(np.array([[1.0], [-1.0]]), np.zeros(2)),),
            output=AffineMap(np.ones((1, 2)), np.array([bias])),
        )
        found = table_of(absolute, Polyhedron.space(1)).stats()
        assert found.boundary_cells == crossed


def test_regressions_are_not_walked(table, monkeypatch):
    monkeypatch.setattr(decisions.Decisions, "winners", None)
    found = table.stats(task=Task.REGRESSION)
    assert found.classes == {}
    assert found.spectral_norm is not None


# Signs of weights


@examples(36)
@given(st.data())
def test_what_signs_of_weights_tell_is_what_rational_programs_tell(data):
    from nnce_cli import exact
    from nnce_cli.enumeration.dictionary.weight_signs import WeightSigns

    drawn = data.draw(classifiers())
    domain = data.draw(boxes(drawn.n))
    said = []
    sign_on, decide = WeightSigns.sign_on, exact.decide_neuron

    def kept(self, *arguments):
        said.append(sign_on(self, *arguments))
        return 0

    def checked(network, path, neuron):
        decision = decide(network, path, neuron)
        expected = {1: (exact.Positive,), -1: (exact.Negative,), 0: ()}[said[-1]]
        assert decision is None or not expected or isinstance(decision, expected)
        return decision

    whole = stack_of([*drawn.layers, drawn.winner])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WeightSigns, "sign_on", kept)
        patch.setattr(exact, "decide_neuron", checked)
        walk = walk_factory(DICTIONARY)(Problem.of(whole, domain))
        expected = [b.signs for b in batches(walk)]
    walk = walk_factory(DICTIONARY)(Problem.of(whole, domain))
    for found, signs in zip(batches(walk), expected, strict=True):
        for a, b in zip(found.signs, signs, strict=True):
            assert np.array_equal(a, b)


# What rows tell without a walk that proves every cut

WITHOUT_A_MAX = [
    [(3, 1, (), 0), (3, 0, (), 0)],
    [(4, 0, (), 1), (2, 1, (), 1)],
    [(2, 0, (), 0), (3, 0, (), 1), (2, 1, (), 0)],
    [(6, 0, (), 0)],
]


def rows_tell(drawn: Drawn, domain) -> RowScores:
    """Return what is asked of rows first, for any number of inputs."""
    scores = drawn.stack.output
    if scores.n_out == 1:
        scores = AffineMap(
            np.vstack([0 * scores.weight, scores.weight]), np.append(0.0, scores.bias)
        )
    longer = winners.with_differences(drawn.stack, scores)
    return RowScores(Problem.of(longer, domain), scores.n_out)


def check_rows(drawn: Drawn, domain, kept: list[int]) -> None:
    """Hold what some rows of a table, and rows that are no cells, tell against the oracle."""
    codes = sorted(cells := drawn.truth(domain))
    some = [codes[i] for i in kept]
    bits = drawn_bits(drawn.stack, some)
    found = rows_tell(drawn, domain).of(bits)
    for code, wins in zip(some, found, strict=True):
        winning = set(np.flatnonzero(wins).tolist())
        assert not winning or winning >= cells[code]
        assert len(winning) != 1 or winning == cells[code]
        assert len(winning) < 2 or len(cells[code]) > 1
    flipped = bits ^ np.eye(bits.shape[1], dtype=np.uint8)[np.arange(len(bits)) % bits.shape[1]]
    is_cell = {row.tobytes() for row in drawn_bits(drawn.stack, codes)}
    others = np.array([row for row in np.unique(flipped, axis=0) if row.tobytes() not in is_cell])
    if len(others):
        assert not rows_tell(drawn, domain).of(others).any()


def drawn_bits(stack: LayerStack, codes: list[tuple[int, ...]]) -> np.ndarray:
    """Return the bits of the neurons in cells of these codes."""
    values, parts, start = np.array(codes, np.uint8).reshape(len(codes), -1), [], 0
    for bits, pieces in zip(stack.layout.bits, stack.layout.pieces, strict=True):
        middle, end = start + bits, start + bits + len(pieces)
        parts.append((values[:, start:middle], values[:, middle:end]))
        start = end
    return neuron_bits(stack, stack.layout.join_layers(parts))


@examples(20)
@given(st.data())
def test_what_rows_tell_on_boxes_is_what_exact_polyhedra_tell(data):
    drawn = data.draw(classifiers(WITHOUT_A_MAX))
    domain = data.draw(boxes(drawn.n))
    count = len(drawn.truth(domain))
    kept = data.draw(st.sets(st.integers(0, count - 1), min_size=1) | st.just(range(count)))
    check_rows(drawn, domain, sorted(kept))


@examples(12)
@given(st.data())
def test_what_rows_tell_on_polyhedra_is_what_exact_polyhedra_tell(data):
    drawn = data.draw(classifiers(WITHOUT_A_MAX))
    domain = data.draw(polyhedra(drawn.n))
    if not is_flat(domain):
        check_rows(drawn, domain, list(range(len(drawn.truth(domain)))))


def crossed_by_programs(stack: LayerStack, table: Table) -> list[bool]:
    """Return through which cells the boundary runs, by linear programs in floating point."""
    found = []
    for code, point in zip(codes_of(table), table.rows.witness, strict=True):
        sides = np.split(np.array(code) * 2 - 1, np.cumsum(stack.rows)[:-1])
        linear, constant, rows, limits = np.eye(4), np.zeros(4), [], []
        for layer, side in zip(stack.hidden, sides, strict=True):
            linear, constant = layer.weight @ linear, layer.weight @ constant + layer.bias
            rows.append(-side[:, None] * linear)
            limits.append(side * constant)
            linear, constant = linear * (side > 0)[:, None], constant * (side > 0)
        linear = stack.output.weight @ linear
        constant = stack.output.weight @ constant + stack.output.bias
        if len(linear) == 1:
            linear, constant = np.vstack([0 * linear, linear]), np.append(0.0, constant)
        best = int((linear @ point + constant).argmax())
        inside = {"A_ub": np.concatenate(rows), "b_ub": np.concatenate(limits), "bounds": (-1, 1)}
        leads = [
            constant[j] - constant[best] - linprog(linear[best] - linear[j], **inside).fun
            for j in range(len(linear))
        ]
        found.append(max(leads) > 1e-7)
    return found


@pytest.mark.parametrize(("outputs", "biased"), [(1, True), (3, True), (3, False)])
def test_rows_tell_all_that_is_asked_of_ordinary_networks(outputs, biased, monkeypatch):
    """No cell is left to the walk: of a whole table, of a part of one, nor of one with gaps."""
    stack = random_stack([4, 4, 4, outputs], 3)
    if not biased:
        bare = [AffineMap(layer.weight, 0 * layer.bias) for layer in (*stack.hidden, stack.output)]
        stack = dataclasses.replace(stack, hidden=tuple(bare[:-1]), output=bare[-1])
    whole = table_of(stack, cube(4, -1, 1))
    crossed = crossed_by_programs(stack, whole)
    assert 0 < sum(crossed) < whole.count
    monkeypatch.setattr(winners.Winners, "_walked", None)
    for kept in (range(whole.count), range(9, 40), range(0, whole.count, 5)):
        found = whole.take(list(kept)).stats(parts=2)
        assert found.boundary_cells == sum(crossed[row] for row in kept)
