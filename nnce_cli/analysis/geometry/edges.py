"""The pairs of cells that share a facet, out of the file that ``nnce graph`` wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.table import Metadata

GRAPH_KEY = b"nnce-graph"
EDGES = 1 << 18  # that are in memory at a time

Ints = NDArray[np.int64]


def edges_of(path: Path, metadata: Metadata) -> Iterator[tuple[Ints, Ints]]:
    """Yield the edges of a table's dual graph, some at a time: rows (e,) and their neighbours.

    Raises:
        InputError: it is no such file, or one of another table.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            said = json.loads((file.metadata.metadata or {}).get(GRAPH_KEY, "null"))
            if not isinstance(said, dict):
                raise InputError(f"{path} is not a dual graph; give a file that nnce graph wrote")
            own = {"model": metadata.model, "domain": metadata.domain, "cells": metadata.cells}
            if any(said.get(key) != json.loads(json.dumps(own[key])) for key in own):
                raise InputError(f"{path} is the graph of another table; make one with nnce graph")
            for batch in file.iter_batches(EDGES, columns=["row", "neighbour"]):
                ends = [np.asarray(batch[name]).astype(np.int64) for name in ("row", "neighbour")]
                if any(((end < 0) | (end >= metadata.cells)).any() for end in ends):
                    raise ValueError("it has rows that the table has not")
                yield ends[0], ends[1]
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(
            f"cannot read {path} as a dual graph ({reason}); give a file that nnce graph wrote"
        ) from error
