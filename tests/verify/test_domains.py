"""Tables of polyhedra, bounded or not, and of all of space: whole and tampered with."""

from __future__ import annotations

import random as pseudorandom
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from ppl import C_Polyhedron, Linear_Expression, Variable

from nnce_cli.domain import Polyhedron, make_domain
from nnce_cli.verify.charted import NoInteriorError, chart_of
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.float_codes import FloatCodes
from nnce_cli.verify.forms import rationals, value_at
from nnce_cli.verify.inside import Inside
from nnce_cli.verify.random_points import RandomPoints
from nnce_cli.verify.recession import Recession
from nnce_cli.verify.spanning import span_positively
from nnce_cli.verify.volume import cone_volume
from tests.oracles.domains import exact_domain
from tests.verify.piecewise import (
    Layer,
    MemoryTable,
    TwoPiece,
    checked,
    failing,
    random_network,
    stack_of,
)
from tests.verify_tables import CLOSURE, VOLUMES, WITNESSES

INF = np.inf
SIZES = [(1, (3,)), (1, (2, 2)), (2, (2,)), (2, (2, 2)), (2, (1, 1, 1)), (3, (2,)), (3, (2, 1))]
KINDS = ["space", "half-spaces", "half-spaces", "in a box", "some bounds"]


def drawn_domain(seed, n):
    """A polyhedron with small integers, and an interior: rows repeat, are redundant, or none."""
    random = pseudorandom.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    if kind == "space":
        return Polyhedron.space(n)
    while True:
        rows = [
            [*random.choices([-2, -1, -1, 0, 1, 1, 2], k=n), random.randint(0, 3)]
            for _ in range(random.randint(1, 2 * n + 2))
        ]
        if random.random() < 0.3:
            rows.append([2 * x for x in random.choice(rows)])
        lower, upper = np.full((2, n), [[-INF], [INF]])
        if kind == "in a box":
            lower, upper = np.full((2, n), [[-2.0], [1.0]])
            if n > 1 and random.random() < 0.3:
                lower[0] = upper[0]
        elif kind == "some bounds":
            lower[random.randrange(n)] = random.choice([-2.0, 0.0])
        domain = make_domain(lower, upper, np.array(rows, dtype=np.float64))
        if not is_flat(domain):
            return domain


def is_flat(domain):
    """Tell whether a domain has no interior, but for inputs that are fixed."""
    found = exact_domain(domain)
    return found.is_empty() or found.affine_dimension() < (domain.lower < domain.upper).sum()


def drawn(seed):
    n, sizes = SIZES[seed % len(SIZES)]
    return random_network(seed, n, sizes), drawn_domain(seed, n)


@pytest.mark.parametrize("seed", range(105))
def test_whole_tables_pass(seed):
    layers, domain = drawn(seed)
    table = MemoryTable.of(layers, domain, witness=seed % 3 > 0)
    results = checked(table, stack_of(layers))
    assert failing(results) == set(), results
    if table.metadata.tells_bounded and seed % 3:
        details = results[WITNESSES].details
        decided = [details[f"recession {how}"] for how in ("by floating point", "exactly")]
        assert sum(decided) == (table.rows if chart_of(domain).is_cone else 0)


def test_all_kinds_of_charts_are_among_them():
    charts = [chart_of(drawn(seed)[1]) for seed in range(105)]
    assert {(chart.is_cone, chart.inputs) for chart in charts} >= {
        (is_cone, n) for is_cone in (False, True) for n in (1, 2, 3)
    }
    assert any(not chart.is_cone and len(chart.fences) > 3 for chart in charts)


@pytest.mark.parametrize("seed", range(0, 105, 2))
def test_no_cell_can_be_left_out(seed):
    layers, domain = drawn(seed)
    table = MemoryTable.of(layers, domain)
    for row in range(0, table.rows, 1 + table.rows // 6):
        smaller = table.copy()
        smaller.remove(row)
        results = checked(smaller, stack_of(layers), samples=0)
        assert CLOSURE in failing(results)
        assert WITNESSES not in failing(results)
        assert VOLUMES not in results or results[VOLUMES].failed


@pytest.mark.parametrize("seed", range(1, 105, 4))
def test_whether_a_cell_is_bounded_is_checked(seed):
    layers, domain = drawn(seed)
    table = MemoryTable.of(layers, domain)
    if not table.metadata.tells_bounded:
        return
    for row in range(table.rows):
        other = table.copy()
        other.bounded[row] = not table.bounded[row]
        result = checked(other, stack_of(layers), samples=0, closure=1)[WITNESSES]
        assert result.failed == 1
        words = ("bounded", "unbounded") if other.bounded[row] else ("unbounded", "bounded")
        assert f"row {row} " in result.failures[0]
        assert "it says that the cell is {}, which is {}".format(*words) in result.failures[0]


@pytest.mark.parametrize("seed", range(0, 105, 3))
def test_witnesses_have_to_be_inside_of_all_half_spaces(seed):
    """A witness is moved onto the border of the domain, or beyond it, along a line from inside."""
    layers, domain = drawn(seed)
    table = MemoryTable.of(layers, domain)
    inside = Inside(domain)
    point = table.witnesses[0]
    random = np.random.default_rng(seed)
    direction = [
        fmpq(int(x)) if free else fmpq(0)
        for x, free in zip(
            random.integers(-9, 10, domain.n_inputs), domain.lower < domain.upper, strict=True
        )
    ]
    there = [x + dx for x, dx in zip(point, direction, strict=True)]
    pairs = list(zip(inside.rooms(point), inside.rooms(there), strict=True))
    ends = [room / (room - other) for room, other in pairs if other < room]
    if not ends:
        return
    for factor in (fmpq(1), fmpq(9, 8), fmpq(2**60 + 1, 2**60), fmpq(7)):
        moved = [x + min(ends) * factor * dx for x, dx in zip(point, direction, strict=True)]
        other = table.copy()
        other.witnesses[0] = moved
        result = checked(other, stack_of(layers), samples=0, closure=1)[WITNESSES]
        assert result.failed == 1
        assert "not strictly inside the domain" in result.failures[0]


@pytest.mark.parametrize("seed", range(1, 105, 2))
def test_other_half_spaces_are_not_those_of_the_table(seed):
    """A half-space is left out, or one more is there that cuts a part of the domain off."""
    layers, domain = drawn(seed)
    table, stack = MemoryTable.of(layers, domain), stack_of(layers)
    free = domain.lower < domain.upper
    whole = exact_domain(domain)
    for k in range(len(domain.halfspaces)):
        rows = np.delete(domain.halfspaces, k, axis=0)
        larger = make_domain(domain.lower, domain.upper, rows)
        if exact_domain(larger) == whole or len(MemoryTable.of(layers, larger).codes) == table.rows:
            continue
        other = table.copy()
        other.domain = larger
        assert failing(checked(other, stack, samples=0)) & {CLOSURE, VOLUMES}
    x = sum((x for x, varies in zip(table.witnesses[-1], free, strict=True) if varies), fmpq(0))
    cut = np.append(free * 1.0, np.nextafter(int(x.p) / int(x.q), -INF))  # a witness is beyond it
    other = table.copy()
    other.domain = make_domain(domain.lower, domain.upper, np.vstack([domain.halfspaces, cut]))
    if not is_flat(other.domain):
        assert WITNESSES in failing(checked(other, stack, samples=0))


@pytest.mark.parametrize("seed", range(80))
def test_charts_are_of_their_domains(seed):
    """Bounded ones are in a box around them which is close; points go there and back."""
    n = 1 + seed % 4
    domain = drawn_domain(seed + 1000, n)
    exact, chart = exact_domain(domain), chart_of(domain)
    assert chart.is_cone != exact.is_bounded()
    if not chart.is_cone:
        for i in np.flatnonzero(chart.free).tolist():
            ends = [
                fmpq(int(found[f"{end}_n"]), int(found[f"{end}_d"]))
                for end, found in (
                    ("inf", exact.minimize(Linear_Expression(Variable(i)))),
                    ("sup", exact.maximize(Linear_Expression(Variable(i)))),
                )
            ]
            lower, upper = rationals(np.array([chart.lower[i], chart.upper[i]]))
            assert lower <= ends[0] < ends[1] <= upper
            assert upper - lower <= (ends[1] - ends[0]) * (1 + fmpq(1, 2**16))
    random = np.random.default_rng(seed)
    u = [fmpq(int(k), 97) for k in random.integers(1, 97, size=chart.dimension)]
    x = chart.point(u)
    is_inside = all(value_at(fence, u) > 0 for fence in chart.fences)
    assert Inside(domain).holds_exactly(x) == is_inside
    t = u[-1] if chart.is_cone else 1
    gradient = [fmpq(int(k)) for k in random.integers(-5, 6, size=n)]
    value = fmpq(3, 7) + sum(a * b for a, b in zip(gradient, x, strict=True))
    assert value_at(chart.form(gradient, fmpq(3, 7)), u) == t * value


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[1, 0, 0], [-1, 0, -1]], "is empty: no point"),
        ([[1, 1, 0], [-1, 0, 0], [0, -1, -1]], "is empty: no point"),
        ([[0, 0, -1]], "is empty: one of its half-spaces"),
        ([[1, 0, 1], [-1, 0, -1]], "is flat"),
        ([[1, 1, 0], [-1, 0, 0], [0, -1, 0]], "is flat"),  # one point
    ],
)
@pytest.mark.parametrize("size", [INF, 4.0])
def test_empty_and_flat_domains_are_told_apart(rows, words, size):
    domain = make_domain(np.full(2, -size), np.full(2, size), np.array(rows, dtype=np.float64))
    with pytest.raises(NoInteriorError, match=words):
        chart_of(domain)


def test_domains_are_seen_at_their_own_size():
    """A tiny triangle far away, and a slab of width 2^-60: both get a box of their size."""
    far, size = 2.0**20, 2.0**-30
    rows = [[-1, 0, -far], [0, -1, -far], [1, 1, 2 * far + size]]
    chart = chart_of(make_domain(*np.full((2, 2), [[-INF], [INF]]), np.array(rows)))
    assert (chart.lower <= far).all()
    assert (chart.upper - chart.lower <= 2 * size).all()
    slab = np.array([[1.0, 1.0, 2.0**-60], [-1.0, -1.0, 0.0]])
    chart = chart_of(make_domain(np.full(2, -1.0), np.full(2, 1.0), slab))
    assert len(chart.fences) == 2
    assert chart_of(make_domain(*np.full((2, 2), [[-INF], [INF]]), slab)).is_cone


def test_a_bounded_domain_out_of_range_is_a_cone():
    """X is between -1e300 / 1e-300 and 0, which float64 does not hold."""
    rows = np.array([[1.0, 0.0], [-1e-300, 1e300]])
    chart = chart_of(make_domain(np.array([-INF]), np.array([INF]), rows))
    assert chart.is_cone
    stack = stack_of([Layer([TwoPiece([Fraction(1), Fraction(1)])])])
    recession = Recession(ExactNetwork(stack, chart.domain))
    assert recession.bounded(np.array([[0], [1]], dtype=np.uint8)).all()


@pytest.mark.parametrize("seed", range(60))
def test_vectors_that_span_positively(seed):
    """As polyhedra say it: 0 is the only point where all products are nonnegative."""
    random = np.random.default_rng(seed)
    n, count = 1 + seed % 4, int(random.integers(0, 9))
    vectors = random.integers(-2, 3, size=(count, n))
    cone = C_Polyhedron(n)
    for vector in vectors.tolist():
        cone.add_constraint(Linear_Expression(vector, 0) >= 0)
    exact = [[fmpq(x) for x in vector] for vector in vectors.tolist()]
    assert span_positively(exact, n) == cone.is_bounded()


@pytest.mark.parametrize("seed", range(30))
def test_recession_in_floating_point_is_that_of_rationals(seed):
    """For codes of any kind, which need not be cells: they are polyhedra all the same."""
    layers, domain = drawn(5 * seed + (0, 1, 4)[seed % 3])
    network = ExactNetwork(stack_of(layers), domain)
    recession = Recession(network)
    random = np.random.default_rng(seed)
    most = np.concatenate([layer.most for layer in network.layers])
    codes = random.integers(0, most + 1, size=(40, network.units)).astype(np.uint8)
    expected = [recession._exactly(row) for row in codes] if network.chart.is_cone else [True] * 40
    assert recession.bounded(codes).tolist() == expected


def test_floating_point_settles_ordinary_recession():
    """Of random networks; no cell has parallel walls."""
    random = np.random.default_rng(0)
    rows = [[list(map(Fraction, row)) for row in random.normal(size=(12, n + 1))] for n in (2, 12)]
    stack = stack_of([Layer([TwoPiece(row) for row in layer]) for layer in rows])
    network = ExactNetwork(stack, Polyhedron.space(2))
    points = random.normal(size=(400, 2)) * np.exp2(random.uniform(-3, 9, size=(400, 1)))
    codes, _ = FloatCodes(network).at(points)
    recession = Recession(network)
    bounded = recession.bounded(codes)
    assert 20 < bounded.sum() < 380
    assert recession.details["recession exactly"] < 40


@pytest.mark.parametrize("seed", range(60))
def test_random_points_are_inside(seed):
    n = 1 + seed % 4
    domain = drawn_domain(seed + 2000, n)
    chart, inside = chart_of(domain), Inside(domain)
    drawn = RandomPoints(chart, np.random.default_rng(seed)).draw(300)
    assert len(drawn.points) + len(drawn.rational) >= 250
    assert all(inside.holds_exactly(rationals(point)) for point in drawn.points)
    assert all(inside.holds_exactly(point) for point in drawn.rational)
    assert inside.holds(drawn.points).all()
    if chart.is_cone:  # all of the ways to infinity, at many scales
        size = np.abs(drawn.points).max(axis=1)
        assert (size > 2.0**20).any()
        assert (size < 2.0**8).any()


def test_random_points_of_a_thin_slab():
    """Between two neighbours among the float64 numbers: all its points are rationals."""
    low, high = Fraction(1 - 2.0**-53), Fraction(1)
    a = next(
        a
        for a in range(3, 99, 2)
        if not any(low / a <= Fraction(x) <= high / a for x in (1 / a, np.nextafter(1 / a, 0)))
    )
    slab = np.array([[a, 0.0, 1.0], [-a, 0.0, -(1 - 2.0**-53)]])
    domain = make_domain(np.full(2, -1.0), np.full(2, 1.0), slab)
    inside = Inside(domain)
    drawn = RandomPoints(chart_of(domain), np.random.default_rng(0)).draw(200)
    assert not len(drawn.points)
    assert len(drawn.rational) == 200
    assert all(inside.holds_exactly(point) for point in drawn.rational)
    y = [float(int(point[1].p) / int(point[1].q)) for point in drawn.rational]
    assert min(y) < -0.5
    assert max(y) > 0.5


def test_random_points_fill_polygons():
    """Half of a triangle gets half of the points; a share is off by four deviations at most."""
    rows = np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [1.0, 1.0, 1.0]])
    domain = make_domain(np.full(2, -INF), np.full(2, INF), rows)
    points = RandomPoints(chart_of(domain), np.random.default_rng(0)).draw(4000).points
    for share, part in ((0.5, points[:, 0] > points[:, 1]), (0.25, points.sum(axis=1) < 0.5)):
        deviation = np.sqrt(share * (1 - share) / len(points))
        assert abs(part.mean() - share) < 4 * deviation


@pytest.mark.parametrize("n", [1, 2])
def test_volumes_of_cones(n):
    """Of y, t with t >= 0 and |y| <= t / 2 in all coordinates, in [-1, 1]^n x [0, 1]."""
    fences = []
    for i in range(n):
        for sign in (1, -1):
            gradient = [fmpq(0)] * n
            gradient[i] = fmpq(sign)
            fences.append(chart_of(Polyhedron.space(n)).form(gradient, fmpq(1, 2)))
    # A cube of side t at each t, of the 2^n that the coordinates of the cube have at once.
    assert cone_volume(fences, n + 1) == fmpq(1, (n + 1) * 2**n)
    assert cone_volume([], n + 1) == 1
