"""Check 0: what the table says about itself is true of its rows, of the model and the domain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnce_cli.domain import Box
from nnce_cli.network import LayerStack
from nnce_cli.table import first_rows
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table

NAME, UNIT = "metadata", "statements"

DomainOf = Callable[[int], Box | None]
"""Gives the domain that a table has to be of, for a number of inputs; None where it may be any."""


def any_domain(n_inputs: int) -> Box | None:
    """Take the table's word for its domain."""
    return None


def check_subject(table: Table, stack: LayerStack, domain_of: DomainOf) -> CheckResult:
    """Compare the model and the domain of a table with those that it is to be checked against.

    Where one differs, nothing else is worth a look.

    Raises:
        InputError: the domain cannot be read.
    """
    said = table.metadata
    result = CheckResult(NAME, UNIT)
    statements = [
        (list(said.widths) == stack.widths, f"its widths are {_widths(said.widths)}, the model's "
         f"{_widths(stack.widths)}: it is the table of another model"),
        (said.model == stack.digest, f"its model has the digest {said.model[:16]}… and this one "
         f"{stack.digest[:16]}…: it is the table of another model"),
        (all(lo <= hi for lo, hi in zip(said.lower, said.upper, strict=True)),
         "its domain is empty: a lower bound is above the upper bound"),
    ]  # fmt: skip
    for is_true, otherwise in statements:
        result.checked += 1
        if not is_true:
            result.fail(otherwise)
            return result
    domain = domain_of(stack.n_inputs)
    if domain is not None:
        result.checked += 1
        difference = _difference(Box(np.array(said.lower), np.array(said.upper)), domain)
        if difference:
            result.fail(f"{difference}: it is the table of another domain")
    return result


def check_metadata(table: Table, result: CheckResult) -> None:
    """Compare the rest of the metadata with the rows, and add to the result.

    A table that is marked as incomplete or as not certified fails: it does not claim to be what
    is verified here.
    """
    said = table.metadata
    counted = _layer_cells(table)
    statements = [
        (said.cells == table.rows, f"it says that it has {said.cells} rows and has {table.rows}"),
        (list(said.layer_cells) == counted, f"it says that its layer_cells are "
         f"{list(said.layer_cells)}, and those of its rows are {counted}"),
        (all(row < table.rows for row in said.exact_witnesses),
         "it has exact_witnesses for rows that it does not have"),
        (said.complete, "it is marked as incomplete: the run was stopped before its end"),
        (said.certified, "it is marked as not certified: decisions of the run were not proved"),
    ]  # fmt: skip
    for is_true, otherwise in statements:
        result.checked += 1
        if not is_true:
            result.fail(otherwise)


def _difference(said: Box, asked: Box) -> str:
    """Say where a table's domain is not the one that was asked for, or nothing."""
    differs = (said.lower != asked.lower) | (said.upper != asked.upper)
    if not differs.any():
        return ""
    i = int(differs.argmax())
    ours, theirs = (f"[{box.lower[i]}, {box.upper[i]}]" for box in (asked, said))
    return f"input {i} goes through {theirs} in its domain and through {ours} in the one named"


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
