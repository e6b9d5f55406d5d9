"""The units that a node makes, before layers are built of them.

A unit's value is a new variable. Its neurons are affine functions of earlier variables; what a
node reads is also kept as a *probe*, the same neurons as functions of the tensors of the ONNX
file, so that a layer can be held against what a runtime computes there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import (
    AffineTensor,
    Depths,
    Shape,
    add,
    broadcast,
    constant,
    joined,
    multiply,
    reshape,
    scale,
    taken,
    variables,
)
from nnce_cli.network.exact import Array
from nnce_cli.network.sparse import Floats, Index, limit_entries
from nnce_cli.network.units import MOST_PIECES

BITS, CLIPS, MAXIMA, CARRIED = "bits", "clips", "maxima", "carried"


@dataclass(frozen=True, eq=False)
class Argument:
    """A tensor that a unit's node reads, and the same tensor as the file names it (``probe``)."""

    tensor: AffineTensor
    probe: AffineTensor

    @property
    def shape(self) -> Shape:
        """The shape of the tensor."""
        return self.tensor.shape

    @property
    def is_constant(self) -> bool:
        """Whether the tensor does not depend on the input."""
        return self.tensor.is_constant

    def __add__(self, other: Argument) -> Argument:
        """Return the sum, entry by entry."""
        return Argument(add(self.tensor, other.tensor), add(self.probe, other.probe))

    def __sub__(self, other: Argument) -> Argument:
        """Return the difference, entry by entry."""
        return self + other.times(-1.0)

    def times(self, factor: float) -> Argument:
        """Return a multiple."""
        return Argument(scale(self.tensor, factor), scale(self.probe, factor))

    def plus(self, values: Array) -> Argument:
        """Return the sum with constant numbers."""
        numbers = constant(values, self.tensor.element_type)
        return Argument(add(self.tensor, numbers), add(self.probe, numbers))

    def weighted(self, values: Array) -> Argument:
        """Return the product with constant numbers."""
        numbers = constant(values, self.tensor.element_type)
        return Argument(multiply(self.tensor, numbers), multiply(self.probe, numbers))

    def at(self, places: NDArray[np.int64]) -> Argument:
        """Return the entries at flat places, in an array of any shape."""
        return Argument(taken(self.tensor, places), taken(self.probe, places))

    def broadcast(self, shape: Shape) -> Argument:
        """Return it broadcast to a shape."""
        return Argument(broadcast(self.tensor, shape), broadcast(self.probe, shape))

    @staticmethod
    def join(parts: Sequence[Argument]) -> Argument:
        """Return all entries in one vector."""
        return Argument(joined([p.tensor for p in parts]), joined([p.probe for p in parts]))


@dataclass(eq=False)
class Block:
    """Units of one kind that one node makes, or values that are carried for it.

    ``neurons`` are their neurons, in order. ``first`` is the variable of the first one's value;
    ``slopes`` belong to bits, ``low`` to clips (what their value starts from); ``counts`` says of
    how many numbers maxima are, whose first numbers, their bases, are ``bases``. The units are
    the entries of the node's output tensor at ``positions``, in that tensor's ``shape``.
    """

    kind: str
    node: str
    depth: int
    first: int
    count: int
    neurons: Argument
    positions: Index
    shape: Shape = ()
    slopes: Floats | None = None
    low: Array | None = None
    counts: Index | None = None
    bases: Argument | None = None

    @property
    def neurons_each(self) -> Index:
        """The number of neurons of each unit."""
        if self.counts is not None:
            return self.counts * (self.counts - 1) // 2
        return np.full(self.count, 2 if self.kind == CLIPS else 1)


@dataclass(eq=False)
class UnitMaker:
    """What makes units while a graph is read: the blocks so far, and the node that is read."""

    depths: Depths
    tracked: bool
    blocks: list[Block] = field(default_factory=list)
    node: str = ""

    def two_pieces(self, z: Argument, slopes: Floats, positions: Index) -> AffineTensor:
        """Return units that give z where z > 0 and ``slope * z`` elsewhere, for a vector z."""
        return self._enter(BITS, z, z, positions, len(positions), slopes=slopes)

    def clips(self, z: Argument, low: Array, high: Array, positions: Index) -> AffineTensor:
        """Return units that clip a vector z between low < high."""
        n = len(positions)
        both = Argument.join([z.plus(-low), z.plus(-high)])
        neurons = both.at(np.arange(2 * n).reshape(2, n).T.ravel())
        return self._enter(CLIPS, z, neurons, positions, n, low=low)

    def carried(self, z: Argument) -> AffineTensor:
        """Return a vector z as variables of the depth of units of z."""
        positions = np.arange(z.tensor.size)
        return self._enter(CARRIED, z, z, positions, len(positions))

    def maxima(self, z: Argument, counts: Index, positions: Index) -> AffineTensor:
        """Return the maxima of consecutive entries of a vector z, ``counts`` (>= 3) of each."""
        if int(counts.max()) > MOST_PIECES:
            raise InputError(
                f"it takes the maximum of {int(counts.max())} values, more than {MOST_PIECES}"
            )
        limit_entries(int((counts * (counts - 1) // 2).sum()))
        ends = np.cumsum(counts)
        starts = ends - counts
        pairs = {int(k): _pairs(int(k)) for k in np.unique(counts)}
        each = [pairs[int(k)] + start for k, start in zip(counts, starts, strict=True)]
        first, second = np.concatenate(each).T
        neurons = z.at(second) - z.at(first)
        bases = z.at(starts)
        return self._enter(MAXIMA, z, neurons, positions, len(counts), counts=counts, bases=bases)

    def _enter(
        self,
        kind: str,
        z: Argument,
        neurons: Argument,
        positions: Index,
        count: int,
        *,
        slopes: Floats | None = None,
        low: Array | None = None,
        counts: Index | None = None,
        bases: Argument | None = None,
    ) -> AffineTensor:
        depth = z.tensor.depth + 1
        new = self.depths.more(count, depth)
        self.blocks.append(
            Block(
                kind=kind,
                node=self.node,
                depth=depth,
                first=int(new[0]),
                count=count,
                neurons=neurons,
                positions=positions,
                slopes=slopes,
                low=low,
                counts=counts,
                bases=bases,
            )
        )
        made = variables(new, (count,), z.tensor.element_type, self.depths, tracked=self.tracked)
        # A unit may round: a slope's product, a clip's sum.
        return replace(made, roundings=0)

    def larger(self, a: Argument, b: Argument, positions: Index) -> AffineTensor:
        """Return the larger one of vectors a and b, entry by entry; code 1 where b wins."""
        step = self.two_pieces(b - a, np.zeros(len(positions)), positions)
        return add(self.light(a), step)

    def light(self, a: Argument) -> AffineTensor:
        """Return a vector, as variables of its own where they are fewer than it depends on."""
        rows = a.tensor.rows
        if len(np.unique(rows.columns)) <= rows.n:
            return a.tensor
        return self.carried(a)


def _pairs(k: int) -> NDArray[np.int64]:
    """Return the pairs (i, j) whose differences z_j - z_i are the neurons of a max, in order."""
    firsts = [(0, j) for j in range(k - 1, 0, -1)]
    return np.array(firsts + list(combinations(range(1, k), 2)), np.int64)


def flat(x: Argument) -> Argument:
    """Return an argument as a vector."""
    n = (x.tensor.size,)
    return Argument(reshape(x.tensor, n), reshape(x.probe, n))
