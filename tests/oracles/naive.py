"""Slow, obvious second implementations, against which the enumeration is tested.

Nothing here is shared with the enumeration but the layer stack: all arithmetic is rational, and
no linear program, pivot or tolerance occurs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from flint import fmpq, fmpq_mat

from nnce_cli.network import AffineMap, LayerStack

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nnce_cli.domain import Box

Signs = tuple[int, ...]
Inequality = tuple[Fraction, ...]  # (a_1, …, a_n, c) stands for a·x + c > 0


def stack_of(*layers: tuple[Sequence[Sequence[float]], Sequence[float]]) -> LayerStack:
    """Return the stack whose hidden layers are these (W, b); there is no output layer."""
    maps = tuple(
        AffineMap(np.array(weight, dtype=np.float64), np.array(bias, dtype=np.float64))
        for weight, bias in layers
    )
    return LayerStack(hidden=maps, output=None, input_shape=(maps[0].n_in,), digest="")


@dataclass(frozen=True)
class Cell:
    """A cell: ``signs`` of all layers joined; ``active`` and ``ranks``, one number a layer."""

    signs: Signs
    active: tuple[int, ...]
    ranks: tuple[int, ...]


def pull_back(layer: AffineMap, incoming: fmpq_mat) -> fmpq_mat:
    """Return ``x -> W a(x) + b`` for ``x -> a(x)``, both as matrices that act on (x, 1)."""
    weight, bias = layer.rational
    pulled = weight * incoming
    for i in range(layer.n_out):
        pulled[i, pulled.ncols() - 1] += bias[i, 0]
    return pulled


def cell_at(stack: LayerStack, point: Iterable[float]) -> Cell | None:
    """Return the cell that has ``point`` (n_0 floats, taken exactly) strictly inside.

    None where the point lies on the boundary of a cell: some neuron is zero there but not
    around it. The domain plays no part.
    """
    x = [fmpq(*float(t).as_integer_ratio()) for t in point]
    n = len(x)
    at = fmpq_mat(n + 1, 1, [*x, fmpq(1)])
    incoming = fmpq_mat(n, n + 1, [fmpq(int(i == j)) for i in range(n) for j in range(n + 1)])
    signs: list[int] = []
    active: list[int] = []
    ranks: list[int] = []
    for layer in stack.hidden:
        rows = pull_back(layer, incoming)
        values = (rows * at).entries()
        table = rows.tolist()
        if any(z == 0 and any(table[i]) for i, z in enumerate(values)):
            return None
        bits = [int(z > 0) for z in values]
        incoming = fmpq_mat([[t * bit for t in row] for row, bit in zip(table, bits, strict=True)])
        linear = fmpq_mat([row[:n] for row in incoming.tolist()])
        signs += bits
        active.append(sum(bits))
        ranks.append(linear.rank())
    return Cell(tuple(signs), tuple(active), tuple(ranks))


def sampled_signs(stack: LayerStack, box: Box, points: int, seed: int) -> set[Signs]:
    """Return the sign vectors of the cells around random points of the box: a lower bound."""
    rng = np.random.default_rng(seed)
    samples = rng.uniform(box.lower, box.upper, size=(points, box.n_inputs))
    cells = [cell_at(stack, sample) for sample in samples]
    return {cell.signs for cell in cells if cell is not None}


def strictly_feasible(inequalities: Iterable[Inequality]) -> bool:
    """Decide by Fourier–Motzkin elimination whether all ``a·x + c > 0`` hold at some x.

    Eliminating x_1 pairs each lower bound on it with each upper bound. Exact, and doubly
    exponential: for a handful of variables only.
    Source: A. Schrijver, Theory of Linear and Integer Programming (1986), section 12.2.
    """
    system = {normalised(row) for row in inequalities}
    while system and len(next(iter(system))) > 1:
        lower = [row for row in system if row[0] > 0]
        upper = [row for row in system if row[0] < 0]
        kept = {normalised(row[1:]) for row in system if row[0] == 0}
        paired = (
            tuple(s / lo[0] - t / up[0] for s, t in zip(lo[1:], up[1:], strict=True))
            for lo, up in product(lower, upper)
        )
        system = kept | {normalised(row) for row in paired}
    return all(row[0] > 0 for row in system)


def normalised(row: Inequality) -> Inequality:
    """Return the same inequality with largest coefficient 1, so that equal ones compare equal."""
    scale = max(map(abs, row))
    return tuple(t / scale for t in row) if scale else row


def exhaustive_signs(stack: LayerStack, box: Box) -> list[Signs]:
    """Return the ascending sign vectors of all cells by trying both signs of every neuron.

    Each prefix of signs is kept where its strict inequalities have a solution inside the box.
    A neuron that is identically zero on a cell gets 0.
    """
    n = box.n_inputs
    unit = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    inside = [(*unit[i], -Fraction(lo)) for i, lo in enumerate(box.lower.tolist())]
    inside += [(*(-t for t in unit[i]), Fraction(hi)) for i, hi in enumerate(box.upper.tolist())]
    identity = [(*unit[i], Fraction(0)) for i in range(n)]
    cells: list[tuple[Signs, list[Inequality], list[Inequality]]] = [((), inside, identity)]
    for layer in stack.hidden:
        cells = [child for cell in cells for child in split_by_layer(layer, *cell)]
    return [signs for signs, _, _ in cells]


def split_by_layer(
    layer: AffineMap, signs: Signs, inside: list[Inequality], incoming: list[Inequality]
) -> list[tuple[Signs, list[Inequality], list[Inequality]]]:
    """Return the parts (signs, inequalities, affine maps of the layer's outputs) of one cell."""
    weight, bias = layer.rational
    rows = [
        tuple(
            sum((fraction(w) * a[j] for w, a in zip(ws, incoming, strict=True)), Fraction(0))
            for j in range(len(incoming[0]))
        )
        for ws in weight.tolist()
    ]
    rows = [(*row[:-1], row[-1] + fraction(bias[i, 0])) for i, row in enumerate(rows)]
    parts: list[tuple[Signs, list[Inequality], list[Inequality]]] = [(signs, inside, [])]
    for row in rows:
        zero = tuple(Fraction(0) for _ in row)
        opposite = tuple(-t for t in row)
        sides = [(0, [], zero)] if row == zero else [(0, [opposite], zero), (1, [row], row)]
        parts = [
            ((*bits, bit), held + added, [*out, value])
            for bits, held, out in parts
            for bit, added, value in sides
            if strictly_feasible(held + added)
        ]
    return parts


def fraction(q: fmpq) -> Fraction:
    """Return a flint rational as a Fraction."""
    return Fraction(int(q.p), int(q.q))
