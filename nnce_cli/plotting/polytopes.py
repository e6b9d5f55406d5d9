"""The cells of a network over three inputs as polytopes, from the rows of their table.

Their vertices and facets are found in rational arithmetic; what is drawn of them are the floats
nearest to the vertices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.analysis import output_map
from nnce_cli.atlas import CellSpace, HalfSpace, corners_of, halfspaces_of
from nnce_cli.base.errors import InputError
from nnce_cli.base.workers import in_order
from nnce_cli.exact import is_pointed, matrix
from nnce_cli.plotting.polygons import Floats, Ints
from nnce_cli.table import Rows

INPUTS = 3  # that vary
MOST_CELLS = 20_000
MOST_OUTPUTS = 500_000  # of all cells together
AT_A_TIME = 32  # cells that a process takes
NUMBERS_AT_A_TIME = 1 << 20  # of affine maps in memory

Progress = Callable[[int, int], object]
Vertex = tuple[int, ...]  # numerator and denominator of each coordinate
Face = frozenset[int]


@dataclass(frozen=True, eq=False)
class Solid:
    """One polytope: its vertices, its facets as loops of their numbers, and each one's layer."""

    vertices: list[Vertex]
    loops: list[list[int]]
    layers: list[int]


@dataclass(frozen=True, eq=False)
class Polytopes:
    """The cells of a table, in the order of its rows; they meet face to face.

    ``points`` (v, 3) are the vertices, each once. A cell has ``facets`` (cells,) facets, a facet
    ``corners`` (f,) corners, and ``loops`` are the numbers of these in ``points``: facet by facet,
    counterclockwise as seen from outside. ``layers`` (f,) is the hidden layer, from 1, of the unit
    that the facet is of; 0 where the domain ends. ``outputs`` (cells, m, 4) are the affine maps of
    the outputs: a row (a, b, c, d) stands for ``a x + b y + c z + d``.
    """

    points: Floats
    facets: Ints
    corners: Ints
    loops: Ints
    layers: Ints
    outputs: Floats

    def volumes(self) -> Floats:
        """Return the volumes of the cells (cells,), in float64."""
        starts = np.concatenate([[0], np.cumsum(self.corners)])
        first = np.repeat(self.loops[starts[:-1]], self.corners)  # of the corner's facet
        following = np.roll(self.loops, -1)
        following[starts[1:] - 1] = self.loops[starts[:-1]]
        cell = np.repeat(np.repeat(np.arange(len(self.facets)), self.facets), self.corners)
        inner = self.points[self.loops[np.concatenate([[0], np.flatnonzero(np.diff(cell)) + 1])]]
        a, b, c = (self.points[k] - inner[cell] for k in (first, self.loops, following))
        return np.asarray(np.bincount(cell, np.einsum("ij,ij->i", a, np.cross(b, c)) / 6), float)


def refuse_size(cells: int, outputs: int) -> None:
    """Refuse what is too much for a page.

    Raises:
        InputError: it is.
    """
    if cells > MOST_CELLS or cells * outputs > MOST_OUTPUTS:
        raise InputError(
            f"a page shows up to {MOST_CELLS:,} cells in space, and {MOST_OUTPUTS:,} outputs of "
            f"all of them, and here are {cells:,} cells of {outputs:,}; enumerate a part of the "
            "domain (nnce enumerate --box), or a plane through it (--slice) for a picture, or look "
            "at slices with nnce report"
        )


def polytopes_of(
    space: CellSpace, rows: Rows, *, jobs: int, progress: Progress = lambda done, total: None
) -> Polytopes:
    """Return the cells of a table as polytopes.

    Args:
        space: the network on its domain; three inputs vary.
        rows: all rows of the table.
        jobs: how many processes share the work.
        progress: is told, now and then, how many cells of all are done.

    Raises:
        InputError: there are too many, the domain has no bounds, a row is no cell of the network,
            or its vertices are too many or their coordinates too long.
    """
    refuse_size(len(rows.active), output_map(space.stack).n_out)
    limits = [limit.form[1:] for limit in space.limits]
    if not space.is_in_a_box and not is_pointed(limits, INPUTS):
        raise InputError(
            "cells are drawn in space on bounded domains, and that of the table is not; enumerate "
            "the network in a box that is large enough"
        )
    joined = np.concatenate(rows.signs, axis=1) if rows.signs else np.zeros((1, 0), np.uint8)
    chunks = [joined[first : first + AT_A_TIME] for first in range(0, len(joined), AT_A_TIME)]
    solids: list[Solid] = []
    work = _Solids(space)
    for found in in_order(work.of, chunks, jobs if len(chunks) > 1 else 1):
        solids += found
        progress(len(solids), len(joined))
    return _joined(solids, _outputs(space, rows))


class _Solids:
    """Finds the polytopes of rows."""

    def __init__(self, space: CellSpace) -> None:
        self._space = space

    def of(self, joined: NDArray[np.uint8]) -> list[Solid]:
        """Return the polytopes of the cells with these codes (m, row_bytes)."""
        return [self._solid(row) for row in joined]

    def _solid(self, row: NDArray[np.uint8]) -> Solid:
        layers = self._space.stack.layout.split_layers(row)
        code = [[*bits.tolist(), *pieces.tolist()] for bits, pieces in layers]
        walls = [*self._space.limits, *halfspaces_of(self._space.pullback, code)]
        try:
            found = corners_of([wall.form for wall in walls], INPUTS)
        except InputError as error:
            raise InputError(
                "a cell of this network has too many vertices, or vertices whose coordinates are "
                "fractions of too many digits, for it to be drawn"
            ) from error
        assert found is not None
        # Where hyperplanes are the same, the first one is what cut.
        facets: dict[Face, HalfSpace] = {}
        for wall, on in zip(walls, found.on, strict=True):
            if len(on) >= INPUTS:
                facets.setdefault(on, wall)
        if len(facets) <= INPUTS or any(len(on) == len(found.vertices) for on in facets):
            raise InputError(
                "the table has a row that is no cell of this network; check it with nnce verify"
            )
        return Solid(
            [tuple(int(n) for x in vertex for n in (x.p, x.q)) for vertex in found.vertices],
            [_loop(facet, facets, found.vertices, wall) for facet, wall in facets.items()],
            [wall.origin.layer for wall in facets.values()],
        )


def _loop(
    facet: Face, facets: Iterable[Face], vertices: list[list[fmpq]], wall: HalfSpace
) -> list[int]:
    """Return the vertices of a facet in order: each shares an edge, a further facet, with the next.

    They are counterclockwise as seen from outside, from where the wall's function falls.
    """
    beside: dict[int, list[int]] = {vertex: [] for vertex in facet}
    for other in facets:
        edge = facet & other
        if other is not facet and len(edge) == 2:
            a, b = edge
            beside[a].append(b)
            beside[b].append(a)
    loop = [min(facet)]
    while len(loop) < len(facet):
        loop.append(min(vertex for vertex in beside[loop[-1]] if vertex not in loop))
    first, second, third = (vertices[k] for k in loop[:3])
    edges = [[y - x for x, y in zip(first, end, strict=True)] for end in (second, third)]
    inward = matrix([*edges, wall.form[1:]], INPUTS).det() > 0
    return loop[::-1] if inward else loop


def _joined(solids: list[Solid], outputs: Floats) -> Polytopes:
    """Join polytopes: vertices that are the same point are one."""
    number: dict[Vertex, int] = {}
    loops: list[list[int]] = []
    for solid in solids:
        here = [number.setdefault(vertex, len(number)) for vertex in solid.vertices]
        loops += [[here[k] for k in loop] for loop in solid.loops]
    try:
        points = [[p / q for p, q in zip(v[::2], v[1::2], strict=True)] for v in number]
    except OverflowError as error:
        raise InputError(
            "the domain is too large to be drawn; enumerate on a smaller one"
        ) from error
    return Polytopes(
        points=np.array(points, dtype=np.float64),
        facets=np.array([len(solid.loops) for solid in solids]),
        corners=np.array([len(loop) for loop in loops]),
        loops=np.array([*chain.from_iterable(loops)]),
        layers=np.array([*chain.from_iterable(solid.layers for solid in solids)]),
        outputs=outputs,
    )


def _outputs(space: CellSpace, rows: Rows) -> Floats:
    """Return the affine maps (cells, m, 4) of the outputs on the cells."""
    stack = space.stack
    widest = max([1, *(layer.n_out for layer in (*stack.hidden, output_map(stack)))])
    step = max(1, NUMBERS_AT_A_TIME // ((INPUTS + 1) * widest))
    ends = [*range(0, len(rows.active), step), len(rows.active)]
    found = [np.empty((0, output_map(stack).n_out, INPUTS + 1))]
    with np.errstate(over="ignore", invalid="ignore"):
        for first, stop in pairwise(ends):
            codes = stack.layout.layers([column[first:stop] for column in rows.signs])
            maps = np.tile(np.eye(INPUTS, INPUTS + 1), (stop - first, 1, 1))
            for layer, units, code in zip(stack.hidden, stack.units, codes, strict=True):
                values = _pulled(layer.weight, layer.bias, maps)
                maps = values * units.gains(code, values.shape[1])[:, :, None]
            last = output_map(stack)
            found.append(_pulled(last.weight, last.bias, maps))
    outputs = np.concatenate(found)
    if not np.isfinite(outputs).all():
        raise InputError("the network's values are too large to be drawn")
    return outputs


def _pulled(weight: Floats, bias: Floats, maps: Floats) -> Floats:
    """Return ``W a + b`` (c, n_out, 4) for affine maps ``a`` (c, n_in, 4)."""
    result: Floats = np.matmul(weight, maps)
    result[:, :, INPUTS] += bias
    return result
