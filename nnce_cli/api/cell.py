"""One cell, as Python works with it: arrays of float64, and the exact numbers behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nnce_cli.api.numbers import point as point_of
from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from flint import fmpq
    from numpy.typing import ArrayLike, NDArray

    from nnce_cli.api.atlas import Atlas
    from nnce_cli.atlas import Cell as ExactCell
    from nnce_cli.atlas import LayerMap, Nearest, Origin

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bits = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Facet:
    """A facet of a cell, on the hyperplane ``a @ x[inputs] == b``.

    ``a`` (d,) points out of the cell. ``origins`` say what is behind the facet: one or more units
    (``layer``, ``index``), or what of the domain ends there; ``str`` of one says it in words.
    ``point`` (n_0,) is inside of the facet. ``neighbour`` is the row of the cell beyond, None
    where the domain ends, and where an incomplete table does not list that cell.
    """

    a: Floats
    b: float
    origins: tuple[Origin, ...]
    point: Floats
    neighbour: int | None

    @property
    def is_of_domain(self) -> bool:
        """Whether the domain ends there."""
        return any(origin.is_of_domain for origin in self.origins)


@dataclass(frozen=True, eq=False)
class Ball:
    """A ball inside a cell, as large as there are.

    ``radius`` is proved to be no larger than the largest ball's, and ``radius_at_most`` no
    smaller; infinite where there are balls of any size, or the latter where no proof was found.
    ``centre`` is (n_0,).
    """

    centre: Floats
    radius: float
    radius_at_most: float


@dataclass(frozen=True, eq=False)
class Step:
    """The shortest way from a point of a cell to something.

    ``distance`` is the float64 nearest to the root of ``squared``, which is exact (a rational of
    python-flint). ``point`` (n_0,) is where it ends, and ``origins`` what is there. ``row`` is
    the next cell's; None where there is none to tell.
    """

    distance: float
    squared: fmpq
    point: Floats
    origins: tuple[Origin, ...]
    row: int | None = None


class Cell:
    """A cell, by its row. What it says is computed when it is asked for, exactly, and then rounded.

    ``exact`` has the same in rational numbers of python-flint (`nnce_cli.atlas.Cell`). Inputs that
    the domain fixes are left out of ``A``, ``halfspaces`` and a facet's ``a``: these are over the d
    ``inputs`` that vary. Points are of all n_0 inputs.
    """

    def __init__(self, atlas: Atlas, exact: ExactCell) -> None:
        """Show a cell of an atlas."""
        self.exact = exact
        self._atlas = atlas  # whose file may go with it

    @property
    def row(self) -> int:
        """The row of the table, from 0."""
        return self.exact.row

    @property
    def code(self) -> str:
        """The sign vector as text, as `Atlas.cell` and ``nnce cell --signs`` take it."""
        return " ".join(self.exact.signs)

    @cached_property
    def signs(self) -> list[Bits]:
        """The bits of each layer's units with two pieces, as 0 and 1: uint8 (n_k,)."""
        return [bits for bits, _ in self._codes]

    @cached_property
    def pieces(self) -> list[Bits]:
        """The pieces of each layer's units that have three or more: uint8 (p_k,)."""
        return [pieces for _, pieces in self._codes]

    @property
    def _codes(self) -> list[tuple[Bits, Bits]]:
        return self.exact.space.stack.layout.split_layers(self.exact.joined)

    @cached_property
    def inputs(self) -> Ints:
        """The numbers of the inputs that vary on the domain: int64 (d,)."""
        import numpy as np

        return np.flatnonzero(self.exact.space.free)

    @property
    def A(self) -> Floats:  # noqa: N802 (its name everywhere)
        """The linear part of the outputs, ``A @ x[inputs] + b``: float64 (outputs, d)."""
        return self.exact.A

    @property
    def b(self) -> Floats:
        """The constant part of the outputs: float64 (outputs,)."""
        return self.exact.b

    @property
    def layers(self) -> list[LayerMap]:
        """For each hidden layer ``A`` and ``b`` of the map to its neurons, before their units."""
        return self.exact.layers

    @cached_property
    def halfspaces(self) -> Floats:
        """All half-spaces of the cell, rows a_1, …, a_d, b with a.x <= b: float64 (m, d + 1)."""
        import numpy as np

        rows = [_rounded(_outward(h.form)) for h in self.exact.halfspaces]
        return np.array(rows).reshape(len(rows), len(self.inputs) + 1)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """What is behind each of `halfspaces`: a unit, or a bound or half-space of the domain."""
        return tuple(halfspace.origin for halfspace in self.exact.halfspaces)

    @cached_property
    def facets(self) -> list[Facet]:
        """The facets: the half-spaces without which the cell would be larger."""
        found = []
        rows = self.halfspaces
        for facet, beyond in zip(self.exact.facets, self.exact.neighbours, strict=True):
            row = rows[facet.halfspaces[0]]
            listed = beyond.row is not None and beyond.row >= 0
            origins = self._origins(facet.halfspaces)
            at = self._full(facet.point)
            found.append(
                Facet(row[:-1], float(row[-1]), origins, at, beyond.row if listed else None)
            )
        return found

    @cached_property
    def neighbours(self) -> Ints:
        """The rows of the cells beyond its facets, ascending: int64 (neighbours,)."""
        import numpy as np

        rows = {facet.neighbour for facet in self.facets if facet.neighbour is not None}
        return np.array(sorted(rows), dtype=np.int64)

    @property
    def is_bounded(self) -> bool:
        """Whether the cell is bounded."""
        return self.exact.is_bounded

    @cached_property
    def vertices(self) -> Floats:
        """The vertices: float64 (v, n_0), each number the nearest one.

        Raises:
            InputError: there are more than 6 inputs, or thousands of vertices.
        """
        import numpy as np

        if self.exact.corners is None:
            raise InputError(_unknown("the list of vertices", len(self.inputs)))
        found = [self._full(vertex) for vertex in self.exact.corners.vertices]
        return np.array(found).reshape(len(found), len(self.exact.space.free))

    @cached_property
    def rays(self) -> Floats:
        """The directions of unbounded edges: float64 (r, n_0).

        Raises:
            InputError: as of `vertices`.
        """
        import numpy as np

        if self.exact.corners is None:
            raise InputError(_unknown("the list of rays", len(self.inputs)))
        full = self.exact.space.full_direction
        found = [_rounded(full(ray)) for ray in self.exact.corners.rays]
        return np.array(found).reshape(len(found), len(self.exact.space.free))

    @property
    def volume(self) -> float:
        """The volume over the inputs that vary, the nearest float64; infinite where unbounded.

        Raises:
            InputError: as of `vertices`, or it takes too many simplices.
        """
        if not self.is_bounded:
            return math.inf
        if self.exact.volume is None:
            raise InputError(_unknown("the volume", len(self.inputs)))
        return _rounded([self.exact.volume])[0]

    @property
    def diameter(self) -> float:
        """The largest distance between two points, the nearest float64; infinite where unbounded.

        Raises:
            InputError: as of `vertices`.
        """
        if self.exact.diameter is None:
            raise InputError(_unknown("the diameter", len(self.inputs)))
        return self.exact.diameter

    @cached_property
    def chebyshev(self) -> Ball:
        """The largest ball inside: its centre, and the radius between two proved bounds."""
        ball = self.exact.ball
        return Ball(self._full(ball.centre), ball.low, ball.high)

    def distance(self, x: ArrayLike) -> float:
        """Return the distance of a point (n_0,) to the cell, 0.0 inside: the nearest float64."""
        from nnce_cli.network import nearest_root

        return nearest_root(self.exact.nearest(self._point(x)).squared)

    def border(self, x: ArrayLike) -> Step | None:
        """Return the way from a point (n_0,) of the cell to its border: a unit's, or the domain's.

        ``origins`` are all that are as near. None where the cell is all of space.

        Raises:
            InputError: the point is not in the cell.
        """
        found = self.exact.border(self._point(x))
        return None if found is None else self._step(found)

    def next_cell(self, x: ArrayLike) -> Step | None:
        """Return the way from a point (n_0,) of the cell to the nearest other cell.

        Unlike `border` it does not stop at the border of the domain. None where there is no other
        cell. ``row`` is None where an incomplete table does not list the cell.

        Raises:
            InputError: the point is not in the cell.
        """
        found = self.exact.next_cell(self._point(x))
        if found is None:
            return None
        facet, nearest = found
        return self._step(nearest, self.facets[facet].neighbour)

    def _step(self, nearest: Nearest, row: int | None = None) -> Step:
        from nnce_cli.network import nearest_root

        origins = self._origins(nearest.halfspaces)
        distance, end = nearest_root(nearest.squared), self._full(nearest.point)
        return Step(distance, nearest.squared, end, origins, row)

    def _point(self, x: ArrayLike) -> list[fmpq]:
        from nnce_cli.exact import rationals

        return rationals(point_of(x, len(self.exact.space.free)).tolist())

    def _origins(self, halfspaces: Sequence[int]) -> tuple[Origin, ...]:
        return tuple(self.exact.halfspaces[k].origin for k in halfspaces)

    def _full(self, point: list[fmpq]) -> Floats:
        import numpy as np

        return np.array(_rounded(self.exact.space.full_point(point)))

    def __repr__(self) -> str:
        """Return a short text: its row and its signs."""
        code = self.code if len(self.code) < 80 else f"{self.code[:76]} …"
        return f"<Cell {self.row:,}: {code}>"


def _outward(form: list[fmpq]) -> list[fmpq]:
    """Return a, b of a.x <= b for a function that is >= 0."""
    constant, *linear = form
    return [*(-x for x in linear), constant]


def _rounded(numbers: Sequence[fmpq]) -> list[float]:
    from nnce_cli.exact import nearest_float

    return [nearest_float(x) for x in numbers]


def _unknown(what: str, inputs: int) -> str:
    return f"{what} of the cell is not computed: too many inputs ({inputs} vary), or vertices"
