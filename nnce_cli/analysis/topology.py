"""The topology of where each class is predicted, and of the decision boundary between them.

The network is walked with one more layer that says the winner (`winners`), on the table's domain.
The cells of this longer network are polytopes that meet face to face, and in each one class is
predicted. So the closed region of a class is a union of them, and the decision boundary, the points
that are in the regions of two classes, is the union of the facets between cells of different
classes: the cells around any point of two regions are joined through facets at that point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.cell_complex import CellComplex, Face, Homology, need_gudhi
from nnce_cli.analysis.task import output_map, score_map, task_of
from nnce_cli.analysis.winners import MOST_CLASSES, with_winner
from nnce_cli.atlas import CellSpace, corners_of, halfspaces_of
from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.base.workers import in_order
from nnce_cli.enumeration import Problem, batches, choose, walk_factory
from nnce_cli.exact import is_pointed
from nnce_cli.network import LayerStack
from nnce_cli.table import Metadata, domain_of

MOST_INPUTS = 3  # that vary
PARTS = 32  # cells of the longer network that a process takes at a time

Bits = NDArray[np.uint8]
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Region:
    """Where a class is predicted, closed: how many parts of cells it is made of, its homology."""

    parts: int
    homology: Homology


@dataclass(frozen=True)
class Topology:
    """The topology of a network's classes on a domain of which ``inputs`` vary.

    ``faces`` (inputs + 1,) are the faces of each dimension of all the parts that the decision
    boundary cuts the cells into: vertices, edges, …, parts. ``regions`` are those of the classes
    that are predicted in a set with an interior.
    """

    inputs: int
    task: Task
    faces: tuple[int, ...]
    regions: dict[int, Region]
    boundary: Homology

    @property
    def domain(self) -> Homology:
        """The domain, which is convex: a single piece without holes."""
        return Homology(self.faces, (1,) + (0,) * self.inputs)

    @property
    def is_consistent(self) -> bool:
        """Whether all Euler characteristics are as they must be: that of the domain is 1."""
        parts = (region.homology for region in self.regions.values())
        return all(each.is_consistent for each in (self.domain, self.boundary, *parts))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "inputs": self.inputs,
            "task": self.task.value,
            "faces": self.faces,
            "euler_characteristic": self.domain.euler,
            "classes": [
                {"class": j, "parts": region.parts} | _values(region.homology)
                for j, region in self.regions.items()
            ],
            "boundary": _values(self.boundary),
            "consistent": self.is_consistent,
        }


def topology_of(
    stack: LayerStack,
    metadata: Metadata,
    task: Task | None = None,
    *,
    jobs: int = 1,
    progress: Progress = lambda done, total: None,
) -> Topology:
    """Return the topology of a network's classes on the domain of its table.

    Args:
        stack: the network.
        metadata: what its table says of itself.
        task: what the outputs are taken for; by default what they mean (`task_of`).
        jobs: how many processes share the work.
        progress: is told, now and then, how many parts of cells of all are done.

    Raises:
        InputError: there are no classes or too many, more than three inputs vary, the domain is
            not bounded, the table does not have the cells of this network, or gudhi is missing.
    """
    chosen = task_of(output_map(stack).n_out, metadata.meaning, task)
    if chosen is Task.REGRESSION:
        raise InputError(
            "the outputs are those of a regression and stand for no classes; say with --task what "
            "they are to be taken for"
        )
    scores = score_map(stack, chosen)
    if scores.n_out > MOST_CLASSES:
        raise InputError(
            f"topology is computed for up to {MOST_CLASSES} classes, and the model has "
            f"{scores.n_out}"
        )
    need_gudhi()
    parts = _Parts(with_winner(stack, scores), metadata)
    codes, winners = parts.codes(scores.n_out)
    chunks = [codes[first : first + PARTS] for first in range(0, len(codes), PARTS)]
    cells, polytopes = CellComplex(parts.dimension), []
    for found in in_order(parts.polytopes, chunks, jobs if len(chunks) > 1 else 1):
        polytopes += [cells.add(vertices, walls) for vertices, walls in found]
        progress(len(polytopes), len(codes))
    regions = {
        int(j): Region(len(members), cells.homology(members, parts.dimension))
        for j in np.unique(winners)
        if (members := [polytopes[k] for k in np.flatnonzero(winners == j)])
    }
    boundary = cells.homology(_boundary(cells, polytopes, winners), max(parts.dimension - 1, 0))
    return Topology(parts.dimension, chosen, cells.faces, regions, boundary)


class _Parts:
    """The parts of cells in which one class is predicted: their codes, then their polytopes."""

    def __init__(self, stack: LayerStack, metadata: Metadata) -> None:
        """Take a network that ends in the winner.

        Raises:
            InputError: it is asked for what is not answered here.
        """
        if not metadata.complete:
            raise InputError(
                "the table is not complete, and topology is a matter of all cells; go on with its "
                "run (nnce enumerate --resume)"
            )
        self._metadata = metadata
        self._domain = domain_of(metadata)
        self._space = CellSpace(stack, self._domain)
        if self.dimension > MOST_INPUTS:
            raise InputError(
                f"topology is computed for up to {MOST_INPUTS} inputs that vary, and here "
                f"{self.dimension} do; enumerate the network on a slice (nnce enumerate --slice)"
            )
        limits = [limit.form[1:] for limit in self._space.limits]
        if not self._space.is_in_a_box and not is_pointed(limits, self.dimension):
            raise InputError(
                "topology is computed on bounded domains, and that of the table is not; enumerate "
                "the network in a box that is large enough"
            )

    @property
    def dimension(self) -> int:
        """The number of inputs that vary."""
        return self._space.dimension

    def codes(self, classes: int) -> tuple[Bits, NDArray[np.int64]]:
        """Return the codes (m, row_bytes) of all parts, in order, and the classes (m,) of them.

        Raises:
            InputError: the table has other cells than its network.
        """
        problem = Problem.of(self._space.given, self._domain)
        walk = walk_factory(choose(problem)[0])(problem, witness=False)
        found = [batch.signs for batch in batches(walk)]
        if walk.layer_cells[:-1] != list(self._metadata.layer_cells):
            raise InputError(
                f"the table has {list(self._metadata.layer_cells)} cells after each layer, and the "
                f"model has {walk.layer_cells[:-1]} there; check the table with nnce verify"
            )
        joined = np.concatenate([np.concatenate(signs, axis=1) for signs in found])
        last = joined[:, -1].astype(np.int64)
        return joined, last >> 7 if classes == 2 else last

    def polytopes(self, codes: Bits) -> list[tuple[list[tuple[str, ...]], list[frozenset[int]]]]:
        """Return the vertices of each part, as fractions, and which are on each of its walls.

        Raises:
            InputError: its numbers are too long.
        """
        return [self._polytope(joined) for joined in codes]

    def _polytope(self, joined: Bits) -> tuple[list[tuple[str, ...]], list[frozenset[int]]]:
        layers = self._space.stack.layout.split_layers(joined)
        code = [[*bits.tolist(), *pieces.tolist()] for bits, pieces in layers]
        walls = [*self._space.limits, *halfspaces_of(self._space.pullback, code)]
        try:
            found = corners_of([wall.form for wall in walls], self.dimension)
        except InputError as error:
            raise InputError(
                "a cell of this network has too many vertices, or vertices whose coordinates are "
                "fractions of too many digits, for its topology to be computed"
            ) from error
        assert found is not None
        return [tuple(map(str, vertex)) for vertex in found.vertices], found.on


def _boundary(
    cells: CellComplex, polytopes: Sequence[Face], winners: NDArray[np.int64]
) -> Iterator[Face]:
    """Yield the facets between polytopes of different classes."""
    first: dict[Face, int] = {}
    for polytope, winner in zip(polytopes, winners.tolist(), strict=True):
        for facet in cells.facets(polytope):
            if first.setdefault(facet, winner) != winner:
                yield facet


def _values(homology: Homology) -> dict[str, Any]:
    return {
        "betti": homology.betti,
        "faces": homology.faces,
        "euler_characteristic": homology.euler,
    }
