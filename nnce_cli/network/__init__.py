"""ONNX file -> LayerStack: affine layers with their exact weights.

The names are loaded when they are used: most commands read a network, few check or rebuild it.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.network.affine_tensor import to_map
    from nnce_cli.network.check import check_against_onnxruntime
    from nnce_cli.network.code_bits import joined_rows, neuron_bits
    from nnce_cli.network.digest import weights_digest
    from nnce_cli.network.element_types import SMALLEST_NORMAL, UNIT_ROUNDOFF
    from nnce_cli.network.exact import nearest, rational_matrix, rationals
    from nnce_cli.network.layers import read_layers
    from nnce_cli.network.load import load_network
    from nnce_cli.network.magnitude import MagnitudeArithmetic
    from nnce_cli.network.model_file import Graph, decode_graph, read_model
    from nnce_cli.network.stack import AffineMap, LayerStack
    from nnce_cli.network.units import CLIP, MAX, PieceUnit, Units

__all__ = [
    "CLIP",
    "MAX",
    "SMALLEST_NORMAL",
    "UNIT_ROUNDOFF",
    "AffineMap",
    "Graph",
    "LayerStack",
    "MagnitudeArithmetic",
    "PieceUnit",
    "Units",
    "check_against_onnxruntime",
    "decode_graph",
    "joined_rows",
    "load_network",
    "nearest",
    "neuron_bits",
    "rational_matrix",
    "rationals",
    "read_layers",
    "read_model",
    "to_map",
    "weights_digest",
]

__getattr__ = lazy_names(
    __name__,
    {
        "affine_tensor": ["to_map"],
        "check": ["check_against_onnxruntime"],
        "code_bits": ["joined_rows", "neuron_bits"],
        "digest": ["weights_digest"],
        "element_types": ["SMALLEST_NORMAL", "UNIT_ROUNDOFF"],
        "exact": ["nearest", "rational_matrix", "rationals"],
        "layers": ["read_layers"],
        "load": ["load_network"],
        "magnitude": ["MagnitudeArithmetic"],
        "model_file": ["Graph", "decode_graph", "read_model"],
        "stack": ["AffineMap", "LayerStack"],
        "units": ["CLIP", "MAX", "PieceUnit", "Units"],
    },
)
