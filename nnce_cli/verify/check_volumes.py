"""Check 5: the volumes of all cells add up to that of the domain, exactly."""

from __future__ import annotations

from flint import fmpq

from nnce_cli.verify.chart import Chart
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.forms import ZERO, Form
from nnce_cli.verify.hyperplanes import surroundings
from nnce_cli.verify.layer_units import Codes
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table
from nnce_cli.verify.volume import cone_volume, volume

NAME, UNIT = "volumes", "cells"


def check_volumes(table: Table, network: ExactNetwork, progress: Progress) -> CheckResult:
    """Add up the volumes of all cells, of cones where the domain is one; compare with its own."""
    result = CheckResult(NAME, UNIT)
    whole = _volume(network.chart, network.chart.fences)
    sums: list[fmpq] = []  # sums[i] of 2^i cells, or 0: few additions of long fractions
    for part in table.parts():
        for codes in part.codes:
            _add(sums, cell_volume(network, codes))
            result.checked += 1
            progress(result.checked, table.rows)
    total = sum(sums, ZERO) / whole
    if total != 1:
        missing = 1 - total
        share = float(abs(missing))
        what = "less" if missing > 0 else "more"
        result.fail(f"the cells add up to {share:.6g} of the domain's volume {what} than all of it")
    return result


def cell_volume(network: ExactNetwork, codes: Codes) -> fmpq:
    """Return the share of the unit cube's volume that a cell has."""
    around = surroundings(network, codes)
    if not around.is_possible:
        return ZERO
    walls = [hyperplane.inward for hyperplane in (*around.hyperplanes, *around.borders)]
    return _volume(network.chart, walls)


def _volume(chart: Chart, forms: list[Form]) -> fmpq:
    return (cone_volume if chart.is_cone else volume)(forms, chart.dimension)


def _add(sums: list[fmpq], value: fmpq) -> None:
    """Add a number to a binary counter of sums."""
    for i, other in enumerate(sums):
        if other == 0:
            sums[i] = value
            return
        value, sums[i] = value + other, ZERO
    sums.append(value)
