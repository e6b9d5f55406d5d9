"""A model in onnxruntime: its tensors by name, at points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    from onnx import ModelProto

    from nnce_cli.network.ports import Port

Floats = NDArray[np.float64]


class Runtime:
    """Evaluates named tensors of a model at one point at a time, in the model's own types.

    onnxruntime has no bfloat16 on CPUs; models of that type are evaluated by the reference
    implementation in onnx.
    """

    def __init__(self, model: ModelProto, inputs: Sequence[Port], names: Sequence[str]) -> None:
        """Load a model, which is changed: the named tensors become its outputs.

        Args:
            model: the model.
            inputs: its inputs, as the network has them that was read from it.
            names: of tensors.

        Raises:
            InputError: onnxruntime cannot load it.
        """
        from onnx import ValueInfoProto

        self._inputs = inputs
        self._types = [_numpy_type(port.element_type) for port in inputs]
        self._names = list(dict.fromkeys(names))
        computed = [name for name in self._names if name not in {p.name for p in inputs}]
        del model.graph.output[:]
        model.graph.output.extend(ValueInfoProto(name=name) for name in computed)
        self._run = self._runner(model, computed)

    def rounded(self, points: Floats) -> Floats:
        """Return points (m, n_0) as the model sees them: rounded to the types of its inputs."""
        parts = [part.astype(kind).astype(np.float64) for part, kind in self._parts(points)]
        return np.concatenate(parts, axis=1)

    def at(self, point: Floats) -> dict[str, Floats]:
        """Return the named tensors at a point (n_0,), each as a vector.

        A batch of several samples is filled with the same one.

        Raises:
            InputError: onnxruntime cannot run the model.
        """
        feeds = {
            port.name: np.repeat(part.astype(kind).reshape(port.shape), port.batch, axis=0)
            for port, (part, kind) in zip(self._inputs, self._parts(point[None, :]), strict=True)
        }
        found = {**feeds, **self._run(feeds)}
        return {name: found[name].astype(np.float64).ravel() for name in self._names}

    def _parts(self, points: Floats) -> list[tuple[Floats, Any]]:
        ends = np.cumsum([port.size for port in self._inputs])[:-1]
        return list(zip(np.split(points, ends, axis=1), self._types, strict=True))

    def _runner(
        self, model: ModelProto, names: list[str]
    ) -> Callable[[dict[str, NDArray[Any]]], dict[str, NDArray[Any]]]:
        if not names:
            return lambda feeds: {}
        if any(port.element_type == "bfloat16" for port in self._inputs):
            from onnx.reference import ReferenceEvaluator

            evaluator = ReferenceEvaluator(model)
            return lambda feeds: _named(names, list(evaluator.run(names, feeds)))
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # Node by node: it would fuse weights of quantised integers to products of integers.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        onnxruntime.set_default_logger_severity(4)
        session = _guarded(
            lambda: onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        )
        return lambda feeds: _named(names, _guarded(lambda: session.run(names, feeds)))


def _named(names: list[str], values: Sequence[Any]) -> dict[str, NDArray[Any]]:
    return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}


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
