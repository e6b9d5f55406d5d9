"""Cells so thin that a float64 witness need not exist; decided by exact linear programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flint import fmpq, fmpq_mat
from ppl import Linear_Expression, MIP_Problem

from tests.oracles.ppl import box_constraints, expression, identity, pull_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ppl import Constraint_System

    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack

THIN = fmpq(1, 2**46)
NEAR = 2.0**-48


def holds_no_float(
    stack: LayerStack, box: Box, signs: Sequence[int], near: Sequence[float]
) -> bool:
    """Tell whether a cell may hold no float64 point, and ``near`` is right beside it.

    Thin: some neuron, as a function of x, stays within 2^-46 of the sum of its coefficients'
    sizes on the whole cell, which is a few units in the last place of x. Beside: the cell meets
    the cube of half-width 2^-48 around ``near``.
    """
    n = box.n_inputs
    cell = box_constraints(box.lower.tolist(), box.upper.tolist())
    inwards = [row for row in inward_functions(stack, signs) if any(row)]
    for row in inwards:
        cell.insert(expression(row) >= 0)
    beside = MIP_Problem(n, cell, Linear_Expression(0))
    beside.add_constraints(box_constraints([x - NEAR for x in near], [x + NEAR for x in near]))
    return beside.is_satisfiable() and any(is_thin_along(row, cell) for row in inwards)


def inward_functions(stack: LayerStack, signs: Sequence[int]) -> list[list[fmpq]]:
    """Return every neuron as an affine function of x on the cell, signed to be >= 0 there."""
    incoming, rest = identity(stack.n_inputs), list(signs)
    functions = []
    for layer in stack.hidden:
        rows, bits, rest = pull_back(layer, incoming), rest[: layer.n_out], rest[layer.n_out :]
        signed = zip(rows, bits, strict=True)
        functions += [row if bit else [-t for t in row] for row, bit in signed]
        incoming = fmpq_mat([[t * b for t in row] for row, b in zip(rows, bits, strict=True)])
    return functions


def is_thin_along(row: list[fmpq], cell: Constraint_System) -> bool:
    """Tell whether ``row`` stays below 2^-46 times its size on the cell."""
    room = [-t for t in row]
    room[-1] += sum(map(abs, row), fmpq(0)) * THIN
    program = MIP_Problem(len(row) - 1, cell, expression(room))
    program.set_optimization_mode("minimization")
    return program.optimal_value() >= 0
