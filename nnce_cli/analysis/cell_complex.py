"""Polytopes that meet face to face, with all their faces, and the homology of parts of them.

A face is the set of its vertices. The vertices of a face of a polytope are those that it has on
some of its facets, so that facets given as sets of vertices tell all smaller faces: the largest
intersections with others, and so on down.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nnce_cli.base.errors import InputError

Face = frozenset[int]


@dataclass(frozen=True)
class Homology:
    """Of a closed set: its number of faces of each dimension, and its Betti numbers.

    ``faces`` (d + 1,) begins with the vertices. ``betti`` begins with the number of connected
    components; it was computed from a triangulation, which has other faces.
    """

    faces: tuple[int, ...]
    betti: tuple[int, ...]

    @property
    def euler(self) -> int:
        """The Euler characteristic: vertices - edges + polygons - …."""
        return _alternating(self.faces)

    @property
    def is_consistent(self) -> bool:
        """Whether the Betti numbers have the Euler characteristic of the faces."""
        return self.euler == _alternating(self.betti)


class CellComplex:
    """The faces of polytopes of dimension d that meet face to face."""

    def __init__(self, dimension: int) -> None:
        """Begin without a polytope."""
        self.dimension = dimension
        self._number: dict[Hashable, int] = {}
        self._sides: list[dict[Face, list[Face]]] = [{} for _ in range(dimension + 1)]
        self._simplices: dict[Face, list[tuple[int, ...]]] = {}

    @property
    def faces(self) -> tuple[int, ...]:
        """The number of faces of each dimension (d + 1,)."""
        return tuple(map(len, self._sides))

    def add(self, vertices: Sequence[Hashable], walls: Iterable[Iterable[int]]) -> Face:
        """Add a polytope and its faces.

        Args:
            vertices: equal ones of two polytopes are one vertex.
            walls: the places of the vertices on each of some half-spaces' hyperplanes; all facets
                are among them.
        """
        numbers = [self._number.setdefault(vertex, len(self._number)) for vertex in vertices]
        sets = (frozenset(numbers[place] for place in wall) for wall in walls)
        face = frozenset(numbers)
        self._add(face, set(sets), self.dimension)
        return face

    def facets(self, polytope: Face) -> list[Face]:
        """Return the facets of a polytope of the complex."""
        return self._sides[self.dimension][polytope]

    def homology(self, faces: Iterable[Face], dimension: int) -> Homology:
        """Return that of the union of some faces of one dimension.

        Raises:
            InputError: gudhi is not installed.
        """
        levels = [set(faces)]
        for k in range(dimension, 0, -1):
            levels.append({side for face in levels[-1] for side in self._sides[k][face]})
        counts = tuple(map(len, reversed(levels)))
        simplices = [s for face in levels[0] for s in self._triangulation(face, dimension)]
        return Homology(counts, _betti_numbers(simplices, dimension))

    def _add(self, face: Face, walls: Iterable[Face], dimension: int) -> None:
        if face in self._sides[dimension]:
            return
        parts = {face & wall for wall in walls} - {face, frozenset()}
        sides = [part for part in parts if not any(part < other for other in parts)]
        self._sides[dimension][face] = sides
        for side in sides:
            self._add(side, sides, dimension - 1)

    def _triangulation(self, face: Face, dimension: int) -> list[tuple[int, ...]]:
        """Return simplices without new vertices: from the first vertex to the sides without it.

        On a common face of two polytopes both are divided alike.
        """
        if len(face) == dimension + 1:
            return [tuple(sorted(face))]
        if face not in self._simplices:
            apex = min(face)
            sides = (side for side in self._sides[dimension][face] if apex not in side)
            self._simplices[face] = [
                (apex, *simplex)
                for side in sides
                for simplex in self._triangulation(side, dimension - 1)
            ]
        return self._simplices[face]


def need_gudhi() -> None:
    """Tell how to install gudhi where it is missing.

    Raises:
        InputError: it is.
    """
    try:
        import gudhi  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "gudhi":
            raise
        raise InputError(
            "homology is computed by gudhi, which is not installed; "
            "install it with: pip install gudhi"
        ) from error


def _betti_numbers(simplices: Sequence[tuple[int, ...]], dimension: int) -> tuple[int, ...]:
    """Return the Betti numbers (dimension + 1,), over the field of two elements."""
    need_gudhi()
    import gudhi

    tree = gudhi.SimplexTree()
    if simplices:
        tree.insert_batch(np.array(simplices, dtype=np.int32).T, np.zeros(len(simplices)))
    tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
    found = tree.betti_numbers()
    return tuple(found[k] if k < len(found) else 0 for k in range(dimension + 1))


def _alternating(numbers: Iterable[int]) -> int:
    return sum(-count if k % 2 else count for k, count in enumerate(numbers))
