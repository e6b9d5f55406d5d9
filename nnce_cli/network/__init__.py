"""ONNX file -> LayerStack: affine layers with their exact weights."""

from nnce_cli.network.check import check_against_onnxruntime
from nnce_cli.network.digest import weights_digest
from nnce_cli.network.exact import rational_matrix
from nnce_cli.network.load import load_network
from nnce_cli.network.stack import AffineMap, LayerStack

__all__ = [
    "AffineMap",
    "LayerStack",
    "check_against_onnxruntime",
    "load_network",
    "rational_matrix",
    "weights_digest",
]
