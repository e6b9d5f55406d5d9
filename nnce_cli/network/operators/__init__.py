"""The operators of ONNX that nnce reads.

Importing this package fills the table (``registry``); ``OPERATORS`` lists it for people, by what
becomes of an operator.
"""

from nnce_cli.network.operators import (  # noqa: F401
    conditions,
    convolution,
    elementwise,
    folding,
    pooling,
    products,
    reductions,
    resize,
    shapes,
    units,
)
from nnce_cli.network.operators.registry import CONSTANTS, LINEAR, TABLE, UNITS
from nnce_cli.network.operators.tails import REFUSED, TAILS

OPERATORS: dict[str, tuple[str, ...]] = {
    **{
        kind: tuple(sorted(name for name, entry in TABLE.items() if entry.kind == kind))
        for kind in (LINEAR, UNITS, CONSTANTS)
    },
    "tails": tuple(sorted(TAILS)),
    "refused": tuple(sorted(REFUSED)),
}
"""Operator names by what becomes of them: "linear", "units", "constants", "tails", "refused"."""
