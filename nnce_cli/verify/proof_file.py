"""Reading completeness certificates, which may come from anybody (format: docs/proof.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from reprlib import repr as shortened
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from nnce_cli.base.errors import InputError
from nnce_cli.table import PROOF_FORMAT, PROOF_KEY, PROOF_SCHEMA, RowGroups, check_pages

BATCH = 2**12
COLUMNS = dict(zip(PROOF_SCHEMA.names, PROOF_SCHEMA.types, strict=True))


@dataclass(frozen=True)
class Decision:
    """One row of a certificate: what was decided about which neuron, and the basis that proves it.

    Neurons are counted through all layers, inputs are those of the network.
    """

    neuron: int
    decision: int
    slacks: list[int]
    inputs: list[int]


class ProofReader:
    """A certificate open for reading; use it in a ``with`` block.

    ``about`` is its metadata (JSON values, of which nothing but the version is checked here),
    ``rows`` the number of its decisions.
    """

    def __init__(self, path: Path) -> None:
        """Open a certificate and check that it is one.

        Raises:
            InputError: there is no such file, or it is not a whole certificate.
        """
        self._path = path
        if not path.is_file():
            raise InputError(f"cannot read {path}: no such file; check the name of the certificate")
        with self._reporting("is not a certificate, or only a part of one"):
            self._parquet = pq.ParquetFile(path, page_checksum_verification=True)
            described = self._parquet.metadata.metadata or {}
        try:
            if PROOF_KEY not in described:
                raise InputError(
                    f"{path} is a Parquet file but not a certificate; "
                    "give a file that nnce enumerate --proof wrote"
                )
            self.about = _about(path, described[PROOF_KEY])
            self._check_columns()
        except BaseException:
            self.close()
            raise
        self.rows = int(self._parquet.metadata.num_rows)

    def decisions(self, longest: int) -> Iterator[Decision]:
        """Iterate over the decisions in order; no basis may have more than ``longest`` slacks.

        Raises:
            InputError: the file is damaged.
        """
        self._check_sizes(longest)
        left = self.rows
        with self._reporting("is damaged"):
            for batch in self._parquet.iter_batches(batch_size=BATCH, columns=[*COLUMNS]):
                if any(column.null_count for column in batch.columns):
                    raise ValueError("it has nulls")
                left -= len(batch)
                neurons, decisions, slacks, inputs = batch.columns
                for row in zip(
                    neurons.to_pylist(),
                    decisions.to_pylist(),
                    _lists(slacks),
                    _lists(inputs),
                    strict=True,
                ):
                    yield Decision(*row)
            if left:
                raise ValueError("it has other rows than it says")

    def close(self) -> None:
        """Close the file."""
        self._parquet.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check_columns(self) -> None:
        schema = self._parquet.schema_arrow
        if {field.name: field.type for field in schema} != COLUMNS:
            raise InputError(
                f"{self._path} is no certificate: its columns are {', '.join(schema.names)[:80]}, "
                f"or of other types than {', '.join(COLUMNS)} should have"
            )

    def _check_sizes(self, longest: int) -> None:
        """Refuse what is too long before it is read into memory."""
        with self._path.open("rb") as file, self._reporting("is damaged"):
            groups = RowGroups.read(file, self._parquet)
            for group, rows in enumerate(groups.rows.tolist()):
                for column in groups.columns(group):
                    if column.values > rows * max(1, longest):
                        raise InputError(
                            f"{self._path} is no certificate for this model: a basis has more than "
                            f"{longest} slacks"
                        )
                    if check_pages(file.fileno(), column) != column.values:
                        raise ValueError("its pages have other numbers of values than it says")

    @contextmanager
    def _reporting(self, trouble: str) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, ValueError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise InputError(
                f"{self._path} {trouble} ({first}); "
                "give a file that nnce enumerate --proof wrote to its end"
            ) from error


def _about(path: Path, text: bytes) -> dict[str, Any]:
    try:
        about = json.loads(text)
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict):
        raise InputError(f"{path} cannot be read as a certificate: its metadata is no JSON object")
    if about.get("format") != PROOF_FORMAT:
        raise InputError(
            f"{path} cannot be read as a certificate: its format version is "
            f"{shortened(about.get('format'))}, and this nnce reads version {PROOF_FORMAT}"
        )
    return about


def _lists(column: pa.ListArray) -> list[list[int]]:
    """Return a column of lists without nulls."""
    values = column.flatten()
    if values.null_count:
        raise ValueError("it has nulls")
    flat = values.to_pylist()
    ends = list(accumulate(column.value_lengths().to_pylist(), initial=0))
    return [flat[start:end] for start, end in pairwise(ends)]
