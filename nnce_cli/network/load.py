"""From an ONNX file to a layer stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_map import AffineMap
from nnce_cli.network.digest import weights_digest
from nnce_cli.network.meaning import Meaning, kind_of
from nnce_cli.network.ports import Port
from nnce_cli.network.stack import LayerStack
from nnce_cli.network.units import Units

if TYPE_CHECKING:
    from nnce_cli.network.assembly import Layer
    from nnce_cli.network.model_file import Graph
    from nnce_cli.network.reading import Reading


def load_network(path: Path, outputs: Sequence[str] = ()) -> LayerStack:
    """Read a piecewise linear network from an ONNX file, with its exact weights.

    Units are in layers by their depth, a unit that directly follows another one in a layer of its
    own, too. The affine operators before them are multiplied into one map without rounding.
    BatchNormalization's factor scale / sqrt(var + epsilon) is by definition what float64 makes of
    it, each operation rounded once; ``notes`` of the stack then says so.

    Args:
        path: the file.
        outputs: the names of the outputs that are wanted; all, joined in order, where empty.

    Raises:
        InputError: if the file cannot be read, is not an ONNX model, has an operator that is not
            supported, weights that are not finite, or does not depend on its input piecewise
            linearly.
    """
    # Reading protobuf needs onnx, which is slow to import.
    from nnce_cli.network.model_file import decode_graph, read_model

    try:
        graph = decode_graph(read_model(path))
        reading = read_network(graph, outputs)
        return replace(_stack(graph, reading), selected=tuple(outputs))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_network(graph: Graph, outputs: Sequence[str] = (), *, tracked: bool = False) -> Reading:
    """Read a graph as a network of one sample, also where it is exported for several.

    Args:
        graph: what ``decode_graph`` found.
        outputs: the names of the outputs that are wanted, all where empty.
        tracked: whether to add up the magnitudes of terms, too.

    Raises:
        InputError: a node is not supported, or there is no such output.
    """
    from nnce_cli.network.batch import one_sample
    from nnce_cli.network.reading import read_graph

    return one_sample(read_graph(graph, outputs, tracked=tracked))


def _layers(reading: Reading) -> tuple[list[Layer], list[AffineMap], tuple[Units, ...]]:
    """Return the layers of a network, and their maps and units."""
    from nnce_cli.network.assembly import assemble

    layers = assemble(reading)
    maps, width = [], reading.n_inputs
    for layer in layers:
        maps.append(AffineMap.of_rows(layer.map.linear, width, layer.map.offset, layer.nodes))
        width = len(layer.map.offset)
    return layers, maps, tuple(layer.units for layer in layers if layer.units is not None)


def _stack(graph: Graph, reading: Reading) -> LayerStack:
    layers, (*hidden, output), units = _layers(reading)
    last = None if _is_identity(reading, layers) else output
    ports = tuple(
        Port(name, x.shape, x.element_type, reading.batch) for name, x in reading.outputs.items()
    )
    numbers = sum(port.size for port in ports)
    makers = [*reading.tail, *(reading.nodes[i] for i in reading.output_nodes)]
    kind = kind_of({node.op_type for node in makers}, numbers)
    return LayerStack(
        hidden=tuple(hidden),
        output=last,
        input_shape=reading.inputs[0].shape if len(reading.inputs) == 1 else (reading.n_inputs,),
        digest=weights_digest(hidden, last, units),
        notes=reading.notes,
        units=units,
        inputs=reading.inputs,
        outputs=ports,
        meaning=Meaning(kind, tuple(node.label for node in reading.tail), graph.outputs),
        places=tuple(layer.places for layer in layers if layer.units is not None),
    )


def _is_identity(reading: Reading, layers: list[Layer]) -> bool:
    """Whether the network ends in the units of the last layer, so that there is no output map."""
    if not reading.ends_in_units or len(layers) < 2:
        return False
    last, output = layers[-2], layers[-1]
    assert last.units is not None
    linear = output.map.linear
    return (
        not last.units.pieces
        and last.units.bits == len(last.map.offset) == len(output.map.offset)
        and linear.is_unit
        and bool((linear.columns == np.arange(linear.n)).all())
        and not output.map.offset.any()
    )
