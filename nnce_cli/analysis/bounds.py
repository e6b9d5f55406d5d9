"""Upper bounds on the number of cells that follow from the sizes alone, as exact integers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import prod

from nnce_cli.base.sizes import Sizes


def bounds(sizes: Sizes) -> dict[str, int]:
    """Return the bounds that hold for a network of these sizes, from the weakest to the strongest.

    That of Serra et al. is for chains of ReLU layers only: it counts on inactive units to take
    dimensions away, which those of another slope do not, and pass-throughs go round.
    """
    found = {"sign_vectors": sign_vectors(sizes), "montufar": montufar(sizes)}
    return found | {"serra": serra(sizes)} if sizes.is_relu else found


def sign_vectors(sizes: Sizes) -> int:
    """Return the number of codes of all units: 2^N where each of the N units has two pieces."""
    layout = sizes.layout
    return prod([k for many in layout.pieces for k in many]) << sum(layout.bits)


def montufar(sizes: Sizes) -> int:
    """Return the bound of Montúfar, Notes on the number of linear regions of DNNs (2017).

    The product over the layers of the most cells that their units cut a space of dimension
    ``d_l = min(n_0, …, n_{l-1})`` into (`arrangement_cells`), where n_k is how many values layer k
    passes on: a layer's cells are cut in their images, whatever the units' slopes are.
    """
    layers = zip(sizes.layout.bits, sizes.layout.pieces, sizes.dimensions, strict=False)
    return prod(arrangement_cells(n, [d], many)[d] for n, many, d in layers)


def serra(sizes: Sizes) -> int:
    """Return the bound of Serra, Tjandraatmadja & Ramalingam (ICML 2018), Theorem 1.

    It holds for chains of ReLU layers: the sum of ``C(n_1, j_1) ⋯ C(n_L, j_L)`` over all integers
    ``0 <= j_l <= min(n_0, n_1 - j_1, …, n_{l-1} - j_{l-1}, n_l)``.

    The sum is taken layer by layer. ``weight[d]`` is the sum over the choices so far that leave
    d as the minimum of ``n_0, n_1 - j_1, …``, the largest dimension of the cells' images. A
    choice j turns d into ``min(d, n - j)``: the ``j <= n - d`` leave it as it is, and each other
    value c is reached from all larger d by the one choice ``j = n - c``.
    """
    assert sizes.is_relu
    weight = [0] * sizes.inputs + [1]
    for n in sizes.layout.widths:
        choose = _binomials(n, n)
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


def arrangement_cells(
    n: int, dimensions: Iterable[int], pieces: Sequence[int] = ()
) -> dict[int, int]:
    """Return for each dimension r the most cells that units cut r-dimensional space into.

    ``n`` units have two pieces, and cut along a hyperplane: alone they make
    ``sum_{i <= r} C(n, i)`` cells, reached in general position (Buck, *Partition of space*, 1943).
    ``pieces`` are those of the others, each a maximum of so many affine functions (a clip is one of
    three: 0, z - lo, 2 z - lo - hi). Together they make as many cells as the sum, over all sets of
    at most r units, of the products of their pieces less one (Montúfar, Ren & Zhang, *Sharp bounds
    for the number of regions of maxout networks and vertices of Minkowski sums*, 2022): the
    coefficients of the product of the polynomials 1 + (k - 1) t.
    """
    wanted = set(dimensions)
    top = min(max(wanted, default=0), n + len(pieces))
    terms = _binomials(n, top)
    for k, count in Counter(pieces).items():
        powers = _binomials(count, top, k - 1)
        terms = [
            sum(a * b for a, b in zip(terms, reversed(powers[: i + 1]), strict=False))
            for i in range(top + 1)
        ]
    sums = list(accumulate(terms))
    return {r: sums[min(r, top)] for r in wanted}


def _binomials(n: int, most: int, factor: int = 1) -> list[int]:
    """Return C(n, j) times ``factor`` to the power j, for j = 0, …, ``most``."""
    found, binomial, power = [], 1, 1
    for j in range(most + 1):
        found.append(binomial * power)
        binomial, power = binomial * (n - j) // (j + 1), power * factor
    return found
