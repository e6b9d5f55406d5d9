"""The loop over the batches of a walk."""

from __future__ import annotations

from collections.abc import Iterator

from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.walk import NO_LIMIT, Walk


def batches(walk: Walk, budget: int | None = None) -> Iterator[CellBatch]:
    """Walk on and yield batches of cells (empty ones when only counting) in table order.

    Stops when the subtree is done, or after ``budget`` tree nodes; a later call goes on. A batch
    comes about every 50 ms, so that callers can look at the clock.
    """
    end = None if budget is None else walk.nodes + budget
    while not walk.done and (end is None or walk.nodes < end):
        walk.advance(NO_LIMIT if end is None else end - walk.nodes)
        yield walk.take()
