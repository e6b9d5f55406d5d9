"""What is asked of a network: where some affine functions of its inputs and outputs are <= 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Domain, Inequality
from nnce_cli.network import LayerStack, nearest

if TYPE_CHECKING:
    from flint import fmpq_mat

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Question:
    """Whether a network on a domain has a point at which all inequalities of an alternative hold.

    Every input of the domain has finite bounds.
    """

    stack: LayerStack
    domain: Domain
    alternatives: tuple[tuple[Inequality, ...], ...]

    def __post_init__(self) -> None:
        """Refuse inequalities that are not about this network.

        Raises:
            InputError: saying which number is too large.
        """
        for group in self.alternatives:
            refuse_others(group, self.stack.n_inputs, self.stack.n_outputs)

    @cached_property
    def inequalities(self) -> list[Inequality]:
        """Those of all alternatives."""
        return [inequality for group in self.alternatives for inequality in group]

    @cached_property
    def rows(self) -> list[range]:
        """Which of the inequalities belong to each alternative."""
        ends = [0, *accumulate(map(len, self.alternatives))]
        return [range(*pair) for pair in pairwise(ends)]

    @cached_property
    def strict(self) -> list[bool]:
        """Which inequalities are strict."""
        return [inequality.is_strict for inequality in self.inequalities]

    @cached_property
    def _outputs(self) -> tuple[fmpq_mat, fmpq_mat]:
        """The outputs as W a + b, where the last units give a."""
        from flint import fmpq_mat

        if self.stack.output is not None:
            return self.stack.output.rational
        n = self.stack.n_outputs
        return fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)]), fmpq_mat(n, 1)

    @cached_property
    def exact(self) -> tuple[fmpq_mat, fmpq_mat, fmpq_mat]:
        """What must be <= 0, as A a + D x + e: (m, n), (m, d), (m, 1)."""
        weight, bias = self._outputs
        chosen = _matrix([i.outputs for i in self.inequalities], self.stack.n_outputs)
        inputs = _matrix([i.inputs for i in self.inequalities], self.stack.n_inputs)
        constants = _matrix([{0: i.constant} for i in self.inequalities], 1)
        return chosen * weight, inputs, chosen * bias + constants

    @cached_property
    def rounded(self) -> tuple[Floats, Floats, Floats]:
        """The same, each number rounded: (m, n), (m, d), (m,)."""
        weight, inputs, constants = map(_rounded, self.exact)
        return weight, inputs, constants[:, 0]

    def values(self, points: Floats) -> Floats:
        """Return the numbers that must be <= 0 at points (k, d), in float64: (k, m)."""
        weight, inputs, constants = self.rounded
        activation = points
        if self.stack.hidden:
            activation = self.stack.units[-1].activate(self.stack.preactivations(points)[-1])
        return np.asarray(activation @ weight.T + points @ inputs.T + constants)


def refuse_others(inequalities: Sequence[Inequality], n_inputs: int, n_outputs: int) -> None:
    """Refuse inequalities of other inputs and outputs than there are.

    Raises:
        InputError: naming the first.
    """
    for inequality in inequalities:
        _refuse(inequality.inputs, n_inputs, "input")
        _refuse(inequality.outputs, n_outputs, "output")


def _refuse(coefficients: Mapping[int, Fraction], size: int, what: str) -> None:
    for index in coefficients:
        if not 0 <= index < size:
            raise InputError(
                f"the property is about {what} {index}, and the network has {size} {what}s, "
                "from 0 on"
            )


def _matrix(rows: list[Mapping[int, Fraction]], columns: int) -> fmpq_mat:
    from flint import fmpq, fmpq_mat

    found = fmpq_mat(len(rows), columns)
    for k, row in enumerate(rows):
        for index, value in row.items():
            found[k, index] = fmpq(value.numerator, value.denominator)
    return found


def _rounded(matrix: fmpq_mat) -> Floats:
    entries = np.empty(matrix.nrows() * matrix.ncols(), dtype=object)
    entries[:] = matrix.entries()
    return nearest(entries).reshape(matrix.nrows(), matrix.ncols())
