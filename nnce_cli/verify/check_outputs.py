"""Check 6: each cell's affine map gives at its witness what onnxruntime computes there."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.rounding import CellOutputs
from nnce_cli.verify.session import Session
from nnce_cli.verify.table_rows import Table, shown

NAME, UNIT = "outputs", "witnesses"

WITNESS_ROUNDING = 2.0**-53  # a rational witness stands rounded in the table


def check_outputs(
    table: Table, network: ExactNetwork, path: Path, progress: Progress
) -> CheckResult:
    """Compare the outputs at all witnesses; rounding may explain differences, nothing else.

    Raises:
        InputError: onnxruntime cannot run the model.
    """
    result = CheckResult(NAME, UNIT)
    session = Session(path)
    cells = CellOutputs(network, session.graph)
    largest = 0.0
    for part in table.parts(witness=True):
        points = part.rows.witness
        assert points is not None
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite fails below
            moved = np.abs(session.rounded(points) - points) + WITNESS_ROUNDING * np.abs(points)
            ours, allowed = cells.at(points, moved, part.codes)
            theirs = session.outputs(points)
            wrong = ~(np.abs(ours - theirs) <= allowed)
        for i in np.flatnonzero(wrong.any(axis=1)).tolist():
            j = int(wrong[i].argmax())
            result.fail(
                f"row {part.start + i} ({shown(part.codes[i], table.layout)}): output {j} is "
                f"{ours[i, j]:.9g} by the cell's affine map and {theirs[i, j]:.9g} by "
                f"onnxruntime; rounding explains a difference of {allowed[i, j]:.2g} only"
            )
        largest = max(largest, float(allowed.max(initial=0.0)))
        result.checked += len(part)
        progress(result.checked, table.rows)
    result.note = f"rounding explains differences of up to {largest:.2g}"
    return result
