"""Whether vectors span a space by nonnegative multiples, in rational arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq

from nnce_cli.verify.forms import ZERO, matrix
from nnce_cli.verify.polytope import Polytope


def span_positively(vectors: Sequence[Sequence[fmpq]], n: int) -> bool:
    """Tell whether every vector of R^n is a sum of nonnegative multiples of ``vectors``.

    That is so if and only if y = 0 is the only point where g.y >= 0 for all of them: if they span
    R^n, and their sum is nowhere positive where all g.y >= 0. (Where the sum is zero so is each
    g.y, and then y is 0.)
    """
    if matrix(vectors, n).rank() < n:
        return False
    total = [sum((g[i] for g in vectors), ZERO) for i in range(n)]
    signed = [[-x for x in total], *vectors]
    forms = [[-sum(g, ZERO), *(2 * x for x in g)] for g in signed]  # y = 2 u - 1
    return Polytope(forms, n).is_redundant(0)
