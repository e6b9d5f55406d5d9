"""The cells of a stack with units of any kind, as exact rational polyhedra.

Written from the definitions (network/units.py) in terms of the arguments of each unit: which
argument of a max wins is asked directly, and not by the differences that the stack's maps have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from flint import fmpq, fmpq_mat
from ppl import C_Polyhedron, Linear_Expression

from nnce_cli.network import CLIP, MAX, LayerStack, PieceUnit, Units
from tests.oracles import ppl
from tests.oracles.domains import exact_domain
from tests.strategies import affine_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnce_cli.domain import Domain

Row = list[Fraction]  # the coefficients of the layer's inputs, then the constant


@dataclass
class DrawnLayer:
    """A layer by the arguments of its units, as functions of the values of the layer before.

    ``plain`` are units with two pieces: an argument and a slope. ``clips`` have an argument and two
    bounds, ``maxima`` three or more arguments, ``passed`` is carried past the layer.
    """

    plain: list[tuple[Row, Fraction]]
    clips: list[tuple[Row, Fraction, Fraction]] = field(default_factory=list)
    maxima: list[list[Row]] = field(default_factory=list)
    passed: list[Row] = field(default_factory=list)

    @property
    def values(self) -> int:
        """The number of values that the next layer sees."""
        return len(self.plain) + len(self.clips) + len(self.maxima) + len(self.passed)


@dataclass(frozen=True)
class Cells:
    """Joined codes (bits, then pieces, layer by layer), ranks, and the number of layer-k cells.

    ``bounded`` says which cells are.
    """

    codes: list[tuple[int, ...]]
    ranks: list[tuple[int, ...]]
    layer_cells: list[int]
    bounded: list[bool]


def stack_of(layers: list[DrawnLayer]) -> LayerStack:
    """Return the layer stack of drawn layers; there is no output layer."""
    maps, all_units = [], []
    before: list[list[tuple[int, int]]] | None = None  # each value as a sum of neurons, with signs
    constants: list[Fraction] = []
    for layer in layers:
        rows, units = _neurons(layer)
        n = len(before) if before is not None else len(rows[0]) - 1
        if before is not None:
            width = maps[-1].n_out
            rows = [_over_neurons(row, before, constants, width) for row in rows]
        assert n >= 1
        maps.append(affine_map(rows))
        all_units.append(units)
        before, constants = _values(layer, units)
    return LayerStack(tuple(maps), None, (maps[0].n_in,), "", units=tuple(all_units))


def exact_cells(layers: list[DrawnLayer], domain: Domain) -> Cells:
    """Return all cells, in the order of their codes; the domain has an interior."""
    identity = ppl.identity(domain.n_inputs).tolist()
    found = sorted(_walk(layers, exact_domain(domain), identity), key=itemgetter(0))
    codes = [tuple(c for layer in cell for c in layer) for cell, _, _ in found]
    counts = [len({cell[: k + 1] for cell, _, _ in found}) for k in range(len(layers))]
    bounded = [bool(part.is_bounded()) for _, _, part in found]
    return Cells(codes, [ranks for _, ranks, _ in found], counts, bounded)


def codes_at(layers: list[DrawnLayer], point: list[Fraction]) -> tuple[int, ...]:
    """Return the codes of a point, in the order of `Cells.codes`."""
    return _evaluate(layers, point)[0]


def values_at(layers: list[DrawnLayer], point: list[Fraction]) -> list[Fraction]:
    """Return the values of the last layer at a point."""
    return _evaluate(layers, point)[1]


def _evaluate(
    layers: list[DrawnLayer], point: list[Fraction]
) -> tuple[tuple[int, ...], list[Fraction]]:
    codes: list[int] = []
    values = point
    for layer in layers:

        def at(row: Row, values: list[Fraction] = values) -> Fraction:
            return sum((a * x for a, x in zip(row, values, strict=False)), row[-1])

        outputs = []
        for row, slope in layer.plain:
            z = at(row)
            codes.append(int(z > 0))
            outputs.append(z if z > 0 else slope * z)
        for row, lo, hi in layer.clips:
            z = at(row)
            codes.append(int(z > lo) + int(z > hi))
            outputs.append(min(max(z, lo), hi))
        for rows in layer.maxima:
            numbers = [at(row) for row in rows]
            codes.append(numbers.index(max(numbers)))
            outputs.append(max(numbers))
        values = outputs + [at(row) for row in layer.passed]
    return tuple(codes), values


def _walk(
    layers: list[DrawnLayer], cell: C_Polyhedron, incoming: list[list[fmpq]]
) -> Iterator[tuple[tuple[tuple[int, ...], ...], tuple[int, ...], C_Polyhedron]]:
    if not layers:
        yield (), (), cell
        return
    layer = layers[0]

    def pull(row: Row) -> list[fmpq]:
        total = [fmpq(0)] * len(incoming[0])
        for a, form in zip(row, incoming, strict=False):
            total = [
                t + fmpq(a.numerator, a.denominator) * x for t, x in zip(total, form, strict=True)
            ]
        total[-1] += fmpq(row[-1].numerator, row[-1].denominator)
        return total

    plain = [pull(row) for row, _ in layer.plain]
    clips = [pull(row) for row, _, _ in layer.clips]
    maxima = [[pull(row) for row in rows] for rows in layer.maxima]
    passed = [pull(row) for row in layer.passed]
    for codes, part in _parts(layer, plain, clips, maxima, cell):
        values = []
        for k, (form, (_, slope)) in enumerate(zip(plain, layer.plain, strict=True)):
            factor = fmpq(1) if codes[k] else fmpq(slope.numerator, slope.denominator)
            values.append([factor * x for x in form])
        for k, (form, (_, lo, hi)) in enumerate(zip(clips, layer.clips, strict=True)):
            code = codes[len(plain) + k]
            bound = [fmpq(0)] * (len(form) - 1)
            ends = [fmpq(b.numerator, b.denominator) for b in (lo, hi)]
            values.append(form if code == 1 else [*bound, ends[code // 2]])
        first = len(plain) + len(clips)
        values += [forms[codes[first + k]] for k, forms in enumerate(maxima)]
        values += passed
        rank = int(fmpq_mat([row[:-1] for row in values]).rank())
        for deeper, ranks, inside in _walk(layers[1:], part, values):
            yield (codes, *deeper), (rank, *ranks), inside


def _parts(
    layer: DrawnLayer,
    plain: list[list[fmpq]],
    clips: list[list[fmpq]],
    maxima: list[list[list[fmpq]]],
    cell: C_Polyhedron,
) -> Iterator[tuple[tuple[int, ...], C_Polyhedron]]:
    """Yield the parts of a cell by brute force: every unit divides all parts so far."""
    dimension = cell.affine_dimension()
    parts: list[tuple[tuple[int, ...], C_Polyhedron]] = [((), cell)]
    choices = [[(0, [(form, -1)]), (1, [(form, 1)])] for form in plain]
    for form, (_, lo, hi) in zip(clips, layer.clips, strict=True):
        low, high = ([*form[:-1], form[-1] - fmpq(b.numerator, b.denominator)] for b in (lo, hi))
        choices.append([(0, [(low, -1)]), (1, [(low, 1), (high, -1)]), (2, [(high, 1)])])
    choices += [[(w, _wins(forms, w)) for w in range(len(forms))] for forms in maxima]
    for pieces in choices:
        parts = [
            ((*codes, code), smaller)
            for (codes, part), (code, sides) in product(parts, pieces)
            if (smaller := _cut(part, sides, dimension)) is not None
        ]
    yield from parts


def _cut(
    cell: C_Polyhedron, sides: list[tuple[list[fmpq], int]], dimension: int
) -> C_Polyhedron | None:
    """Return where functions are >= 0 (side 1, and not zero; or 0) or <= 0 (-1)."""
    cut = C_Polyhedron(cell)
    for form, side in sides:
        if not any(form) and side == 1:
            return None
        row = ppl.expression(form)
        cut.add_constraint(row >= 0 if side >= 0 else row <= 0)
    if cut.is_empty() or cut.affine_dimension() < dimension:
        return None
    # Where inputs are fixed, a function that is not zero may be zero on all of the domain.
    beaten = (ppl.expression(form) for form, side in sides if side == 1)
    return None if any(_is_nowhere_positive(cut, row) for row in beaten) else cut


def _is_nowhere_positive(cell: C_Polyhedron, row: Linear_Expression) -> bool:
    largest = cell.maximize(row)
    return bool(largest["bounded"]) and largest["sup_n"] <= 0


def _wins(forms: list[list[fmpq]], winner: int) -> list[tuple[list[fmpq], int]]:
    """Return what has to hold where an argument of a max wins: it beats all before it."""
    leads = ((j, _minus(forms[winner], form)) for j, form in enumerate(forms) if j != winner)
    return [(lead, 1 if j < winner else 0) for j, lead in leads]


def _minus(a: list[fmpq], b: list[fmpq]) -> list[fmpq]:
    return [x - y for x, y in zip(a, b, strict=True)]


def _neurons(layer: DrawnLayer) -> tuple[list[Row], Units]:
    rows = [row for row, _ in layer.plain]
    pieces = []
    for row, lo, hi in layer.clips:
        rows += [[*row[:-1], row[-1] - bound] for bound in (lo, hi)]
        pieces.append(PieceUnit(CLIP, 3))
    first = len(rows) + sum(len(m) * (len(m) - 1) // 2 for m in layer.maxima) + len(layer.passed)
    for k, arguments in enumerate(layer.maxima):
        unit = PieceUnit(MAX, len(arguments), first + k)
        rows += [
            [a - b for a, b in zip(arguments[j], arguments[i], strict=True)] for i, j in unit.pairs
        ]
        pieces.append(unit)
    rows += layer.passed
    rows += [arguments[0] for arguments in layer.maxima]
    slopes = np.array([float(slope) for _, slope in layer.plain])
    return rows, Units(slopes, tuple(pieces))


def _values(layer: DrawnLayer, units: Units) -> tuple[list[list[tuple[int, int]]], list[Fraction]]:
    """Return each value of a layer as a sum of its neurons, with signs, and a constant."""
    sums = [[(k, 1)] for k in range(len(layer.plain))]
    constants = [Fraction(0)] * len(layer.plain)
    firsts = list(units.firsts())
    for (unit, first), (_, lo, _hi) in zip(firsts[: len(layer.clips)], layer.clips, strict=True):
        assert unit.kind == CLIP
        sums.append([(first, 1), (first + 1, -1)])
        constants.append(lo)
    for unit, first in firsts[len(layer.clips) :]:
        sums.append([(unit.base, 1), *((first + q, 1) for q in range(unit.pieces - 1))])
        constants.append(Fraction(0))
    for k in range(len(layer.passed)):
        sums.append([(units.rows + k, 1)])
        constants.append(Fraction(0))
    return sums, constants


def _over_neurons(
    row: Row, before: list[list[tuple[int, int]]], constants: list[Fraction], width: int
) -> Row:
    over = [Fraction(0)] * (width + 1)
    over[-1] = row[-1]
    for a, terms, constant in zip(row, before, constants, strict=False):
        over[-1] += a * constant
        for neuron, sign in terms:
            over[neuron] += sign * a
    return over


def cell_polyhedra(layers: list[DrawnLayer], domain: Domain) -> dict[tuple[int, ...], C_Polyhedron]:
    """Return all cells by their codes, as exact polyhedra."""
    identity = ppl.identity(domain.n_inputs).tolist()
    walked = _walk(layers, exact_domain(domain), identity)
    return {tuple(c for layer in cell for c in layer): part for cell, _, part in walked}
