"""ONNX files: protobuf bytes, checked and decoded. Everything in them is hostile input."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import AttributeProto, ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper

from nnce_cli.base.errors import InputError
from nnce_cli.base.file_kinds import HEAD, is_parquet, is_vnnlib
from nnce_cli.base.packed import read_file
from nnce_cli.network.affine_tensor import MAX_RANK, AffineTensor, constant
from nnce_cli.network.element_types import ELEMENT_TYPES, INTEGERS, UNIT_ROUNDOFF
from nnce_cli.network.node import Node
from nnce_cli.network.ports import Port
from nnce_cli.network.sparse import MAX_ENTRIES

MAX_BYTES = 2**31 - 1  # protobuf's own limit
MAX_UNPACKED = 2**30
MAX_INPUTS = 2**20
OLDEST_OPSET = 7  # before it, Add and Gemm broadcast by attributes of their own


@dataclass(frozen=True)
class Graph:
    """The graph of a model: inputs and outputs, nodes in order, constants by name.

    The shapes of ``inputs`` have a batch of 1 where the file has a symbolic one. ``opsets`` are
    the versions of the operator sets by their domains.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    opsets: dict[str, int]
    initializers: dict[str, TensorProto]
    unbounded: frozenset[str] = frozenset()

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the outputs of the given names, all where there are none.

        Raises:
            InputError: there is no such output.
        """
        for name in names:
            if name not in self.outputs:
                raise InputError(
                    f"it has no output '{name}'; its outputs are {', '.join(self.outputs)}"
                )
        return tuple(dict.fromkeys(names)) or self.outputs

    def constant(self, name: str) -> AffineTensor | None:
        """Return an initializer as a constant tensor, or None where there is none of this name.

        Raises:
            InputError: if it is damaged, not of a type that nnce reads, or not finite.
        """
        tensor = self.initializers.get(name)
        if tensor is None:
            return None
        finite = name not in self.unbounded
        return _constant(tensor, f"the initializer '{name}'", finite=finite)


def read_model(path: Path) -> ModelProto:
    """Read an ONNX file, packed by gzip or not, with the weights that it keeps in its folder.

    Raises:
        InputError: if it cannot be read or is not an ONNX model. The message does not name it.
    """
    model = ModelProto()
    content = read_file(path, MAX_BYTES, MAX_UNPACKED)
    _refuse_other_kinds(content)
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise InputError("not an ONNX file, or a truncated one") from None
    if not model.graph.node or not model.opset_import:
        raise InputError(
            "not an ONNX model, or a truncated one: it has no nodes or no operator set"
        )
    for node in model.graph.node:
        if node.op_type == "LinearClassifier":  # of whose scores it is told what they mean
            kept = [a for a in node.attribute if a.name != "post_transform"]
            del node.attribute[:]
            node.attribute.extend(kept)
    external = _ExternalData(path.parent)
    for tensor in model.graph.initializer:
        external.load(tensor)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                external.load(attribute.t)
    return model


def _refuse_other_kinds(content: bytes) -> None:
    """Refuse a file that stands in the place of a model by mistake."""
    if is_parquet(content):
        raise InputError(
            "not an ONNX file but a Parquet file, as cell tables are; a model comes behind its "
            "table: give the ONNX file"
        )
    if is_vnnlib(content[:HEAD]):
        raise InputError(
            "not an ONNX file but text, as VNNLIB properties are; a model comes before its "
            "property: give the ONNX file"
        )


def decode_graph(model: ModelProto) -> Graph:
    """Return the graph of a model.

    Raises:
        InputError: if it is not a function of one tensor of one sample.
    """
    graph = model.graph
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
    if opset < OLDEST_OPSET:
        raise InputError(
            f"it uses ONNX operator set {opset}; convert it to {OLDEST_OPSET} or later with "
            "onnx.version_converter"
        )
    newest = onnx.defs.onnx_opset_version()
    if opset > newest:
        raise InputError(
            f"it uses ONNX operator set {opset}, and onnx {onnx.__version__} knows {newest}; "
            "install a newer onnx, or export the model for an older operator set"
        )
    initializers = {_text(tensor.name): tensor for tensor in graph.initializer}
    if len(initializers) < len(graph.initializer):
        raise InputError("two of its initializers have the same name")
    inputs = [value for value in graph.input if value.name not in initializers]
    for kind, values in (("inputs", inputs), ("outputs", graph.output)):
        if not values:
            raise InputError(f"it has no {kind}")
    ports = tuple(_port(value) for value in inputs)
    if sum(port.size for port in ports) > MAX_INPUTS:
        raise InputError(f"its inputs have more than {MAX_INPUTS} entries")
    unbounded = frozenset(
        _text(name) for node in graph.node if node.op_type == "Clip" for name in node.input[1:]
    )
    nodes = tuple(_node(node, unbounded) for node in graph.node)
    _check_names([_text(value.name) for value in graph.input], nodes, initializers)
    return Graph(
        inputs=ports,
        outputs=tuple(dict.fromkeys(_text(value.name) for value in graph.output)),
        nodes=nodes,
        opsets={"": opset, **{_text(o.domain): o.version for o in model.opset_import}},
        initializers=initializers,
        unbounded=unbounded,
    )


def _check_names(inputs: Sequence[str], nodes: Sequence[Node], constants: Collection[str]) -> None:
    """Refuse a graph in which a name stands for two tensors or for none, needed or not."""
    if len(set(inputs)) < len(inputs):
        raise InputError("two of its inputs have the same name")
    known = {*inputs, *constants}
    for node in nodes:
        for name in filter(None, node.outputs):
            if name in known:
                raise InputError(
                    f"node {node.label}: its output '{name}' has the name of an earlier tensor"
                )
            known.add(name)
    for node in nodes:
        for name in filter(None, node.inputs):
            if name not in known:
                raise InputError(
                    f"node {node.label}: it reads '{name}', which no node before it computes"
                )


def _port(value: ValueInfoProto) -> Port:
    """Return an input of the graph, a symbolic batch taken as 1."""
    name = f"the input '{_text(value.name)}'"
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
        raise InputError(f"{name} is not a tensor with a shape")
    element_type = _type_name(tensor.elem_type)
    if element_type not in UNIT_ROUNDOFF:
        raise InputError(
            f"{name} has elements of type {element_type}; nnce reads {', '.join(UNIT_ROUNDOFF)}"
        )
    dims = tensor.shape.dim
    known = [d.dim_value if d.HasField("dim_value") else None for d in dims]
    named = [
        _text(d.dim_param) or "?" if n is None else str(n) for d, n in zip(dims, known, strict=True)
    ]
    text = f"[{', '.join(named)}]"
    if len(known) > 1 and known[0] is None:
        known[0] = 1
    shape = tuple(d for d in known if d is not None)
    if len(shape) < len(known):
        raise InputError(
            f"{name} has the shape {text}: only its first dimension, the batch, may be symbolic"
        )
    if not shape or len(shape) > MAX_RANK or min(shape) < 1 or math.prod(shape) > MAX_INPUTS:
        raise InputError(
            f"{name} has the shape {text}; nnce reads 1 to {MAX_INPUTS} inputs on at most "
            f"{MAX_RANK} axes"
        )
    return Port(_text(value.name), shape, element_type)


def _node(node: onnx.NodeProto, unbounded: frozenset[str]) -> Node:
    name, domain, op_type = _text(node.name), _text(node.domain), _text(node.op_type)
    # An operator of another domain keeps it in its name, and so is none that nnce knows.
    op_type = op_type if domain in ("", "ai.onnx") else f"{domain}::{op_type}"
    label = f"node '{name}' ({op_type})"
    finite = not unbounded.intersection(node.output)
    return Node(
        name=name,
        op_type=op_type,
        inputs=tuple(_text(tensor) for tensor in node.input),
        outputs=tuple(_text(tensor) for tensor in node.output),
        attributes={_text(a.name): _attribute(a, label, finite=finite) for a in node.attribute},
    )


def check_schema(node: Node, opsets: Mapping[str, int]) -> None:
    """Refuse a node that is none of ONNX: what runs a model refuses it, wherever it stands.

    Raises:
        InputError: there is no such operator, or not with such attributes or as many inputs or
            outputs; the message does not name the node.
    """
    domain, _, op_type = node.op_type.rpartition("::")
    schema = _schema(op_type, opsets.get(domain, 0), domain)
    if schema is None:
        raise InputError(
            f"there is no operator {node.op_type} in ONNX operator set {opsets.get(domain, 0)}"
        )
    for name in node.attributes:
        if name not in schema.attributes:
            raise InputError(
                f"the operator has no attribute '{name}' in operator set {opsets[domain]}"
            )
    for what, names, least, most in (
        ("inputs", node.inputs, schema.min_input, schema.max_input),
        ("outputs", node.outputs, schema.min_output, schema.max_output),
    ):
        if not least <= len(names) <= most:
            raise InputError(f"it has {len(names)} {what}, not {least} to {most}")


@cache
def _schema(op_type: str, opset: int, domain: str) -> Any:
    """Return what ONNX says of an operator; None where there is no such operator."""
    try:
        return onnx.defs.get_schema(op_type, opset, domain)
    except onnx.defs.SchemaError:
        return None


def _attribute(attribute: AttributeProto, label: str, *, finite: bool) -> Any:
    """Return an attribute's value; tensors become constants, and unknown kinds None."""
    if attribute.type == AttributeProto.UNDEFINED or attribute.ref_attr_name:
        raise InputError(f"the attribute '{attribute.name}' of {label} has no value")
    if attribute.type == AttributeProto.TENSOR:
        what = f"the tensor '{attribute.name}' of {label}"
        if attribute.t.data_type == TensorProto.STRING:
            return None
        return _constant(attribute.t, what, finite=finite)
    if attribute.type in _PLAIN:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        if isinstance(value, int | float):
            return value
        return [v.decode(errors="replace") if isinstance(v, bytes) else v for v in value]
    return None


_PLAIN = {
    AttributeProto.INT,
    AttributeProto.INTS,
    AttributeProto.FLOAT,
    AttributeProto.FLOATS,
    AttributeProto.STRING,
    AttributeProto.STRINGS,
}


def _constant(tensor: TensorProto, what: str, *, finite: bool) -> AffineTensor:
    """Return a tensor of the file as a constant; floats of any type become float64, exactly."""
    element_type = _type_name(tensor.data_type)
    if element_type not in ELEMENT_TYPES.values():
        raise InputError(
            f"{what} has elements of type {element_type}; nnce reads "
            f"{', '.join(ELEMENT_TYPES.values())}"
        )
    shape = tuple(tensor.dims)
    if len(shape) > MAX_RANK or any(d < 1 for d in shape):
        raise InputError(f"{what} has the shape {list(shape)}, which no weights can have")
    try:
        values = numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise InputError(f"{what} is damaged: its data do not fit {list(shape)}") from error
    if values.shape != shape:
        raise InputError(f"{what} is damaged: its data do not fit {list(shape)}")
    if element_type == "bool":
        return constant(values.astype(np.bool_), element_type)
    if element_type in INTEGERS:
        return constant(values.astype(np.int64), element_type)
    with np.errstate(invalid="ignore"):  # a signalling NaN is refused below
        values = values.astype(np.float64)
    if finite and not np.isfinite(values).all():
        where = np.argwhere(~np.isfinite(values))[0].tolist()
        raise InputError(f"{what} is not finite: it holds {values[tuple(where)]} at {where}")
    return constant(values, element_type)


def _text(value: str | bytes) -> str:
    """Return a string of the file; protobuf hands out bytes where it is not UTF-8."""
    if isinstance(value, bytes):
        raise InputError(f"not an ONNX file, or a damaged one: the name {value!r} is not text")
    return value


def _type_name(code: int) -> str:
    """Return the name of an element type, for those that nnce does not read ONNX's own."""
    if code in ELEMENT_TYPES:
        return ELEMENT_TYPES[code]
    return TensorProto.DataType.Name(code) if code in TensorProto.DataType.values() else f"{code}"


class _ExternalData:
    """What a model keeps in other files of its folder.

    A few bytes of the model claim many of those files, so that they are counted: a file gives no
    more bytes in all than it has.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._claimed: dict[Path, int] = {}

    def load(self, tensor: TensorProto) -> None:
        """Move a tensor's data from its file into the tensor.

        Raises:
            InputError: it cannot be read, is not beside the model, or is not as long as it should.
        """
        if tensor.data_location != TensorProto.EXTERNAL:
            return
        what = f"the data of '{_text(tensor.name)}'"
        if any(d < 0 for d in tensor.dims) or math.prod(tensor.dims) > MAX_ENTRIES:
            raise InputError(f"{what} have the shape {list(tensor.dims)}, more than nnce can hold")
        entries = {_text(entry.key): _text(entry.value) for entry in tensor.external_data}
        location = entries.get("location", "")
        try:
            file = self._file(location, what)
            size = file.stat().st_size
            offset = int(entries.get("offset", "0"))
            length = int(entries.get("length", size - offset))
            if length > 8 * math.prod(tensor.dims):
                raise InputError(f"{what} are {length} bytes, too many for {list(tensor.dims)}")
            if offset < 0 or length < 0 or offset + length > size:
                raise InputError(f"{what} are truncated: {location!r} is shorter than they are")
            self._claim(file, length, size, what)
            with file.open("rb") as stream:
                stream.seek(offset)
                tensor.raw_data = stream.read(length)
        except OSError as error:
            raise InputError(
                f"{what} cannot be read from {location!r}: {error.strerror}"
            ) from error
        except ValueError as error:
            raise InputError(f"{what} have a damaged entry: {error}") from error
        tensor.data_location = TensorProto.DEFAULT
        del tensor.external_data[:]

    def _file(self, location: str, what: str) -> Path:
        folder = os.path.realpath(self._folder)
        file = Path(os.path.realpath(os.path.join(folder, location)))
        if not file.is_relative_to(folder):
            raise InputError(f"{what} point outside the model's folder, to {location!r}")
        if not file.is_file():
            raise InputError(f"{what} are missing: there is no file {location!r} beside the model")
        return file

    def _claim(self, file: Path, length: int, size: int, what: str) -> None:
        self._claimed[file] = self._claimed.get(file, 0) + length
        if self._claimed[file] > size:
            raise InputError(
                f"{what} and those before them are {self._claimed[file]} bytes, and their file "
                f"has {size}"
            )
