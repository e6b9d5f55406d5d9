"""Degenerate networks whose cells are counted by hand; each docstring is the counting.

Each function returns (stack, box, layer_cells).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cases import cube
from tests.oracles.naive import stack_of

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack

    Case = tuple[LayerStack, Box, list[int]]


def diamond() -> Case:
    """Layer 1 is (x, -x, y, -y), layer 2 is (|x| + |y| - 1, |x| - |y|), on [-1, 1]^2.

    Layer 1 leaves the four quadrants. In a quadrant the two functions of layer 2 are zero on
    the two diagonals of a unit square: four triangles.
    """
    first = [[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]
    return stack_of(first, ([[1, 1, 1, 1], [1, 1, -1, -1]], [-1, 0])), cube(2, -1, 1), [4, 16]


def tents(depth: int = 6) -> Case:
    """The tent map t(x) = 2x, 2 - 2x on [0, 1] as relu(2x) - relu(4x - 2), composed.

    The neuron 2x is zero at an end only. The neuron 4x - 2 cuts each of the intervals that
    t has mapped to [0, 1] so far in its middle: k layers leave 2^k intervals.
    """
    first = [[2], [4]], [0, -2]
    later = [[2, -2], [4, -4]], [0, -2]
    cells = [2**k for k in range(1, depth + 1)]
    return stack_of(first, *[later] * (depth - 1)), cube(1, 0, 1), cells


def tents_in_the_plane() -> Case:
    """A tent map on each coordinate of [0, 1]^2: 4^k squares after k layers."""
    first = [[2, 0], [4, 0], [0, 2], [0, 4]], [0, -2, 0, -2]
    later = [[2, -2, 0, 0], [4, -4, 0, 0], [0, 0, 2, -2], [0, 0, 4, -4]], [0, -2, 0, -2]
    return stack_of(first, later, later), cube(2, 0, 1), [4, 16, 64]


def orthants() -> Case:
    """The six coordinate hyperplanes cut [-1, 1]^6 in 2^6 orthants; repeating them adds none."""
    unit = [[int(i == j) for j in range(6)] for i in range(6)]
    return stack_of((unit, [0] * 6), (unit, [0] * 6)), cube(6, -1, 1), [64, 64]


def pencil() -> Case:
    """Five lines through the point (1/4, 1/4), which is inside the square: ten sectors."""
    normals = [[1, 0], [0, 1], [1, 1], [1, -1], [1, 2]]
    offsets = [-(a + b) / 4 for a, b in normals]
    return stack_of((normals, offsets)), cube(2, -1, 1), [10]


def parallel_lines() -> Case:
    """Lines x = -1, -1/2, 0, 1/2, 1: the outer two lie along sides of the square; four strips."""
    return stack_of(([[1, 0]] * 5, [-1, -0.5, 0, 0.5, 1])), cube(2, -1, 1), [4]


def one_line_many_times() -> Case:
    """A line, its opposite, multiples and copies: two cells; the next layer sees |x - y| only.

    |x - y| = 1 cuts both triangles: four cells.
    """
    first = [[1, -1], [-1, 1], [2, -2], [1, -1], [-3, 3]], [0] * 5
    return stack_of(first, ([[1, 1, 0, 0, 0]], [-1])), cube(2, -1, 1), [2, 4]


def constant_neurons() -> Case:
    """Neurons 1, 0, -1, whatever the input: one cell; layer 2 sees the constant (1, 0, 0)."""
    first = [[0, 0]] * 3, [1, 0, -1]
    return stack_of(first, ([[1, 5, 5], [-1, 5, 5]], [-1, 2])), cube(2, -1, 1), [1, 1]


def touched_corners_and_sides() -> Case:
    """Lines that meet [-1, 1]^2 at a corner or along a side: nothing is cut.

    x + y = 2 and x - y = -2 touch a corner each, x = 1 and y = -1 a side each.
    """
    lines = [[1, 1], [1, -1], [1, 0], [0, 1]], [-2, 2, -1, 1]
    return stack_of(lines), cube(2, -1, 1), [1]


def diagonals() -> Case:
    """The diagonals of a square run from corner to corner: four triangles."""
    return stack_of(([[1, 1], [1, -1]], [0, 0])), cube(2, -1, 1), [4]


def collapsed_plane() -> Case:
    """Layer 1 is x + y: rank 0 on one side, rank 1 on the other.

    On the inactive side layer 2 is constant. On the other, a = x + y runs from 0 to 2, and is
    cut at 1/4, 1/2 and 1, while a = 2 is a corner: 1 + 4 cells. -a is negative there, and
    identically zero on the inactive side, so inactive everywhere.
    """
    second = [[1], [1], [1], [1], [-1]], [-0.25, -0.5, -1, -2, 0]
    return stack_of(([[1, 1]], [0]), second), cube(2, -1, 1), [2, 5]


def thin_strip() -> Case:
    """The lines x = 0 and x = 2^-60 leave a strip of that width between them."""
    return stack_of(([[1, 0], [1, 0]], [0, -(2.0**-60)])), cube(2, -1, 1), [3]


def tiny_triangle() -> Case:
    """Three lines in general position, x = 0, y = 0, x + y = 2^-50: seven cells."""
    return stack_of(([[1, 0], [0, 1], [1, 1]], [0, 0, -(2.0**-50)])), cube(2, -1, 1), [7]


def nearly_parallel_lines() -> Case:
    """The lines y = 0 and y = 2^-60 x cross at the origin: four cells, two of them thin."""
    return stack_of(([[0, 1], [-(2.0**-60), 1]], [0, 0])), cube(2, -1, 1), [4]


def cut_corner() -> Case:
    """The plane sum(x) = 4 - 2^-40 cuts a corner of that size off [0, 1]^4."""
    return stack_of(([[1, 1, 1, 1]], [-4 + 2.0**-40])), cube(4, 0, 1), [2]


CASES = [
    diamond,
    tents,
    tents_in_the_plane,
    orthants,
    pencil,
    parallel_lines,
    one_line_many_times,
    constant_neurons,
    touched_corners_and_sides,
    diagonals,
    collapsed_plane,
    thin_strip,
    tiny_triangle,
    nearly_parallel_lines,
    cut_corner,
]
