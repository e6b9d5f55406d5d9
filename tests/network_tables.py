"""Networks with outputs, the tables of their cells, and what is exactly true of each cell."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from flint import fmpq, fmpq_mat
from ppl import C_Polyhedron

from nnce_cli.base.bits import unpack_layers
from nnce_cli.enumeration import DICTIONARY, Problem, batches, walk_factory
from nnce_cli.network import LayerStack
from nnce_cli.table import Metadata, Rows
from tests.oracles.domains import exact_domain
from tests.oracles.naive import fraction
from tests.oracles.ppl import expression, identity, pull_back
from tests.strategies import Row, affine_map, stack_from
from tests.thin_cells import inward_functions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnce_cli.domain import Domain


def network_of(layers: list[list[Row]], output: list[Row] | None) -> LayerStack:
    """Return the stack of these rows (weights, then the bias), the output map included."""
    stack = stack_from(layers)
    return stack if output is None else dataclasses.replace(stack, output=affine_map(output))


@dataclass(frozen=True)
class Cells:
    """All cells of a network on a domain: the table's metadata and rows, and the rows' signs."""

    stack: LayerStack
    domain: Domain
    metadata: Metadata
    rows: Rows
    bits: list[list[int]]

    def row(self, i: int) -> Rows:
        """Return a table of one row."""
        rows = self.rows
        witness = None if rows.witness is None else rows.witness[i : i + 1]
        bounded = None if rows.bounded is None else rows.bounded[i : i + 1]
        signs = [layer[i : i + 1] for layer in rows.signs]
        return Rows(signs, rows.active[i : i + 1], rows.ranks[i : i + 1], witness, bounded)

    def witness(self, i: int) -> list[fmpq]:
        """Return the exact witness of a row."""
        exact = self.metadata.exact_witnesses.get(i)
        if exact is not None:
            return [fmpq(*map(int, text.split("/"))) for text in exact]
        return [fmpq(*x.as_integer_ratio()) for x in self.rows.witness[i].tolist()]

    def polyhedron(self, i: int) -> C_Polyhedron:
        """Return a cell (its closure)."""
        cell = exact_domain(self.domain)
        for row in inward_functions(self.stack, self.bits[i]):
            cell.add_constraint(expression(row) >= 0)
        return cell

    def outputs(self, i: int) -> list[list[fmpq]]:
        """Return the network's outputs on a cell: rows of coefficients of x, the constant last."""
        return outputs_on(self.stack, self.bits[i])


def outputs_on(stack: LayerStack, signs: Sequence[int]) -> list[list[fmpq]]:
    """Return the outputs as affine functions of x where the neurons have these signs."""
    incoming, rest = identity(stack.n_inputs), list(signs)
    for layer in stack.hidden:
        rows, bits, rest = pull_back(layer, incoming), rest[: layer.n_out], rest[layer.n_out :]
        incoming = fmpq_mat([[t * b for t in row] for row, b in zip(rows, bits, strict=True)])
    return incoming.tolist() if stack.output is None else pull_back(stack.output, incoming)


def cells_of(stack: LayerStack, domain: Domain, *, witness: bool = True) -> Cells:
    """Enumerate a network."""
    walk = walk_factory(DICTIONARY)(Problem.of(stack, domain), witness=witness)
    found = list(batches(walk))
    rows = Rows(
        signs=[np.concatenate(parts) for parts in zip(*(b.signs for b in found), strict=True)],
        active=np.concatenate([b.active for b in found]),
        ranks=np.concatenate([b.ranks for b in found]),
        witness=np.concatenate([b.witness for b in found]) if witness else None,
        bounded=(None if found[0].bounded is None else np.concatenate([b.bounded for b in found])),
    )
    metadata = dataclasses.replace(
        Metadata.of(stack, domain, witness=witness),
        layer_cells=tuple(walk.layer_cells),
        exact_witnesses=walk.exact_witnesses if witness else {},
        complete=True,
    )
    bits = unpack_layers(rows.signs, stack.widths[1:]).tolist()
    return Cells(stack, domain, metadata, rows, bits)


def one_by_one(cells: Cells) -> Iterator[Rows]:
    """Yield the rows of a table as batches of one."""
    for i in range(len(cells.bits)):
        yield cells.row(i)


def scores(outputs: list[list[fmpq]]) -> list[list[fmpq]]:
    """Return a score for each class: a single output f stands for the scores 0 and f."""
    return outputs if len(outputs) > 1 else [[fmpq(0)] * len(outputs[0]), outputs[0]]


def exact_class(cells: Cells, i: int) -> int:
    """Return the first class with the largest score at the witness, by a forward pass."""
    point = cells.witness(i)
    activation = [fraction(x) for x in point]
    for layer in cells.stack.hidden:
        activation = [max(z, Fraction(0)) for z in apply(layer, activation)]
    if cells.stack.output is not None:
        activation = apply(cells.stack.output, activation)
    if len(activation) == 1:
        return int(activation[0] > 0)
    return activation.index(max(activation))


def apply(layer, values: list[Fraction]) -> list[Fraction]:
    """Return ``W a + b`` in fractions."""
    weight, bias = layer.rational
    return [
        sum((fraction(w) * a for w, a in zip(row, values, strict=True)), fraction(bias[i, 0]))
        for i, row in enumerate(weight.tolist())
    ]


def is_crossed(cells: Cells, i: int) -> bool:
    """Tell whether no class has the largest score on all of a cell, by exact polyhedra."""
    cell, functions = cells.polyhedron(i), scores(cells.outputs(i))

    def is_least(difference: list[fmpq]) -> bool:
        found = cell.maximize(expression(difference))
        return bool(found["bounded"] and found["sup_n"] <= 0)

    return not any(
        all(is_least([a - b for a, b in zip(f, best, strict=True)]) for f in functions)
        for best in functions
    )
