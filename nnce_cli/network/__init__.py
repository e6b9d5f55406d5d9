"""ONNX file -> LayerStack: affine layers with their exact weights.

The names are loaded when they are used: most commands read a network, few check or rebuild it.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.network.affine_map import AffineMap
    from nnce_cli.network.check import check_against_onnxruntime
    from nnce_cli.network.code_bits import joined_rows, neuron_bits
    from nnce_cli.network.digest import weights_digest
    from nnce_cli.network.element_types import SMALLEST_NORMAL, UNIT_ROUNDOFF
    from nnce_cli.network.exact import (
        aligned,
        nearest,
        nearest_root,
        rational_matrix,
        rationals,
    )
    from nnce_cli.network.load import load_network
    from nnce_cli.network.meaning import Meaning
    from nnce_cli.network.model_file import Graph, decode_graph, read_model
    from nnce_cli.network.operators import OPERATORS
    from nnce_cli.network.ports import Place, Port
    from nnce_cli.network.rounding import LayerRounding, read_roundings
    from nnce_cli.network.runtime import Runtime
    from nnce_cli.network.sparse import Rows
    from nnce_cli.network.stack import LayerStack
    from nnce_cli.network.units import CLIP, MAX, PieceUnit, Units

__all__ = [
    "CLIP",
    "MAX",
    "OPERATORS",
    "SMALLEST_NORMAL",
    "UNIT_ROUNDOFF",
    "AffineMap",
    "Graph",
    "LayerRounding",
    "LayerStack",
    "Meaning",
    "PieceUnit",
    "Place",
    "Port",
    "Rows",
    "Runtime",
    "Units",
    "aligned",
    "check_against_onnxruntime",
    "decode_graph",
    "joined_rows",
    "load_network",
    "nearest",
    "nearest_root",
    "neuron_bits",
    "rational_matrix",
    "rationals",
    "read_model",
    "read_roundings",
    "weights_digest",
]

__getattr__ = lazy_names(
    __name__,
    {
        "check": ["check_against_onnxruntime"],
        "code_bits": ["joined_rows", "neuron_bits"],
        "digest": ["weights_digest"],
        "element_types": ["SMALLEST_NORMAL", "UNIT_ROUNDOFF"],
        "exact": ["aligned", "nearest", "nearest_root", "rational_matrix", "rationals"],
        "load": ["load_network"],
        "meaning": ["Meaning"],
        "model_file": ["Graph", "decode_graph", "read_model"],
        "operators": ["OPERATORS"],
        "ports": ["Place", "Port"],
        "rounding": ["LayerRounding", "read_roundings"],
        "runtime": ["Runtime"],
        "affine_map": ["AffineMap"],
        "sparse": ["Rows"],
        "stack": ["LayerStack"],
        "units": ["CLIP", "MAX", "PieceUnit", "Units"],
    },
)
