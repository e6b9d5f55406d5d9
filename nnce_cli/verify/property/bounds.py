"""Bounds on a network over one region, in floating point with a bound on all rounding.

Over a region each unit is between two lines. A linear function of a layer's values is bounded from
below by going back to the input: each value is replaced by its lower line where its coefficient is
positive, else by its upper one. The result holds whatever rounding did to the coefficients, once
the constant is lowered by what that can amount to: each operation errs by the unit roundoff times
the size of its result, each sum of n terms by n times that of the terms' sizes (Higham 2002,
section 3.1). All these sizes are added up, and multiplied by one factor at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.network import LayerStack

Floats = NDArray[np.float64]
Signs = NDArray[np.int64]

EVEN = 1.01  # which piece of a unit its lower line continues: part of the format
SLACK = 1 + 2.0**-40  # for the rounding of the sizes themselves


@dataclass(frozen=True, eq=False)
class Box:
    """A box of inputs."""

    lower: Floats
    upper: Floats

    @property
    def reach(self) -> Floats:
        """The largest size of each input."""
        return np.maximum(np.abs(self.lower), np.abs(self.upper))


@dataclass(frozen=True, eq=False)
class Linear:
    """Functions ``slope . x + constant``, (k, d) and (k,)."""

    slope: Floats
    constant: Floats


@dataclass(frozen=True, eq=False)
class _Lines:
    """value >= under z + below and value <= over z + above; |z| <= reach and |value| <= most.

    There are two choices of ``under`` and ``over``, (2, n): the inner line of a unit goes on along
    its larger piece, or is as flat as can be.
    """

    under: Floats
    over: Floats
    below: Floats
    above: Floats
    reach: Floats
    most: Floats


class Network:
    """The layers in float64, and the factor of the rounding."""

    def __init__(self, stack: LayerStack) -> None:
        self.layers = [(layer.weight, layer.bias) for layer in stack.hidden]
        self.slopes = [
            np.append(units.row_slopes, np.ones(layer.n_out - units.rows))
            for layer, units in zip(stack.hidden, stack.units, strict=True)
        ]
        self.rows = stack.rows
        self.offset = np.concatenate([[0], np.cumsum(stack.rows)]).astype(int).tolist()
        longest = max([stack.n_inputs, stack.n_outputs, *(max(w.shape) for w, _ in self.layers)])
        self.factor = 2 * (longest + 8 * len(self.layers) + 16) * UNIT_ROUNDOFF * SLACK


class Bounds:
    """The lines of all layers over a region, and with them what is known of its neurons.

    ``low`` and ``high`` (N,) enclose the neurons of units; they are improved. ``sides`` (N,) is 1
    or -1 for the neurons of which the region has one side only, else 0.
    """

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def __init__(self, network: Network, box: Box, sides: Signs, low: Floats, high: Floats) -> None:
        self.low, self.high = low.copy(), high.copy()
        self._network, self._box, self._sides = network, box, sides
        self._lines: list[_Lines] = []
        for layer in range(len(network.layers)):
            for is_flat in (False, True):
                self._improve(layer, is_flat=is_flat)
            self._lines.append(self._enclose(layer))

    def signs(self, layer: int) -> Signs:
        """Return 1 or -1 for the neurons of a layer that have a sign on the region, else 0."""
        here = slice(*self._network.offset[layer : layer + 2])
        found = np.where(self.low[here] >= 0, 1, np.where(self.high[here] <= 0, -1, 0))
        return np.where(self._sides[here] != 0, self._sides[here], found)

    def neurons(self, layer: int, chosen: Signs, sign: Signs, *, is_flat: bool = False) -> Linear:
        """Return functions below ``sign`` times some neurons of a layer."""
        weight, bias = self._network.layers[layer]
        rows, constant = sign[:, None] * weight[chosen], sign * bias[chosen]
        nothing = np.zeros((len(chosen), len(self._box.lower)))
        return self.below(layer, rows, constant, nothing, is_flat=is_flat)

    @np.errstate(over="ignore", invalid="ignore")
    def below(
        self, layer: int, rows: Floats, constant: Floats, inputs: Floats, *, is_flat: bool = False
    ) -> Linear:
        """Return functions below ``rows . (what enters a layer) + inputs . x + constant``.

        The numbers that are given may be rounded, once each. ``is_flat`` chooses the inner lines.
        """
        size = np.abs(constant) + np.abs(rows) @ self._entering(layer)
        size += np.abs(inputs) @ self._box.reach
        for before in range(layer - 1, -1, -1):
            lines, choice = self._lines[before], int(is_flat)
            under, over = lines.under[choice], lines.over[choice]
            weight, bias = self._network.layers[before]
            rising, falling = np.maximum(rows, 0.0), np.minimum(rows, 0.0)
            constant = constant + rising @ lines.below + falling @ lines.above
            sizes = np.abs(lines.below) + np.abs(lines.above)
            sizes += (np.abs(under) + np.abs(over)) * lines.reach
            size += np.abs(rows) @ sizes
            rows = rising * under + falling * over
            terms = np.abs(weight) @ self._entering(before) + np.abs(bias)
            size += np.abs(rows) @ (terms + lines.reach)
            constant = constant + rows @ bias
            rows = rows @ weight
        error = self._network.factor * (size + np.abs(constant)) + UNDERFLOW
        return Linear(rows + inputs, constant - error)

    def least(self, functions: Linear) -> Floats:
        """Return lower bounds of functions over the box."""
        rising, falling = np.maximum(functions.slope, 0.0), np.minimum(functions.slope, 0.0)
        value = rising @ self._box.lower + falling @ self._box.upper + functions.constant
        size = np.abs(functions.slope) @ self._box.reach + np.abs(functions.constant)
        return np.asarray(value - self._network.factor * size - UNDERFLOW)

    def _entering(self, layer: int) -> Floats:
        return self._box.reach if layer == 0 else self._lines[layer - 1].most

    def _improve(self, layer: int, *, is_flat: bool) -> None:
        first, end = self._network.offset[layer : layer + 2]
        low, high = self.low[first:end], self.high[first:end]
        chosen = np.flatnonzero((low < 0) & (high > 0))
        ones = np.ones(len(chosen), np.int64)
        least = self.least(self.neurons(layer, chosen, ones, is_flat=is_flat))
        most = -self.least(self.neurons(layer, chosen, -ones, is_flat=is_flat))
        low[chosen], high[chosen] = np.fmax(low[chosen], least), np.fmin(high[chosen], most)

    def _enclose(self, layer: int) -> _Lines:
        weight, bias = self._network.layers[layer]
        s, rows = self._network.slopes[layer], self._network.rows[layer]
        reach = (np.abs(weight) @ self._entering(layer) + np.abs(bias)) * SLACK
        first, end = self._network.offset[layer : layer + 2]
        low, high = self.low[first:end], self.high[first:end]
        reach[:rows] = np.fmin(reach[:rows], np.maximum(np.abs(low), np.abs(high)))
        on = np.append(self.signs(layer), np.ones(len(bias) - rows, np.int64))
        under = np.tile(np.where(on > 0, 1.0, s), (2, 1))
        over, below, above = under.copy(), np.zeros(len(s)), np.zeros(len(s))
        for j in np.flatnonzero(on == 0).tolist():
            lo, hi = max(low[j], -reach[j]), min(high[j], reach[j])
            chord = (hi - s[j] * lo) / (hi - lo) if lo < hi else 1.0
            nearer = 1.0 if hi > -EVEN * lo else s[j]
            inner = nearer, (max(s[j], 0.0) if s[j] <= 1 else s[j])
            room = 8 * UNIT_ROUNDOFF * (abs(chord) + abs(s[j]) + 1) * max(-lo, hi) + UNDERFLOW
            ends = (s[j] * lo - chord * lo, hi - chord * hi)
            if s[j] <= 1:  # convex
                under[:, j], over[:, j], above[j] = inner, chord, max(ends) + room
            else:
                under[:, j], over[:, j], below[j] = chord, inner, min(ends) - room
        most = reach * np.maximum(1.0, np.abs(s))
        up, down = np.maximum(high, 0.0), np.abs(s[:rows]) * np.maximum(-low, 0.0)
        most[:rows] = np.fmin(most[:rows], np.maximum(up, down) * SLACK)
        return _Lines(under, over, below, above, reach, most)
