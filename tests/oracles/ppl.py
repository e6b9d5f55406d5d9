"""The cells of a network as exact rational polyhedra, by the Parma Polyhedra Library.

Bagnara, Hill, Zaffanella, The Parma Polyhedra Library (2008), doi:10.1016/j.scico.2007.08.001.
A polyhedron is held by its constraints and by its vertices, so the range of an affine function
on it is read off the vertices: no linear program, no floating point.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import lcm
from typing import TYPE_CHECKING

from flint import fmpq, fmpq_mat
from ppl import C_Polyhedron, Constraint_System, Linear_Expression

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnce_cli.domain import Box
    from nnce_cli.network import AffineMap, LayerStack


@dataclass(frozen=True)
class ExactCells:
    """The answer: cells in ascending order of their sign vectors.

    ``signs`` has the bits of all layers joined, ``ranks`` the rank of the linear part of
    x -> a_k at each layer k, restricted to the inputs that are not fixed.
    """

    signs: list[tuple[int, ...]]
    ranks: list[tuple[int, ...]]
    layer_cells: list[int]


def exact_cells(stack: LayerStack, box: Box) -> ExactCells:
    """Return all cells of ``stack`` on ``box``; inputs of zero width are allowed."""
    domain = C_Polyhedron(box_constraints(box.lower.tolist(), box.upper.tolist()))
    free = [j for j in range(box.n_inputs) if box.lower[j] < box.upper[j]]
    n = box.n_inputs
    found = sorted(walk(stack.hidden, domain, identity(n), free, len(free)))
    signs = [bits for bits, _ in found]
    ends = accumulate(stack.widths[1:])
    layer_cells = [len({bits[:end] for bits in signs}) for end in ends]
    return ExactCells(signs, [ranks for _, ranks in found], layer_cells)


def box_constraints(lower: Sequence[float], upper: Sequence[float]) -> Constraint_System:
    """Return the inequalities of the box."""
    system = Constraint_System()
    for j, (lo, hi) in enumerate(zip(lower, upper, strict=True)):
        for sign, bound in ((1, lo), (-1, hi)):
            row = [fmpq(0)] * len(lower)
            row[j] = fmpq(sign)
            value = fmpq(*bound.as_integer_ratio())
            system.insert(expression([*row, -sign * value]) >= 0)
    return system


def identity(n: int) -> fmpq_mat:
    """Return ``(x, 1) -> x``."""
    return fmpq_mat(n, n + 1, [fmpq(int(i == j)) for i in range(n) for j in range(n + 1)])


def expression(row: Sequence[fmpq]) -> Linear_Expression:
    """Return a positive multiple of the affine function ``(a_1, …, a_n, c)``."""
    scale = lcm(*(int(t.q) for t in row))
    integers = [int((t * scale).p) for t in row]
    return Linear_Expression(integers[:-1], integers[-1])


def walk(
    layers: Sequence[AffineMap],
    cell: C_Polyhedron,
    incoming: fmpq_mat,
    free: list[int],
    dimension: int,
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield (signs, ranks) of the cells inside ``cell``, on which ``incoming`` acts as (x, 1) -> a.

    ``dimension`` is that of the domain; each cell met is checked to have it.
    """
    if not layers:
        yield (), ()
        return
    rows = pull_back(layers[0], incoming)
    for bits, part in split(cell, [expression(row) for row in rows]):
        assert part.affine_dimension() == dimension
        outgoing = fmpq_mat([[t * b for t in row] for row, b in zip(rows, bits, strict=True)])
        linear = [[row[j] for j in free] for row in outgoing.tolist()]
        rank = fmpq_mat(linear).rank() if free else 0
        for deeper_bits, deeper_ranks in walk(layers[1:], part, outgoing, free, dimension):
            yield (*bits, *deeper_bits), (rank, *deeper_ranks)


def pull_back(layer: AffineMap, incoming: fmpq_mat) -> list[list[fmpq]]:
    """Return ``(x, 1) -> W a + b`` by rows, for ``incoming``, which is ``(x, 1) -> a``."""
    weight, bias = layer.rational
    pulled = (weight * incoming).tolist()
    return [[*row[:-1], row[-1] + bias[i, 0]] for i, row in enumerate(pulled)]


def split(
    cell: C_Polyhedron, rows: Sequence[Linear_Expression]
) -> Iterator[tuple[tuple[int, ...], C_Polyhedron]]:
    """Yield (bits, part) for the full-dimensional parts of ``cell`` cut by ``rows``.

    An affine function that is nowhere positive on the cell is inactive; this includes the one
    that is identically zero there. One that is nowhere negative, but not zero, is active: it is
    positive inside. One that takes both signs cuts the cell in two parts with an interior.
    """
    if not rows:
        yield (), cell
        return
    row = rows[0]
    sides = []
    if cell.maximize(row)["sup_n"] <= 0:
        sides = [(0, cell)]
    elif cell.minimize(row)["inf_n"] >= 0:
        sides = [(1, cell)]
    else:
        below, above = C_Polyhedron(cell), C_Polyhedron(cell)
        below.add_constraint(row <= 0)
        above.add_constraint(row >= 0)
        sides = [(0, below), (1, above)]
    for bit, side in sides:
        for bits, part in split(side, rows[1:]):
            yield (bit, *bits), part
