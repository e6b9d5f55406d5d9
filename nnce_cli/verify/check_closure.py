"""Check 4: beyond each facet of a listed cell lies a listed cell or the outside of the domain.

The domain is convex, so that its cells are connected through facets: a table of cells that is
closed under crossing facets has all of them. Crossing is decided without knowing the facets. For
each hyperplane of a cell's neurons the sign vector beyond it is looked up; where it is not
listed, the hyperplane has to be redundant, which is proved in rational arithmetic.
"""

from __future__ import annotations

import numpy as np

from nnce_cli.verify.exact_network import Bits, ExactNetwork
from nnce_cli.verify.hyperplanes import sign_vectors_across, surroundings
from nnce_cli.verify.listed import Listed
from nnce_cli.verify.polytope import Polytope
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table, shown

NAME, UNIT = "closure", "hyperplanes of cells"


def check_closure(
    table: Table, network: ExactNetwork, cells: int, seed: int, progress: Progress
) -> CheckResult:
    """Cross the facets of all cells, or of a random sample of ``cells`` of them."""
    result = CheckResult(NAME, UNIT)
    result.details = {"cells": 0, "leading to listed cells": 0, "redundant": 0}
    if not table.rows:
        result.fail("the table lists no cell at all")
    listed = Listed(table)
    chosen = _chosen(table.rows, cells, seed)
    if len(chosen) < table.rows:
        result.note = f"a random sample of {len(chosen):,} of {table.rows:,} cells"
    for part in table.parts():
        begin, end = np.searchsorted(chosen, [part.start, part.start + len(part)])
        for row in chosen[begin:end].tolist():
            _check_cell(row, part.bits[row - part.start], network, listed, result)
            progress(result.details["cells"], len(chosen))
            if result.is_hopeless:
                result.note = f"stopped after {result.failed} failures"
                return result
    return result


def _chosen(rows: int, cells: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the numbers of the rows to look at, ascending."""
    if cells >= rows:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, cells, replace=False))


def _check_cell(
    row: int, bits: Bits, network: ExactNetwork, listed: Listed, result: CheckResult
) -> None:
    around = surroundings(network, bits)
    across = sign_vectors_across(network, bits, around)
    found = listed.contains(across)
    result.count("cells")
    result.checked += len(found)
    result.count("leading to listed cells", int(found.sum()))
    if found.all():
        return
    cell = Polytope([h.inward for h in around.hyperplanes], network.dimension)
    for k in np.flatnonzero(~found).tolist():
        if cell.is_redundant(k):
            result.count("redundant")
            continue
        names = " and ".join(network.name_of(j) for j in around.hyperplanes[k].neurons[:3])
        result.fail(
            f"row {row} ({shown(bits, network.widths)}): beyond its facet on the hyperplane of "
            f"{names} lies the cell {shown(across[k], network.widths)}, which is not listed"
        )
    if cell.exact_programs:
        result.count("exact linear programs", cell.exact_programs)
