"""Networks of all kinds of units, described by their units; their stacks; and their cells.

The cells come from exact polyhedra and from the description alone: which code a unit has at a
point, and what it passes on. Nothing of the stack that the checker reads is used for that.
"""

from __future__ import annotations

import random as pseudorandom
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations, groupby
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from ppl import C_Polyhedron

from nnce_cli.base.layout import Layout
from nnce_cli.domain import Domain
from nnce_cli.network import AffineMap, LayerStack, PieceUnit, Units
from nnce_cli.table import Metadata, Rows
from nnce_cli.verify.check_closure import check_closure
from nnce_cli.verify.check_metadata import check_metadata
from nnce_cli.verify.check_order import check_order
from nnce_cli.verify.check_samples import check_samples
from nnce_cli.verify.check_volumes import check_volumes
from nnce_cli.verify.check_witnesses import check_witnesses
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table
from tests.oracles.domains import exact_domain
from tests.oracles.ppl import expression
from tests.strategies import affine_map

Row = list[Fraction]
"""An affine function of the values of the layer before: its coefficients, then its constant."""

Form = list[fmpq]
"""An affine function of the input, likewise."""


@dataclass(frozen=True)
class TwoPiece:
    """z where z > 0, else slope * z."""

    z: Row
    slope: Fraction = Fraction(0)


@dataclass(frozen=True)
class Clip:
    """z between two bounds, and the bounds beyond them."""

    z: Row
    low: Fraction
    high: Fraction


@dataclass(frozen=True)
class Max:
    """The largest of three or more."""

    z: list[Row]


@dataclass(frozen=True)
class Layer:
    """The units of a layer; its values are those of ``two``, ``many`` and ``passed``, in order."""

    two: list[TwoPiece] = field(default_factory=list)
    many: list[Clip | Max] = field(default_factory=list)
    passed: list[Row] = field(default_factory=list)

    @property
    def values(self) -> int:
        return len(self.two) + len(self.many) + len(self.passed)


# The stack of a network.

Parts = tuple[Fraction, list[tuple[int, int]]]
"""A value: a constant, and the neurons that are added to it, each with its sign."""


def stack_of(layers: Sequence[Layer]) -> LayerStack:
    """Take the units apart into neurons, as the stack's definition says."""
    hidden, units, scatter = [], [], None
    for layer in layers:
        rows, unit, after = _neurons(layer)
        hidden.append(affine_map([_scattered(row, scatter) for row in rows]))
        units.append(unit)
        scatter = after
    n_inputs = hidden[0].n_in if hidden else 0
    return LayerStack(tuple(hidden), None, (n_inputs,), "digest", units=tuple(units))


def affine_stack(rows: list[Row]) -> LayerStack:
    """A network without hidden layers."""
    output = affine_map(rows)
    return LayerStack((), output, (output.n_in,), "digest")


def _neurons(layer: Layer) -> tuple[list[Row], Units, list[Parts]]:
    """Return the rows of a layer's neurons, its units, and what neurons each value consists of."""
    rows = [unit.z for unit in layer.two]
    bases, pieces, zero = [], [], Fraction(0)
    parts: list[Parts] = []
    n = len(rows) + sum(
        2 if isinstance(unit, Clip) else len(unit.z) * (len(unit.z) - 1) // 2 for unit in layer.many
    )
    for unit in layer.many:
        first = len(rows)
        if isinstance(unit, Clip):
            rows += [_less(unit.z, unit.low), _less(unit.z, unit.high)]
            pieces.append(PieceUnit("clip", 3))
            parts.append((unit.low, [(first, 1), (first + 1, -1)]))
            continue
        k, z = len(unit.z), unit.z
        rows += [_difference(z[j], z[0]) for j in range(k - 1, 0, -1)]
        rows += [_difference(z[j], z[i]) for i, j in combinations(range(1, k), 2)]
        base = n + len(bases)
        pieces.append(PieceUnit("max", k, base))
        bases.append(z[0])
        parts.append((zero, [(base, 1), *((first + q, 1) for q in range(k - 1))]))
    passed = [(zero, [(n + len(bases) + i, 1)]) for i in range(len(layer.passed))]
    slopes = np.array([float(unit.slope) for unit in layer.two])
    values = [(zero, [(j, 1)]) for j in range(len(layer.two))] + parts + passed
    return [*rows, *bases, *layer.passed], Units(slopes, tuple(pieces)), values


def _scattered(row: Row, values: list[Parts] | None) -> Row:
    """Write a function of values as one of the neurons that they consist of."""
    if values is None:
        return row
    n = 1 + max(neuron for _, parts in values for neuron, _ in parts)
    found, constant = [Fraction(0)] * n, row[-1]
    for weight, (lowest, parts) in zip(row[:-1], values, strict=True):
        constant += weight * lowest
        for neuron, sign in parts:
            found[neuron] = sign * weight
    return [*found, constant]


def _less(row: Row, constant: Fraction) -> Row:
    return [*row[:-1], row[-1] - constant]


def _difference(a: Row, b: Row) -> Row:
    return [x - y for x, y in zip(a, b, strict=True)]


# Its cells.


@dataclass(frozen=True)
class Cell:
    codes: tuple[tuple[int, ...], ...]  # a layer each
    ranks: tuple[int, ...]
    witness: list[fmpq]
    bounded: bool


def cells_of(layers: Sequence[Layer], domain: Domain) -> list[Cell]:
    """Return all cells in the order of tables; inputs of zero width are allowed."""
    n = domain.n_inputs
    identity = [[fmpq(int(i == j)) for j in range(n)] + [fmpq(0)] for i in range(n)]
    free = np.flatnonzero(domain.lower < domain.upper).tolist()
    found = _walk(list(layers), exact_domain(domain), identity, free)
    return sorted(found, key=lambda cell: cell.codes)


def _walk(layers: list[Layer], cell: C_Polyhedron, before: list[Form], free: list[int]) -> Any:
    if not layers:
        yield Cell((), (), _middle(cell), bool(cell.is_bounded()))
        return
    layer, *deeper = layers
    units = [*layer.two, *layer.many]
    for codes, values, part in _split(units, cell, before, len(free)):
        outgoing = values + [_composed(row, before) for row in layer.passed]
        linear = [[form[j] for j in free] for form in outgoing]
        rank = fmpq_mat(linear).rank() if free and linear else 0
        for rest in _walk(deeper, part, outgoing, free):
            yield replace(rest, codes=(codes, *rest.codes), ranks=(rank, *rest.ranks))


def _split(
    units: list[Any], cell: C_Polyhedron, before: list[Form], dimension: int
) -> Iterator[tuple[tuple[int, ...], list[Form], C_Polyhedron]]:
    """Yield (codes, values, part) for the parts with an interior in which units divide a cell."""
    if not units:
        yield (), [], cell
        return
    for code, value, walls in _pieces(units[0], before):
        part = C_Polyhedron(cell)
        for wall in walls:
            part.add_constraint(expression(wall) >= 0)
        if part.is_empty() or part.affine_dimension() < dimension:
            continue
        for codes, values, last in _split(units[1:], part, before, dimension):
            yield (code, *codes), [value, *values], last


def _pieces(unit: Any, before: list[Form]) -> Iterator[tuple[int, Form, list[Form]]]:
    """Yield (code, value, functions that are >= 0 there); a tie everywhere has the lowest code."""
    if isinstance(unit, Max):
        z = [_composed(row, before) for row in unit.z]
        for p, winner in enumerate(z):
            if winner not in z[:p]:
                yield p, winner, [_minus(winner, other) for other in z if other != winner]
        return
    z = _composed(unit.z, before)
    if isinstance(unit, TwoPiece):
        yield 0, [_rational(unit.slope) * x for x in z], [_minus(_zero(z), z)]
        if any(z):
            yield 1, z, [z]
        return
    low, high = (_constant(z, bound) for bound in (unit.low, unit.high))
    yield 0, low, [_minus(low, z)]
    if z != low:
        yield 1, z, [_minus(z, low), _minus(high, z)]
    if z != high:
        yield 2, high, [_minus(z, high)]


def _composed(row: Row, before: list[Form]) -> Form:
    found = _constant(before[0], row[-1])
    for weight, form in zip(row[:-1], before, strict=True):
        found = [a + _rational(weight) * b for a, b in zip(found, form, strict=True)]
    return found


def _minus(a: Form, b: Form) -> Form:
    return [x - y for x, y in zip(a, b, strict=True)]


def _zero(form: Form) -> Form:
    return [fmpq(0)] * len(form)


def _constant(form: Form, value: Fraction) -> Form:
    return [*_zero(form)[:-1], _rational(value)]


def _rational(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def _middle(cell: C_Polyhedron) -> list[fmpq]:
    """The mean of the vertices, and all rays from there."""
    generators = list(cell.minimized_generators())
    points = [
        [fmpq(int(x), int(g.divisor())) for x in g.coefficients()]
        for g in generators
        if g.is_point()
    ]
    rays = [[fmpq(int(x)) for x in g.coefficients()] for g in generators if g.is_ray()]
    mean = [sum(xs, fmpq(0)) / len(points) for xs in zip(*points, strict=True)]
    return [sum(xs, x) for x, *xs in zip(mean, *rays, strict=True)]


# Their table, in memory.


@dataclass(frozen=True)
class Said(Metadata):
    """What a table says about itself, which says how many rows it has."""

    rows: int = 0

    @property
    def cells(self) -> int:
        return self.rows


@dataclass
class MemoryTable:
    """What a reader of a table gives, from lists of codes: easy to change.

    ``codes`` has a list of a row's codes for each row, the layers apart.
    """

    layout: Layout
    domain: Domain
    codes: list[list[list[int]]]
    ranks: list[list[int]]
    witnesses: list[list[fmpq]] | None
    active: list[list[int]] | None = None
    bounded: list[bool] | None = None

    @staticmethod
    def of(layers: Sequence[Layer], domain: Domain, *, witness: bool = True) -> MemoryTable:
        cells = cells_of(layers, domain)
        return MemoryTable(
            stack_of(layers).layout,
            domain,
            [[list(layer) for layer in cell.codes] for cell in cells],
            [list(cell.ranks) for cell in cells],
            [cell.witness for cell in cells] if witness else None,
            bounded=[cell.bounded for cell in cells],
        )

    def copy(self) -> MemoryTable:
        witnesses = None if self.witnesses is None else [list(w) for w in self.witnesses]
        codes = [[list(layer) for layer in row] for row in self.codes]
        ranks = [list(r) for r in self.ranks]
        bounded = None if self.bounded is None else list(self.bounded)
        return replace(self, codes=codes, ranks=ranks, witnesses=witnesses, bounded=bounded)

    def remove(self, row: int) -> None:
        del self.codes[row], self.ranks[row]
        if self.witnesses is not None:
            del self.witnesses[row]
        if self.bounded is not None:
            del self.bounded[row]

    # What the checker reads.

    @property
    def rows(self) -> int:
        return len(self.codes)

    @property
    def metadata(self) -> Metadata:
        keys = [tuple(map(tuple, row)) for row in self.codes]
        depth = self.layout.depth
        counts = [sum(1 for _ in groupby(key[: k + 1] for key in keys)) for k in range(depth)]
        exact = {
            i: [f"{x.p}/{x.q}" for x in witness]
            for i, witness in enumerate(self.witnesses or [])
            if any(fmpq(*_float(x).as_integer_ratio()) != x for x in witness)
        }
        return Said(
            rows=self.rows,
            model="digest",
            widths=(self.domain.n_inputs, *self.layout.widths),
            lower=tuple(self.domain.lower.tolist()),
            upper=tuple(self.domain.upper.tolist()),
            halfspaces=tuple(map(tuple, self.domain.halfspaces.tolist())),
            witness=self.witnesses is not None,
            layer_cells=tuple(counts),
            complete=True,
            certified=True,
            exact_witnesses=exact,
        )

    def batches(self, *, witness: bool = True) -> Iterator[Rows]:
        depth, n = self.layout.depth, self.rows
        columns = []
        for k, (bits, many) in enumerate(zip(self.layout.bits, self.layout.pieces, strict=True)):
            layer = np.array([row[k] for row in self.codes], np.uint8).reshape(n, bits + len(many))
            columns += [np.packbits(layer[:, :bits], axis=1)] if bits else []
            columns += [layer[:, bits:]] if many else []
        active = self.active or [[sum(c > 0 for c in layer) for layer in row] for row in self.codes]
        points = [[_float(x) for x in w] for w in self.witnesses or []]
        yield Rows(
            signs=columns,
            active=np.array(active, dtype=np.uint16).reshape(n, depth),
            ranks=np.array(self.ranks, dtype=np.uint16).reshape(n, depth),
            witness=np.array(points).reshape(n, -1) if witness and self.witnesses else None,
            bounded=np.array(self.bounded) if self.metadata.tells_bounded else None,
        )


def _float(x: fmpq) -> float:
    return int(x.p) / int(x.q)


def checked(
    table: MemoryTable, stack: LayerStack, *, samples: int = 300, closure: int = 10**6
) -> dict[str, CheckResult]:
    """Make all checks that need no model; return their results by name."""
    network = ExactNetwork(stack, table.domain)
    read = Table(table, stack.layout)  # type: ignore[arg-type]

    def quiet(done: int, total: int) -> None:
        pass

    metadata = CheckResult("metadata", "statements")
    check_metadata(read, metadata)
    results = [
        metadata,
        check_witnesses(read, network, quiet),
        check_order(read),
        check_samples(read, network, samples, 0, quiet),
        check_closure(read, network, closure, 0, 1, quiet),
    ]
    if 1 <= network.dimension <= 3:
        results.append(check_volumes(read, network, quiet))
    return {result.name: result for result in results}


def failing(results: dict[str, CheckResult]) -> set[str]:
    return {name for name, result in results.items() if result.failed}


# Random networks.

ENTRIES = {
    "integers": [Fraction(k) for k in range(-2, 3)],
    "halves": [Fraction(k, 2) for k in range(-6, 7)],
    "many": [Fraction(k, 16) for k in range(-40, 41)],
}
SLOPES = [Fraction(s) for s in ("0", "0", "-1", "1/4", "-1/2", "2")]


def random_network(seed: int, n_inputs: int, sizes: Sequence[int]) -> list[Layer]:
    """A network with so many units in each layer, of all kinds; many of its rows are related."""
    random = pseudorandom.Random(seed)
    entries = ENTRIES[random.choice([*ENTRIES])]
    unbiased = random.random() < 0.3
    layers: list[Layer] = []
    before = n_inputs
    for size in sizes:
        pool: list[Row] = []

        def row(before: int = before, pool: list[Row] = pool) -> Row:
            if pool and random.random() < 0.25:
                factor = random.choice([1, 1, -1])
                return [factor * x for x in random.choice(pool)]
            new = random.choices(entries, k=before + 1)
            if unbiased:
                new[-1] = Fraction(0)
            pool.append(new)
            return new

        two: list[TwoPiece] = []
        many: list[Clip | Max] = []
        for _ in range(size):
            kind = random.choice(["two", "two", "clip", "max"])
            if kind == "two":
                two.append(TwoPiece(row(), random.choice(SLOPES)))
            elif kind == "clip":
                low = random.choice(entries)
                many.append(Clip(row(), low, low + random.choice([Fraction(1), Fraction(5, 2)])))
            else:
                many.append(Max([row() for _ in range(random.choice([3, 3, 4]))]))
        layer = Layer(two, many, [row() for _ in range(random.choice([0, 0, 1]))])
        layers.append(layer)
        before = layer.values
    return layers


__all__ = [
    "AffineMap",
    "Cell",
    "Clip",
    "Layer",
    "Max",
    "MemoryTable",
    "TwoPiece",
    "affine_stack",
    "cells_of",
    "checked",
    "failing",
    "random_network",
    "stack_of",
]
