"""A cell of a network: its map, its polyhedron, and the cells beyond its facets.

Everything is computed when it is asked for, in rational arithmetic; floats are what is shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.atlas.cell_space import CellSpace
from nnce_cli.atlas.corners import (
    MOST_INPUTS,
    Corners,
    corners_of,
    squared_diameter,
    volume_of,
)
from nnce_cli.atlas.distance import Nearest, nearest_hyperplane, nearest_point
from nnce_cli.atlas.facets import Facet, facets
from nnce_cli.atlas.germ import first_code, joined_row, options_at
from nnce_cli.atlas.halfspaces import Form, HalfSpace, active_neurons, halfspaces_of
from nnce_cli.atlas.inscribed import Ball, largest_ball
from nnce_cli.atlas.linear import floats_of
from nnce_cli.atlas.locate import Locator
from nnce_cli.atlas.signs import parse_signs
from nnce_cli.base.errors import InputError
from nnce_cli.exact import evaluate, is_pointed
from nnce_cli.network import nearest_root
from nnce_cli.table import CellTableReader, find_rows

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Point = list[fmpq]


@dataclass(frozen=True, eq=False)
class LayerMap:
    """The affine map x -> A x + b on a cell: ``forms`` has exact rows b, A (n, 1 + d)."""

    forms: list[Form]
    n_inputs: int

    @cached_property
    def A(self) -> Floats:  # noqa: N802 (its name everywhere)
        """The linear part (n, d), each number the nearest float64."""
        return floats_of([form[1:] for form in self.forms], self.n_inputs)

    @cached_property
    def b(self) -> Floats:
        """The constant part (n,), each number the nearest float64."""
        return floats_of([form[:1] for form in self.forms], 1)[:, 0]


@dataclass(frozen=True, eq=False)
class Neighbour:
    """What is beyond a facet: a cell, or nothing where the domain ends.

    ``joined`` (row_bytes,) is its code and ``row`` its row, -1 where the table does not list it;
    ``signs`` is the code as text. All are None at the end of the domain.
    """

    facet: int
    joined: Bytes | None = None
    signs: tuple[str, ...] | None = None
    row: int | None = None


class Cell:
    """The cell of one row. Its inputs are those that vary (``CellSpace.free``), d of them."""

    def __init__(self, space: CellSpace, reader: CellTableReader, joined: Bytes, row: int) -> None:
        """Take a cell by its code (row_bytes,) and its row."""
        self.space = space
        self.joined = joined
        self.row = row
        self._reader = reader
        layers = space.stack.layout.split_layers(joined)
        self._codes = [[*bits.tolist(), *pieces.tolist()] for bits, pieces in layers]

    @property
    def signs(self) -> tuple[str, ...]:
        """The code of each layer as text."""
        return self.space.stack.layout.texts(self.joined)

    @cached_property
    def layers(self) -> list[LayerMap]:
        """The maps from the inputs to the numbers of each hidden layer's neurons (before units)."""
        on = active_neurons(self.space.pullback, self._codes)
        maps = self.space.pullback.maps
        return [
            LayerMap(self.space.pullback.preactivations(k, on).tolist(), self.space.dimension)
            for k in range(len(maps))
        ]

    @cached_property
    def outputs(self) -> LayerMap:
        """The map from the inputs to the outputs."""
        stack, d = self.space.stack, self.space.dimension
        if not stack.hidden:
            assert stack.output is not None
            weight, bias = stack.output.rational
            both = zip(bias.tolist(), weight.tolist(), strict=True)
            return LayerMap([[*b, *row] for b, row in both], d)
        pullback, last = self.space.pullback, len(stack.hidden) - 1
        on = active_neurons(pullback, self._codes)
        rows = self.layers[last].forms
        factors = pullback.factors(last, on[last])
        passed = [[f * x for x in row] for f, row in zip(factors, rows, strict=True)]
        if stack.output is None:
            return LayerMap(passed, d)
        weight, bias = stack.output.rational
        found: list[Form] = []
        for k, row in enumerate(weight.tolist()):
            form = [bias[k, 0], *[fmpq(0)] * d]
            for w, values in zip(row, passed, strict=True):
                if w != 0:
                    form = [x + w * y for x, y in zip(form, values, strict=True)]
            found.append(form)
        return LayerMap(found, d)

    @property
    def A(self) -> Floats:  # noqa: N802
        """The linear part of the map to the outputs."""
        return self.outputs.A

    @property
    def b(self) -> Floats:
        """The constant part of the map to the outputs."""
        return self.outputs.b

    @cached_property
    def halfspaces(self) -> list[HalfSpace]:
        """All half-spaces whose intersection the cell is, of units and of the domain."""
        return [*halfspaces_of(self.space.pullback, self._codes), *self.space.limits]

    @cached_property
    def _forms(self) -> list[Form]:
        return [halfspace.form for halfspace in self.halfspaces]

    @cached_property
    def ball(self) -> Ball:
        """The largest ball in the cell.

        Raises:
            InputError: the cell has no interior, so that it is none of this network.
        """
        found = largest_ball(self._forms, self.space.dimension, is_bounded=self.is_bounded)
        if found is None:
            raise InputError(
                f"row {self.row} of the table is not a cell of the model on its domain; "
                "check the table with nnce verify"
            )
        return found

    @cached_property
    def facets(self) -> list[Facet]:
        """The facets, each with the half-spaces (by their numbers) that have its hyperplane."""
        return facets(self._forms, self.ball.centre)

    @cached_property
    def is_bounded(self) -> bool:
        """Whether the cell is bounded."""
        if self.space.is_in_a_box:
            return True
        return is_pointed([form[1:] for form in self._forms], self.space.dimension)

    @cached_property
    def neighbours(self) -> list[Neighbour]:
        """What is beyond each facet, with its row."""
        found = [Neighbour(k) for k in range(len(self.facets))]
        there = [(k, code) for k, code in enumerate(self.beyond) if code is not None]
        if there:
            rows = find_rows(self._reader, np.stack([code for _, code in there]))
            for (k, code), row in zip(there, rows.tolist(), strict=True):
                found[k] = Neighbour(k, code, self.space.stack.layout.texts(code), row)
        return found

    @cached_property
    def beyond(self) -> list[Bytes | None]:
        """The code (row_bytes,) of what is beyond each facet; None where the domain ends.

        One cell, for all of a facet: in its inside no other function of the cell's units is zero,
        and those that are zero all over it have the same sign everywhere beyond.
        """
        return [self._beyond(facet) for facet in self.facets]

    def _beyond(self, facet: Facet) -> Bytes | None:
        sides = [self.halfspaces[k] for k in facet.halfspaces]
        if any(side.origin.is_of_domain for side in sides):
            return None
        outward = [-x for x in sides[0].form[1:]]
        options = options_at(self.space.pullback, facet.point, outward)
        code: Bytes = first_code(self.space.stack, options)[0]
        return code

    @cached_property
    def corners(self) -> Corners | None:
        """Vertices and rays, up to 6 inputs; None with more, or where there are too many."""
        if self.space.dimension > MOST_INPUTS:
            return None
        try:  # from the domain on inwards
            return corners_of(self._forms[::-1], self.space.dimension) or Corners([], [], [])
        except InputError:
            return None

    @cached_property
    def volume(self) -> fmpq | None:
        """The exact volume over the inputs that vary; None where it is infinite or not known.

        It is known where the vertices are, unless there are too many.
        """
        if not self.is_bounded or self.corners is None:
            return None
        return volume_of(self.corners)

    @cached_property
    def diameter(self) -> float | None:
        """The largest distance between two points, rounded; infinite, or None as the volume."""
        if not self.is_bounded:
            return math.inf
        if self.corners is None:
            return None
        return nearest_root(squared_diameter(self.corners.vertices))

    def nearest(self, point: Point) -> Nearest:
        """Return the point of the cell nearest to a point (n_0,), over the inputs that vary.

        The square counts the fixed inputs, too.
        """
        inside, apart = self.space.varying(point)
        found = nearest_point(self._forms, inside)
        assert found is not None  # the cell is not empty
        return Nearest(found.point, found.squared + apart, found.halfspaces)

    def border(self, point: Point) -> Nearest | None:
        """Return the point of the cell's border nearest to a point (n_0,) of the cell.

        None where the cell is all of space.

        Raises:
            InputError: the point is not in the cell.
        """
        return nearest_hyperplane(self._forms, self._inside(point))

    def next_cell(self, point: Point) -> tuple[int, Nearest] | None:
        """Return the facet through which the next cell is nearest, and its point nearest to that.

        The way from a point of the cell to any other cell leaves through a facet beyond which
        there is one; None where there is none, as the cell is the whole domain.

        Raises:
            InputError: the point is not in the cell.
        """
        x = self._inside(point)
        ways = []
        for k, facet in enumerate(self.facets):
            if not any(self.halfspaces[i].origin.is_of_domain for i in facet.halfspaces):
                form = self._forms[facet.halfspaces[0]]
                plane = nearest_hyperplane([form], x)
                assert plane is not None
                ways.append((plane.squared, k, form))
        best: tuple[int, Nearest] | None = None
        for at_least, k, form in sorted(ways, key=lambda way: way[:2]):
            if best is not None and best[1].squared <= at_least:
                break
            found = nearest_point([*self._forms, [-a for a in form]], x)
            assert found is not None  # the facet is not empty
            if best is None or found.squared < best[1].squared:
                best = k, Nearest(found.point, found.squared, self.facets[k].halfspaces)
        return best

    def _inside(self, point: Point) -> Point:
        """Return the inputs that vary of a point of the cell."""
        inside, apart = self.space.varying(point)
        if apart or any(evaluate(form, inside) < 0 for form in self._forms):
            raise InputError(
                f"the point is not in the cell of row {self.row}; ask for the cell that it is in"
            )
        return inside


def cell_of_row(space: CellSpace, reader: CellTableReader, row: int) -> Cell:
    """Return the cell of a row; only its row group is read.

    Raises:
        InputError: there is no such row, or the table is damaged.
    """
    columns = reader.row(row).signs
    nothing = np.zeros(0, np.uint8)
    return Cell(space, reader, np.concatenate([nothing, *(c[0] for c in columns)]), row)


def cell_at(space: CellSpace, reader: CellTableReader, point: Floats) -> Cell:
    """Return the cell of a point (n_0,).

    Raises:
        InputError: it is outside of the domain, or on a border between cells; or the table lists
            no cell there.
    """
    found = Locator(reader, space.given, space.domain).locate(point[None])
    rows = found.rows_of(0)
    if found.is_outside[0]:
        raise InputError("the point is outside of the domain of the table; give one inside")
    if not rows:
        raise InputError("the table has no row for the cell of the point: it is not complete")
    if len(rows) > 1:
        some = ", ".join(map(str, rows[:8])) + (", …" if len(rows) > 8 else "")
        raise InputError(
            f"the point is on a border between {len(rows)} cells, rows {some}; "
            "give one of them with --row"
        )
    return cell_of_row(space, reader, rows[0])


def cell_of_signs(space: CellSpace, reader: CellTableReader, text: str) -> Cell:
    """Return the cell with a code: a text of each layer, such as "0110 01" or "01/2 110".

    Raises:
        InputError: the text is no code of the network, or no row has it.
    """
    joined = joined_row(space.stack, parse_signs(space.stack.layout, text))
    row = int(find_rows(reader, joined)[0])
    if row < 0:
        raise InputError(f"the table has no cell with the signs {text!r}")
    return Cell(space, reader, joined[0], row)
