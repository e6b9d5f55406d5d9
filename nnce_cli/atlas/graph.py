"""The dual graph of a table: its cells, and an edge for each facet that two of them share."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.atlas.graph_file import Edges, read_edges
from nnce_cli.atlas.graph_run import GraphRun, never, silent
from nnce_cli.base.errors import InputError
from nnce_cli.network import LayerStack
from nnce_cli.table import CellTableReader

if TYPE_CHECKING:
    import networkx as nx
    from scipy.sparse import csr_array

Index = NDArray[np.int64]

UNREACHED = -1
SEARCHES = 16


class Diameter(NamedTuple):
    """Bounds of the largest distance between two cells, in facets that are crossed."""

    at_least: int
    at_most: int


@dataclass(frozen=True, eq=False)
class DualGraph:
    """The cells of a table, numbered as its rows, and the facets between them.

    ``edges`` has arrays (E,): ``row`` < ``neighbour``, and the ``layer`` (from 1) and ``unit``
    (from 0) of the first unit that changes there. ``about`` is what `nnce graph` says of it.
    """

    cells: int
    edges: Edges
    about: dict[str, Any]

    @cached_property
    def matrix(self) -> csr_array:
        """The adjacency matrix (cells, cells): symmetric, boolean, sparse."""
        from scipy.sparse import csr_array

        ends = self.edges.row, self.edges.neighbour
        both = np.concatenate(ends), np.concatenate(ends[::-1])
        return csr_array((np.ones(len(both[0]), np.bool_), both), (self.cells, self.cells))

    def to_networkx(self) -> nx.Graph[int]:
        """Return a networkx graph: nodes are rows, edges have ``layer`` and ``unit``.

        Raises:
            InputError: networkx is not installed.
        """
        try:
            import networkx as nx
        except ImportError as error:
            raise InputError("networkx is not installed: pip install networkx") from error
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(self.cells))
        graph.add_edges_from(
            (row, neighbour, {"layer": layer, "unit": unit})
            for row, neighbour, layer, unit in zip(*(e.tolist() for e in self.edges), strict=True)
        )
        return graph

    @cached_property
    def components(self) -> int:
        """The number of connected components."""
        from scipy.sparse.csgraph import connected_components

        return int(connected_components(self.matrix, directed=False, return_labels=False))

    def distances(self, row: int) -> Index:
        """Return how many facets are crossed from a row's cell to each, at least: (cells,).

        -1 where there is no way.
        """
        starts, neighbours = self.matrix.indptr, self.matrix.indices
        found = np.full(self.cells, UNREACHED)
        place = np.zeros(self.cells, np.int64)
        found[row] = distance = 0
        front = np.array([row])
        while front.size:
            distance += 1
            first, count = starts[front], starts[front + 1] - starts[front]
            offsets = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            beyond = neighbours[np.repeat(first, count) + offsets]
            front = beyond[found[beyond] == UNREACHED]
            found[front] = distance
            numbers = np.arange(len(front))
            place[front] = numbers  # of those that stand twice one counts
            front = front[place[front] == numbers]
        return found

    @cached_property
    def diameter(self) -> Diameter | None:
        """Bounds of the diameter, from a few searches; None where the graph is not connected.

        A search from v bounds the eccentricity of each u, which is at least the distance d to v and
        at least that of v less d, and at most that of v plus d (Takes & Kosters 2011, "Determining
        the diameter of small world networks"). The next one is from where the bounds are largest
        and least, by turns, among those that may still be farther from some cell.
        """
        if self.cells == 0 or self.components > 1:
            return None
        least = np.zeros(self.cells, np.int64)
        most = np.full(self.cells, self.cells - 1)
        for k in range(SEARCHES):
            left = np.flatnonzero(most > least.max())  # those that could be farther from a cell
            if not left.size:
                break
            row = int(left[most[left].argmax() if k % 2 == 0 else least[left].argmin()])
            distance = self.distances(row)
            farthest = int(distance.max())
            least = np.maximum(least, np.maximum(distance, farthest - distance))
            most = np.minimum(most, farthest + distance)
            least[row] = most[row] = farthest
        return Diameter(int(least.max()), int(most.max()))


def read_graph(path: Path) -> DualGraph:
    """Read the Parquet file that `nnce graph` wrote.

    Raises:
        InputError: it is no such file, or damaged.
    """
    edges, about = read_edges(path)
    return DualGraph(about["cells"], edges, about)


def dual_graph(cells: Path, stack: LayerStack, jobs: int = 1) -> DualGraph:
    """Compute the dual graph of a cell table and its network, in ``jobs`` processes.

    Raises:
        InputError: the table is damaged, or a row is no cell of the network.
    """
    with tempfile.TemporaryDirectory(prefix="nnce-") as place, CellTableReader(cells) as reader:
        path = Path(place) / "graph.parquet"
        with GraphRun(Path(place) / "run", reader, stack) as run:
            run.work(jobs, never, silent)
            run.write(str(path), "parquet", force=False)
        return read_graph(path)
