"""Check 0: what the table says about itself is true of its rows, of the model and the domain."""

from __future__ import annotations

from collections.abc import Callable

from nnce_cli.domain import Domain, Slice
from nnce_cli.network import LayerStack
from nnce_cli.table import Metadata, domain_of
from nnce_cli.verify.layer_units import Floats
from nnce_cli.verify.points import SHOWN_INPUTS
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Packed, Table, first_of_layer_cells, layout_said

NAME, UNIT = "metadata", "statements"

DomainOf = Callable[[int], Domain | None]
"""Gives the domain that a table has to be of, for a number of inputs; None where it may be any."""


def any_domain(n_inputs: int) -> Domain | None:
    """Take the table's word for its domain."""
    return None


def check_subject(
    table: Table, stack: LayerStack, asked_for: DomainOf, plane: Slice | None
) -> CheckResult:
    """Compare the model and the domain of a table with those that it is to be checked against.

    Where one differs, nothing else is worth a look. ``plane`` is the slice that it has to be of;
    where there is none, any will do, if no domain is asked for.

    Raises:
        InputError: the domain cannot be read.
    """
    said = table.metadata
    result = CheckResult(NAME, UNIT)
    units = _other_units(said, stack)
    statements = [
        (not units, f"{units}: it is the table of another model"),
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
    is_sliced = said.points and plane is None
    asked = asked_for(len(said.points[0]) if is_sliced else stack.n_inputs)
    differences = []
    if plane is not None or (is_sliced and asked is not None):
        differences.append(_other_slice(said, plane))
    if asked is not None and not any(differences):
        differences.append(_other_domain(domain_of(said), asked))
    for difference in differences:
        result.checked += 1
        if difference:
            result.fail(f"{difference}: it is the table of another domain")
            break
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


def _other_units(said: Metadata, stack: LayerStack) -> str:
    """Say where a table's units are not the model's, or nothing."""
    if list(said.widths) != stack.widths:
        return f"its widths are {_widths(said.widths)}, the model's {_widths(stack.widths)}"
    ours, theirs = stack.layout.pieces, layout_said(said).pieces
    for k, pair in enumerate(zip(theirs, ours, strict=True), start=1):
        if pair[0] != pair[1]:
            have = [f"{len(p)} units with {', '.join(map(str, p))} pieces" for p in pair]
            return f"its layer {k} has {have[0]}, the model's {have[1]}"
    return ""


def _other_slice(said: Metadata, plane: Slice | None) -> str:
    """Say where a table's slice is not the one that was asked for, or nothing."""
    asked = () if plane is None else tuple(map(tuple, plane.points.tolist()))
    if said.points == asked:
        return ""
    if not (said.points and asked):
        have = ["through points" if points else "nowhere" for points in (said.points, asked)]
        return f"it is sliced {have[0]}, and the domain named {have[1]}"
    if len(said.points) != len(asked):
        return f"its slice goes through {len(said.points)} points and the one named {len(asked)}"
    i = next(i for i, pair in enumerate(zip(said.points, asked, strict=True)) if pair[0] != pair[1])
    return f"point {i} of its slice is not that of the slice named"


def _other_domain(said: Domain, asked: Domain) -> str:
    """Say where a table's domain is not the one that was asked for, or nothing."""
    differs = (said.lower != asked.lower) | (said.upper != asked.upper)
    if differs.any():
        i = int(differs.argmax())
        ours, theirs = (f"[{one.lower[i]}, {one.upper[i]}]" for one in (asked, said))
        return f"input {i} goes through {theirs} in its domain and through {ours} in the one named"
    counts = [len(one.halfspaces) for one in (said, asked)]
    if counts[0] != counts[1]:
        return f"its domain has {counts[0]} half-spaces and the one named {counts[1]}"
    rows = (said.halfspaces != asked.halfspaces).any(axis=1)
    if rows.any():
        i = int(rows.argmax())
        ours, theirs = (_row(one.halfspaces[i]) for one in (asked, said))
        return f"half-space {i} of its domain is {theirs}, and {ours} of the one named"
    return ""


def _row(halfspace: Floats) -> str:
    """Write a half-space for a message, a long one shortened."""
    *a, b = halfspace.tolist()
    more = ", …" if len(a) > SHOWN_INPUTS else ""
    return f"({', '.join(map(repr, a[:SHOWN_INPUTS]))}{more}).x <= {b!r}"


def _layer_cells(table: Table) -> list[int]:
    """Count the rows that begin a layer-k cell, for each k."""
    counts = [0] * table.layout.depth
    last: Packed | None = None
    for part in table.parts():
        firsts = first_of_layer_cells(part.packed, table.layout, last)
        counts = [n + int(first.sum()) for n, first in zip(counts, firsts, strict=True)]
        last = part.packed[-1:]
    return counts


def _widths(widths: tuple[int, ...] | list[int]) -> str:
    return "-".join(map(str, widths))
