"""The layer stack against onnxruntime, layer by layer, on random points of the domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.element_types import SMALLEST_NORMAL, UNIT_ROUNDOFF
from nnce_cli.network.stack import AffineMap, LayerStack

if TYPE_CHECKING:
    from onnx import ModelProto

    from nnce_cli.network.layers import Layer

Array = NDArray[Any]
Run = Callable[[Array], list[Array]]


def check_against_onnxruntime(
    stack: LayerStack,
    path: Path,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    *,
    samples: int = 32,
    seed: int = 0,
) -> None:
    """Compare every layer of a stack with what onnxruntime computes from the file it came from.

    On random points of a box, rounded to the model's input type, onnxruntime evaluates the model;
    each of its layers is held against the stack's map at the same activations. So a difference is
    that of one layer, and it is allowed what rounding in the model's own types can do to the
    terms that the layer's nodes add up (``magnitude``), not a fixed tolerance.

    Args:
        stack: the stack that ``load_network`` read from ``path``.
        path: the ONNX file.
        lower: float64 (n_0,).
        upper: float64 (n_0,).
        samples: the number of points.
        seed: of the random points.

    Raises:
        InputError: if onnxruntime cannot run the model or disagrees; the message names the layer,
            the neuron and the largest difference.
    """
    from nnce_cli.network.layers import read_layers
    from nnce_cli.network.magnitude import MagnitudeArithmetic
    from nnce_cli.network.model_file import decode_graph, read_model

    try:
        model = read_model(path)
        graph = decode_graph(model)
        arithmetic = MagnitudeArithmetic()
        layers = read_layers(graph, arithmetic)
        maps = [*stack.hidden, *([] if stack.output is None else [stack.output])]
        comparisons = [
            _Comparison.of(i, exact, layer, arithmetic.roundings)
            for i, (exact, layer) in enumerate(zip(maps, layers, strict=True))
        ]
        names = [n for layer in layers for n in (layer.preactivation, layer.activation) if n]
        run = _runner(model, names)
        share = np.random.default_rng(seed).uniform(size=(samples, lower.size))
        with np.errstate(over="ignore", invalid="ignore"):  # which `advance` tells
            for point in lower * (1 - share) + upper * share:
                x = point.reshape(graph.input_shape).astype(_numpy_type(graph.input_type))
                values = dict(zip(names, run(x), strict=True))
                activation = x.astype(np.float64).ravel()
                for comparison in comparisons:
                    activation = comparison.advance(activation, values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


@dataclass(frozen=True, eq=False)
class _Comparison:
    """One layer: its map, and what rounding may do to it at given activations."""

    where: str
    exact: AffineMap
    layer: Layer
    magnitude: AffineMap
    relative: float
    absolute: float

    @staticmethod
    def of(i: int, exact: AffineMap, layer: Layer, roundings: int) -> _Comparison:
        from nnce_cli.network.affine_tensor import to_map

        kind = "output layer" if layer.activation is None else f"hidden layer {i + 1}"
        magnitude = to_map(layer.tensor)
        # Twice the first-order bound: for its higher orders, for rounding the activations to the
        # layer's types, and for the evaluation of ``exact`` in float64.
        roundings = 2 * (roundings + 4)
        return _Comparison(
            where=f"{kind} (tensor '{layer.preactivation}')",
            exact=exact,
            layer=layer,
            magnitude=magnitude,
            relative=roundings * max(UNIT_ROUNDOFF[t] for t in layer.element_types),
            absolute=roundings
            * max(SMALLEST_NORMAL[t] for t in layer.element_types)
            * (1.0 + float(magnitude.weight.sum(axis=1).max())),
        )

    def advance(
        self, activation: NDArray[np.float64], values: dict[str, Array]
    ) -> NDArray[np.float64]:
        """Compare the layer at its input and return onnxruntime's activations after it."""
        ours = self.exact.apply(activation[None, :])[0]
        theirs = values[self.layer.preactivation].astype(np.float64).ravel()
        if theirs.shape != ours.shape:
            raise InputError(
                f"onnxruntime finds {theirs.size} values in the {self.where}, nnce {ours.size}"
            )
        if not (np.isfinite(theirs).all() and np.isfinite(ours).all()):
            types = " or ".join(sorted(self.layer.element_types))
            raise InputError(
                f"on this domain numbers leave the range of {types} in the {self.where}; "
                "choose a smaller domain"
            )
        allowed = self.relative * self.magnitude.apply(np.abs(activation)[None, :])[0]
        excess = np.abs(ours - theirs) - (allowed + self.absolute)
        if not (excess <= 0).all():
            i = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
            raise InputError(
                f"onnxruntime disagrees in the {self.where}: at neuron {i} it computes "
                f"{theirs[i]:.9g} and nnce {ours[i]:.9g}, and rounding explains a difference of "
                f"{allowed[i]:.2g} only"
            )
        if self.layer.activation is None:
            return theirs
        return values[self.layer.activation].astype(np.float64).ravel()


def _runner(model: ModelProto, names: list[str]) -> Run:
    """Return a function that evaluates a model at one input and returns the named tensors.

    The model is changed: the named tensors become its outputs. onnxruntime has no bfloat16 on
    CPUs; models of that type are evaluated by the reference implementation in onnx.
    """
    import onnxruntime
    from onnx import TensorProto, ValueInfoProto

    del model.graph.output[:]
    model.graph.output.extend(ValueInfoProto(name=name) for name in dict.fromkeys(names))
    constants = {tensor.name for tensor in model.graph.initializer}
    [feed] = [value for value in model.graph.input if value.name not in constants]
    if feed.type.tensor_type.elem_type == TensorProto.BFLOAT16:
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(model)
        return lambda x: [np.asarray(y) for y in evaluator.run(names, {feed.name: x})]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    onnxruntime.set_default_logger_severity(4)
    session = _guarded(
        lambda: onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    )
    return lambda x: [np.asarray(y) for y in _guarded(lambda: session.run(names, {feed.name: x}))]


def _guarded(call: Callable[[], Any]) -> Any:
    """Call onnxruntime; its errors have no common base class."""
    try:
        return call()
    except MemoryError:
        raise
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise InputError(
            f"onnxruntime cannot run the model, so that it cannot be checked: {first}"
        ) from error


def _numpy_type(element_type: str) -> Any:
    from onnx import TensorProto, helper

    return helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(_ONNX_NAMES[element_type]))


_ONNX_NAMES = {
    "float16": "FLOAT16",
    "bfloat16": "BFLOAT16",
    "float32": "FLOAT",
    "float64": "DOUBLE",
}
