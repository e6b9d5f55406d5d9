"""Cell tables to verify: written from exact polyhedra, and changed behind their backs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nnce_cli.network import load_network
from nnce_cli.table import CellTableWriter, Metadata, Output, Rows
from nnce_cli.verify import Options, Report, verify
from tests.networks import mlp_model, save
from tests.oracles.ppl import exact_cells
from tests.tables import digests_of

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack
    from nnce_cli.verify import CheckResult

CHECKS = (
    "metadata",
    "witnesses, counts, ranks",
    "order and doubles",
    "random points",
    "closure",
    "volumes",
    "outputs",
    "lowering",
)
METADATA, WITNESSES, ORDER, SAMPLES, CLOSURE, VOLUMES, OUTPUTS, LOWERING = CHECKS


def run_verify(cells: Path, model: Path, **options: Any) -> Report:
    """Verify a table with few random points."""
    options = {"samples": 2000} | options
    return verify(cells, model, Options(**options), lambda name, done, total: None)


def by_name(report: Report) -> dict[str, CheckResult]:
    """Return the results by their names."""
    return {check.name: check for check in report.checks}


def failing(report: Report) -> set[str]:
    """Return the names of the checks that failed."""
    return {check.name for check in report.checks if check.failed}


def model_of(path: Path, stack: LayerStack) -> Path:
    """Write a model with these hidden layers and a last layer that adds all activations up."""
    weights = [(layer.weight, layer.bias) for layer in stack.hidden]
    last = stack.hidden[-1].n_out
    weights.append((np.ones((1, last)), np.zeros(1)))
    return save(mlp_model(weights, dtype=np.float64), path)


def write_exact_table(path: Path, model: Path, box: Box) -> int:
    """Write the table of a model's cells as exact polyhedra give them, without witnesses."""
    stack = load_network(model)
    found = exact_cells(stack, box)
    bits = np.array(found.signs, dtype=np.uint8).reshape(len(found.signs), -1)
    layers = np.split(bits, np.cumsum(stack.widths[1:])[:-1], axis=1)
    rows = Rows(
        signs=[np.packbits(layer, axis=1) for layer in layers],
        active=np.stack([layer.sum(axis=1) for layer in layers], axis=1).astype(np.uint16),
        ranks=np.array(found.ranks, dtype=np.uint16).reshape(len(found.signs), -1),
    )
    metadata = Metadata.of(stack, box, witness=False)
    with Output(str(path), force=True) as output:
        writer = CellTableWriter(output, metadata)
        writer.write(rows)
        writer.close(complete=True, certified=True, decisions={})
        output.commit()
    return len(found.signs)


@dataclass
class Tampered:
    """A table taken apart: its columns as lists of Python values, and its metadata."""

    columns: dict[str, list[Any]]
    about: dict[str, Any]
    schema: pa.Schema

    @staticmethod
    def read(path: Path) -> Tampered:
        """Take a table apart."""
        table = pq.read_table(path)
        about = json.loads(pq.read_metadata(path).metadata[b"nnce"])
        return Tampered(table.to_pydict(), about, table.schema)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.columns["layer_1"])

    def bits(self, row: int, layer: int) -> list[int]:
        """The bits of a row's layer (from 1)."""
        width = self.about["widths"][layer]
        packed = np.frombuffer(self.columns[f"layer_{layer}"][row], dtype=np.uint8)
        return np.unpackbits(packed, count=width).tolist()

    def set_bits(self, row: int, layer: int, bits: list[int]) -> None:
        """Set the bits of a row's layer (from 1) and its number of active neurons."""
        packed = np.packbits(np.array(bits, dtype=np.uint8)).tobytes()
        self.columns[f"layer_{layer}"][row] = packed
        self.columns[f"active_{layer}"][row] = sum(bits)

    def insert(self, row: int, values: dict[str, Any]) -> None:
        """Insert a row before another."""
        for name, column in self.columns.items():
            column.insert(row, values[name])

    def row(self, row: int) -> dict[str, Any]:
        """The values of a row."""
        return {name: column[row] for name, column in self.columns.items()}

    def remove(self, row: int) -> dict[str, Any]:
        """Remove a row and return its values."""
        return {name: column.pop(row) for name, column in self.columns.items()}

    def recount(self) -> None:
        """Make the counts of the metadata fit the rows, as a careful forger would."""
        layers = [self.columns[f"layer_{k}"] for k in range(1, len(self.about["widths"]))]
        rows = list(zip(*layers, strict=True))
        counts = [
            sum(1 for _ in groupby(row[:k] for row in rows)) for k in range(1, len(layers) + 1)
        ]
        self.about |= {"layer_cells": counts, "cells": counts[-1]}

    def write(self, path: Path) -> Path:
        """Put the table together again."""
        table = pa.Table.from_pydict(self.columns, schema=self.schema)
        about = self.about | {"digests": digests_of(table)}
        pq.write_table(table.replace_schema_metadata({"nnce": json.dumps(about)}), path)
        return path
