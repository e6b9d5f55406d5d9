"""Check 6: each cell's affine map gives at its witness what onnxruntime computes there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nnce_cli.network import Port, Runtime, decode_graph, read_model
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.layer_units import Floats
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.rounding import CellOutputs
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
    if network.stack.points:
        return CheckResult.not_done(NAME, UNIT, "the table is of a slice: see the lowering")
    result = CheckResult(NAME, UNIT)
    model = read_model(path)
    graph, ports = decode_graph(model), network.stack.outputs
    cells = CellOutputs(network, graph)
    runtime = Runtime(model, network.stack.inputs, [port.name for port in ports])
    largest = 0.0
    for part in table.parts(witness=True):
        points = part.rows.witness
        assert points is not None
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite fails below
            moved = np.abs(runtime.rounded(points) - points) + WITNESS_ROUNDING * np.abs(points)
            ours, allowed = cells.at(points, moved, part.codes)
            theirs = np.array([_joined(runtime.at(point), ports) for point in points])
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


def _joined(values: Mapping[str, Floats], ports: Sequence[Port]) -> Floats:
    """Return the outputs of the first sample of a batch, joined."""
    return np.concatenate([values[port.name][: port.size] for port in ports])
