"""The borders between the cells of a table, with proof: which rows have a facet in common.

A walk along the table proves the facets of each cell (`FacetWalk`). Beyond a facet of the unit k is
the cell with the same code but for k, if there is one: on the hyperplane of k both cells have the
same functions, as its unit gives the same there on either side, so that all of the facet is on the
border of both. Where the table has no such cell, or floating point could not tell all facets, the
cell is looked at in rational arithmetic (`Cell`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.atlas.cell import Cell
from nnce_cli.atlas.cell_space import CellSpace
from nnce_cli.base.errors import InputError
from nnce_cli.base.layout import Layout
from nnce_cli.domain import Domain
from nnce_cli.enumeration import FacetBatch, FacetWalk, Problem, TreeRows, walk_along
from nnce_cli.network import LayerStack
from nnce_cli.table import CellTableReader, CodeFile

Bytes = NDArray[np.uint8]
Index = NDArray[np.int64]

OPEN = -1  # facets that are not known
LEADING = np.array([8 - b.bit_length() for b in range(256)])  # the place of the first bit of a byte


class Gap(NamedTuple):
    """A facet that is not the domain's, of the cell of a row, beyond which the table has no cell.

    ``layer`` (from 1) and ``unit`` (from 0) are behind it.
    """

    row: int
    layer: int
    unit: int


@dataclass(frozen=True, eq=False)
class Borders:
    """The borders of consecutive rows, m of them.

    Edges are those to later rows, in ascending order: ``row``, ``neighbour``, ``layer`` and
    ``unit`` (E,). ``degree`` and ``of_domain`` (m,) are how many facets of each row are between
    cells, and the domain's. ``later`` and ``earlier`` are fingerprints of the edges as they are
    seen from the one and from the other side. ``exact`` rows were looked at in rational arithmetic.
    """

    row: Index
    neighbour: Index
    layer: Index
    unit: Index
    degree: Index
    of_domain: Index
    gaps: list[Gap]
    later: int
    earlier: int
    exact: int


class BorderFinder:
    """Finds the borders of the rows of a table; forked processes share it."""

    def __init__(
        self, stack: LayerStack, domain: Domain, reader: CellTableReader, codes: CodeFile
    ) -> None:
        """Take a table, the codes of all its rows, its network and domain."""
        self._stack = stack
        self._domain = domain
        self._reader = reader
        self._codes = codes

    def at(self, start: int, stop: int) -> Borders:
        """Return the borders of consecutive rows.

        Raises:
            InputError: a row is no cell of the network on the domain.
        """
        joined = self._codes.codes(start, stop)
        owner, beyond, of_domain = self._walked(joined, start)
        neighbour = self._codes.find(beyond)
        unclear = of_domain == OPEN
        unclear[owner[neighbour < 0]] = True
        kept = ~unclear[owner]
        owner, beyond, neighbour = owner[kept], beyond[kept], neighbour[kept]
        exact = np.flatnonzero(unclear)
        parts = [(owner, beyond)]
        for i in exact.tolist():
            codes = Cell(self._space, self._reader, joined[i], start + i).beyond
            inner = [code for code in codes if code is not None]
            of_domain[i] = len(codes) - len(inner)
            there = np.array(inner, np.uint8).reshape(len(inner), joined.shape[1])
            parts.append((np.full(len(inner), i), there))
        if exact.size:
            owner, beyond = (np.concatenate(part) for part in zip(*parts, strict=True))
            neighbour = self._codes.find(beyond)
        layer, unit = first_difference(self._stack.layout, joined[owner], beyond)
        degree = np.bincount(owner, minlength=stop - start)
        return _borders(start, owner, neighbour, layer, unit, degree, of_domain, exact.size)

    def _walked(self, joined: Bytes, start: int) -> tuple[Index, Bytes, Index]:
        """Return the facets that the walk finds: whose, the code beyond; and the domain's.

        Those are `OPEN` for rows whose facets it does not know.
        """
        of_domain = np.full(len(joined), OPEN)
        owners, codes = [np.zeros(0, np.int64)], [joined[:0]]
        if self._walk is None:
            return owners[0], codes[0], of_domain
        before = self._codes.codes(max(start - 1, 0), start)
        is_met = np.zeros(len(joined), np.bool_)
        for met in walk_along(self._walk, TreeRows.of(self._stack, joined, before)):
            assert isinstance(met.batch, FacetBatch)
            facets = met.batch.facets
            is_row = met.rows >= 0
            is_met[met.rows[is_row]] = True
            of_domain[met.rows[is_row]] = facets.of_domain[is_row]
            owner = np.repeat(met.rows, np.diff(facets.ends, prepend=0))
            owners.append(owner[owner >= 0])
            codes.append(facets.beyond[owner >= 0])
        if not is_met.all():
            raise InputError(
                f"row {start + int(is_met.argmin())} of the table is not a cell of the model on "
                "its domain; check the table with nnce verify"
            )
        return np.concatenate(owners), np.concatenate(codes), of_domain

    @cached_property
    def _walk(self) -> FacetWalk | None:
        """The walk; None where there is nothing to walk, or not in floating point."""
        problem = Problem.of(self._stack, self._domain)
        if not problem.inner.stack.hidden:
            return None
        try:
            return FacetWalk(problem)
        except InputError:  # numbers below float64's range
            return None

    @cached_property
    def _space(self) -> CellSpace:
        return CellSpace(self._stack, self._domain)


def first_difference(layout: Layout, one: Bytes, other: Bytes) -> tuple[Index, Index]:
    """Return the first unit, and its layer (from 1), in which codes (m, row_bytes) differ."""
    layers, firsts, packed = [], [], []
    for k, (n, many) in enumerate(zip(layout.bits, layout.pieces, strict=True), start=1):
        size = (n + 7) // 8
        layers += [k] * (size + len(many))
        firsts += [*range(0, n, 8), *range(n, n + len(many))]
        packed += [True] * size + [False] * len(many)
    differ = one ^ other
    byte = (differ != 0).argmax(axis=1) if differ.shape[1] else np.zeros(len(one), np.int64)
    bit = LEADING[differ[np.arange(len(one)), byte]] if differ.shape[1] else byte
    unit = np.array(firsts, np.int64)[byte] + np.where(np.array(packed, np.bool_)[byte], bit, 0)
    return np.array(layers, np.int64)[byte], unit


def _borders(
    start: int,
    owner: Index,
    neighbour: Index,
    layer: Index,
    unit: Index,
    degree: Index,
    of_domain: Index,
    exact: int,
) -> Borders:
    row = owner + start
    lost = np.flatnonzero(neighbour < 0)
    lost = lost[np.argsort(row[lost], kind="stable")]
    gaps = [Gap(int(row[i]), int(layer[i]), int(unit[i])) for i in lost]
    ahead = np.flatnonzero(neighbour > row)
    ahead = ahead[np.lexsort((neighbour[ahead], row[ahead]))]
    behind = (neighbour >= 0) & (neighbour < row)
    return Borders(
        row[ahead],
        neighbour[ahead],
        layer[ahead],
        unit[ahead],
        degree,
        of_domain,
        gaps,
        fingerprint(row[ahead], neighbour[ahead], layer[ahead], unit[ahead]),
        fingerprint(neighbour[behind], row[behind], layer[behind], unit[behind]),
        exact,
    )


def fingerprint(row: Index, neighbour: Index, layer: Index, unit: Index) -> int:
    """Return a number that edges have in common whatever their order: a sum modulo 2^64."""
    mixed = np.zeros(len(row), np.uint64)
    for part in (row, neighbour, layer, unit):
        mixed = _mix(mixed + part.astype(np.uint64))
    return int(mixed.sum(dtype=np.uint64))


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers that look random: SplitMix64 (Steele, Lea & Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
