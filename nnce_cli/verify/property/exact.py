"""A network and a property in rational arithmetic: at a point, and where all units are known."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq

from nnce_cli.domain import Inequality
from nnce_cli.network import LayerStack, rationals

Form = list[fmpq]  # the constant, then the coefficients of x

ZERO = fmpq(0)


class Affine:
    """What is computed from values that are affine functions of the input, layer by layer.

    ``neurons`` has the preactivations of the layers, ``outputs`` the outputs.
    """

    def __init__(self, stack: LayerStack, values: list[Form], on: list[list[bool]] | None) -> None:
        """Go on from the inputs; ``on`` says which units are on their upper piece.

        Where it is None the values are constants, which say it themselves.
        """
        self.neurons: list[list[Form]] = []
        for k, (layer, units) in enumerate(zip(stack.hidden, stack.units, strict=True)):
            weight, bias = layer.rational
            z = [_sum(_row(weight, j), values, bias[j, 0]) for j in range(layer.n_out)]
            self.neurons.append(z)
            slopes = rationals(units.row_slopes).tolist()
            passes = [form[0] > 0 for form in z] if on is None else on[k]
            values = [
                form if j >= units.rows or passes[j] else [slopes[j] * x for x in form]
                for j, form in enumerate(z)
            ]
        if stack.output is None:
            self.outputs = values
            return
        weight, bias = stack.output.rational
        rows = range(stack.output.n_out)
        self.outputs = [_sum(_row(weight, j), values, bias[j, 0]) for j in rows]


def inputs(n: int) -> list[Form]:
    """Return the inputs as functions of themselves."""
    return [[ZERO, *(fmpq(int(i == k)) for k in range(n))] for i in range(n)]


def value_of(inequality: Inequality, x: Sequence[Form], y: Sequence[Form]) -> Form:
    """Return what must be <= 0."""
    terms = [(a, x[i]) for i, a in inequality.inputs.items()]
    terms += [(a, y[j]) for j, a in inequality.outputs.items()]
    coefficients = [fmpq(a.numerator, a.denominator) for a, _ in terms]
    constant = fmpq(inequality.constant.numerator, inequality.constant.denominator)
    if not terms:
        return [constant] + [ZERO] * (len(x[0]) - 1)
    return _sum(coefficients, [form for _, form in terms], constant)


def _row(weight: object, j: int) -> list[fmpq]:
    return [weight[j, i] for i in range(weight.ncols())]  # type: ignore[attr-defined, index]


def _sum(coefficients: Sequence[fmpq], forms: Sequence[Form], constant: fmpq) -> Form:
    total = [ZERO] * len(forms[0])
    for a, form in zip(coefficients, forms, strict=True):
        if a:
            total = [t + a * x for t, x in zip(total, form, strict=True)]
    total[0] += constant
    return total
