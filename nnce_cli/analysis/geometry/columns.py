"""The columns of ``nnce geometry``, by the names under which they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import pyarrow as pa

from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.table import Metadata

MOST_VOLUME_INPUTS = 6


class Column(StrEnum):
    """What can be asked for; the two norms and the bounds of the radius come together."""

    facets = "facets"
    inradius = "inradius"
    centre = "centre"
    volume = "volume"
    class_ = "class"
    crossed = "crossed"
    rank = "rank"
    norms = "norms"
    map_id = "map_id"
    region = "region"


FIELDS: dict[Column, list[tuple[str, pa.DataType]]] = {
    Column.facets: [("facets", pa.uint32())],
    Column.inradius: [("inradius", pa.float64()), ("inradius_at_most", pa.float64())],
    Column.centre: [("centre", pa.list_(pa.float64()))],
    Column.volume: [("volume", pa.float64())],
    Column.class_: [("class", pa.uint32())],
    Column.crossed: [("crossed", pa.bool_())],
    Column.rank: [("rank", pa.uint32())],
    Column.norms: [
        (name, pa.float64())
        for norm in ("spectral_norm", "infinity_norm")
        for name in (norm, f"{norm}_error")
    ],
    Column.map_id: [("map_id", pa.uint64())],
    Column.region: [("region", pa.uint64())],
}
NULLABLE = ("inradius_at_most", "centre", "volume")  # not proved; infinite or too much


def schema_of(columns: list[Column]) -> pa.Schema:
    """Return the schema of a table with these columns."""
    return pa.schema(
        pa.field(name, kind, nullable=name in NULLABLE)
        for column in columns
        for name, kind in FIELDS[column]
    )


def chosen_columns(names: Sequence[str] | None, metadata: Metadata, task: Task) -> list[Column]:
    """Return the columns with these names, in their own order; by default all but costly ones.

    Raises:
        InputError: there is no such column, or it cannot be had of this table.
    """
    varying = sum(low != high for low, high in zip(metadata.lower, metadata.upper, strict=True))
    without = {Column.volume} if varying > MOST_VOLUME_INPUTS else set()
    without |= {Column.class_, Column.crossed} if task is Task.REGRESSION else set()
    if names is None:
        return [column for column in Column if column not in without | {Column.centre}]
    for name in names:
        if name not in list(Column):
            raise InputError(f"there is no column {name!r}; there are {', '.join(Column)}")
    if Column.volume in without and Column.volume in names:
        raise InputError(
            f"volumes are computed up to {MOST_VOLUME_INPUTS} inputs that vary, and there are "
            f"{varying}; leave the column out"
        )
    if any(column in names for column in without):
        raise InputError("a regression has no classes; say what the outputs mean with --task")
    return [column for column in Column if column in names]
