"""Check 2: the rows ascend, so that no two are equal, and their numbers are codes."""

from __future__ import annotations

import numpy as np

from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table, keys, packed_rows, shown

NAME, UNIT = "order and doubles", "rows"


def check_order(table: Table) -> CheckResult:
    """Compare each row with the one before it, byte by byte."""
    result = CheckResult(NAME, UNIT, checked=table.rows)
    columns = [_trouble(name) for name, size in table.layout.columns for _ in range(size)]
    before = None
    for part in table.parts():
        differs = packed_rows(part.codes, table.layout) != part.packed
        for i in np.flatnonzero(differs.any(axis=1)).tolist():
            where = columns[int(differs[i].argmax())]
            result.fail(f"row {part.start + i}: {where}")
        here = keys(part.packed)
        joined = here if before is None else np.concatenate([before, here])
        wrong = np.flatnonzero(joined[1:] <= joined[:-1]) + 1
        for i in (wrong - (len(joined) - len(here))).tolist():
            same = (here[i - 1] if i else before) == here[i]
            result.fail(
                f"row {part.start + i} ({shown(part.codes[i], table.layout)}) "
                + ("is equal to the row before it" if same else "comes after a larger row")
            )
        before = here[-1:]
    return result


def _trouble(column: str) -> str:
    """Say what a number in a column may be that is no code."""
    if column.startswith("layer_"):
        return "a bit after the last neuron of a layer is set"
    return f"{column} has a number that is no piece of its unit"
