"""The cells of a network on a plane domain as polygons, from the rows of their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.bits import unpack
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, fix_inputs
from nnce_cli.network import LayerStack
from nnce_cli.plotting.polygons import Floats, Ints, Polygons, Pool
from nnce_cli.table import Rows

NUMBERS_AT_A_TIME = 1 << 22  # of affine maps in memory, for each layer
SURE = 1e-9  # a sign that rounding cannot have made, as a share of the layer's largest value


@dataclass(frozen=True, eq=False)
class Plane:
    """A network on a domain of which one or two inputs vary.

    ``stack`` and ``lower``, ``upper`` (2,) are over these inputs, whose indices in the model are
    ``inputs``. A domain of one input is drawn as a strip: its second coordinate goes from 0 to 1
    and the network does not depend on it.
    """

    stack: LayerStack
    inputs: tuple[int, ...]
    lower: Floats
    upper: Floats

    @staticmethod
    def of(stack: LayerStack, box: Box) -> Plane:
        """Drop the inputs of zero width.

        Raises:
            InputError: not one or two inputs vary.
        """
        reduced, small, free = fix_inputs(stack, box)
        if reduced.n_inputs not in (1, 2):
            raise InputError(
                f"{reduced.n_inputs} inputs of the domain vary, and cells are drawn where 1 or 2 "
                "do; use --kind rank or --kind layers, or enumerate on bounds that fix the others"
            )
        strip = 2 - reduced.n_inputs
        return Plane(
            reduced,
            tuple(np.flatnonzero(free).tolist()),
            np.append(small.lower, [0.0] * strip),
            np.append(small.upper, [1.0] * strip),
        )

    @property
    def dimension(self) -> int:
        """Number of inputs that vary."""
        return len(self.inputs)

    def maps(self) -> list[tuple[Floats, Floats]]:
        """Return (W, b) of the hidden layers in float64; the first W has two columns."""
        maps = [(layer.weight, layer.bias) for layer in self.stack.hidden]
        weight, bias = maps[0]
        maps[0] = (np.pad(weight, [(0, 0), (0, 2 - self.dimension)]), bias)
        return maps


@dataclass(frozen=True, eq=False)
class Partition:
    """The cells of a table as polygons, in the order of its ``rows``.

    ``outputs`` (cells, m, 3) are the affine maps of the m outputs on the cells; a row (a, b, c)
    stands for ``a x + b y + c``. ``cuts`` (s, 2, 2) are the ends of the pieces of the neurons'
    bent lines, and ``cut_layers`` (s,) counts their layers from 0.
    """

    plane: Plane
    rows: Rows
    polygons: Polygons
    outputs: Floats
    cuts: Floats
    cut_layers: Ints


def partition(plane: Plane, rows: Rows, *, complete: bool) -> Partition:
    """Cut the domain along the tree of the table's rows.

    The rows under a node of the tree stand together, and a neuron cuts the node's polygon where
    its bit is not the same in all of them: no geometry decides that. So a cut is made for each
    cell but the first, and all cuts of one neuron are made at once.

    Args:
        plane: the network.
        rows: all rows of the table, in their order; at least one.
        complete: whether these are all cells; else they are the first ones.

    Raises:
        InputError: they are not the cells of this network.
    """
    signs = rows.signs
    tree = _Tree(plane, signs, complete)
    rectangle = Polygons.rectangle(plane.lower, plane.upper)
    identity = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    root = _Nodes(np.array([0]), np.array([len(signs[0])]), rectangle)
    with np.errstate(over="ignore", invalid="ignore"):
        tree.descend(0, root, identity)
    polygons = Polygons.join(tree.polygons)
    outputs = np.concatenate(tree.outputs)
    _check_size(polygons, outputs, len(signs[0]))
    _check_signs(plane, signs, polygons)
    cuts = np.concatenate([np.empty((0, 2, 2)), *tree.cuts])
    real = (cuts[:, 0] != cuts[:, 1]).any(axis=1) & ~np.isnan(cuts).any(axis=(1, 2))
    layers = np.concatenate([np.empty(0, dtype=np.int64), *tree.cut_layers])
    return Partition(plane, rows, polygons, outputs, cuts[real], layers[real])


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Nodes of the tree: the rows from ``first`` to before ``stop`` (c,), and their polygons."""

    first: Ints
    stop: Ints
    polygons: Polygons

    def take(self, which: Ints) -> _Nodes:
        return _Nodes(self.first[which], self.stop[which], self.polygons.take(which))


class _Tree:
    """The walk down the tree, layer by layer, a bounded number of cells at a time."""

    def __init__(self, plane: Plane, signs: Sequence[NDArray[np.uint8]], complete: bool) -> None:
        self.maps = plane.maps()
        last = plane.stack.output
        self.output = None if last is None else (last.weight, last.bias)
        self.signs = signs
        self.complete = complete
        self.polygons: list[Polygons] = []
        self.outputs: list[Floats] = []
        self.cuts: list[Floats] = []
        self.cut_layers: list[Ints] = []

    def descend(self, layer: int, nodes: _Nodes, inputs: Floats) -> None:
        """Cut cells of the layers before ``layer`` by that layer, and go on inside them.

        ``inputs`` (c, n, 3) are the layer's inputs as affine maps on each of the nodes.
        """
        if layer == len(self.maps):
            self.polygons.append(nodes.polygons)
            self.outputs.append(inputs if self.output is None else _pull(*self.output, inputs))
            return
        values = _pull(*self.maps[layer], inputs)
        children, parent = self._cut(layer, nodes, values)
        width = values.shape[1]
        active = unpack(self.signs[layer][children.first], width)
        step = max(1, NUMBERS_AT_A_TIME // (3 * self._widest_from(layer)))
        for start in range(0, len(parent), step):
            some = np.arange(start, min(start + step, len(parent)))
            masked = values[parent[some]] * active[some, :, None]
            self.descend(layer + 1, children.take(some), masked)

    def _widest_from(self, layer: int) -> int:
        """Return the larger width of a layer and of what follows it."""
        following = self.maps[layer + 1] if layer + 1 < len(self.maps) else self.output
        return max(len(self.maps[layer][1]), 0 if following is None else len(following[1]))

    def _cut(self, layer: int, nodes: _Nodes, values: Floats) -> tuple[_Nodes, Ints]:
        """Return the children of the nodes by all neurons of a layer, and each one's parent.

        ``values`` (c, n, 3) are the neurons' affine maps on the nodes.
        """
        begin, end = nodes.first[0], nodes.stop[-1]
        bits = unpack(self.signs[layer][begin:end], values.shape[1])
        at_the_end = not self.complete and end == len(self.signs[0])
        first, stop = nodes.first - begin, nodes.stop - begin
        shapes = Pool(nodes.polygons)
        shape = parent = np.arange(len(first))
        for neuron, column in enumerate(np.ascontiguousarray(bits.T)):
            ones_before = np.concatenate([[0], np.cumsum(column, dtype=np.int64)])
            middle = stop - (ones_before[stop] - ones_before[first])
            cut = (first < middle) & (middle < stop)
            if at_the_end:  # there, what lies beyond the line may not be in the table
                cut |= (first < stop) & (stop == len(bits)) & (middle == stop)
            which = np.flatnonzero(cut)
            if not which.size:
                continue
            below, above, chords = shapes.take(shape[which]).split(values[parent[which], neuron])
            self.cuts.append(chords)
            self.cut_layers.append(np.full(len(chords), layer))
            first = np.concatenate([first, middle[which]])
            stop = np.concatenate([np.where(cut, middle, stop), stop[which]])
            parent = np.concatenate([parent, parent[which]])
            shape = np.concatenate([shape, shapes.add(above)])
            shape[which] = shapes.add(below)
        order = np.argsort(first, kind="stable")
        order = order[(first < stop)[order]]
        polygons = shapes.take(shape[order])
        return _Nodes(first[order] + begin, stop[order] + begin, polygons), parent[order]


def _pull(weight: Floats, bias: Floats, inputs: Floats) -> Floats:
    """Return ``W a + b`` (c, n_out, 3) for affine maps ``a`` (c, n_in, 3)."""
    result: Floats = np.matmul(weight, inputs)
    result[:, :, 2] += bias
    return result


def _check_size(polygons: Polygons, outputs: Floats, rows: int) -> None:
    """Refuse what cannot be drawn.

    Raises:
        InputError: numbers are out of float64's range, or two rows have the same signs.
    """
    if len(polygons) != rows:
        raise InputError(
            "the table has rows that differ after the last neuron of a layer only; "
            "give it as nnce enumerate wrote it"
        )
    if not (np.isfinite(polygons.areas()).all() and np.isfinite(outputs).all()):
        raise InputError(
            "the domain or the network's values are too large to be drawn; "
            "enumerate on a smaller domain"
        )


def _check_signs(plane: Plane, signs: Sequence[NDArray[np.uint8]], polygons: Polygons) -> None:
    """Refuse a table that does not fit: each polygon's middle has the signs of its row.

    Raises:
        InputError: some sign is clearly another one.
    """
    centres = polygons.centres()[:, : plane.dimension]
    large = polygons.areas() > SURE * np.prod(plane.upper - plane.lower)
    step = max(1, NUMBERS_AT_A_TIME // max(plane.stack.widths))
    for start in range(0, len(centres), step):
        some = slice(start, start + step)
        values = plane.stack.preactivations(centres[some])
        for z, packed in zip(values, signs, strict=True):
            bits = unpack(packed[some], z.shape[1]).astype(np.bool_)
            wrong = (bits != (z > 0)) & (np.abs(z) > SURE * np.abs(z).max()) & large[some, None]
            if wrong.any():
                row = start + int(wrong.any(axis=1).argmax())
                raise InputError(
                    f"row {row} of the table is no cell of this model; "
                    "check the table with nnce verify"
                )
