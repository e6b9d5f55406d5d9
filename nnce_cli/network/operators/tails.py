"""What may follow the last piecewise linear unit, and what is refused wherever it stands.

A *tail* begins with an operator that cuts nothing, or that says which class it is. It is left
out of the cells as long as no piecewise linear operator follows it.
"""

from __future__ import annotations

from nnce_cli.network.meaning import CLASSES, SMOOTH

DECISIONS = frozenset({"And", "ArgMin", "Equal", "NonZero", "Or", "Xor"})

TAILS = CLASSES | SMOOTH | DECISIONS | {"ai.onnx.ml::Binarizer"}
"""Operators that begin a tail, beside comparisons and products of two values."""

_SMOOTH_UNIT = "it is smooth or bent, not piecewise linear"
_SEQUENCE = "it is a recurrent layer; nnce reads networks without a state"
_INTEGERS = "it computes with quantised integers; export the model with float weights"
_STATISTICS = "it divides by a statistic of its input, which is not piecewise linear"

REFUSED = {
    "Attention": "it multiplies values that both depend on the input",
    "Celu": _SMOOTH_UNIT,
    "ConvInteger": _INTEGERS,
    "DynamicQuantizeLinear": _INTEGERS,
    "Elu": _SMOOTH_UNIT,
    "Erf": _SMOOTH_UNIT,
    "GRU": _SEQUENCE,
    "Gelu": _SMOOTH_UNIT,
    "GroupNormalization": _STATISTICS,
    "HardSwish": "it is piecewise quadratic, not piecewise linear",
    "If": "it chooses a subgraph at run time; export the model with fixed shapes",
    "InstanceNormalization": _STATISTICS,
    "LRN": _STATISTICS,
    "LSTM": _SEQUENCE,
    "LayerNormalization": _STATISTICS,
    "Loop": "it is a loop; export the model with the loop unrolled",
    "MatMulInteger": _INTEGERS,
    "MeanVarianceNormalization": _STATISTICS,
    "Mish": _SMOOTH_UNIT,
    "QLinearConv": _INTEGERS,
    "QLinearMatMul": _INTEGERS,
    "RNN": _SEQUENCE,
    "RMSNormalization": _STATISTICS,
    "Round": "it jumps, so that it is not piecewise linear",
    "Scan": "it is a loop; export the model with the loop unrolled",
    "Selu": _SMOOTH_UNIT,
    "Shrink": "it jumps, so that it is not piecewise linear",
    "Sign": "it jumps, so that it is not piecewise linear",
    "Swish": _SMOOTH_UNIT,
    "ThresholdedRelu": "it jumps at alpha, so that it is not piecewise linear",
}
"""Operators that are refused, and why."""
