"""Networks that were exported for a fixed batch of several samples: that of one of them.

Whether the first dimension of the input is a batch shows in what the network does with it: no
unit and no output mixes its rows, and each row goes through the same network. A matrix whose rows
meet anywhere is one input.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network.affine_tensor import AffineTensor, Depths, taken
from nnce_cli.network.ports import Port
from nnce_cli.network.reading import Reading
from nnce_cli.network.sparse import Index, Rows
from nnce_cli.network.unit_blocks import Argument, Block

NOBODY, SEVERAL = -1, 2**62  # in place of a row


def one_sample(reading: Reading) -> Reading:
    """Return what was read as a network of one sample, as it is where its input is no batch."""
    sizes = {port.shape[0] for port in reading.inputs if len(port.shape) > 1}
    if len(sizes) != 1 or any(len(port.shape) < 2 for port in reading.inputs):
        return reading
    [batch] = sizes
    if batch == 1:
        return reading
    owner = _owners(reading, batch)
    if owner is None or not all(_by_rows(x, batch, owner) for x in reading.outputs.values()):
        return reading
    numbers = _numbers(owner, batch)
    if numbers is None or not _is_uniform(reading, batch, owner, numbers):
        return reading
    first = _first_row(reading, batch, owner, numbers)
    note = (
        f"the file's input is a batch of {batch} samples, which do not depend on each other: the "
        "network is that of one sample"
    )
    return replace(first, notes=(*first.notes, note))


def _numbers(owner: Index, batch: int) -> Index | None:
    """Return the number of each variable in its row; None where rows have not as many."""
    order = np.argsort(owner, kind="stable")
    each, rest = divmod(len(owner), batch)
    if rest or not (np.bincount(owner, minlength=batch) == each).all():
        return None
    numbers = np.zeros(len(owner), np.int64)
    numbers[order] = np.tile(np.arange(each), batch)
    return numbers


def _is_uniform(reading: Reading, batch: int, owner: Index, numbers: Index) -> bool:
    """Whether each row goes through the same network."""
    for block in reading.blocks:
        mine = owner[block.first : block.first + block.count]
        if block.count % batch or (np.bincount(mine, minlength=batch) != block.count / batch).any():
            return False
        units = np.argsort(mine, kind="stable")
        neurons = np.argsort(np.repeat(mine, block.neurons_each), kind="stable")
        own = [a[units] for a in (block.slopes, block.low, block.counts) if a is not None]
        tensors = [taken(block.neurons.tensor, neurons)]
        if block.bases is not None:
            tensors.append(taken(block.bases.tensor, units))
        if not all(_repeats(values, batch) for values in own):
            return False
        if not all(_rows_repeat(x, batch, numbers) for x in tensors):
            return False
    return all(_rows_repeat(x, batch, numbers) for x in reading.outputs.values())


def _rows_repeat(x: AffineTensor, batch: int, numbers: Index) -> bool:
    """Whether a tensor is the same function in each of as many parts."""
    rows = x.rows
    parts = (x.offset.ravel(), rows.lengths, numbers[rows.columns], rows.values)
    return all(_repeats(values, batch) for values in parts)


def _repeats(values: NDArray[Any], batch: int) -> bool:
    """Whether an array consists of as many equal parts."""
    if len(values) % batch:
        return False
    parts = values.reshape(batch, -1)
    return bool((parts == parts[:1]).all())


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
            if block.shape[:1] != (batch,):
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
    low, high = np.full(n, SEVERAL), np.full(n, NOBODY)
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


def _first_row(reading: Reading, batch: int, owner: Index, numbers: Index) -> Reading:
    """Return the network of the first row."""
    inputs = tuple(
        Port(port.name, (1, *port.shape[1:]), port.element_type, batch) for port in reading.inputs
    )
    return replace(
        reading,
        inputs=inputs,
        n_inputs=sum(port.size for port in inputs),
        depths=Depths(reading.depths.of[owner == 0]),
        blocks=[_part(block, owner, batch, numbers) for block in reading.blocks],
        outputs={
            name: _renumbered(_first(x, batch), numbers) for name, x in reading.outputs.items()
        },
        batch=batch,
    )


def _part(block: Block, owner: Index, batch: int, numbers: Index) -> Block:
    """Return the units of a block that belong to the first row."""
    mine = owner[block.first : block.first + block.count] == 0
    units, neurons = np.flatnonzero(mine), np.flatnonzero(np.repeat(mine, block.neurons_each))
    positions, shape = block.positions[units], block.shape
    if shape[:1] == (batch,):
        shape = (1, *shape[1:])
    return replace(
        block,
        first=int(numbers[block.first + units[0]]),
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


def _first(x: AffineTensor, batch: int) -> AffineTensor:
    return taken(x, np.arange(x.size // batch).reshape(1, *x.shape[1:]))


def _renumbered(x: AffineTensor, numbers: Index) -> AffineTensor:
    if x.linear is None:
        return x
    rows = x.linear
    return replace(x, linear=Rows(rows.starts, numbers[rows.columns], rows.values, rows.sizes))
