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


def kind_of(tail: tuple[str, ...], numbers: int) -> str:
    """Return what outputs mean that the operators of a tail follow.

    Args:
        tail: the types of the operators, in order.
        numbers: how many numbers enter the tail.
    """
    types = set(tail)
    if "ArgMin" in types:
        return ARGMIN
    compared = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "ai.onnx.ml::Binarizer"}
    if numbers == 1 and types & (compared | {"Sigmoid"}):
        return SIGN
    if types & {"ArgMax", "Hardmax", "LogSoftmax", "Softmax", "TopK", "ai.onnx.ml::ZipMap",
                "ai.onnx.ml::LinearClassifier"}:  # fmt: skip
        return ARGMAX
    if types & ({"Sigmoid"} | compared):
        return SIGN
    return REGRESSION if types else UNKNOWN
