"""Upper bounds on the number of cells that follow from the widths alone, as exact integers.

Each function takes ``widths``: the input dimension n_0, then the hidden widths n_1, …, n_L.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate


def bounds(widths: Sequence[int]) -> dict[str, int]:
    """Return all bounds by name, from the weakest to the strongest."""
    return {
        "sign_vectors": sign_vectors(widths),
        "montufar": montufar(widths),
        "serra": serra(widths),
    }


def sign_vectors(widths: Sequence[int]) -> int:
    """Return 2^N, the number of sign vectors of all N hidden neurons."""
    return 1 << sum(widths[1:])


def montufar(widths: Sequence[int]) -> int:
    """Return the bound of Montúfar, Notes on the number of linear regions of DNNs (2017).

    The product over the layers of ``sum_{j=0}^{d_l} C(n_l, j)``, the number of cells of n_l
    hyperplanes in general position, where ``d_l = min(n_0, …, n_l)``.
    """
    product, dimension = 1, widths[0]
    for n in widths[1:]:
        dimension = min(dimension, n)
        product *= sum(_binomials(n)[: dimension + 1])
    return product


def serra(widths: Sequence[int]) -> int:
    """Return the bound of Serra, Tjandraatmadja & Ramalingam (ICML 2018), Theorem 1.

    The sum of ``C(n_1, j_1) ⋯ C(n_L, j_L)`` over all integers
    ``0 <= j_l <= min(n_0, n_1 - j_1, …, n_{l-1} - j_{l-1}, n_l)``.

    The sum is taken layer by layer. ``weight[d]`` is the sum over the choices so far that leave
    d as the minimum of ``n_0, n_1 - j_1, …``, the largest dimension of the cells' images. A
    choice j turns d into ``min(d, n - j)``: the ``j <= n - d`` leave it as it is, and each other
    value c is reached from all larger d by the one choice ``j = n - c``.
    """
    weight = [0] * widths[0] + [1]
    for n in widths[1:]:
        choose = _binomials(n)
        choices_up_to = list(accumulate(choose))
        weight_from = [*accumulate(reversed(weight))][::-1]  # weight_from[d] = weight[d:] summed
        top = len(weight) - 1
        following = []
        for c in range(min(top, n) + 1):
            stays = weight[c] * choices_up_to[min(c, n - c)]
            lowest = max(c + 1, n - c)
            falls = choose[c] * weight_from[lowest] if lowest <= top else 0
            following.append(stays + falls)
        weight = following
    return sum(weight)


def arrangement_cells(n: int, dimensions: Iterable[int]) -> dict[int, int]:
    """Return for each dimension r the most cells that n hyperplanes cut r-dimensional space into.

    ``sum_{i <= r} C(n, i)``, reached in general position (Buck, *Partition of space*, 1943).
    """
    wanted = set(dimensions)
    found, total, binomial = {}, 0, 1
    for i in range(max(wanted, default=-1) + 1):
        total += binomial
        binomial = binomial * (n - i) // (i + 1)
        if i in wanted:
            found[i] = total
    return found


def _binomials(n: int) -> list[int]:
    """Return C(n, 0), …, C(n, n)."""
    return list(accumulate(range(n), lambda c, j: c * (n - j) // (j + 1), initial=1))
