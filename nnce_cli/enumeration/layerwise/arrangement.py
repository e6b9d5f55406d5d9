"""The hyperplanes of one layer inside one cell of the layer before."""

from __future__ import annotations

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.enumeration.layerwise.cell import Cell, Floats, Halfspaces, Signs, Witness
from nnce_cli.enumeration.layerwise.geometry import Geometry


class Arrangement:
    """The distinct hyperplanes of layer ``layer`` (from 0) that cut the inside of a cell.

    ``neurons`` (m,) are the neurons that stand for them, ascending: of the neurons with the same
    hyperplane, the first one. A *vector* says on which side of each hyperplane a cell lies: 1 or
    -1, of shape (m,). ``base`` are the halfspaces of the cell, and of its forced neurons;
    ``rows`` (m, 1 + d) are the neurons' functions, as in `Halfspaces`.
    """

    def __init__(self, geometry: Geometry, cell: Cell, layer: int, forced: tuple[int, ...]) -> None:
        """Find the hyperplanes; ``forced`` are the bits of the layer's first neurons, if any.

        ``is_empty`` says that the forced bits leave nothing, ``forced_cuts`` how many of the
        forced neurons cut what the ones before had left.
        """
        self.geometry = geometry
        self.cell = cell
        self.layer = layer
        self.base = cell.halfspaces
        self.witness = cell.witness
        self.is_empty = False
        self.forced_cuts = 0
        offset = geometry.problem.offset
        self.first, self._end = int(offset[layer]), int(offset[layer + 1])
        self._constant = np.zeros(self._end - self.first, dtype=np.int8)
        forms = geometry.exact_forms(layer, self.witness.signs)
        self._forms = dict(enumerate(forms, self.first))
        self._rows = {neuron: geometry.row(form) for neuron, form in self._forms.items()}
        for neuron, bit in enumerate(forced, self.first):
            self._force(neuron, 2 * bit - 1)
            if self.is_empty:
                return
        self._find_hyperplanes(range(self.first + len(forced), self._end))

    def __len__(self) -> int:
        """Return the number m of hyperplanes."""
        return len(self.neurons)

    def _force(self, neuron: int, side: int) -> None:
        """Stay on one side of a neuron."""
        on_side, beyond = self._sides(neuron)
        here = on_side if side > 0 else beyond
        if here is None:
            self.is_empty = True
            return
        self.witness = here
        if on_side is not None and beyond is not None:
            self.forced_cuts += 1
            self.base += Halfspaces(
                np.array([neuron]), np.array([side], np.int8), side * self._rows[neuron][None, :]
            )
        self._settle(neuron, side)

    def _settle(self, neuron: int, side: int) -> None:
        """Note the side on which all that is left lies; of the zero function, which has none, 0."""
        self._constant[neuron - self.first] = side if any(self._forms[neuron]) else 0

    def _sides(self, neuron: int) -> tuple[Witness | None, Witness | None]:
        """Return points of the polytope where a neuron is active and where it is inactive.

        A neuron that is identically zero is inactive.
        """
        if not any(self._forms[neuron]):
            return None, self.witness
        found: dict[int, Witness | None] = {1: None, -1: None}
        here = int(self.witness.signs[neuron])
        if here:
            found[here] = self.witness
        for side in (-1, 1):
            if side != here:
                found[side] = self._beyond(neuron, -side)
        return found[1], found[-1]

    def _beyond(self, neuron: int, side: int) -> Witness | None:
        """Return a point where ``side * h < 0``."""
        row = side * self._rows[neuron]
        if self.geometry.is_positive(row, Halfspaces.none(self.geometry.d), np.zeros(0)):
            self.geometry.decisions.neurons_float += 1
            return None
        return self.geometry.other_side(row, neuron, side, self.base, self.witness)

    def _find_hyperplanes(self, candidates: range) -> None:
        """Decide which neurons cut the polytope, and which of them have the same hyperplane."""
        representatives: dict[tuple[fmpq, ...], int] = {}
        self._same: dict[int, list[tuple[int, int]]] = {}
        active, inactive = self.witness.signs > 0, self.witness.signs < 0
        for neuron in candidates:
            key, orientation = _normalised(self._forms[neuron])
            if key in representatives:
                self._same[representatives[key]].append((neuron, orientation))
                continue
            if not (active[neuron] and inactive[neuron]):
                sides = self._sides(neuron)
                for point in sides:
                    if point is not None:
                        active |= point.signs > 0
                        inactive |= point.signs < 0
                if None in sides:
                    self._settle(neuron, -1 if sides[0] is None else 1)
                    continue
            representatives[key] = neuron
            self._same[neuron] = [(neuron, orientation)]
        self.neurons: NDArray[np.int64] = np.array(list(self._same), dtype=np.int64)
        self.rows: Floats = np.array([self._rows[n] for n in self._same]).reshape(
            -1, 1 + self.geometry.d
        )
        for first, members in self._same.items():
            own = members[0][1]
            self._same[first] = [(neuron, orientation * own) for neuron, orientation in members]

    def form(self, h: int) -> list[fmpq]:
        """Return the exact function of hyperplane ``h``."""
        return self._forms[int(self.neurons[h])]

    def halfspaces(self, vector: Signs, chosen: NDArray[np.intp]) -> Halfspaces:
        """Return the base and the sides of the hyperplanes ``chosen`` on which ``vector`` lies."""
        sides = vector[chosen]
        rows = sides[:, None] * self.rows[chosen]
        return self.base + Halfspaces(self.neurons[chosen], sides, rows)

    def other_side(
        self, h: int, side: int, halfspaces: Halfspaces, witness: Witness
    ) -> Witness | None:
        """Return a point inside the halfspaces where ``side * h < 0``; None: proved to be none."""
        row = side * self.rows[h]
        return self.geometry.other_side(row, int(self.neurons[h]), side, halfspaces, witness)

    def inside(self, vector: Signs) -> Witness | None:
        """Return a point of a vector's cell, a function of it alone; None: proved to be none."""
        everything = self.halfspaces(vector, np.arange(len(self)))
        return self.geometry.inside(everything, self.witness.signs)

    def signs(self, vector: Signs) -> Signs:
        """Return the signs of the layer's neurons in the cell of a vector."""
        signs = self._constant.copy()
        for side, members in zip(vector.tolist(), self._same.values(), strict=True):
            for neuron, orientation in members:
                signs[neuron - self.first] = orientation * side
        return signs

    def child(self, vector: Signs, halfspaces: Halfspaces, witness: Witness) -> Cell:
        """Return the cell of a vector, which is where ``halfspaces`` hold."""
        signs = np.concatenate([self.cell.signs, self.signs(vector)])
        return Cell(signs, halfspaces, self.geometry.in_float(witness, halfspaces))

    def prefix(self, partial: Signs) -> tuple[int, ...]:
        """Return the bits of the layer's first neurons that the first entries of a vector fix.

        These are all neurons before the one that stands for the next hyperplane.
        """
        vector = np.ones(len(self), dtype=np.int8)
        vector[: len(partial)] = partial
        whole = len(partial) == len(self)
        end = self._end if whole else int(self.neurons[len(partial)])
        return tuple((self.signs(vector)[: end - self.first] > 0).astype(int).tolist())


def _normalised(form: list[fmpq]) -> tuple[tuple[fmpq, ...], int]:
    """Return a form divided by its first nonzero slope, and that slope's sign (1 or -1).

    Forms of one hyperplane become equal. Constant forms, which have none, become equal only where
    they are.
    """
    slope = next((a for a in form[1:] if a != 0), None)
    if slope is None:
        return tuple(form), 1
    return tuple(x / slope for x in form), (1 if slope > 0 else -1)
