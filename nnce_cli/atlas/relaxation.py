"""Bounds on a network over many regions at a time: linear ones, proved in floating point.

A region is a box of inputs and the sides of some neurons. Over it each unit is enclosed between two
lines, and a linear function of a layer's values is bounded from below by a linear function of the
input: going back layer by layer, each value is replaced by the line that is below its term (Singh
et al. 2019, *An abstract domain for certifying neural networks*; Zhang et al. 2018, *CROWN*). All
rows of all regions of a batch go back together, each with the lines of its own region.

Nothing is rounded without being accounted for. What the coefficients of a row are does not matter,
only that they are what the row says; so each step may round them, if the constant is lowered by as
much as that can change the value anywhere in the region. Every such change, and the rounding of the
constant itself, is a small multiple of the unit roundoff times a sum of sizes of terms that are
all added up in ``_Rows.size``; the constant is lowered once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.network import MAX, LayerStack, Units

Floats = NDArray[np.float64]
Signs = NDArray[np.int8]
Indices = NDArray[np.int64]

EVEN = 1.01  # lo and hi may well be of equal size, and rounding is not to choose between them
RULES = (0, 1)  # by which the inner line of a unit is chosen; neither is better everywhere
GROWN = 1 + 2.0**-40  # covers the rounding of the sums of sizes themselves


@dataclass(eq=False)
class Regions:
    """A batch of m regions of a network with d inputs and N neurons of units.

    ``lower`` and ``upper`` (m, d) are boxes; ``sides`` (m, N) is 1 or -1 for the neurons of which
    a region has only the points where they are >= 0 or <= 0, else 0. ``low`` and ``high`` (m, N)
    enclose the neurons over the region.
    """

    lower: Floats
    upper: Floats
    sides: Signs
    low: Floats
    high: Floats

    def __len__(self) -> int:
        """Return their number."""
        return len(self.lower)

    def take(self, chosen: Indices) -> Regions:
        """Return some of them, copied."""
        return Regions(
            self.lower[chosen],
            self.upper[chosen],
            self.sides[chosen],
            self.low[chosen],
            self.high[chosen],
        )

    @staticmethod
    def join(parts: list[Regions]) -> Regions:
        """Return the regions of several batches as one."""
        return Regions(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("lower", "upper", "sides", "low", "high")
            )
        )


@dataclass(frozen=True, eq=False)
class Forms:
    """Affine functions of the input, ``slope . x + constant``: (r, d) and (r,)."""

    slope: Floats
    constant: Floats


@dataclass(frozen=True, eq=False)
class LayerForms:
    """Neurons z of a layer that had no sign: below z, and then below -z, are ``forms`` (2 r)."""

    region: Indices
    neuron: Indices
    forms: Forms

    def of(self, region: int) -> tuple[Indices, Forms, Forms]:
        """Return the neurons of one region, and the functions below z and -z."""
        chosen = slice(*np.searchsorted(self.region, [region, region + 1]))
        slope, constant = self.forms.slope, self.forms.constant
        m = len(self.region)
        return (
            self.neuron[chosen],
            Forms(slope[:m][chosen], constant[:m][chosen]),
            Forms(slope[m:][chosen], constant[m:][chosen]),
        )


@dataclass(frozen=True, eq=False)
class _Lines:
    """The lines of one layer over each region, for terms of either sign: (m, n) each.

    ``mid`` and ``half`` are there for each rule, (2, m, n).

    A term c * value is at least c (mid z + middle) - |c| (half z + spread). ``most`` bounds the
    sizes of what the layer hands on, ``terms`` those of all that a number z is the sum of, and
    ``size`` those of the terms of a line.
    """

    mid: Floats
    half: Floats
    middle: Floats
    spread: Floats
    most: Floats
    terms: Floats
    size: Floats


class Relaxation:
    """Bounds the neurons of a network over regions, and linear functions of its outputs."""

    def __init__(self, stack: LayerStack) -> None:
        self.stack = stack
        self.offset = np.concatenate([[0], np.cumsum(stack.rows)]).astype(np.int64)
        self._layers = [(layer.weight, layer.bias) for layer in stack.hidden]
        self._sizes = [np.abs(weight) for weight, _ in self._layers]
        longest = max((max(w.shape) for w, _ in self._layers), default=1)
        longest = max(longest, stack.n_inputs, 0 if stack.output is None else stack.output.n_out)
        # Each number errs by a few roundings for each layer, and each sum by its length: half of
        # this would do, but whoever replays a search must find the same.
        self._unit = 4 * (longest + 8 * len(self._layers) + 16) * UNIT_ROUNDOFF

    def whole(self, lower: Floats, upper: Floats) -> Regions:
        """Return the box (d,) as one region of which nothing else is known."""
        n = int(self.offset[-1])
        return Regions(
            lower[None, :].copy(),
            upper[None, :].copy(),
            np.zeros((1, n), np.int8),
            np.full((1, n), -np.inf),
            np.full((1, n), np.inf),
        )

    @np.errstate(over="ignore", invalid="ignore")
    def bound(self, regions: Regions) -> Bounded:
        """Improve ``low`` and ``high`` of regions; return them with their lines."""
        lines: list[_Lines] = []
        # magnitude of what enters the layer
        most = np.maximum(np.abs(regions.lower), np.abs(regions.upper))
        bounded = Bounded(self, regions, lines, most)
        for layer, units in enumerate(self.stack.units):
            self._bound_layer(bounded, layer)
            lines.append(self._lines(bounded, layer, units))
        return bounded

    def _bound_layer(self, bounded: Bounded, layer: int) -> None:
        """Bound the neurons of a layer that have no sign yet, where those before have lines."""
        regions = bounded.regions
        here = slice(*self.offset[layer : layer + 2])
        low, high = regions.low[:, here], regions.high[:, here]
        region, neuron = np.nonzero((low < 0) & (high > 0))
        weight, bias = self._layers[layer]
        for rule in RULES if layer else RULES[:1]:
            rows, constant, m = weight[neuron], bias[neuron], len(region)
            twice = np.concatenate([region, region])
            forms = bounded.back(
                layer,
                twice,
                np.concatenate([rows, -rows]),
                np.concatenate([constant, -constant]),
                np.abs(np.concatenate([constant, constant])),
                rule=rule,
            )
            if rule == RULES[0]:
                bounded.forms.append(LayerForms(region, neuron, forms))
            least = bounded.least(twice, forms)
            low[region, neuron] = np.fmax(low[region, neuron], least[:m])
            high[region, neuron] = np.fmin(high[region, neuron], -least[m:])
            left = (low[region, neuron] < 0) & (high[region, neuron] > 0)
            region, neuron = region[left], neuron[left]

    def _lines(self, bounded: Bounded, layer: int, units: Units) -> _Lines:
        """Enclose what a layer hands on between lines."""
        regions = bounded.regions
        _, bias = self._layers[layer]
        m, n, rows = len(regions), len(bias), units.rows
        terms = (bounded.entering(layer) @ self._sizes[layer].T + np.abs(bias)) * GROWN
        reach = terms.copy()
        here = slice(*self.offset[layer : layer + 2])
        low, high = regions.low[:, here], regions.high[:, here]
        slopes = units.row_slopes
        on = bounded.passing(layer)
        under, over = np.ones((len(RULES), m, n)), np.ones((len(RULES), m, n))
        below = np.zeros((m, n))
        above = np.zeros((m, n))
        under[:, :, :rows] = over[:, :, :rows] = np.where(on > 0, 1.0, slopes)
        region, neuron = np.nonzero(on == 0)
        lo, hi, s = low[region, neuron], high[region, neuron], slopes[neuron]
        lo, hi = np.maximum(lo, -reach[region, neuron]), np.minimum(hi, reach[region, neuron])
        is_piece = bounded.is_of_max(layer)[neuron]
        chord, rest = _chord(
            np.where(is_piece, np.minimum(lo, 0.0), lo),
            np.where(is_piece, np.maximum(hi, 0.0), hi),
            s,
        )
        convex = s <= 1
        for rule, slope in enumerate(_tangents(lo, hi, s)):
            tangent = np.where(is_piece, 0.0, slope)  # what need not win may be zero
            under[rule, region, neuron] = np.where(convex, tangent, chord)
            over[rule, region, neuron] = np.where(convex, chord, tangent)
        above[region, neuron] = np.where(convex, rest, 0.0)
        below[region, neuron] = np.where(convex, 0.0, -rest)
        reach[:, :rows] = np.minimum(reach[:, :rows], np.maximum(np.abs(low), np.abs(high)))
        gain = np.ones(n)
        gain[: units.bits] = np.maximum(1.0, np.abs(units.slopes))
        return _Lines(
            mid=(over + under) / 2,
            half=(over - under) / 2,
            middle=(above + below) / 2,
            spread=(above - below) / 2,
            most=self._most(low, high, on, gain * reach, slopes),
            terms=terms + reach,
            size=2 * (np.abs(over) + np.abs(under)).max(axis=0) * reach
            + np.abs(above)
            + np.abs(below),
        )

    def _most(self, low: Floats, high: Floats, on: Signs, most: Floats, slopes: Floats) -> Floats:
        """Bound the sizes of what a layer hands on."""
        rows = on.shape[1]
        size = np.abs(slopes)
        up, down = np.maximum(high, 0.0), np.maximum(-low, 0.0)
        most[:, :rows] = np.minimum(most[:, :rows], np.maximum(up, size * down) * GROWN)
        return most


def _tangents(lo: Floats, hi: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Return slopes of lines through zero on the inner side of a unit on [lo, hi], by each rule.

    They go on along the larger piece; or they are as flat as can be.
    """
    return np.where(hi > -EVEN * lo, 1.0, s), np.where(s <= 1, np.maximum(s, 0.0), s)


def _chord(lo: Floats, hi: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Return slope and constant of a line on the outer side of the chord of a unit on [lo, hi].

    It is above the chord of a convex unit (s <= 1); of a concave one it is below, and the constant
    has the opposite sign.
    """
    width = hi - lo
    k = np.divide(hi - s * lo, width, out=np.ones_like(hi), where=width > 0)
    sign = np.where(s <= 1, 1.0, -1.0)
    rest = np.maximum(sign * (s * lo - k * lo), sign * (hi - k * hi))
    size = (np.abs(k) + np.abs(s) + 1) * np.maximum(np.abs(lo), np.abs(hi))
    return k, rest + 8 * UNIT_ROUNDOFF * size + UNDERFLOW


class Bounded:
    """Regions whose neurons are bounded: linear functions of their values can be taken back."""

    def __init__(
        self, relaxation: Relaxation, regions: Regions, lines: list[_Lines], inputs: Floats
    ) -> None:
        self.regions = regions
        self.forms: list[LayerForms] = []
        self._relaxation = relaxation
        self._lines = lines
        self._inputs = inputs

    def entering(self, layer: int) -> Floats:
        """Return bounds on the sizes of what enters a layer (m, n)."""
        return self._inputs if layer == 0 else self._lines[layer - 1].most

    def is_of_max(self, layer: int) -> NDArray[np.bool_]:
        """Tell which neurons of a layer belong to a max of three or more."""
        units = self._relaxation.stack.units[layer]
        found = np.zeros(units.rows, np.bool_)
        for unit, first in units.firsts():
            found[first : first + unit.neurons] = unit.kind == MAX
        return found

    def signs(self, layer: int) -> Signs:
        """Return the signs of a layer's neurons: 1 (>= 0), -1 (<= 0) or 0 where not known."""
        offset = self._relaxation.offset
        here = slice(*offset[layer : layer + 2])
        low, high = self.regions.low[:, here], self.regions.high[:, here]
        found = (low >= 0).astype(np.int8) - ((high <= 0) & (low < 0)).astype(np.int8)
        sides = self.regions.sides[:, here]
        return np.where(sides != 0, sides, found)

    def passing(self, layer: int) -> Signs:
        """Tell which neurons hand on their number (1), or its slope's share (-1); 0: not known."""
        units = self._relaxation.stack.units[layer]
        signs = self.signs(layer)
        if units.has_max:
            signs = signs.copy()
            for unit, first in units.firsts():
                if unit.kind == MAX:
                    _winners(signs[:, first : first + unit.neurons], unit.pieces, unit.pairs)
        return signs

    def back(
        self,
        layer: int,
        region: Indices,
        rows: Floats,
        constant: Floats,
        size: Floats,
        inputs: Floats | None = None,
        rule: int = 0,
    ) -> Forms:
        """Bound ``rows . values + inputs . x + constant`` from below by functions of the input x.

        Args:
            layer: whose entering values the rows (r, n) are of.
            region: the region of each row.
            rows: float64, taken as rounded once from what is meant.
            constant: the same, (r,).
            size: bounds on the sizes of the terms that the constant is the sum of.
            inputs: the same as the rows, (r, d); None for zeros.
            rule: by which the units' inner lines are chosen.
        """
        relaxation = self._relaxation
        constant = constant.copy()
        size = size + _dots(np.abs(rows), self.entering(layer)[region])
        for before in range(layer - 1, -1, -1):
            lines = self._lines[before]
            sizes = np.abs(rows)
            constant += _dots(rows, lines.middle[region]) - _dots(sizes, lines.spread[region])
            size += _dots(sizes, lines.size[region])
            rows = rows * lines.mid[rule][region] - sizes * lines.half[rule][region]
            weight, bias = relaxation._layers[before]
            size += _dots(np.abs(rows), lines.terms[region])
            constant += rows @ bias
            rows = rows @ weight
        if inputs is not None:
            size += _dots(np.abs(inputs), self._inputs[region])
            rows = rows + inputs
        error = (relaxation._unit * GROWN) * (size + np.abs(constant)) + UNDERFLOW
        return Forms(rows, constant - error)

    def least(self, region: Indices, forms: Forms) -> Floats:
        """Return the least values of functions over the boxes of their regions, or a bit less."""
        lower, upper = self.regions.lower[region], self.regions.upper[region]
        slope = forms.slope
        value = _dots(slope, (lower + upper) / 2)
        value -= _dots(np.abs(slope), (upper - lower) / 2)
        most = _dots(np.abs(slope), self._inputs[region])
        error = self._relaxation._unit * (most + np.abs(forms.constant)) + UNDERFLOW
        return value + forms.constant - error


def _dots(a: Floats, b: Floats) -> Floats:
    """Return the products of the rows of two matrices."""
    return np.asarray(np.einsum("rn,rn->r", a, b))


def _winners(signs: Signs, pieces: int, pairs: list[tuple[int, int]]) -> None:
    """Replace the comparisons of a max (m, neurons) by what each neuron hands on.

    A number is out where one that is not out is nowhere smaller. So of those that are largest at a
    point one is left, also where several are equal.
    """
    left = np.ones((signs.shape[0], pieces), np.bool_)
    for k, (i, j) in enumerate(pairs):  # the neuron is z_j - z_i
        left[:, i] &= ~((signs[:, k] > 0) & left[:, j])
        left[:, j] &= ~((signs[:, k] < 0) & left[:, i])
    alone = left.sum(axis=1) == 1
    for k, (i, j) in enumerate(pairs):
        won = np.where(left[:, j], np.where(alone, 1, 0), -1)
        signs[:, k] = won if i == 0 else -1
