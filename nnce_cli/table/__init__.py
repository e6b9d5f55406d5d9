"""Cell tables: their schema, writer and reader (Parquet)."""

from nnce_cli.table.metadata import FORMAT, Metadata
from nnce_cli.table.output import Output, remove_temporary
from nnce_cli.table.part import PartWriter
from nnce_cli.table.prefixes import LayerCounter, first_rows
from nnce_cli.table.proof import PROOF_FORMAT, PROOF_KEY, PROOF_SCHEMA, ProofWriter
from nnce_cli.table.reader import CellTableReader
from nnce_cli.table.rows import CellRows, Rows
from nnce_cli.table.whole import PartCounter, TableJoin, TablePart, join_proof
from nnce_cli.table.writer import CellTableWriter

__all__ = [
    "FORMAT",
    "PROOF_FORMAT",
    "PROOF_KEY",
    "PROOF_SCHEMA",
    "CellRows",
    "CellTableReader",
    "CellTableWriter",
    "LayerCounter",
    "Metadata",
    "Output",
    "PartCounter",
    "PartWriter",
    "ProofWriter",
    "Rows",
    "TableJoin",
    "TablePart",
    "first_rows",
    "join_proof",
    "remove_temporary",
]
