"""Cell tables: their schema, writer and reader (Parquet).

The names are loaded when they are used: a count needs no Parquet.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.table.code_file import CodeFile
    from nnce_cli.table.described import footer_entries
    from nnce_cli.table.digests import Digests
    from nnce_cli.table.lookup import find_rows, matching_rows
    from nnce_cli.table.metadata import (
        FORMAT,
        MAX_CELLS,
        SIGNAL,
        STOPS,
        TIME_LIMIT,
        TROUBLE,
        Made,
        Metadata,
    )
    from nnce_cli.table.model import domain_of, load_as, placed_as
    from nnce_cli.table.output import Output
    from nnce_cli.table.pages import check_pages, check_plain
    from nnce_cli.table.part import PartWriter
    from nnce_cli.table.prefixes import LayerCounter, first_rows
    from nnce_cli.table.proof import PROOF_FORMAT, PROOF_KEY, PROOF_SCHEMA, ProofWriter
    from nnce_cli.table.reader import CellTableReader
    from nnce_cli.table.row_groups import RowGroups
    from nnce_cli.table.rows import CellRows, Rows
    from nnce_cli.table.whole import PartCounter, TableJoin, TablePart, join_proof
    from nnce_cli.table.witness_default import WITNESS_INPUTS, has_witness
    from nnce_cli.table.words import domain_words
    from nnce_cli.table.writer import CellTableWriter

__all__ = [
    "FORMAT",
    "MAX_CELLS",
    "PROOF_FORMAT",
    "PROOF_KEY",
    "PROOF_SCHEMA",
    "SIGNAL",
    "STOPS",
    "TIME_LIMIT",
    "TROUBLE",
    "WITNESS_INPUTS",
    "CellRows",
    "CellTableReader",
    "CellTableWriter",
    "CodeFile",
    "Digests",
    "LayerCounter",
    "Made",
    "Metadata",
    "Output",
    "PartCounter",
    "PartWriter",
    "ProofWriter",
    "RowGroups",
    "Rows",
    "TableJoin",
    "TablePart",
    "check_pages",
    "check_plain",
    "domain_of",
    "domain_words",
    "find_rows",
    "first_rows",
    "footer_entries",
    "has_witness",
    "join_proof",
    "load_as",
    "matching_rows",
    "placed_as",
]

__getattr__ = lazy_names(
    __name__,
    {
        "code_file": ["CodeFile"],
        "described": ["footer_entries"],
        "digests": ["Digests"],
        "lookup": ["find_rows", "matching_rows"],
        "metadata": [
            "FORMAT", "MAX_CELLS", "SIGNAL", "STOPS", "TIME_LIMIT", "TROUBLE", "Made", "Metadata",
        ],
        "model": ["domain_of", "load_as", "placed_as"],
        "output": ["Output"],
        "pages": ["check_pages", "check_plain"],
        "part": ["PartWriter"],
        "prefixes": ["LayerCounter", "first_rows"],
        "proof": ["PROOF_FORMAT", "PROOF_KEY", "PROOF_SCHEMA", "ProofWriter"],
        "reader": ["CellTableReader"],
        "row_groups": ["RowGroups"],
        "rows": ["CellRows", "Rows"],
        "whole": ["PartCounter", "TableJoin", "TablePart", "join_proof"],
        "witness_default": ["WITNESS_INPUTS", "has_witness"],
        "words": ["domain_words"],
        "writer": ["CellTableWriter"],
    },
)  # fmt: skip
