"""Check 4: beyond each facet of a listed cell lies a listed cell or the outside of the domain.

The domain is convex, so that its cells are connected through facets: a table of cells that is
closed under crossing facets has all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnce_cli.base.workers import in_order
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.facets import Cells, FacetCheck, Facets, Missing
from nnce_cli.verify.listed import Listed
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table, shown

NAME, UNIT = "closure", "hyperplanes of cells"

ROWS = 2**9  # given to a process at a time


def check_closure(
    table: Table, network: ExactNetwork, cells: int, seed: int, jobs: int, progress: Progress
) -> CheckResult:
    """Cross the facets of all cells, or of a random sample of ``cells`` of them."""
    result = CheckResult(NAME, UNIT)
    if not table.rows:
        result.fail("the table lists no cell at all")
    chosen = _chosen(table.rows, cells, seed)
    if len(chosen) < table.rows:
        result.note = f"a random sample of {len(chosen):,} of {table.rows:,} cells"
    check = FacetCheck(network, Listed(table))
    parts = _parts(table, chosen)
    total = Facets()
    for facets in in_order(check.look, parts, jobs):
        total.add(facets)
        for missing in facets.missing:
            _tell(missing, network, result)
        progress(total.cells, len(chosen))
        if result.is_hopeless:
            result.note = f"stopped after {result.failed} failures"
            break
    result.checked = total.hyperplanes
    result.details = total.details
    return result


def _chosen(rows: int, cells: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the numbers of the rows to look at, ascending."""
    if cells >= rows:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, cells, replace=False))


def _parts(table: Table, chosen: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterator[Cells]:
    """Yield the chosen rows in small parts."""
    for part in table.parts(witness=table.metadata.witness):
        begin, end = np.searchsorted(chosen, [part.start, part.start + len(part)])
        for first in range(begin, end, ROWS):
            rows = chosen[first : min(first + ROWS, end)]
            here = rows - part.start
            points = None if part.rows.witness is None else part.rows.witness[here]
            yield Cells(rows, part.codes[here], points)


def _tell(missing: Missing, network: ExactNetwork, result: CheckResult) -> None:
    names = " and ".join(network.name_of(j) for j in missing.walls[:3])
    result.fail(
        f"row {missing.row} ({shown(missing.codes, network.layout)}): beyond its facet on the "
        f"hyperplane of {names} lies the cell {shown(missing.beyond, network.layout)}, which is "
        "not listed"
    )
