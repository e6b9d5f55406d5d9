"""Writing completeness certificates: the decisions of a walk, in order (docs/proof.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.table.described import footer_entries
from nnce_cli.table.metadata import Metadata
from nnce_cli.table.output import Output

PROOF_FORMAT = 1
PROOF_KEY = b"nnce-proof"
PROOF_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("neuron", pa.uint32(), nullable=False),
        pa.field("decision", pa.uint8(), nullable=False),
        pa.field("slacks", pa.list_(pa.uint32()), nullable=False),
        pa.field("inputs", pa.list_(pa.uint32()), nullable=False),
    ]
)
DECISIONS_PER_GROUP = 2**16
PROOF_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "store_schema": False,
    "write_statistics": False,
    "write_page_checksum": True,
}


def about_proof(metadata: Metadata, *, cells: int, complete: bool) -> str:
    """Return the JSON text of a certificate's metadata."""
    return json.dumps(
        {
            "format": PROOF_FORMAT,
            "model": metadata.model,
            **metadata.sizes.to_values(),
            "domain": metadata.domain,
            "cells": cells,
            "complete": complete,
        }
    )


def proof_rows(path: Path) -> int:
    """Return the number of decisions in a certificate, or in a part of one.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"the part {path} cannot be read ({error}); start again with --force"
        ) from error


class Decisions(Protocol):
    """Consecutive decisions: an entry a decision, and the bases of all of them joined."""

    @property
    def neuron(self) -> NDArray[np.uint32]:
        """Global indices of the neurons decided."""

    @property
    def decision(self) -> NDArray[np.uint8]:
        """What was decided."""

    @property
    def sizes(self) -> NDArray[np.int32]:
        """How many slacks, and inputs, the basis of each decision has."""

    @property
    def slacks(self) -> NDArray[np.uint32]:
        """The slacks of all bases."""

    @property
    def inputs(self) -> NDArray[np.uint32]:
        """The inputs of all bases."""


class ProofWriter:
    """Writes a certificate to an `Output`; equal decisions give equal bytes."""

    def __init__(self, output: Output, metadata: Metadata) -> None:
        """Begin a certificate for the table that ``metadata`` describes."""
        self._metadata = metadata
        self._waiting = PROOF_SCHEMA.empty_table()
        self._writer = pq.ParquetWriter(output, PROOF_SCHEMA, **PROOF_OPTIONS)

    def write(self, log: Decisions) -> None:
        """Take the next decisions.

        Raises:
            InputError: the output cannot be written.
        """
        ends = pa.array(np.concatenate([[0], np.cumsum(log.sizes)]), pa.int32())
        columns = [
            pa.array(log.neuron),
            pa.array(log.decision),
            pa.ListArray.from_arrays(ends, pa.array(log.slacks)),
            pa.ListArray.from_arrays(ends, pa.array(log.inputs)),
        ]
        more = pa.Table.from_arrays(columns, schema=PROOF_SCHEMA)
        self._waiting = pa.concat_tables([self._waiting, more])
        while len(self._waiting) >= DECISIONS_PER_GROUP:
            self._write_group(DECISIONS_PER_GROUP)

    def close(self, *, cells: int, complete: bool) -> None:
        """Write what is left and the metadata; `Output.commit` is next."""
        self._write_group(len(self._waiting))
        about = about_proof(self._metadata, cells=cells, complete=complete)
        self._writer.add_key_value_metadata(footer_entries(PROOF_SCHEMA, PROOF_KEY, about))
        self._writer.close()

    def _write_group(self, rows: int) -> None:
        if rows:
            group = self._waiting.slice(0, rows).combine_chunks()
            self._writer.write_table(group, row_group_size=rows)
            self._waiting = self._waiting.slice(rows)
