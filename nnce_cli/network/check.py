"""The layer stack against onnxruntime, layer by layer, on random points of the domain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.exact import nearest
from nnce_cli.network.stack import LayerStack

if TYPE_CHECKING:
    from nnce_cli.network.assembly import Forms, Layer
    from nnce_cli.network.reading import Reading
    from nnce_cli.network.rounding import LayerRounding

Floats = NDArray[np.float64]


def check_against_onnxruntime(
    stack: LayerStack,
    path: Path,
    lower: Floats,
    upper: Floats,
    *,
    outputs: Sequence[str] = (),
    samples: int = 32,
    seed: int = 0,
) -> None:
    """Compare every layer of a stack with what onnxruntime computes from the file it came from.

    On random points of a box, rounded to the types of the model's inputs, onnxruntime evaluates
    the model: all tensors that units read, and the outputs. Each layer is held against the
    stack's map at the activations that follow from the layers before it as onnxruntime computes
    them. So a difference is that of one layer, and it is allowed what rounding in the model's own
    types can do to the terms that the layer's nodes add up (``rounding``), not a fixed tolerance.

    Args:
        stack: the stack that ``load_network`` read from ``path``.
        path: the ONNX file.
        lower: float64 (n_0,).
        upper: float64 (n_0,).
        outputs: the outputs that it was read for.
        samples: the number of points.
        seed: of the random points.

    Raises:
        InputError: if onnxruntime cannot run the model or disagrees; the message names the layer,
            the neuron and the largest difference.
    """
    from nnce_cli.network.assembly import assemble
    from nnce_cli.network.load import read_network
    from nnce_cli.network.model_file import decode_graph, read_model
    from nnce_cli.network.rounding import layer_roundings
    from nnce_cli.network.runtime import Runtime

    try:
        model = read_model(path)
        graph = decode_graph(model)
        reading = read_network(graph, outputs, tracked=True)
        layers = assemble(reading)
        comparison = _Comparison(stack, reading, layers, layer_roundings(layers, stack.n_inputs))
        runtime = Runtime(model, reading.inputs, [*reading.watched.names, *reading.outputs])
        share = np.random.default_rng(seed).uniform(size=(samples, lower.size))
        with np.errstate(over="ignore", invalid="ignore"):  # which is told
            points = runtime.rounded(lower * (1 - share) + upper * share)
            comparison.at(points, [runtime.at(point) for point in points])
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


class _Comparison:
    """A stack, what rounding may do to it, and which tensors of the file its neurons are."""

    def __init__(
        self,
        stack: LayerStack,
        reading: Reading,
        layers: Sequence[Layer],
        roundings: Sequence[LayerRounding],
    ) -> None:
        self.stack, self.layers, self.roundings = stack, layers, roundings
        self.names = reading.watched.names
        self.ends = np.cumsum([0, *(reading.watched.sizes[name] for name in self.names)])
        self.outputs, self.batch = list(reading.outputs), reading.batch
        self.output_ends = np.cumsum([0, *(x.size for x in reading.outputs.values())])
        self.probes = [_Probe(layer.probe) for layer in layers[:-1]]

    def at(self, points: Floats, values: list[dict[str, Floats]]) -> None:
        """Compare at points (m, n_0) where onnxruntime finds given values."""
        widths = np.diff(self.ends).tolist()
        watched = self.joined(values, dict(zip(self.names, widths, strict=True)))
        activation, error = points, np.zeros_like(points)
        for i, (layer, units) in enumerate(zip(self.stack.hidden, self.stack.units, strict=True)):
            ours = layer.apply(activation)
            allowed = self.roundings[i].bound(activation, error)
            theirs, error = ours.copy(), allowed.copy()
            known = self.probes[i].n
            theirs[:, :known], error[:, :known] = self.probes[i].at(watched), 0.0
            self.compare(i, ours[:, :known], theirs[:, :known], allowed[:, :known])
            activation = units.activate(theirs)
        if self.stack.output is None:
            return
        widths = np.diff(self.output_ends).tolist()
        sizes = dict(zip(self.outputs, widths, strict=True))
        theirs = self.joined(values, sizes, samples=self.batch)
        allowed = self.roundings[-1].bound(activation, error)
        self.compare(-1, self.stack.output.apply(activation), theirs, allowed)

    def joined(
        self, values: list[dict[str, Floats]], sizes: dict[str, int], samples: int = 1
    ) -> Floats:
        """Return tensors of given sizes, joined, a row for each point: their first sample."""
        parts = []
        for name, size in sizes.items():
            self.same_size(values[0][name].size, size * samples, name)
            parts.append(np.array([value[name][:size] for value in values]))
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(values), 0))

    def same_size(self, theirs: int, ours: int, name: str) -> None:
        """Refuse a tensor that onnxruntime computes with another number of entries."""
        if theirs != ours:
            raise InputError(
                f"onnxruntime finds {theirs} values in the tensor '{name}', nnce {ours}"
            )

    def compare(self, i: int, ours: Floats, theirs: Floats, allowed: Floats) -> None:
        """Refuse neurons of a layer, or outputs, that differ by more than rounding explains."""
        if not (np.isfinite(theirs).all() and np.isfinite(ours).all()):
            types = " or ".join(sorted(self.layers[i].element_types))
            raise InputError(
                f"on this domain numbers leave the range of {types} in the {self.where(i, 0)}; "
                "choose a smaller domain"
            )
        excess = np.abs(ours - theirs) - allowed
        if not (excess <= 0).all():
            worst = np.argmax(np.where(np.isnan(excess), np.inf, excess))
            row, at = (int(i) for i in np.unravel_index(worst, excess.shape))
            raise InputError(
                f"onnxruntime disagrees in the {self.where(i, at)}: at neuron {at} it computes "
                f"{theirs[row, at]:.9g} and nnce {ours[row, at]:.9g}, and rounding explains a "
                f"difference of {allowed[row, at]:.2g} only"
            )

    def where(self, i: int, neuron: int) -> str:
        """Name a layer, and the tensor that a neuron of it is computed from."""
        if i < 0:
            at = int(np.searchsorted(self.output_ends, neuron, side="right")) - 1
            return f"output layer (tensor '{self.outputs[at]}')"
        columns = self.layers[i].probe.linear.take(np.array([neuron])).columns
        if not len(columns):
            return f"hidden layer {i + 1}"
        at = int(np.searchsorted(self.ends, int(columns[0]), side="right")) - 1
        return f"hidden layer {i + 1} (tensor '{self.names[at]}')"


class _Probe:
    """The neurons of a layer as functions of the watched tensors, in float64."""

    def __init__(self, forms: Forms) -> None:
        self.n = len(forms.offset)
        self.rows = forms.linear
        self.offset = nearest(forms.offset)

    def at(self, watched: Floats) -> Floats:
        """Return the neurons (m, n) where the watched tensors have the values (m, …)."""
        return self.rows.times(watched) + self.offset
