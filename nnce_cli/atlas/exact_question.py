"""A question in rational arithmetic: at a point, and on a region where all pieces are known."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq, fmpq_mat

from nnce_cli.atlas.question import Question
from nnce_cli.exact import Pullback, rationals
from nnce_cli.network import MAX

Form = list[fmpq]


class ExactQuestion:
    """Evaluates the inequalities of a question without rounding."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.pullback = Pullback(question.stack)
        self.halfspaces = [
            [-row[-1], *row[:-1]]
            for row in (rationals(row) for row in question.domain.halfspaces.tolist())
        ]

    def outputs(self, point: Sequence[fmpq]) -> list[fmpq]:
        """Return the network's outputs at a point."""
        stack = self.question.stack
        a = self._last(point)
        if stack.output is None:
            return list(a.entries())
        weight, bias = stack.output.rational
        return list((weight * a + bias).entries())

    def values(self, point: Sequence[fmpq]) -> list[fmpq]:
        """Return the numbers that must be <= 0 at a point."""
        weight, inputs, constants = self.question.exact
        x = fmpq_mat(len(point), 1, list(point))
        return list((weight * self._last(point) + inputs * x + constants).entries())

    def occurs(self, point: Sequence[fmpq], alternative: int) -> bool:
        """Tell whether a point is in the domain and all of an alternative's inequalities hold."""
        domain = self.question.domain
        box = zip(
            rationals(domain.lower.tolist()), point, rationals(domain.upper.tolist()), strict=True
        )
        if not all(low <= x <= high for low, x, high in box):
            return False
        if any(at(form, point) > 0 for form in self.halfspaces):
            return False
        values, strict = self.values(point), self.question.strict
        return all(
            values[row] < 0 or (values[row] == 0 and not strict[row])
            for row in self.question.rows[alternative]
        )

    def neuron(self, neuron: int, passing: list[list[bool]]) -> Form:
        """Return a neuron as a function of the input, where the units before it are known."""
        offset = self.pullback.offset
        layer = next(k for k in range(len(offset) - 1) if neuron < offset[k + 1])
        return self._row(self.pullback.preactivations(layer, passing), neuron - offset[layer])

    def inequalities(self, passing: list[list[bool]]) -> list[Form]:
        """Return what must be <= 0 as functions of the input."""
        weight, inputs, constants = self.question.exact
        m, d = inputs.nrows(), inputs.ncols()
        total = fmpq_mat(
            m, 1 + d, [x for k in range(m) for x in (constants[k, 0], *self._inputs(inputs, k))]
        )
        if passing:
            kept, rows = self.pullback.outputs(len(passing) - 1, passing)
            chosen = fmpq_mat(m, len(kept), [weight[k, j] for k in range(m) for j in kept])
            total += chosen * rows
        else:
            for k in range(m):
                for j in range(d):
                    total[k, 1 + j] += weight[k, j]
        return [self._row(total, k) for k in range(m)]

    def _last(self, point: Sequence[fmpq]) -> fmpq_mat:
        """Return what the last units hand on at a point."""
        pullback = self.pullback
        a = fmpq_mat(len(point), 1, list(point))
        for layer, (weight, bias) in enumerate(pullback.maps):
            z = (weight * a + bias).entries()
            factors = pullback.factors(layer, self._on(layer, z))
            a = fmpq_mat(len(z), 1, [f * x for f, x in zip(factors, z, strict=True)])
        return a

    def _on(self, layer: int, z: Sequence[fmpq]) -> list[bool]:
        """Tell which neurons of a layer hand on the numbers z."""
        units = self.pullback.units[layer]
        on = [x > 0 for x in z[: units.rows]]
        for unit, first in units.firsts():
            if unit.kind != MAX:
                continue
            beaten = {i if z[first + k] > 0 else j for k, (i, j) in enumerate(unit.pairs)}
            for k, (i, j) in enumerate(unit.pairs):
                on[first + k] = i == 0 and j not in beaten
        return on

    @staticmethod
    def _row(matrix: fmpq_mat, k: int) -> Form:
        return [matrix[k, c] for c in range(matrix.ncols())]

    @staticmethod
    def _inputs(inputs: fmpq_mat, k: int) -> list[fmpq]:
        return [inputs[k, c] for c in range(inputs.ncols())]


def at(form: Form, point: Sequence[fmpq]) -> fmpq:
    """Return the value of an affine function at a point."""
    return form[0] + sum((a * x for a, x in zip(form[1:], point, strict=True)), fmpq(0))
