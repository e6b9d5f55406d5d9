"""From an ONNX file to a layer stack."""

from __future__ import annotations

from pathlib import Path

from nnce_cli.base.errors import InputError
from nnce_cli.network.digest import weights_digest
from nnce_cli.network.stack import LayerStack


def load_network(path: Path) -> LayerStack:
    """Read a ReLU network from an ONNX file, with its exact weights.

    Every ReLU is a hidden layer, one that directly follows another ReLU too. The affine
    operators before it are multiplied into one map without rounding. BatchNormalization's factor
    scale / sqrt(var + epsilon) is by definition its nearest float64; ``notes`` of the stack then
    says so.

    Raises:
        InputError: if the file cannot be read, is not an ONNX model, has an operator that is not
            supported, weights that are not finite, or is not a chain of layers from one input to
            one output.
    """
    # Reading protobuf needs onnx, which is slow to import.
    from nnce_cli.network.affine_tensor import to_map
    from nnce_cli.network.exact import ExactArithmetic
    from nnce_cli.network.layers import read_layers
    from nnce_cli.network.model_file import decode_graph, read_model
    from nnce_cli.network.operators import NOTES

    try:
        graph = decode_graph(read_model(path))
        layers = read_layers(graph, ExactArithmetic())
        maps = [to_map(layer.tensor) for layer in layers]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    output = maps.pop() if layers[-1].activation is None else None
    on_the_way = {label for layer in layers for label in layer.tensor.nodes}
    notes = [
        f"node {node.label}: {NOTES[node.op_type]}"
        for node in graph.nodes
        if node.op_type in NOTES and node.label in on_the_way
    ]
    return LayerStack(
        hidden=tuple(maps),
        output=output,
        input_shape=graph.input_shape,
        digest=weights_digest(maps, output),
        notes=tuple(notes),
    )
