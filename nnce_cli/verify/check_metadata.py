"""Check 0: what the table says about itself is true of its rows and of the model."""

from __future__ import annotations

from nnce_cli.network import LayerStack
from nnce_cli.table import first_rows
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table

NAME, UNIT = "metadata", "statements"


def check_metadata(table: Table, stack: LayerStack) -> CheckResult:
    """Compare the metadata with the model and with the rows.

    A table that is marked as incomplete or as not certified fails: it does not claim to be what
    is verified here.
    """
    said = table.metadata
    result = CheckResult(NAME, UNIT)
    counted = _layer_cells(table)
    statements = [
        (list(said.widths) == stack.widths, f"its widths are {_widths(said.widths)}, the model's "
         f"{_widths(stack.widths)}: it is the table of another model"),
        (said.model == stack.digest, f"its model has the digest {said.model[:16]}… and this one "
         f"{stack.digest[:16]}…: it is the table of another model"),
        (said.cells == table.rows, f"it says that it has {said.cells} rows and has {table.rows}"),
        (list(said.layer_cells) == counted, f"it says that its layer_cells are "
         f"{list(said.layer_cells)}, and those of its rows are {counted}"),
        (all(lo <= hi for lo, hi in zip(said.lower, said.upper, strict=True)),
         "its domain is empty: a lower bound is above the upper bound"),
        (all(row < table.rows for row in said.exact_witnesses),
         "it has exact_witnesses for rows that it does not have"),
        (said.complete, "it is marked as incomplete: the run was stopped before its end"),
        (said.certified, "it is marked as not certified: decisions of the run were not proved"),
    ]  # fmt: skip
    for is_true, otherwise in statements:
        result.checked += 1
        if not is_true:
            result.fail(otherwise)
    return result


def _layer_cells(table: Table) -> list[int]:
    """Count the rows that begin a layer-k cell, for each k."""
    counts = [0] * len(table.widths)
    last: list[bytes] | None = None
    for part in table.parts():
        firsts, _ = first_rows(part.rows, last)
        counts = [n + int(first.sum()) for n, first in zip(counts, firsts, strict=True)]
        last = [signs[-1].tobytes() for signs in part.rows.signs]
    return counts


def _widths(widths: tuple[int, ...] | list[int]) -> str:
    return "-".join(map(str, widths))
