"""An ONNX graph at a point, in rational arithmetic: what the file itself says.

The layers that the rest of nnce reads are made by multiplying operators together. Nothing of
that is used here: each node is computed from the values of the nodes before it, as the standard
says. So this is a second opinion on what network a file is.
"""

from nnce_cli.verify.graph.evaluate import GraphAtPoint, Trace
from nnce_cli.verify.graph.node import EITHER, UnknownError

__all__ = ["EITHER", "GraphAtPoint", "Trace", "UnknownError"]
