"""Files of dual graphs: an edge a row, in Parquet or GraphML, and reading them back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.table import check_plain

Index = NDArray[np.int64]

GRAPH_FORMAT = 1
GRAPH_KEY = b"nnce-graph"
GRAPH_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("neighbour", pa.int64(), nullable=False),
        pa.field("layer", pa.uint16(), nullable=False),
        pa.field("unit", pa.uint32(), nullable=False),
    ]
)
EDGES_AT_A_TIME = 1 << 18  # in memory, and in a row group


class Edges(NamedTuple):
    """Edges: the rows of two cells, the lower one first, and the unit behind their facet."""

    row: Index
    neighbour: Index
    layer: Index
    unit: Index


def as_table(edges: Edges) -> pa.Table:
    """Return edges as a table of `GRAPH_SCHEMA`."""
    columns = [
        pa.array(values.astype(field.type.to_pandas_dtype()), field.type)
        for values, field in zip(edges, GRAPH_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=GRAPH_SCHEMA)


def as_edges(batch: pa.Table | pa.RecordBatch) -> Edges:
    """Return the rows of a table of `GRAPH_SCHEMA` as edges."""
    return Edges(*(np.asarray(batch[field.name]).astype(np.int64) for field in GRAPH_SCHEMA))


def joined(parts: Iterable[Edges]) -> Edges:
    """Return edges one after the other."""
    none = np.zeros(0, np.int64)
    columns = zip(Edges(none, none, none, none), *parts, strict=True)
    return Edges(*(np.concatenate(column) for column in columns))


def write_parquet(file: Any, batches: Iterator[pa.Table], about: dict[str, Any]) -> None:
    """Write edges, and what is said of them."""
    with pq.ParquetWriter(
        file,
        GRAPH_SCHEMA,
        compression="zstd",
        use_dictionary=["layer", "unit"],
        column_encoding={"row": "DELTA_BINARY_PACKED", "neighbour": "DELTA_BINARY_PACKED"},
        write_page_checksum=True,
    ) as writer:
        for batch in batches:
            writer.write_table(batch, row_group_size=EDGES_AT_A_TIME)
        writer.add_key_value_metadata({GRAPH_KEY: json.dumps(about)})


def write_graphml(file: Any, batches: Iterator[pa.Table], about: dict[str, Any]) -> None:
    """Write edges as GraphML: nodes are the rows, edges have a layer and a unit."""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
        '<key id="layer" for="edge" attr.name="layer" attr.type="int"/>\n'
        '<key id="unit" for="edge" attr.name="unit" attr.type="int"/>\n'
        '<graph edgedefault="undirected">\n'
    )
    file.write(head.encode())
    for start in range(0, about["cells"], EDGES_AT_A_TIME):
        rows = range(start, min(start + EDGES_AT_A_TIME, about["cells"]))
        file.write("".join(f'<node id="{row}"/>\n' for row in rows).encode())
    for batch in batches:
        edges = as_edges(batch)
        lines = [
            f'<edge source="{row}" target="{neighbour}"><data key="layer">{layer}</data>'
            f'<data key="unit">{unit}</data></edge>\n'
            for row, neighbour, layer, unit in zip(*(part.tolist() for part in edges), strict=True)
        ]
        file.write("".join(lines).encode())
    file.write(b"</graph>\n</graphml>\n")


def read_edges(path: Path) -> tuple[Edges, dict[str, Any]]:
    """Read the edges of a Parquet file, and what it says of them.

    Raises:
        InputError: it is no such file, or its edges are not in order.
    """
    try:
        with (
            path.open("rb") as source,
            pq.ParquetFile(source, page_checksum_verification=True) as file,
        ):
            about = _about(file, path)
            check_plain(source, file)
            parts = [joined([])]
            for batch in file.iter_batches(EDGES_AT_A_TIME):
                part = as_edges(batch)
                _check(parts[-1], part, about["cells"])
                parts.append(part)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(
            f"cannot read {path} as a dual graph ({reason}); give a file that nnce graph wrote"
        ) from error
    edges = joined(parts)
    if len(edges.row) != about["edges"]:
        raise InputError(f"{path} is damaged: it has not the edges that it says it has")
    return edges, about


def _about(file: pq.ParquetFile, path: Path) -> dict[str, Any]:
    said = (file.metadata.metadata or {}).get(GRAPH_KEY)
    if said is None or not file.schema_arrow.equals(GRAPH_SCHEMA, check_metadata=False):
        raise InputError(f"{path} is not a dual graph; give a file that nnce graph wrote")
    about = json.loads(said)
    if not isinstance(about, dict) or about.get("format") != GRAPH_FORMAT:
        raise ValueError("another version of nnce wrote it")
    for key in ("cells", "edges"):
        if not isinstance(about.get(key), int) or about[key] < 0:
            raise ValueError(f"it does not say how many {key} there are")
    return about


def _check(before: Edges, edges: Edges, cells: int) -> None:
    """Refuse edges that are not ascending pairs of rows."""
    row = np.append(before.row[-1:], edges.row)
    neighbour = np.append(before.neighbour[-1:], edges.neighbour)
    ascends = (row[1:] > row[:-1]) | ((row[1:] == row[:-1]) & (neighbour[1:] > neighbour[:-1]))
    are_rows = (edges.row >= 0) & (edges.row < edges.neighbour) & (edges.neighbour < cells)
    if not (ascends.all() and are_rows.all()):
        raise ValueError("its edges are not ascending pairs of rows")
