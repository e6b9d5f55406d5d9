"""The cells of a network on a plane domain as polygons, from the rows of their table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network import MAX, PieceUnit, Units
from nnce_cli.plotting.marks import Marks
from nnce_cli.plotting.plane import Part, Plane
from nnce_cli.plotting.polygons import Floats, Ints, Polygons, Pool
from nnce_cli.plotting.window import window
from nnce_cli.table import Rows

Bytes = NDArray[np.uint8]

NUMBERS_AT_A_TIME = 1 << 22  # of affine maps in memory, for each layer
SURE = 1e-9  # a sign that rounding cannot have made, as a share of the layer's largest sum


@dataclass(frozen=True, eq=False)
class Partition:
    """The cells of a table as polygons, in the order of its ``rows``.

    ``outputs`` (cells, m, 3) are the affine maps of the m outputs on the cells; a row (a, b, c)
    stands for ``a x + b y + c``. ``cuts`` (s, 2, 2) are the ends of the pieces of the neurons'
    bent lines, and ``cut_layers`` (s,) counts their layers from 0. Where the plane is seen through
    a window, ``outside`` is how many cells are not in it.
    """

    plane: Plane
    rows: Rows
    polygons: Polygons
    outputs: Floats
    cuts: Floats
    cut_layers: Ints
    outside: int = 0


def partition(plane: Plane, rows: Rows, *, complete: bool) -> Partition:
    """Cut the domain along the tree of the table's rows.

    An unbounded domain is cut twice: out to far away, to see where its cells are, and then within
    a window around them.

    The rows under a node of the tree stand together, and a unit cuts the node's polygon where its
    code is not the same in all of them: no geometry decides that. All cuts of one unit are made at
    once; where it has two pieces, a cut is made for each cell but the first.

    Args:
        plane: the network.
        rows: all rows of the table, in their order; at least one.
        complete: whether these are all cells; else they are the first ones.

    Raises:
        InputError: they are not the cells of this network.
    """
    if plane.part is not Part.FAR:
        return _checked(_cut_up(plane, rows, complete=complete))
    far = _cut_up(plane, rows, complete=complete)
    seen = plane.within(*window(plane, far.cuts, Marks.of(plane).places), Part.WINDOW)
    near = _checked(_cut_up(seen, rows, complete=complete))
    return replace(near, outside=_beyond(far.polygons, seen))


def _beyond(polygons: Polygons, plane: Plane) -> int:
    """Count the polygons of which nothing is in the frame of a plane."""
    (left, bottom), (right, top) = plane.lower.tolist(), plane.upper.tolist()
    inside = polygons
    for side in ((-1, 0, left), (1, 0, -right), (0, -1, bottom), (0, 1, -top)):
        inside, _, _ = inside.split(np.tile(np.array(side, dtype=np.float64), (len(inside), 1)))
    return int((inside.counts == 0).sum())


def _cut_up(plane: Plane, rows: Rows, *, complete: bool) -> Partition:
    tree = _Tree(plane, rows, complete)
    identity = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    root = _Nodes(np.array([0]), np.array([len(rows.active)]), plane.outline)
    with np.errstate(over="ignore", invalid="ignore"):
        tree.descend(0, root, identity)
    cuts = np.concatenate([np.empty((0, 2, 2)), *tree.cuts])
    real = (cuts[:, 0] != cuts[:, 1]).any(axis=1) & ~np.isnan(cuts).any(axis=(1, 2))
    layers = np.concatenate([np.empty(0, dtype=np.int64), *tree.cut_layers])
    outputs, polygons = np.concatenate(tree.outputs), Polygons.join(tree.polygons)
    return Partition(plane, rows, polygons, outputs, cuts[real], layers[real])


def _checked(found: Partition) -> Partition:
    """Return a partition that can be drawn, and is one of the network.

    Raises:
        InputError: it is none.
    """
    _check_size(found.polygons, found.outputs, len(found.rows.active))
    _check_codes(found.plane, found.rows, found.polygons)
    return found


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

    def __init__(self, plane: Plane, rows: Rows, complete: bool) -> None:
        *self.maps, self.output = plane.maps()
        self.units = plane.stack.units
        self.layout = plane.stack.layout
        self.rows = rows
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
            self.outputs.append(_pull(*self.output, inputs))
            return
        values = _pull(*self.maps[layer], inputs)
        children, parent = self._cut(layer, nodes, values)
        gains = self.units[layer].gains(self._codes(layer, children.first), values.shape[1])
        step = max(1, NUMBERS_AT_A_TIME // (3 * self._widest_from(layer)))
        for start in range(0, len(parent), step):
            some = np.arange(start, min(start + step, len(parent)))
            passed = values[parent[some]] * gains[some, :, None]
            self.descend(layer + 1, children.take(some), passed)

    def _widest_from(self, layer: int) -> int:
        """Return the larger width of a layer and of what follows it."""
        following = self.maps[layer + 1] if layer + 1 < len(self.maps) else self.output
        return max(len(self.maps[layer][1]), len(following[1]))

    def _codes(self, layer: int, rows: slice | Ints) -> tuple[Bytes, Bytes]:
        """Return the bits (m, n) and pieces (m, p) of a layer in some rows."""
        columns = self.rows.signs[self.layout.layer_columns[layer]]
        return self.layout.only(layer).layers([column[rows] for column in columns])[0]

    def _cut(self, layer: int, nodes: _Nodes, values: Floats) -> tuple[_Nodes, Ints]:
        """Return the children of the nodes by all units of a layer, and each one's parent.

        ``values`` (c, n, 3) are the neurons' affine maps on the nodes.
        """
        begin, end = nodes.first[0], nodes.stop[-1]
        units, (bits, pieces) = self.units[layer], self._codes(layer, slice(begin, end))
        cutting = _Cutting(
            nodes, values, goes_on=not self.complete and end == len(self.rows.active)
        )
        for neuron, column in enumerate(np.ascontiguousarray(bits.T)):
            cutting.by_line(neuron, column)
        for (unit, first), column in zip(units.firsts(), pieces.T, strict=True):
            if unit.kind == MAX:
                cutting.by_winner(unit, first, column)
                continue
            for piece in range(1, unit.pieces):
                cutting.by_line(first + piece - 1, column >= piece)
        self.cuts += cutting.cuts
        self.cut_layers += [np.full(len(cuts), layer) for cuts in cutting.cuts]
        return cutting.children()


class _Cutting:
    """Nodes of the tree while the units of a layer cut them, one after the other."""

    def __init__(self, nodes: _Nodes, values: Floats, *, goes_on: bool) -> None:
        """Begin with nodes whose rows stand together; the neurons' maps on them are ``values``.

        ``goes_on`` says that rows may be missing behind the last one.
        """
        self.cuts: list[Floats] = []
        self._values = values
        self._begin = nodes.first[0]
        self._goes_on = goes_on
        self._first, self._stop = nodes.first - self._begin, nodes.stop - self._begin
        self._rows = self._stop[-1]
        self._shapes = Pool(nodes.polygons)
        self._shape = self._parent = np.arange(len(nodes.first))

    def by_line(self, neuron: int, column: NDArray[Any]) -> None:
        """Cut along the zero line of a neuron where ``column``, 0 and then 1, is both."""
        first, stop = self._first, self._stop
        ones_before = np.concatenate([[0], np.cumsum(column, dtype=np.int64)])
        middle = stop - (ones_before[stop] - ones_before[first])
        cut = (first < middle) & (middle < stop)
        if self._goes_on:  # there, what lies beyond the line may not be in the table
            cut |= (first < stop) & (stop == self._rows) & (middle == stop)
        which = np.flatnonzero(cut)
        if not which.size:
            return
        maps = self._values[self._parent[which], neuron]
        below, above, chords = self._shapes.take(self._shape[which]).split(maps)
        self.cuts.append(chords)
        self._first = np.concatenate([first, middle[which]])
        self._stop = np.concatenate([np.where(cut, middle, stop), stop[which]])
        self._parent = np.concatenate([self._parent, self._parent[which]])
        self._shape = np.concatenate([self._shape, self._shapes.add(above)])
        self._shape[which] = self._shapes.add(below)

    def by_winner(self, unit: PieceUnit, neuron: int, column: Bytes) -> None:
        """Divide nodes by the winner of a maximum whose first neuron this is.

        A winner's part is what is left where each other number that wins somewhere in the node is
        no larger; its border to one of them is the last of these cuts.
        """
        before = np.zeros((unit.pieces, len(column) + 1), dtype=np.int64)
        for winner in range(unit.pieces):
            np.cumsum(column == winner, out=before[winner, 1:])
        counts = before[:, self._stop] - before[:, self._first]
        rivals = counts > 0
        if self._goes_on:  # those after the last one may win in rows that are not in the table
            at_the_end = (self._stop == self._rows) & (self._first < self._stop)
            last = unit.pieces - 1 - rivals[::-1].argmax(axis=0)
            rivals |= at_the_end & (np.arange(unit.pieces)[:, None] > last)
        divided = np.flatnonzero(rivals.sum(axis=0) > 1)
        kept = np.setdiff1d(np.arange(len(self._first)), divided)
        parts = [(self._first[kept], self._stop[kept], self._shape[kept], self._parent[kept])]
        starts = self._first + np.cumsum(counts, axis=0) - counts
        for winner in range(unit.pieces):
            which = divided[counts[winner, divided] > 0]
            if not which.size:
                continue
            shape = self._part_of(unit, neuron, winner, which, rivals)
            first, parent = starts[winner, which], self._parent[which]
            parts.append((first, first + counts[winner, which], shape, parent))
        self._first, self._stop, self._shape, self._parent = map(
            np.concatenate, zip(*parts, strict=True)
        )

    def _part_of(
        self, unit: PieceUnit, neuron: int, winner: int, which: Ints, rivals: NDArray[np.bool_]
    ) -> Ints:
        """Return the shapes of what a winner has of the nodes ``which``; note its borders."""
        shapes = self._shapes.take(self._shape[which])
        others = [rival for rival in range(unit.pieces) if rival != winner]
        for rival in others:
            shapes, _ = self._without(shapes, unit, neuron, (winner, rival), which, rivals)
        for rival in others[winner:]:  # each border once
            alone = self._shapes.take(self._shape[which])
            for other in others:
                if other != rival:
                    alone, _ = self._without(alone, unit, neuron, (winner, other), which, rivals)
            _, chords = self._without(alone, unit, neuron, (winner, rival), which, rivals)
            self.cuts.append(chords)
        return self._shapes.add(shapes)

    def _without(
        self,
        shapes: Polygons,
        unit: PieceUnit,
        neuron: int,
        pair: tuple[int, int],
        which: Ints,
        rivals: NDArray[np.bool_],
    ) -> tuple[Polygons, Floats]:
        """Return shapes without what is larger for the second of a pair than for the first.

        Only where the second is a rival; and return the cuts.
        """
        rival = pair[1]
        cut = np.flatnonzero(rivals[rival, which])
        low, high = sorted(pair)
        maps = self._values[self._parent[which[cut]], neuron + unit.comparison(low, high)]
        lead = -maps if rival == high else maps  # z_winner - z_rival
        _, left, chords = shapes.take(cut).split(lead)
        pool = Pool(shapes)
        shape = np.arange(len(shapes))
        shape[cut] = pool.add(left)
        return pool.take(shape), chords

    def children(self) -> tuple[_Nodes, Ints]:
        """Return what the nodes were cut into, in table order, and each one's parent."""
        order = np.argsort(self._first, kind="stable")
        order = order[(self._first < self._stop)[order]]
        first, stop = self._first[order] + self._begin, self._stop[order] + self._begin
        return _Nodes(first, stop, self._shapes.take(self._shape[order])), self._parent[order]


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


def _check_codes(plane: Plane, rows: Rows, polygons: Polygons) -> None:
    """Refuse a table that does not fit: each polygon's middle has the codes of its row.

    Raises:
        InputError: some code is clearly another one.
    """
    stack = plane.stack
    centres = polygons.centres()[:, : plane.dimension]
    large = polygons.areas() > SURE * np.prod(plane.upper - plane.lower)
    step = max(1, NUMBERS_AT_A_TIME // max([2, *(layer.n_out for layer in stack.hidden)]))
    for start in range(0, len(centres), step):
        some = slice(start, start + step)
        codes = stack.layout.layers([column[some] for column in rows.signs])
        values = stack.preactivations(centres[some])
        size = np.abs(centres[some]).max(axis=0)
        layers = zip(stack.hidden, stack.units, values, codes, strict=True)
        for layer, units, z, (bits, pieces) in layers:
            scale = SURE * (np.abs(layer.weight) @ size + np.abs(layer.bias)).max(initial=0.0)
            size = np.abs(z).max(axis=0) * np.abs(units.slopes).max(initial=1.0)
            wrong = (_excess(units, z, bits, pieces) > scale) & large[some, None]
            if wrong.any():
                row = start + int(wrong.any(axis=1).argmax())
                raise InputError(
                    f"row {row} of the table is no cell of this model; "
                    "check the table with nnce verify"
                )


def _excess(units: Units, z: Floats, bits: Bytes, pieces: Bytes) -> Floats:
    """Return by how much numbers of neurons (m, n) are not what codes say, a column a condition."""
    columns = [np.where(bits != 0, -1.0, 1.0) * z[:, : units.bits]]
    for (unit, first), code in zip(units.firsts(), pieces.T, strict=True):
        if unit.kind == MAX:
            leads = np.zeros((len(z), unit.pieces))
            leads[:, 1:] = z[:, first : first + unit.pieces - 1][:, ::-1]
            columns.append(leads - np.take_along_axis(leads, code[:, None].astype(int), axis=1))
            continue
        passed = code[:, None] >= np.arange(1, unit.pieces)
        columns.append(np.where(passed, -1.0, 1.0) * z[:, first : first + unit.pieces - 1])
    return np.concatenate(columns, axis=1)
