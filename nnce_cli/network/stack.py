"""The layer stack: a piecewise linear network as affine maps with exact weights, and units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.layout import Layout
from nnce_cli.base.sizes import Sizes
from nnce_cli.network.affine_map import AffineMap
from nnce_cli.network.meaning import NO_MEANING, Meaning
from nnce_cli.network.ports import Place, Port
from nnce_cli.network.units import Codes, Units


@dataclass(frozen=True, eq=False)
class LayerStack:
    """A network: ``a_l = units_l(W_l a_{l-1} + b_l)`` for the hidden maps, then ``output``.

    ``units`` has the units of each hidden layer, to which the first neurons of its map belong; the
    others are pass-throughs (``units.py``). Where it is left out, all neurons are ReLUs. There may
    be no hidden layer at all.
    ``output`` is None where the network ends in the units of the last layer. ``input_shape`` is the
    shape of one input as the ONNX file gives it, with a batch dimension of 1 where it has one.
    ``digest`` is the SHA-256 (hexadecimal) of the exact weights, so it is the same for the
    float32 and the float64 file of one network. ``notes`` says in plain sentences where the
    network that was read is a matter of definition, not of the file alone.
    ``inputs`` and ``outputs`` are the tensors of the file that are joined to the network's, and
    ``meaning`` says what the outputs mean. ``places`` has for each hidden layer the nodes that its
    units are of. Stacks that no file was read for leave these out. ``selected`` are the file's
    outputs that were asked for, where these are not all. ``points`` are those of the slice of the
    inputs that the network is taken on (`nnce_cli.domain.Slice`), whose coordinates then are its
    inputs.
    """

    hidden: tuple[AffineMap, ...]
    output: AffineMap | None
    input_shape: tuple[int, ...]
    digest: str
    notes: tuple[str, ...] = ()
    units: tuple[Units, ...] = ()
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    meaning: Meaning = NO_MEANING
    places: tuple[tuple[Place, ...], ...] = ()
    selected: tuple[str, ...] = ()
    points: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        """Take all neurons for ReLUs where no units are given."""
        if len(self.units) != len(self.hidden):
            assert not self.units
            object.__setattr__(self, "units", tuple(Units.relu(m.n_out) for m in self.hidden))

    @property
    def n_inputs(self) -> int:
        """Input dimension n_0."""
        first = self.hidden[0] if self.hidden else self.output
        assert first is not None
        return first.n_in

    @property
    def n_outputs(self) -> int:
        """The number of outputs."""
        last = self.output or self.hidden[-1]
        return last.n_out

    @property
    def widths(self) -> list[int]:
        """Input dimension, then the number of units of the hidden layers: n_0, n_1, …, n_L."""
        return [self.n_inputs, *(units.count for units in self.units)]

    @property
    def rows(self) -> list[int]:
        """The number of neurons of each hidden layer that belong to units (``units.py``)."""
        return [units.rows for units in self.units]

    @cached_property
    def layout(self) -> Layout:
        """How the codes of its cells are kept."""
        return Layout(
            tuple(units.bits for units in self.units),
            tuple(tuple(unit.pieces for unit in units.pieces) for units in self.units),
        )

    @cached_property
    def sizes(self) -> Sizes:
        """Its sizes, as a table of its cells tells them."""
        both = zip(self.hidden, self.units, strict=True)
        values = (layer.n_out - len(units.hidden_neurons()) for layer, units in both)
        return Sizes(self.n_inputs, self.layout, None if self.is_relu else tuple(values))

    @property
    def is_relu(self) -> bool:
        """Whether it is a chain of ReLU layers: no other units, and no pass-throughs."""
        both = zip(self.hidden, self.units, strict=True)
        return all(units.is_relu and units.rows == layer.n_out for layer, units in both)

    def preactivations(self, points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Evaluate the hidden layers in float64, so rounded.

        Args:
            points: float64 (m, n_0), a row each.

        Returns:
            The numbers of all neurons before the units: a float64 array (m, n) for each layer.
        """
        z: list[NDArray[np.float64]] = []
        activation = points
        for layer, units in zip(self.hidden, self.units, strict=True):
            z.append(layer.apply(activation))
            activation = units.activate(z[-1])
        return z

    def codes(self, points: NDArray[np.float64]) -> list[Codes]:
        """Return the codes of points (m, n_0) by float64: bits (m, b) and pieces (m, p) a layer."""
        z = self.preactivations(points)
        return [units.codes(values) for units, values in zip(self.units, z, strict=True)]

    def forward(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate the network in float64, so rounded.

        Args:
            points: float64 (m, n_0), a row each.

        Returns:
            float64 (m, n_out): the output map's values, or the last units' where there is none.
        """
        activation = points
        if self.hidden:
            activation = self.units[-1].activate(self.preactivations(points)[-1])
        return activation if self.output is None else self.output.apply(activation)
