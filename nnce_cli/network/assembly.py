"""From units and outputs to layers: which neurons each layer has, and what they are made of.

Layer k has the units of depth k. What later layers or the output need of earlier ones travels in
pass-throughs: either the variables themselves, or the sums of them that are needed, whichever are
fewer. So layers are built from the last one to the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nnce_cli.network.affine_tensor import AffineTensor
from nnce_cli.network.exact import Array
from nnce_cli.network.passing import passes_for
from nnce_cli.network.ports import Place
from nnce_cli.network.reading import Reading
from nnce_cli.network.sparse import (
    EXACT,
    Floats,
    Index,
    Rows,
    add_rows,
    apply_rows,
    apply_sizes,
    join,
    magnitudes,
    product,
    stack_rows,
    starts_of,
    unit_rows,
)
from nnce_cli.network.unit_blocks import BITS, CARRIED, CLIPS, MAXIMA
from nnce_cli.network.units import CLIP, MAX, PieceUnit, Units


@dataclass(frozen=True, eq=False)
class Forms:
    """Affine functions: of variables, or of the neurons of a layer."""

    linear: Rows
    offset: Array
    sizes: Floats | None

    @staticmethod
    def of(x: AffineTensor) -> Forms:
        """Return the entries of a tensor."""
        sizes = None if x.sizes is None else x.sizes.ravel()
        return Forms(x.rows, x.offset.ravel(), sizes)


@dataclass(frozen=True, eq=False)
class Layer:
    """The neurons of a layer as functions of those before it, and the units that they are of.

    ``probe`` has the neurons that are not passed on from earlier layers as functions of the
    watched tensors. ``roundings`` and ``element_types`` are about evaluating it in the file's own
    types. The output map is a layer without units.
    """

    map: Forms
    units: Units | None
    nodes: tuple[str, ...]
    places: tuple[Place, ...]
    probe: Forms
    roundings: int
    element_types: frozenset[str]


def assemble(reading: Reading) -> list[Layer]:
    """Return the layers of what was read, the output map last."""
    depths = reading.depths.of
    levels: dict[int, list[int]] = {}
    for i, block in enumerate(reading.blocks):
        levels.setdefault(block.depth, []).append(i)
    wanted, above = _output(reading)
    layers = []
    for depth in range(len(levels), 0, -1):
        level = _Level(reading, depth, levels[depth])
        mine = depths[wanted.linear.columns] == depth
        passed, passes = passes_for(wanted.linear.select(~mine))
        new = Forms(wanted.linear.select(mine), wanted.offset, wanted.sizes)
        layers.append(replace(above, map=level.through(new, passed)))
        wanted, above = level.forms(passes), level.layer
    layers.append(replace(above, map=wanted))
    return layers[::-1]


def _output(reading: Reading) -> tuple[Forms, Layer]:
    """Return the outputs, joined, and the layer that they are, still without its map."""
    tensors = list(reading.outputs.values())
    forms = _stacked([Forms.of(x) for x in tensors])
    layer = Layer(
        map=forms,
        units=None,
        nodes=tuple(reading.nodes[i].label for i in reading.output_nodes),
        places=(),
        probe=forms,
        roundings=max(x.roundings for x in tensors),
        element_types=frozenset().union(*(x.element_types for x in tensors)),
    )
    return forms, layer


class _Level:
    """The units of one depth as a layer.

    Its neurons are those of the units with two pieces, of the others, the bases of maxima, what
    is carried for them, and what is passed on from earlier layers.
    """

    def __init__(self, reading: Reading, depth: int, chosen: list[int]) -> None:
        blocks = [reading.blocks[i] for i in chosen]
        self.bits = [b for b in blocks if b.kind == BITS]
        self.many = [b for b in blocks if b.kind in (CLIPS, MAXIMA)]
        self.carried = [b for b in blocks if b.kind == CARRIED]
        self.local = np.cumsum(reading.depths.of == depth) - 1  # of this depth's variables
        self.tracked = any(b.neurons.tensor.sizes is not None for b in blocks)
        maxima = [b.bases for b in self.many if b.bases is not None]
        self.arguments = [
            *(b.neurons for b in (*self.bits, *self.many)),
            *maxima,
            *(b.neurons for b in self.carried),
        ]
        self.n = sum(x.tensor.size for x in self.arguments)
        slopes = [b.slopes for b in self.bits if b.slopes is not None]
        units = Units(np.concatenate(slopes) if slopes else np.zeros(0), tuple(self._pieces()))
        tensors = [x.tensor for x in self.arguments]
        places = sorted({place for i in chosen for place in reading.block_nodes[i]})
        self.layer = Layer(
            map=Forms.of(tensors[0]),
            units=units,
            nodes=tuple(reading.nodes[place].label for place in places),
            places=tuple(self._places()),
            probe=_stacked([Forms.of(x.probe) for x in self.arguments]),
            roundings=max(x.roundings for x in tensors),
            element_types=frozenset().union(*(x.element_types for x in tensors)),
        )

    def _pieces(self) -> Iterator[PieceUnit]:
        """Yield the units with more than two pieces; bases of maxima follow all units' neurons."""
        base = sum(b.neurons.tensor.size for b in (*self.bits, *self.many))
        for block in self.many:
            if block.counts is None:
                yield from [PieceUnit(CLIP, 3)] * block.count
                continue
            for k in block.counts.tolist():
                yield PieceUnit(MAX, k, base)
                base += 1

    def _places(self) -> Iterator[Place]:
        for many, blocks in ((False, self.bits), (True, self.many)):
            first = 0
            for block in blocks:
                every = len(block.positions) == math.prod(block.shape)
                positions = () if every else tuple(block.positions.tolist())
                yield Place(block.node, many, first, block.count, block.shape, positions)
                first += block.count

    def forms(self, passes: Rows) -> Forms:
        """Return all neurons as functions of earlier variables, those passed on last."""
        parts = [Forms.of(x.tensor) for x in self.arguments]
        zeros = np.zeros(passes.n)
        sizes = zeros if passes.sizes is not None else None
        return _stacked([*parts, Forms(passes, zeros, sizes)])

    def through(self, new: Forms, passed: Rows) -> Forms:
        """Return functions of this depth's variables, and of what is passed, by its neurons."""
        values, constants = self._values()
        linear = new.linear
        local = Rows(linear.starts, self.local[linear.columns], linear.values, linear.sizes)
        at = Rows(passed.starts, passed.columns + self.n, passed.values, passed.sizes)
        offset = EXACT.add(new.offset, apply_rows(local, constants))
        sizes = None
        if new.sizes is not None:
            sizes = new.sizes + apply_sizes(local, magnitudes(constants))
        return Forms(add_rows(product(local, values), at), offset, sizes)

    def _values(self) -> tuple[Rows, Array]:
        """Return the variables of this depth by the neurons: matrix and constants."""
        parts: dict[int, Rows] = {}
        constants: dict[int, Array] = {}
        neuron = 0
        base = sum(b.neurons.tensor.size for b in (*self.bits, *self.many))
        for block in (*self.bits, *self.many):
            if block.kind == BITS:
                parts[block.first] = unit_rows(neuron + np.arange(block.count))
            elif block.low is not None:
                columns = neuron + np.arange(2 * block.count)
                ones = np.tile([1.0, -1.0], block.count)
                parts[block.first] = Rows(np.arange(block.count + 1) * 2, columns, ones)
                constants[block.first] = block.low
            elif block.counts is not None:
                parts[block.first] = _maxima(block.counts, neuron, base)
                base += block.count
            neuron += block.neurons.tensor.size
        for block in self.carried:
            parts[block.first] = unit_rows(base + np.arange(block.count))
            base += block.count
        order = sorted(parts)
        rows = stack_rows([parts[first] for first in order])
        offset = join([constants.get(first, np.zeros(parts[first].n)) for first in order])
        sizes = magnitudes(rows.values) if self.tracked else None
        return Rows(rows.starts, rows.columns, rows.values, sizes), offset


def _maxima(counts: Index, neuron: int, base: int) -> Rows:
    """Return the values of maxima: the piece neurons of each, and its base."""
    firsts = neuron + starts_of(counts * (counts - 1) // 2)[:-1]
    starts = starts_of(counts)
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
    columns = np.repeat(firsts, counts) + within
    columns[starts[1:] - 1] = base + np.arange(len(counts))
    return Rows(starts, columns, np.ones(len(columns)))


def _stacked(parts: Sequence[Forms]) -> Forms:
    sizes = [part.sizes for part in parts if part.sizes is not None]
    return Forms(
        stack_rows([part.linear for part in parts]),
        join([part.offset for part in parts]),
        np.concatenate(sizes) if len(sizes) == len(parts) else None,
    )
