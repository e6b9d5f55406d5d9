"""The cells in which a property is violated, as a Parquet table (docs/properties.md)."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np

from nnce_cli.atlas.violated_cells import AllViolations, ViolatedCell
from nnce_cli.network import LayerStack
from nnce_cli.table import Output

KEY = "nnce_violations"


def write_violations(
    target: str, stack: LayerStack, found: AllViolations, *, force: bool = False
) -> None:
    """Write a row for each cell and case, in the order of cases and cells.

    Raises:
        InputError: the table exists, or cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    cells = [cell for violations in found.domains for cell in violations.found]
    layout = stack.layout
    joined = np.array([cell.codes for cell in cells], np.uint8).reshape(-1, layout.row_bytes)
    columns = layout.split(joined)
    case = pa.array([cell.case for cell in cells], pa.uint32())
    fields = [pa.field("case", pa.uint32(), nullable=False)]
    arrays = [case]
    for (name, size), column in zip(layout.columns, columns, strict=True):
        fields.append(pa.field(name, pa.binary(size), nullable=False))
        arrays.append(pa.array([row.tobytes() for row in column], pa.binary(size)))
    coordinate = pa.field("element", pa.float64(), nullable=False)
    kind = pa.list_(coordinate, stack.n_inputs)
    fields.append(pa.field("witness", kind, nullable=False))
    arrays.append(pa.array([[float(x) for x in cell.point] for cell in cells], kind))
    about = json.dumps(
        {
            "model": stack.digest,
            "complete": found.complete,
            "exact_witnesses": _exact(cells),
        }
    )
    schema = pa.schema(fields, metadata={KEY: about})
    with Output(target, force=force) as output:
        with pq.ParquetWriter(output, schema, compression="zstd") as writer:
            writer.write_table(pa.table(arrays, schema=schema))
        output.commit()


def _exact(cells: list[ViolatedCell]) -> dict[int, list[str]]:
    """Return the witnesses that float64 does not hold, as fractions, by row."""
    return {
        row: list(map(str, cell.point))
        for row, cell in enumerate(cells)
        if any(Fraction(float(x)) != x for x in cell.point)
    }
