"""Dividing a polytope that is kept by its vertices along the plane of a neuron.

`locate` bounds how far a float point v is from the true vertex v*, where D true forms are zero.
With A the float coefficients and A* the true ones, f(v) the float values and h(v) the true ones,

    A (v - v*) = h(v) - (A* - A) (v - v*),  |h(v)| <= r = max |f(v)| + 2 error + 16 u  (|v| <= 2),

so |v - v*| <= |A^-1| (r + error |v - v*|), and |v - v*| <= 2 |A^-1| r = ``blur`` where that is at
most 1/2 (in the maximum norm). Cramer's rule gives v and the entries of A^-1; a factor of two in
the constants below stands for the rounding of the determinant, which must be clear of zero.

Polytopes are simple (each vertex on exactly D planes): a plane divides one only where no vertex is
on it. So an edge is the vertices' D - 1 common planes, and each divided edge has one new vertex.
"""

from __future__ import annotations

import numpy as np

from nnce_cli.kernels.arrays import UNIT_ROUNDOFF
from nnce_cli.kernels.jit import kernel
from nnce_cli.kernels.vertex_arrays import VERTICES, VertexNetwork, VertexWorkspace
from nnce_cli.kernels.vertex_forms import EVALUATION, note_signs, words

TINY = 1e-290  # more than all that gradual underflow can lose in a determinant


@kernel
def locate(ws: VertexWorkspace, v: int) -> None:
    """Compute the point of vertex v from its planes, and bound its distance to the true one.

    Writes the origin and an infinite ``blur`` where the planes are too nearly parallel.
    """
    if ws.point.shape[1] == 2:
        locate_in_plane(ws, v)
    else:
        locate_in_space(ws, v)


@kernel
def locate_in_plane(ws: VertexWorkspace, v: int) -> None:
    """Do what `locate` does in two dimensions, by Cramer's rule."""
    a, b = ws.plane[v, 0], ws.plane[v, 1]
    f, g = ws.plane_form[a], ws.plane_form[b]
    left, right = f[1] * g[2], f[2] * g[1]
    det = left - right
    inverse = 1.0 / det
    x = (f[2] * g[0] - g[2] * f[0]) * inverse
    y = (g[1] * f[0] - f[1] * g[0]) * inverse
    residual_f = abs(f[0] + f[1] * x + f[2] * y) + 2.0 * ws.plane_error[a]
    residual_g = abs(g[0] + g[1] * x + g[2] * y) + 2.0 * ws.plane_error[b]
    row_x, row_y = abs(g[2]) + abs(f[2]), abs(g[1]) + abs(f[1])
    clear = abs(det) > 8.0 * UNIT_ROUNDOFF * (abs(left) + abs(right)) + TINY
    residual = max(residual_f, residual_g) + EVALUATION
    blur = 4.0 * max(row_x, row_y) * residual * abs(inverse)
    known = clear & (abs(x) <= 2.0) & (abs(y) <= 2.0) & (blur <= 0.5)
    ws.point[v, 0] = x if known else 0.0
    ws.point[v, 1] = y if known else 0.0
    ws.blur[v] = blur if known else np.inf


@kernel
def locate_in_space(ws: VertexWorkspace, v: int) -> None:
    """Do what `locate` does in three dimensions, by Cramer's rule."""
    planes = ws.plane[v]
    det, size, residual = 0.0, 0.0, 0.0
    x, y, z = 0.0, 0.0, 0.0
    row_x, row_y, row_z = 0.0, 0.0, 0.0
    for i in range(3):
        f = ws.plane_form[planes[i]]
        g, h = ws.plane_form[planes[(i + 1) % 3]], ws.plane_form[planes[(i + 2) % 3]]
        a, b = g[2] * h[3], g[3] * h[2]
        x -= f[0] * (a - b)
        row_x += abs(a) + abs(b)
        det = f[1] * (a - b) if i == 0 else det
        size = abs(f[1]) * (abs(a) + abs(b)) if i == 0 else size
        a, b = g[3] * h[1], g[1] * h[3]
        y -= f[0] * (a - b)
        row_y += abs(a) + abs(b)
        det += f[2] * (a - b) if i == 0 else 0.0
        size += abs(f[2]) * (abs(a) + abs(b)) if i == 0 else 0.0
        a, b = g[1] * h[2], g[2] * h[1]
        z -= f[0] * (a - b)
        row_z += abs(a) + abs(b)
        det += f[3] * (a - b) if i == 0 else 0.0
        size += abs(f[3]) * (abs(a) + abs(b)) if i == 0 else 0.0
    inverse = 1.0 / det
    x, y, z = x * inverse, y * inverse, z * inverse
    for i in range(3):
        f = ws.plane_form[planes[i]]
        off = abs(f[0] + f[1] * x + f[2] * y + f[3] * z) + 2.0 * ws.plane_error[planes[i]]
        residual = max(residual, off)
    clear = abs(det) > 16.0 * UNIT_ROUNDOFF * size + TINY
    blur = 4.0 * max(row_x, row_y, row_z) * (residual + EVALUATION) * abs(inverse)
    known = clear & (abs(x) <= 2.0) & (abs(y) <= 2.0) & (abs(z) <= 2.0) & (blur <= 0.5)
    ws.point[v, 0] = x if known else 0.0
    ws.point[v, 1] = y if known else 0.0
    ws.point[v, 2] = z if known else 0.0
    ws.blur[v] = blur if known else np.inf


@kernel
def copy_vertex(ws: VertexWorkspace, source: int, target: int, n_words: int) -> None:
    """Copy all of a vertex but its neighbours."""
    for i in range(ws.point.shape[1]):
        ws.point[target, i] = ws.point[source, i]
        ws.plane[target, i] = ws.plane[source, i]
    ws.blur[target] = ws.blur[source]
    for w in range(n_words):
        ws.positive[target, w] = ws.positive[source, w]
        ws.negative[target, w] = ws.negative[source, w]


@kernel
def is_positive(ws: VertexWorkspace, v: int, column: int) -> bool:
    """Tell whether ``column`` is proved positive at vertex v."""
    return bool((ws.positive[v, column >> 6] & (1 << (column & 63))) != 0)


@kernel
def number_vertices(ws: VertexWorkspace, t: int, column: int) -> tuple[int, int]:
    """Number frame t's vertices on each side of ``column`` in ``ws.image``.

    Returns how many are positive, and how many edges cross.
    """
    s, dimension = ws.start[t], ws.point.shape[1]
    n_positive, n_negative, crossing = 0, 0, 0
    for v in range(ws.vertices[t]):
        if is_positive(ws, s + v, column):
            ws.image[v] = n_positive
            n_positive += 1
            for i in range(dimension):
                other = s + ws.neighbour[s + v, i]
                crossing += 0 if is_positive(ws, other, column) else 1
        else:
            ws.image[v] = n_negative
            n_negative += 1
    return n_positive, crossing


@kernel
def new_vertex(
    net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int, v: int, column: int
) -> None:
    """Compute vertex v, on the plane of ``column`` between two vertices of frame t.

    Its planes are set. Columns that have one sign on all of frame t have it here too.
    """
    locate(ws, v)
    note_signs(net, ws, v, layer)
    for w in range(words(ws, layer)):
        undecided = ws.open[t, w]
        ws.positive[v, w] = (ws.positive[v, w] & undecided) | ws.all_positive[w]
        ws.negative[v, w] = (ws.negative[v, w] & undecided) | ws.all_negative[w]
    ws.control[VERTICES] += 1


@kernel
def set_sign(ws: VertexWorkspace, v: int, column: int, positive: bool) -> None:
    """Give vertex v, which lies on the plane of ``column``, the sign of the side it bounds."""
    word, bit = column >> 6, 1 << (column & 63)
    if positive:
        ws.positive[v, word] |= bit
        ws.negative[v, word] &= ~bit
    else:
        ws.negative[v, word] |= bit
        ws.positive[v, word] &= ~bit


@kernel
def divide(
    net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int, column: int, neuron: int
) -> bool:
    """Divide the polytope of frame t along ``column``, whose sign is known at all its vertices.

    Frame t gets the positive part, frame t + 1 the negative one; only their vertices and
    ``open`` are written. False, and nothing is changed, where the vertices have no room. The
    arrays of frame t's vertices before are not used again until the walk is below frame t.
    """
    s, m, dimension = ws.start[t], ws.vertices[t], ws.point.shape[1]
    n_positive, crossing = number_vertices(ws, t, column)
    n_negative = m - n_positive
    above = s + m
    below = above + n_positive + crossing
    if below + n_negative + crossing > ws.blur.size:
        return False
    n_words = words(ws, layer)
    for v in range(m):
        positive = is_positive(ws, s + v, column)
        target = (above if positive else below) + ws.image[v]
        copy_vertex(ws, s + v, target, n_words)
        for i in range(dimension):  # of two vertices on different sides this is set again below
            ws.neighbour[target, i] = ws.image[ws.neighbour[s + v, i]]
    born = 0
    for v in range(m):
        if not is_positive(ws, s + v, column):
            continue
        for i in range(dimension):
            other = ws.neighbour[s + v, i]
            if is_positive(ws, s + other, column):
                continue
            a, b = n_positive + born, n_negative + born
            for k in range(dimension):
                ws.plane[above + a, k] = neuron if k == i else ws.plane[s + v, k]
            new_vertex(net, ws, t, layer, above + a, column)
            copy_vertex(ws, above + a, below + b, n_words)
            set_sign(ws, above + a, column, True)
            set_sign(ws, below + b, column, False)
            ws.neighbour[above + a, i] = ws.image[v]
            ws.neighbour[above + ws.image[v], i] = a
            ws.neighbour[below + b, i] = ws.image[other]
            for k in range(dimension):
                if ws.neighbour[s + other, k] == v:
                    ws.neighbour[below + ws.image[other], k] = b
            join_new_edges(ws, above, below, n_positive, n_negative, born, i)
            born += 1
    ws.start[t] = above
    ws.vertices[t] = n_positive + crossing
    ws.start[t + 1] = below
    ws.vertices[t + 1] = n_negative + crossing
    for w in range(n_words):
        ws.open[t + 1, w] = ws.open[t, w]
    return True


@kernel
def join_new_edges(
    ws: VertexWorkspace, above: int, below: int, n_positive: int, n_negative: int, born: int, i: int
) -> None:
    """Join a new vertex, whose i-th plane is the new one, to the new vertices found before it.

    On each face of dimension two that is cut there are two new vertices, the ends of an edge.
    In two dimensions that face is the polygon; in three it is the old plane that both lie on.
    """
    dimension = ws.point.shape[1]
    for k in range(dimension):
        if k == i:
            continue
        face = (
            ws.mate.size - 1 if dimension == 2 else ws.plane[above + n_positive + born, 3 - i - k]
        )
        waiting = ws.mate[face]
        if waiting < 0:
            ws.mate[face] = 4 * born + k
            continue
        ws.mate[face] = -1
        mate, at = waiting >> 2, waiting & 3
        ws.neighbour[above + n_positive + born, k] = n_positive + mate
        ws.neighbour[above + n_positive + mate, at] = n_positive + born
        ws.neighbour[below + n_negative + born, k] = n_negative + mate
        ws.neighbour[below + n_negative + mate, at] = n_negative + born
