"""Check 3: random points of the domain fall in listed cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.verify.exact_codes import locate
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.float_codes import FloatCodes
from nnce_cli.verify.forms import rationals
from nnce_cli.verify.layer_units import Floats
from nnce_cli.verify.points import rounded, shown_point
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.random_points import Drawn, RandomPoints
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import BATCH, Table, codes_of, keys, packed_rows, shown

NAME, UNIT = "random points", "points"


def check_samples(
    table: Table, network: ExactNetwork, samples: int, seed: int, progress: Progress
) -> CheckResult:
    """Find the cells of random points and look them up in the table.

    One that lies on a hyperplane belongs to no cell and is left out. Only the cells of the points
    are kept in memory.
    """
    result = CheckResult(NAME, UNIT)
    result.details = {"by floating point": 0, "exactly": 0, "on a hyperplane": 0}
    random = RandomPoints(network.chart, np.random.default_rng(seed))
    floats = FloatCodes(network)
    cells: dict[bytes, list[float]] = {}
    for first in range(0, samples, BATCH):
        count = min(BATCH, samples - first)
        for key, point in _cells_of(random.draw(count), network, floats, result):
            cells.setdefault(key, point.tolist())
        progress(first + count, samples)
    wanted = np.array(sorted(cells), dtype=f"S{max(1, table.layout.row_bytes)}")
    _report_missing(table, wanted, cells, result)
    result.count("different cells", len(cells))
    return result


def _cells_of(
    drawn: Drawn, network: ExactNetwork, floats: FloatCodes, result: CheckResult
) -> list[tuple[bytes, Floats]]:
    """Return the joined code around each point that is on no hyperplane."""
    codes, proved = floats.at(drawn.points)
    count, more = len(drawn.points), len(drawn.rational)
    codes = np.concatenate([codes, np.zeros((more, network.units), dtype=np.uint8)])
    unsure = np.concatenate([~proved.all(axis=1), np.ones(more, dtype=np.bool_)])
    points = [*drawn.points, *map(rounded, drawn.rational)]
    kept = np.ones(count + more, dtype=np.bool_)
    for i in np.flatnonzero(unsure).tolist():
        exact = rationals(points[i]) if i < count else drawn.rational[i - count]
        location = locate(network, exact)
        codes[i] = location.codes
        kept[i] = location.touched is None
    result.count("by floating point", int((~unsure).sum()))
    result.count("exactly", int((unsure & kept).sum()))
    result.count("on a hyperplane", int((~kept).sum()))
    result.checked += int(kept.sum())
    packed = packed_rows(codes, network.layout)
    return [(packed[i].tobytes(), points[i]) for i in np.flatnonzero(kept).tolist()]


def _report_missing(
    table: Table, wanted: NDArray[np.bytes_], cells: dict[bytes, list[float]], result: CheckResult
) -> None:
    """Fail for each wanted cell that no row has; the table may be in any order."""
    if not wanted.size:
        return
    found = np.zeros(len(wanted), dtype=np.bool_)
    for part in table.parts():
        here = keys(part.packed)
        places = np.minimum(np.searchsorted(wanted, here), len(wanted) - 1)
        found[places[wanted[places] == here]] = True
    missing = set(wanted[~found].tolist())
    for key in sorted(key for key in cells if key.rstrip(b"\0") in missing):
        packed = np.frombuffer(key, dtype=np.uint8).reshape(1, len(key))
        name = shown(codes_of(packed, table.layout)[0], table.layout)
        result.fail(f"the cell {name} of {shown_point(cells[key])} is not listed")
