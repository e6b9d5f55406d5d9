"""Check 2: the rows ascend, so that no two are equal, and their padding bits are zero."""

from __future__ import annotations

import numpy as np

from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table, keys, packed_rows, shown

NAME, UNIT = "order and doubles", "rows"


def check_order(table: Table) -> CheckResult:
    """Compare each row with the one before it, byte by byte."""
    result = CheckResult(NAME, UNIT, checked=table.rows)
    before = None
    for part in table.parts():
        padded = (packed_rows(part.bits, table.widths) != part.packed).any(axis=1)
        for i in np.flatnonzero(padded).tolist():
            result.fail(f"row {part.start + i}: a bit after the last neuron of a layer is set")
        here = keys(part.packed)
        joined = here if before is None else np.concatenate([before, here])
        wrong = np.flatnonzero(joined[1:] <= joined[:-1]) + 1
        for i in (wrong - (len(joined) - len(here))).tolist():
            same = (here[i - 1] if i else before) == here[i]
            result.fail(
                f"row {part.start + i} ({shown(part.bits[i], table.widths)}) "
                + ("is equal to the row before it" if same else "comes after a larger row")
            )
        before = here[-1:]
    return result
