"""Small networks with units of all kinds, made by hand, and tables of their cells from samples."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.domain import Box
from nnce_cli.network import CLIP, MAX, AffineMap, LayerStack, PieceUnit, Units
from nnce_cli.table import CellTableWriter, LayerCounter, Metadata, Output, Rows
from tests.cases import cube

SAMPLES = 20_000


def random_map(rng: np.random.Generator, n_out: int, n_in: int) -> AffineMap:
    """Return a map with weights that are multiples of 1/8."""
    numbers = np.round(8 * rng.normal(size=(n_out, n_in + 1))) / 8
    return AffineMap(numbers[:, 1:].copy(), numbers[:, 0].copy())


def with_differences(layer: AffineMap, units: Units) -> AffineMap:
    """Return the map whose maxima compare the values that their first neurons stand for.

    The neurons of a maximum of k are given as z_1, …, z_(k-1) and then anything; its base is z_0.
    """
    weight, bias = layer.weight.copy(), layer.bias.copy()
    for unit, first in units.firsts():
        if unit.kind != MAX:  # two neurons at a fixed distance
            weight[first + 1], bias[first + 1] = weight[first], bias[first] - 1.0
            continue
        values = [unit.base, *range(first, first + unit.pieces - 1)]
        rows = [(layer.weight[j] - layer.weight[i], layer.bias[j] - layer.bias[i])
                for i, j in ((values[i], values[j]) for i, j in unit.pairs)]  # fmt: skip
        for neuron, (w, b) in enumerate(rows, start=first):
            weight[neuron], bias[neuron] = w, b
    return AffineMap(weight, bias)


def behind(layer: AffineMap, units: Units) -> AffineMap:
    """Return the map of the units' values as one of the neurons' outputs."""
    weight = layer.weight.copy()
    weight[:, units.hidden_neurons()] = 0.0
    for target, source, sign in units.folds():
        weight[:, source] = sign * weight[:, target]
    return AffineMap(weight, layer.bias)


def stack_of_units(
    inputs: int, layers: list[tuple[Units, int]], outputs: int, seed: int = 0
) -> LayerStack:
    """Return a random network with these units, each layer with so many neurons."""
    rng = np.random.default_rng(seed)
    hidden: list[AffineMap] = []
    n_in, before = inputs, None
    for units, neurons in layers:
        layer = random_map(rng, neurons, n_in)
        layer = layer if before is None else behind(layer, before)
        hidden.append(with_differences(layer, units))
        n_in, before = neurons, units
    output = random_map(rng, outputs, n_in)
    return LayerStack(
        tuple(hidden),
        output if before is None else behind(output, before),
        (inputs,),
        "cd" * 32,
        units=tuple(units for units, _ in layers),
    )


def clip() -> PieceUnit:
    return PieceUnit(CLIP, 3)


def maximum(pieces: int, base: int) -> PieceUnit:
    return PieceUnit(MAX, pieces, base)


def zoo(inputs: int = 2, outputs: int = 2) -> dict[str, LayerStack]:
    """Return networks with units of all kinds."""
    leaky, mixed = Units(np.full(4, 0.125)), Units(np.array([0.0, -1.0, 0.25]))
    clips = Units(np.zeros(2), (clip(), clip()))
    # Two ReLUs, a clip, a maximum of 4, and its base, the last of 11 neurons.
    all_kinds = Units(np.array([0.0, 0.5]), (clip(), maximum(4, 10)))
    pool = Units(np.zeros(0), (maximum(3, 7), maximum(3, 6)))
    return {
        name: stack_of_units(inputs, layers, outputs, seed)
        for seed, (name, layers) in enumerate(
            {
                "relu": [(Units.relu(5), 5), (Units.relu(3), 3)],
                "leaky": [(leaky, 4), (leaky, 4)],
                "mixed": [(mixed, 3), (Units.relu(3), 3)],
                "passing": [(Units.relu(3), 5), (Units.relu(2), 3)],
                "clips": [(clips, 6), (Units.relu(3), 3)],
                "all kinds": [(all_kinds, 11), (mixed, 4)],
                "pool": [(Units.relu(4), 4), (pool, 8)],
                "no hidden layer": [],
            }.items()
        )
    }


@dataclass(frozen=True)
class Sampled:
    """Cells of a network that samples have met, as a table has them."""

    stack: LayerStack
    box: Box
    metadata: Metadata
    rows: Rows
    joined: NDArray[np.uint8]

    def write(self, path) -> Metadata:
        """Write them as a table that claims to be complete."""
        with Output(str(path)) as output:
            writer = CellTableWriter(output, self.metadata)
            writer.write(self.rows)
            said = writer.close(complete=True, certified=True, decisions={})
            output.commit()
        return said


def sampled(stack: LayerStack, box: Box | None = None, samples: int = SAMPLES) -> Sampled:
    """Return the cells that random points are in, with their ranks and a witness each."""
    box = cube(stack.n_inputs, -1, 1) if box is None else box
    points = np.random.default_rng(1).uniform(box.lower, box.upper, (samples, box.n_inputs))
    codes = stack.codes(points)
    nothing = np.zeros((samples, 0), np.uint8)
    joined = stack.layout.join_layers(codes) if codes else nothing
    joined, first = np.unique(joined, axis=0, return_index=True) if codes else (nothing[:1], [0])
    points = points[first]
    chosen = [(bits[first], pieces[first]) for bits, pieces in codes]
    active = [(bits > 0).sum(axis=1) + (pieces > 0).sum(axis=1) for bits, pieces in chosen]
    rows = Rows(
        signs=stack.layout.split(joined),
        active=np.array(active, np.uint16).reshape(len(codes), len(points)).T,
        ranks=_ranks(stack, chosen, len(points)),
        witness=points,
    )
    counter = LayerCounter(stack.layout)
    counter.add(rows)
    metadata = dataclasses.replace(
        Metadata.of(stack, box, witness=True), layer_cells=tuple(counter.layer_cells)
    )
    return Sampled(stack, box, metadata, rows, joined)


def linear_parts(stack: LayerStack, codes, row: int) -> list[NDArray[np.float64]]:
    """Return the maps x -> neurons' outputs of each layer on the cell of a row: (n, 1 + d)."""
    found, maps = [], np.eye(stack.n_inputs + 1)[1:]
    for layer, units, (bits, pieces) in zip(stack.hidden, stack.units, codes, strict=True):
        maps = layer.weight @ maps
        maps[:, 0] += layer.bias
        gains = units.gains((bits[row : row + 1], pieces[row : row + 1]), layer.n_out)
        maps = gains[0][:, None] * maps
        found.append(maps)
    return found


def _ranks(stack: LayerStack, codes, cells: int) -> NDArray[np.uint16]:
    ranks = np.zeros((cells, len(codes)), np.uint16)
    for row in range(cells):
        for k, maps in enumerate(linear_parts(stack, codes, row)):
            units, values = stack.units[k], maps.copy()
            for target, source, sign in units.folds():
                values[target] += sign * maps[source]
            kept = [i for i in range(len(values)) if i not in set(units.hidden_neurons())]
            ranks[row, k] = np.linalg.matrix_rank(values[kept, 1:])
    return ranks
