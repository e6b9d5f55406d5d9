"""Check 0: what the table says about itself is true of its rows, of the model and the domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nnce_cli.domain import Domain
from nnce_cli.network import LayerStack
from nnce_cli.table import Metadata, domain_of
from nnce_cli.verify.layer_units import Floats
from nnce_cli.verify.points import SHOWN_INPUTS
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Packed, Table, first_of_layer_cells, layout_said

NAME, UNIT = "metadata", "statements"


@dataclass(frozen=True)
class Place:
    """What a table has to be of: one of some domains, of a slice's coordinates if it has points."""

    domains: tuple[Domain, ...]
    points: tuple[tuple[float, ...], ...] = ()


DomainOf = Callable[[int], Place | None]
"""Gives what a table has to be of, for a network with so many inputs; None where it may be any."""


def any_domain(n_inputs: int) -> Place | None:
    """Take the table's word for its domain."""
    return None


def check_subject(table: Table, stack: LayerStack, asked_for: DomainOf) -> CheckResult:
    """Compare the model and the domain of a table with those that it is to be checked against.

    Where one differs, nothing else is worth a look.

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
    place = asked_for(len(said.points[0]) if said.points else stack.n_inputs)
    if place is not None:
        result.checked += 1
        difference = _difference(said, place)
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


def _difference(said: Metadata, asked: Place) -> str:
    """Say where a table's domain is not the one that was asked for, or nothing."""
    if other_slice := _other_slice(said, asked):
        return other_slice
    found = [_other_domain(domain_of(said), domain) for domain in asked.domains]
    if not all(found):
        return ""
    return found[0] if len(found) == 1 else f"its domain is none of the {len(found)} named"


def _other_slice(said: Metadata, asked: Place) -> str:
    """Say where a table's slice is not the one that was asked for, or nothing."""
    if said.points == asked.points:
        return ""
    if not (said.points and asked.points):
        ours, theirs = ("a slice" if points else "none" for points in (asked.points, said.points))
        return f"its domain is {theirs} and the one named is {ours}"
    counts = [len(points) for points in (said.points, asked.points)]
    if counts[0] != counts[1]:
        return f"its slice goes through {counts[0]} points and the one named through {counts[1]}"
    pairs = zip(said.points, asked.points, strict=True)
    i = next(i for i, (point, other) in enumerate(pairs) if point != other)
    return f"its slice goes through another point {i} than the one named"


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
        ours, theirs = (_written(one.halfspaces[i]) for one in (asked, said))
        return f"half-space {i} of its domain is {theirs}, and of the one named {ours}"
    return ""


def _written(halfspace: Floats) -> str:
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
