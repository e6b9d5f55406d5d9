"""What a network's outputs do over a domain, as exact rational polyhedra.

The graph of a network, all (x, y) with x in the domain and y = f(x), is a union of polyhedra: each
unit is one of its pieces where that piece's own closed inequalities hold. Nothing is known here of
cells, interiors or bounds.
"""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

from flint import fmpq
from ppl import C_Polyhedron, NNC_Polyhedron

from tests.oracles import ppl
from tests.oracles.domains import exact_domain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from nnce_cli.domain import Domain, Inequality
    from tests.oracles.units import DrawnLayer

Form = list[fmpq]  # the coefficients of x, then the constant


def pieces(
    layers: Sequence[DrawnLayer], domain: Domain
) -> Iterator[tuple[C_Polyhedron, list[Form]]]:
    """Yield polyhedra that cover a domain, with the outputs on each as functions of the input."""
    start = exact_domain(domain)
    if not start.is_empty():
        yield from _walk(list(layers), start, ppl.identity(domain.n_inputs).tolist())


def occurs(
    layers: Sequence[DrawnLayer], domain: Domain, inequalities: Sequence[Inequality]
) -> bool:
    """Tell whether inequalities hold together at some point of a domain."""
    for part, outputs in pieces(layers, domain):
        left = NNC_Polyhedron(part)
        for inequality in inequalities:
            value = ppl.expression(form_of(inequality, outputs, domain.n_inputs))
            left.add_constraint(value < 0 if inequality.is_strict else value <= 0)
        if not left.is_empty():
            return True
    return False


def least(layers: Sequence[DrawnLayer], domain: Domain, c: Sequence[Fraction]) -> fmpq | None:
    """Return the least value of c . y over a domain that is not empty; None if it has none."""
    found = None
    for part, outputs in pieces(layers, domain):
        form = [fmpq(0)] * (domain.n_inputs + 1)
        for a, output in zip(c, outputs, strict=True):
            form = _plus(form, output, _fmpq(a))
        answer = part.minimize(ppl.expression(form))
        if not answer["bounded"]:
            return None
        value = fmpq(int(answer["inf_n"]), int(answer["inf_d"])) / _scale(form)
        found = value if found is None else min(found, value)
    return found


def _walk(
    layers: list[DrawnLayer], part: C_Polyhedron, incoming: list[Form]
) -> Iterator[tuple[C_Polyhedron, list[Form]]]:
    if not layers:
        yield part, incoming
        return
    layer = layers[0]
    choices: list[list[tuple[list[Form], Form]]] = []  # what must be >= 0, and the value
    zero = [fmpq(0)] * len(incoming[0])
    for row, slope in layer.plain:
        z = _pull(row, incoming)
        choices.append([([_minus(zero, z)], _plus(zero, z, _fmpq(slope))), ([z], z)])
    for row, lo, hi in layer.clips:
        z = _pull(row, incoming)
        low, high = ([*zero[:-1], _fmpq(bound)] for bound in (lo, hi))
        choices.append(
            [
                ([_minus(low, z)], low),
                ([_minus(z, low), _minus(high, z)], z),
                ([_minus(z, high)], high),
            ]
        )
    for rows in layer.maxima:
        numbers = [_pull(row, incoming) for row in rows]
        choices.append([([_minus(z, other) for other in numbers], z) for z in numbers])
    passed = [_pull(row, incoming) for row in layer.passed]
    for chosen, values in _chosen(choices, part):
        yield from _walk(layers[1:], chosen, [*values, *passed])


def _chosen(
    choices: list[list[tuple[list[Form], Form]]], part: C_Polyhedron
) -> Iterator[tuple[C_Polyhedron, list[Form]]]:
    if not choices:
        yield part, []
        return
    for conditions, value in choices[0]:
        smaller = C_Polyhedron(part)
        for form in conditions:
            smaller.add_constraint(ppl.expression(form) >= 0)
        if not smaller.is_empty():
            for found, values in _chosen(choices[1:], smaller):
                yield found, [value, *values]


def form_of(inequality: Inequality, outputs: list[Form], n: int) -> Form:
    """Return what must be <= 0 as a function of x, where the outputs are such functions."""
    form = [fmpq(0)] * n + [_fmpq(inequality.constant)]
    for i, a in inequality.inputs.items():
        form[i] += _fmpq(a)
    for j, a in inequality.outputs.items():
        form = _plus(form, outputs[j], _fmpq(a))
    return form


def _pull(row: Sequence[Fraction], incoming: list[Form]) -> Form:
    total = [fmpq(0)] * (len(incoming[0]) - 1) + [_fmpq(row[-1])]
    for a, form in zip(row, incoming, strict=False):
        total = _plus(total, form, _fmpq(a))
    return total


def _plus(a: Form, b: Form, factor: fmpq) -> Form:
    return [x + factor * y for x, y in zip(a, b, strict=True)]


def _minus(a: Form, b: Form) -> Form:
    return _plus(a, b, fmpq(-1))


def _fmpq(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def _scale(form: Form) -> int:
    """Return by what `ppl.expression` multiplies a function."""
    return lcm(*(int(x.q) for x in form))
