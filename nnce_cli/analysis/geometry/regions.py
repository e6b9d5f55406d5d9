"""Linear regions: the connected parts of where the network is one affine map.

Two cells with the same map that share a facet are in one region. The regions that are found so are
the components of the interior of the cells with one map: what two cells have in common is in it
exactly where one gets from one cell to the other around it, through facets.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.geometry.spool import spooled

ROWS = 1 << 20  # at a time

Ints = NDArray[np.int64]


def regions_of(maps: Ints, edges: Iterable[tuple[Ints, Ints]]) -> Ints:
    """Return for each row (rows,) the first row of its region.

    Args:
        maps: for each row (rows,) a number of its map.
        edges: pairs of rows that share a facet, some at a time.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = spooled(len(maps), np.int64)
    first[:] = np.arange(len(maps))
    for one, other in edges:
        inside = maps[one] == maps[other]
        ends = first[one[inside]], first[other[inside]]
        nodes, numbers = np.unique(np.concatenate(ends), return_inverse=True)
        if not nodes.size:
            continue
        pairs = numbers.reshape(2, -1)
        graph = coo_array((np.ones(pairs.shape[1]), tuple(pairs)), shape=(len(nodes),) * 2)
        _, component = connected_components(graph, directed=False)
        least = np.full(component.max() + 1, len(maps), np.int64)
        np.minimum.at(least, component, nodes)
        for start in range(0, len(first), ROWS):
            some = first[start : start + ROWS]
            place = np.minimum(np.searchsorted(nodes, some), len(nodes) - 1)
            first[start : start + ROWS] = np.where(
                nodes[place] == some, least[component[place]], some
            )
    return first
