"""Points: the witnesses that a table keeps as fractions, and points in messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import fmpq, fmpz

from nnce_cli.network import nearest
from nnce_cli.verify.layer_units import Floats
from nnce_cli.verify.table_rows import Part, Table

SHOWN_INPUTS = 8


def rational_witnesses(table: Table, part: Part) -> dict[int, list[fmpq]]:
    """Return the witnesses of a part's rows that the metadata has: ``exact_witnesses``."""
    exact = table.metadata.exact_witnesses
    if not exact:
        return {}
    rows = range(part.start, part.start + len(part))
    return {row - part.start: [_fraction(x) for x in exact[row]] for row in rows if row in exact}


def rounded(point: Sequence[fmpq]) -> Floats:
    """Return a rational point in float64."""
    return nearest(np.array(point, dtype=object))


def shown_point(point: list[float]) -> str:
    """Write a point for a message, a long one shortened."""
    more = ", …" if len(point) > SHOWN_INPUTS else ""
    return f"the point ({', '.join(map(repr, point[:SHOWN_INPUTS]))}{more})"


def _fraction(text: str) -> fmpq:
    numerator, _, denominator = text.partition("/")
    return fmpq(fmpz(numerator), fmpz(denominator or "1"))  # of any length, unlike int
