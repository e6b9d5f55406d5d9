"""A model in onnxruntime: its outputs at a point."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network import decode_graph, read_model

Floats = NDArray[np.float64]


class Session:
    """Evaluates a model at one point at a time, in the model's own types."""

    def __init__(self, path: Path) -> None:
        """Load an ONNX file; ``graph`` is what is in it.

        Raises:
            InputError: onnxruntime cannot load it.
        """
        model = read_model(path)
        self.graph = decode_graph(model)
        self._path = path
        self._type = _numpy_type(self.graph.inputs[0].element_type)
        self._run = self._runner(model.SerializeToString())

    def rounded(self, points: Floats) -> Floats:
        """Return points (m, n_0) as the model sees them: rounded to the type of its input."""
        return points.astype(self._type).astype(np.float64)

    def outputs(self, points: Floats) -> Floats:
        """Return the outputs (m, n_out) at points (m, n_0).

        Raises:
            InputError: onnxruntime cannot run the model.
        """
        shape = self.graph.inputs[0].shape
        found = [self._run(x.reshape(shape)) for x in points.astype(self._type)]
        return np.stack([np.asarray(y).astype(np.float64).ravel() for y in found])

    def _runner(self, model: bytes) -> Callable[[NDArray[Any]], Any]:
        """Return a function from the input to the output.

        onnxruntime has no bfloat16 on CPUs; the reference evaluator of onnx runs such models.
        """
        import onnx
        import onnxruntime
        from onnx.reference import ReferenceEvaluator

        name, outputs = self.graph.inputs[0].name, [self.graph.outputs[0]]
        if self.graph.inputs[0].element_type == "bfloat16":
            evaluator = ReferenceEvaluator(onnx.load_from_string(model))
            return lambda x: evaluator.run(outputs, {name: x})[0]  # type: ignore[index]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        onnxruntime.set_default_logger_severity(4)
        session = self._guarded(
            lambda: onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        )
        return lambda x: self._guarded(lambda: session.run(outputs, {name: x}))[0]

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """Call onnxruntime, whose errors have no common base class."""
        try:
            return call()
        except Exception as error:
            first = str(error).strip().partition("\n")[0]
            raise InputError(f"{self._path}: onnxruntime cannot run the model: {first}") from error


def _numpy_type(element_type: str) -> Any:
    from onnx import TensorProto, helper

    names = {"float16": "FLOAT16", "bfloat16": "BFLOAT16", "float32": "FLOAT", "float64": "DOUBLE"}
    return helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(names[element_type]))
