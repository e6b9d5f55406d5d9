"""Check 1: every row is a cell: its witness is strictly inside, its ranks and counts are right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from flint import fmpq

from nnce_cli.verify.exact_codes import locate
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.float_codes import FloatCodes
from nnce_cli.verify.forms import rationals
from nnce_cli.verify.inside import Inside
from nnce_cli.verify.layer_units import Bools, Codes
from nnce_cli.verify.points import rational_witnesses
from nnce_cli.verify.polytope import Polytope
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.ranks import Ranks
from nnce_cli.verify.recession import Recession
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
    result.details |= check.ranks.details | check.recession.details
    if not table.metadata.witness:
        result.note = "the table has no witnesses: interior points were found by linear programs"
    return result


class _RowCheck:
    """The checks of rows, and what they share."""

    def __init__(self, table: Table, network: ExactNetwork, result: CheckResult) -> None:
        self.table = table
        self.network = network
        self.floats = FloatCodes(network)
        self.inside = Inside(network.chart.domain)
        self.recession = Recession(network)
        self.ranks = Ranks(network)
        self.result = result
        result.details = {"witnesses by floating point": 0, "witnesses exactly": 0}

    def failures(self, part: Part) -> Iterator[tuple[int, str]]:
        """Yield the first thing that is wrong with each wrong row of a part: (i, what)."""
        wrong: dict[int, str] = {}
        for found in self._checks(part):
            for i, what in found:
                wrong.setdefault(i, what)
        yield from sorted(wrong.items())

    def _checks(self, part: Part) -> Iterator[Iterator[tuple[int, str]]]:
        yield self._witnesses(part)
        yield self._counts(part)
        yield self._ranks(part)
        if part.rows.bounded is not None:
            yield self._bounded(part, part.rows.bounded)

    def _witnesses(self, part: Part) -> Iterator[tuple[int, str]]:
        if part.rows.witness is None:
            for i in range(len(part)):
                self.result.count("witnesses exactly")
                if not _has_interior(self.network, part.codes[i]):
                    yield i, "no point of the domain has these signs around it"
            return
        points = part.rows.witness
        inside = self.inside.holds(points)
        codes, proved = self.floats.at(points)
        settled = np.asarray(proved.all(axis=1))
        wrong: Bools = proved & np.asarray(codes != part.codes)
        rational = rational_witnesses(self.table, part)
        for i in range(len(part)):
            if i in rational:
                self.result.count("witnesses exactly")
                what = self._at_exactly(part.codes[i], rational[i])
            elif not inside[i]:
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
        if not self.inside.holds_exactly(point):
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

    def _bounded(self, part: Part, said: Bools) -> Iterator[tuple[int, str]]:
        bounded = self.recession.bounded(part.codes)
        for i in np.flatnonzero(bounded != said).tolist():
            row, cell = ("bounded" if one[i] else "unbounded" for one in (said, bounded))
            yield i, f"it says that the cell is {row}, which is {cell}"


def _has_interior(network: ExactNetwork, codes: Codes) -> bool:
    """Tell whether a code is that of a cell."""
    sides = network.sides(codes)
    forms = [*network.chart.fences]
    for row, form in network.walls(codes):
        if any(form):
            forms.append(form)
        elif sides[row] > 0:
            return False
    return Polytope(forms, network.dimension).interior_point() is not None
