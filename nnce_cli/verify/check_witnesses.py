"""Check 1: every row is a cell: its witness is strictly inside, its ranks and counts are right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.verify.exact_codes import locate
from nnce_cli.verify.exact_network import ExactNetwork, rationals
from nnce_cli.verify.float_codes import FloatCodes
from nnce_cli.verify.layer_units import Bools, Codes
from nnce_cli.verify.points import rational_witnesses
from nnce_cli.verify.polytope import Polytope
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.ranks import Ranks
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Part, Table, shown

NAME, UNIT = "witnesses, counts, ranks", "rows"


def check_witnesses(table: Table, network: ExactNetwork, progress: Progress) -> CheckResult:
    """Prove for each row that its cell exists, and recompute its numbers.

    Floating point with an error bound settles most witnesses and rational arithmetic the others,
    the ``exact_witnesses`` of the metadata among them. Where the table has no witnesses, an
    interior point of each cell is found by an exact linear program.
    """
    result = CheckResult(NAME, UNIT, checked=table.rows)
    check = _RowCheck(table, network, result)
    for part in table.parts(witness=True):
        for i, what in check.failures(part):
            name = f"row {part.start + i} ({shown(part.codes[i], table.layout)})"
            result.fail(f"{name}: {what}")
        progress(part.start + len(part), table.rows)
    result.details |= check.ranks.details
    if not table.metadata.witness:
        result.note = "the table has no witnesses: interior points were found by linear programs"
    return result


class _RowCheck:
    """The checks of rows, and what they share."""

    def __init__(self, table: Table, network: ExactNetwork, result: CheckResult) -> None:
        self.table = table
        self.network = network
        self.floats = FloatCodes(network)
        self.ranks = Ranks(network)
        self.result = result
        result.details = {"witnesses by floating point": 0, "witnesses exactly": 0}

    def failures(self, part: Part) -> Iterator[tuple[int, str]]:
        """Yield the first thing that is wrong with each wrong row of a part: (i, what)."""
        wrong: dict[int, str] = {}
        for found in (self._witnesses(part), self._counts(part), self._ranks(part)):
            for i, what in found:
                wrong.setdefault(i, what)
        yield from sorted(wrong.items())

    def _witnesses(self, part: Part) -> Iterator[tuple[int, str]]:
        if part.rows.witness is None:
            for i in range(len(part)):
                self.result.count("witnesses exactly")
                if not _has_interior(self.network, part.codes[i]):
                    yield i, "no point of the domain has these signs around it"
            return
        points = part.rows.witness
        outside = _outside(self.network, points)
        codes, proved = self.floats.at(points)
        settled = np.asarray(proved.all(axis=1))
        wrong: Bools = proved & np.asarray(codes != part.codes)
        rational = rational_witnesses(self.table, part)
        for i in range(len(part)):
            if i in rational:
                self.result.count("witnesses exactly")
                what = self._at_exactly(part.codes[i], rational[i])
            elif outside[i]:
                what = "its witness is not strictly inside the domain"
            elif wrong[i].any():
                what = self._differs(int(wrong[i].argmax()), part.codes[i], codes[i])
            elif settled[i]:
                self.result.details["witnesses by floating point"] += 1
                continue
            else:
                self.result.count("witnesses exactly")
                what = self._at_exactly(part.codes[i], rationals(points[i]))
            if what:
                yield i, what

    def _at_exactly(self, codes: Codes, point: list[fmpq]) -> str:
        """Say what is wrong with a rational witness, or nothing."""
        box = self.network.box
        for x, lo, hi in zip(point, rationals(box.lower), rationals(box.upper), strict=True):
            if not (lo < x < hi or lo == x == hi):
                return "its witness is not strictly inside the domain"
        location = locate(self.network, point)
        ends = (
            len(codes)
            if location.touched is None
            else self.network.starts[self.network.layer_of(location.touched)]
        )
        differs = np.flatnonzero(location.codes[:ends] != codes[:ends])
        if differs.size:
            return self._differs(int(differs[0]), codes, location.codes)
        if location.touched is not None:
            return f"its witness lies on the hyperplane of {self.network.name_of(location.touched)}"
        return ""

    def _differs(self, unit: int, said: Codes, found: Codes) -> str:
        row, witness = (self.network.code_name(unit, int(codes[unit])) for codes in (said, found))
        name = self.network.unit_name(unit)
        return f"{name} is {row} in the row and {witness} at its witness"

    def _counts(self, part: Part) -> Iterator[tuple[int, str]]:
        on = part.codes > 0
        layers = range(self.network.depth)
        counts = [self.network.of_layer(k, on).sum(axis=1) for k in layers]
        active = np.stack(counts, axis=1) if counts else np.zeros((len(part), 0), dtype=np.int64)
        wrong = active != part.rows.active
        for i in np.flatnonzero(wrong.any(axis=1)).tolist():
            k = int(wrong[i].argmax())
            yield i, f"active_{k + 1} is {part.rows.active[i, k]} and should be {active[i, k]}"

    def _ranks(self, part: Part) -> Iterator[tuple[int, str]]:
        ranks = self.ranks.of(part)
        wrong = ranks != part.rows.ranks
        for i in np.flatnonzero(wrong.any(axis=1)).tolist():
            k = int(wrong[i].argmax())
            yield i, f"rank_{k + 1} is {part.rows.ranks[i, k]} and should be {ranks[i, k]}"


def _outside(network: ExactNetwork, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which points (m, n_0) are not strictly inside; a fixed input has to have its value."""
    lower, upper, free = network.box.lower, network.box.upper, network.free
    inside = np.where(free, (lower < points) & (points < upper), points == lower)
    return np.asarray(~inside.all(axis=1))


def _has_interior(network: ExactNetwork, codes: Codes) -> bool:
    """Tell whether a code is that of a cell."""
    sides = network.sides(codes)
    forms = []
    for row, form in network.walls(codes):
        if any(form):
            forms.append(form)
        elif sides[row] > 0:
            return False
    return Polytope(forms, network.dimension).interior_point() is not None
