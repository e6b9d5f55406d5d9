"""What the outputs of a network mean."""

from __future__ import annotations

from dataclasses import dataclass

ARGMAX = "classes by argmax"
ARGMIN = "classes by argmin"
SIGN = "sign"
REGRESSION = "regression"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Meaning:
    """What outputs mean, and what the file computes of them.

    ``kind`` is one of the constants of this file. ``tail`` names the nodes that follow the
    outputs in the file and were left out, as they cut nothing; ``outputs`` are the names of the
    file's outputs.
    """

    kind: str = UNKNOWN
    tail: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


NO_MEANING = Meaning()
"""That of a network of which no file says it."""


COMPARISONS = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "ai.onnx.ml::Binarizer"}
CLASSES = frozenset({"ArgMax", "Hardmax", "LogSoftmax", "Softmax", "TopK", "ai.onnx.ml::ZipMap"})
"""Operators of tails whose largest input is the class."""

SMOOTH = frozenset(
    {
        "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Exp", "Log",
        "LpNormalization", "Pow", "Reciprocal", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
        "ReduceProd", "ReduceSumSquare", "Sigmoid", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt",
        "Tan", "Tanh", "ai.onnx.ml::Normalizer",
    }
)  # fmt: skip
"""Smooth functions."""


def kind_of(types: set[str], numbers: int) -> str:
    """Return what outputs mean, by the operators that make them and those that follow them.

    Args:
        types: the types of these operators; most say nothing.
        numbers: how many numbers the outputs are.
    """
    if "ArgMin" in types:
        return ARGMIN
    if numbers == 1 and types & (COMPARISONS | {"Sigmoid"}):
        return SIGN
    if types & (CLASSES | {"ai.onnx.ml::LinearClassifier"}):
        return ARGMAX
    if types & (COMPARISONS | {"Sigmoid"}):
        return SIGN
    return REGRESSION if types & (SMOOTH | {"ai.onnx.ml::LinearRegressor"}) else UNKNOWN
