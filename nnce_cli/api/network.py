"""Networks for Python: from files, bytes, ONNX models and PyTorch modules."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnce_cli.api.numbers import floats
from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from nnce_cli.network import LayerStack

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Network:
    """A network: ``stack`` has its layers with exact weights, ``path`` is its ONNX file.

    A network that came from memory has a file of its own, which is removed with it.
    """

    stack: LayerStack
    path: Path
    outputs: tuple[str, ...] = ()
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        return self.stack.n_inputs

    @property
    def widths(self) -> list[int]:
        """The number of inputs, then of the units of each hidden layer."""
        return self.stack.widths

    def __call__(self, x: ArrayLike) -> Floats:
        """Evaluate the network by its layers, in float64: of a point (n_0,) or points (m, n_0).

        Raises:
            InputError: these are no such points.
        """
        points = floats(x, "the point")
        if points.ndim not in (1, 2) or points.shape[-1] != self.n_inputs:
            given = f"an array {points.shape} was given"
            raise InputError(f"points here are {self.n_inputs} numbers, and {given}")
        found = self.stack.forward(points.reshape(-1, self.n_inputs))
        return found if points.ndim == 2 else found[0]

    def __repr__(self) -> str:
        """Return a short text: its widths and where it is from."""
        return f"<Network {'-'.join(map(str, self.widths))}, {self.path.name}>"


def load(
    model: Any, *, outputs: Sequence[str] = (), example: Any = None, check: bool = True
) -> Network:
    """Return a network.

    Args:
        model: the name of an ONNX file, its bytes, an ``onnx.ModelProto``, or a
            ``torch.nn.Module``, which PyTorch's own exporter writes.
        outputs: the names of the outputs that are wanted; all where empty.
        example: an input (a tensor) of a PyTorch module, which its exporter needs.
        check: hold the layers against onnxruntime at random points, as the command line does.

    Raises:
        InputError: it cannot be read, or is not piecewise linear.
    """
    from nnce_cli.network import check_against_onnxruntime, load_network

    folder = None
    if isinstance(model, str | Path):
        path = Path(model)
    else:
        folder = tempfile.TemporaryDirectory(prefix="nnce-")
        path = Path(folder.name) / "model.onnx"
        path.write_bytes(_onnx_bytes(model, example))
    stack = load_network(path, tuple(outputs))
    if check:
        import numpy as np

        ones = np.ones(stack.n_inputs)
        check_against_onnxruntime(stack, path, -ones, ones, outputs=tuple(outputs))
    return Network(stack, path, tuple(outputs), folder)


def _onnx_bytes(model: Any, example: Any) -> bytes:
    if isinstance(model, bytes | bytearray | memoryview):
        return bytes(model)
    if hasattr(model, "SerializeToString"):
        return bytes(model.SerializeToString())
    if hasattr(model, "state_dict"):
        return _exported(model, example)
    raise InputError(
        f"a {type(model).__name__} is no network: give the name of an ONNX file, its bytes, an "
        "onnx.ModelProto or a torch.nn.Module"
    )


def _exported(module: Any, example: Any) -> bytes:
    """Return what PyTorch's exporter makes of a module."""
    import io

    if example is None:
        raise InputError("PyTorch's exporter needs an input: load(module, example=torch.zeros(…))")
    import torch

    found = io.BytesIO()
    torch.onnx.export(module.eval(), (example,), found, dynamo=False)
    return found.getvalue()
