"""What onnxruntime computes at a counterexample, in the model's own types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from nnce_cli.domain import Case, Inequality
from nnce_cli.network import LayerStack, Runtime, read_model


@dataclass(frozen=True)
class Evaluation:
    """A point as the model sees it, rounded to its types, and the outputs that it computes there.

    ``agrees`` says whether the inequalities hold of these numbers, and the point is in the domain.
    """

    point: tuple[float, ...]
    outputs: tuple[float, ...]
    agrees: bool


def evaluate(stack: LayerStack, model: Path, case: Case, point: Sequence[Fraction]) -> Evaluation:
    """Evaluate a counterexample to a property by onnxruntime.

    Args:
        stack: the network, as it was read from ``model``.
        model: the ONNX file.
        case: the case of the property that occurs.
        point: the input.

    Raises:
        InputError: onnxruntime cannot run the model.
    """
    names = [port.name for port in stack.outputs]
    runtime = Runtime(read_model(model), stack.inputs, names)
    rounded = runtime.rounded(np.array([[float(x) for x in point]]))[0]
    values = runtime.at(rounded)
    outputs = np.concatenate([values[port.name][: port.size] for port in stack.outputs])
    x, y = rounded.tolist(), outputs.tolist()
    return Evaluation(tuple(x), tuple(y), _is_inside(case, x) and _hold(case.inequalities, x, y))


def _is_inside(case: Case, x: list[float]) -> bool:
    domain = case.domain
    point = [Fraction(value) for value in x]
    bounds = zip(domain.lower.tolist(), x, domain.upper.tolist(), strict=True)
    return all(low <= value <= high for low, value, high in bounds) and all(
        sum((Fraction(a) * value for a, value in zip(row[:-1], point, strict=True)), Fraction(0))
        <= Fraction(row[-1])
        for row in domain.halfspaces.tolist()
    )


def _hold(inequalities: Sequence[Inequality], x: list[float], y: list[float]) -> bool:
    if not np.isfinite(y).all():
        return False
    for inequality in inequalities:
        terms = [c * Fraction(x[i]) for i, c in inequality.inputs.items()]
        terms += [c * Fraction(y[j]) for j, c in inequality.outputs.items()]
        value = sum(terms, inequality.constant)
        if value > 0 or (inequality.is_strict and value == 0):
            return False
    return True
