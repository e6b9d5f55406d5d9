"""What a typed script does with nnce; test_types.py has mypy check it, and nothing runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import nnce_cli as nnce


def show(progress: nnce.Progress) -> None:
    """Take a typed event."""
    print(f"{progress.cells} cells, {progress.share:.0%}", [w.pid for w in progress.workers])


def cells_of(model: Path) -> nnce.Atlas:
    """Enumerate with a callback; errors have types too."""
    network = nnce.load(model, outputs=["output"])
    assert_type(network, nnce.Network)
    assert_type(network([0.5, 0.5]), NDArray[np.float64])
    try:
        return nnce.enumerate(
            network, nnce.Box(-1, [1, 2]), to="x.parquet", jobs=2, watch=show, progress=True
        )
    except nnce.SavedError:
        return nnce.enumerate(network, nnce.Space(), to="x.parquet", resume=True)
    except nnce.InputError as error:
        raise SystemExit(str(error)) from error


def count(network: nnce.Network) -> int:
    """Go through a stream."""
    return sum(len(batch) for batch in nnce.enumerate(network, (0.0, 1.0), stream=True))


def areas(atlas: nnce.Atlas) -> Iterator[float]:
    """Ask cells."""
    for row in range(atlas.cells):
        cell = atlas.cell(row)
        assert_type(cell.volume, float)
        yield cell.volume


def ask(atlas: nnce.Atlas) -> None:
    """Ask an atlas, and one cell."""
    cell = atlas.locate([0.25, 0.5])
    assert_type(cell, nnce.Cell)
    assert_type(cell.A, NDArray[np.float64])
    assert_type(cell.neighbours, NDArray[np.int64])
    assert_type(cell.distance(np.zeros(2)), float)
    step = cell.next_cell((0.25, 0.5))
    if step is not None:
        print(step.distance, str(step.origins[0]), step.row)
    assert_type(atlas.locate([[0.0, 0.0], [1.0, 1.0]]).row, NDArray[np.int64])
    assert_type(atlas.signs(layer=1), NDArray[np.uint8])
    assert_type(atlas.witness, NDArray[np.float64])
    assert_type(nnce.verify(atlas, samples=10).passed, bool)
    print(atlas.graph().cells, [layer.dead for layer in atlas.neurons()])


def decide(network: nnce.Network) -> bool | None:
    """Decide a property, and estimate."""
    estimate = nnce.estimate(network, nnce.HalfSpaces([[1, 1, 1]], nnce.Box(0, 1))).cells.estimate
    assert_type(estimate, float | None)
    return nnce.check(network, "property.vnnlib").holds
