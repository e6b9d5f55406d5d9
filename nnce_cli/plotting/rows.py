"""All rows of a table at once: pictures of cells need them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.base.layout import Layout
from nnce_cli.table import CellRows, LayerCounter, Rows


def all_rows(batches: Iterable[CellRows], layout: Layout) -> tuple[Rows, list[int]]:
    """Join the rows of a table, which come in batches, in table order; witnesses are left out.

    Returns the rows, and the number of layer-k cells for k = 1, …, L.

    Raises:
        InputError: there are none, or they are not in the order of a cell table.
    """
    counter = LayerCounter(layout)
    parts = []
    for batch in batches:
        try:
            counter.add(batch)
        except ValueError as error:
            raise InputError(
                f"the table is not sorted: {error}; give it as nnce enumerate wrote it"
            ) from error
        parts.append(batch)
    if not counter.cells:
        raise InputError("the table has no cells, so that there is nothing to draw")
    rows = Rows(
        signs=[np.concatenate(column) for column in zip(*(p.signs for p in parts), strict=True)],
        active=np.concatenate([part.active for part in parts]),
        ranks=np.concatenate([part.ranks for part in parts]),
    )
    return rows, counter.layer_cells
