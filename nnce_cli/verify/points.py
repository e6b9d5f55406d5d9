"""Points of the domain: random ones, and the witnesses that a table keeps as fractions."""

from __future__ import annotations

import numpy as np
from flint import fmpq, fmpz

from nnce_cli.domain import Box
from nnce_cli.verify.layer_units import Floats
from nnce_cli.verify.table_rows import Part, Table

SHOWN_INPUTS = 8


def random_points(box: Box, generator: np.random.Generator, count: int) -> Floats:
    """Draw points (count, n_0) from a box uniformly, rounded to float64."""
    share = generator.random((count, box.lower.size))
    # Not lower + share * (upper - lower), which may overflow.
    return np.clip(box.lower * (1 - share) + box.upper * share, box.lower, box.upper)


def rational_witnesses(table: Table, part: Part) -> dict[int, list[fmpq]]:
    """Return the witnesses of a part's rows that the metadata has: ``exact_witnesses``."""
    exact = table.metadata.exact_witnesses
    if not exact:
        return {}
    rows = range(part.start, part.start + len(part))
    return {row - part.start: [_fraction(x) for x in exact[row]] for row in rows if row in exact}


def shown_point(point: list[float]) -> str:
    """Write a point for a message, a long one shortened."""
    more = ", …" if len(point) > SHOWN_INPUTS else ""
    return f"the point ({', '.join(map(repr, point[:SHOWN_INPUTS]))}{more})"


def _fraction(text: str) -> fmpq:
    numerator, _, denominator = text.partition("/")
    return fmpq(fmpz(numerator), fmpz(denominator or "1"))  # of any length, unlike int
