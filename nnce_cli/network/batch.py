"""Networks that were exported for a fixed batch of several samples: that of one of them.

Whether the first dimension of the input is a batch shows in what the network does with it: no
unit and no output mixes its rows, and each row goes through the same network. A matrix whose rows
meet anywhere is one input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network.affine_tensor import AffineTensor, Depths, taken
from nnce_cli.network.ports import Port
from nnce_cli.network.reading import Reading
from nnce_cli.network.sparse import Index, Rows
from nnce_cli.network.unit_blocks import Argument, Block

NOBODY, SEVERAL = -1, -2  # in place of a row


def one_sample(reading: Reading, same: Callable[[Reading, Reading], bool]) -> Reading:
    """Return what was read as a network of one sample, as it is where its input is no batch.

    Args:
        reading: what was read.
        same: whether two readings are the same network.
    """
    sizes = {port.shape[0] for port in reading.inputs if len(port.shape) > 1}
    if len(sizes) != 1 or any(len(port.shape) < 2 for port in reading.inputs):
        return reading
    [batch] = sizes
    if batch == 1:
        return reading
    owner = _owners(reading, batch)
    if owner is None or not all(_by_rows(x, batch, owner) for x in reading.outputs.values()):
        return reading
    first = _row(reading, batch, owner, 0)
    if not all(same(first, _row(reading, batch, owner, i)) for i in range(1, batch)):
        return reading
    note = (
        f"the file's input is a batch of {batch} samples, which do not depend on each other: the "
        "network is that of one sample"
    )
    return replace(first, notes=(*first.notes, note))


def _owners(reading: Reading, batch: int) -> Index | None:
    """Return the row that each variable depends on, None where one of them mixes rows."""
    parts = [np.repeat(np.arange(batch), port.size // batch) for port in reading.inputs]
    owner = np.full(len(reading.depths.of), NOBODY)
    owner[: reading.n_inputs] = np.concatenate(parts)
    for block in reading.blocks:
        units = np.repeat(np.arange(block.count), block.neurons_each)
        rows = block.neurons.tensor.rows
        found = _only(rows, owner)
        of_unit = _grouped(found, units, block.count)
        nobody = of_unit == NOBODY
        if nobody.any():  # constant units stand where they stand in the node's output
            if block.shape[0] != batch:
                return None
            each = int(np.prod(block.shape)) // batch
            of_unit[nobody] = block.positions[nobody] // each
        if (of_unit == SEVERAL).any():
            return None
        owner[block.first : block.first + block.count] = of_unit
    return owner


def _only(rows: Rows, owner: Index) -> Index:
    """Return the row that all variables of each function belong to."""
    return _grouped(owner[rows.columns], rows.row_of, rows.n)


def _grouped(values: Index, group: NDArray[np.int64], n: int) -> Index:
    """Return the value that all members of each group have, NOBODY apart."""
    known = values != NOBODY
    low, high = np.full(n, np.iinfo(np.int64).max), np.full(n, NOBODY)
    np.minimum.at(low, group[known], values[known])
    np.maximum.at(high, group[known], values[known])
    return np.where(high == NOBODY, NOBODY, np.where(low == high, high, SEVERAL))


def _by_rows(x: AffineTensor, batch: int, owner: Index) -> bool:
    """Whether row i of an output depends on row i of the input only."""
    if not x.shape or x.shape[0] != batch:
        return False
    found = _only(x.rows, owner)
    own = np.repeat(np.arange(batch), x.size // batch)
    return bool(((found == own) | (found == NOBODY)).all())


def _row(reading: Reading, batch: int, owner: Index, row: int) -> Reading:
    """Return the network of one row."""
    mine = np.flatnonzero(owner == row)
    numbers = np.full(len(owner), -1)
    numbers[mine] = np.arange(len(mine))
    depths = Depths(reading.depths.of[mine])
    chosen = [
        (_part(block, owner, row, batch, numbers), labels)
        for block, labels in zip(reading.blocks, reading.block_nodes, strict=True)
    ]
    kept = [(block, labels) for block, labels in chosen if block.count]
    outputs = {
        name: _renumbered(_first(x, batch, row), numbers) for name, x in reading.outputs.items()
    }
    inputs = tuple(
        Port(port.name, (1, *port.shape[1:]), port.element_type, batch) for port in reading.inputs
    )
    return replace(
        reading,
        inputs=inputs,
        n_inputs=sum(port.size for port in inputs),
        depths=depths,
        blocks=[block for block, _ in kept],
        block_nodes=[labels for _, labels in kept],
        outputs=outputs,
        batch=batch,
    )


def _part(block: Block, owner: Index, row: int, batch: int, numbers: Index) -> Block:
    """Return the units of a block that belong to a row."""
    units = np.flatnonzero(owner[block.first : block.first + block.count] == row)
    each = np.repeat(np.arange(block.count), block.neurons_each)
    neurons = np.flatnonzero(np.isin(each, units))
    positions, shape = block.positions[units], block.shape
    if shape and shape[0] == batch:
        positions = positions - row * (int(np.prod(shape)) // batch)
        shape = (1, *shape[1:])
    return replace(
        block,
        first=int(numbers[block.first + units[0]]) if len(units) else 0,
        count=len(units),
        neurons=_argument(block.neurons, neurons, numbers),
        positions=positions,
        shape=shape,
        slopes=None if block.slopes is None else block.slopes[units],
        low=None if block.low is None else block.low[units],
        counts=None if block.counts is None else block.counts[units],
        bases=None if block.bases is None else _argument(block.bases, units, numbers),
    )


def _argument(x: Argument, places: Index, numbers: Index) -> Argument:
    part = x.at(places)
    return Argument(_renumbered(part.tensor, numbers), part.probe)


def _first(x: AffineTensor, batch: int, row: int) -> AffineTensor:
    each = x.size // batch
    return taken(x, np.arange(row * each, (row + 1) * each).reshape(1, *x.shape[1:]))


def _renumbered(x: AffineTensor, numbers: Index) -> AffineTensor:
    if x.linear is None:
        return x
    rows = x.linear
    return replace(x, linear=Rows(rows.starts, numbers[rows.columns], rows.values, rows.sizes))
