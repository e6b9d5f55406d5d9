"""The walk of `kernels.walk` on polytopes that are kept by their vertices.

For two and three dimensions (one input is a plane with an input that nothing reads). The idea is
Berzins' (2023), "Polyhedral Complex Extraction from ReLU Networks using Edge Subdivision": the
signs of a neuron at the vertices say whether it cuts, and where it does, only edges are divided.
The proof of every step is in docs/exact.md, "Vertices".
"""

from __future__ import annotations

import numpy as np

from nnce_cli.kernels.bits import count_bits, lowest_bit
from nnce_cli.kernels.jit import entry_point, kernel, padded
from nnce_cli.kernels.vertex_arrays import (
    CELLS,
    COUNTED_BEFORE,
    DECIDED,
    DONE,
    ENTER,
    FORCED,
    NODE,
    NODES,
    OUTPUT_FULL,
    PAUSED,
    PROVED,
    ROWS,
    SKIP,
    STACK_FULL,
    TOP,
    UNSURE,
    VertexNetwork,
    VertexWorkspace,
)
from nnce_cli.kernels.vertex_cut import divide
from nnce_cli.kernels.vertex_forms import (
    EVALUATION,
    add_active_columns,
    enter_layer,
    words,
)
from nnce_cli.kernels.vertex_ranks import begin_rank, prove_rank

CONTINUE = -1  # no reason to return
SMALL = 2.0**-400  # a witness's input closer to 0 could lose bits when it is scaled back


@kernel
def settle_columns(ws: VertexWorkspace, t: int, layer: int) -> int:
    """Find the columns with one sign on frame t; return the first one without, or -1.

    Writes ``all_positive`` and ``all_negative``, and takes them out of the frame's ``open``.
    """
    s, first = ws.start[t], -1
    for w in range(words(ws, layer)):
        positive, negative = ws.positive[s, w], ws.negative[s, w]
        for v in range(s + 1, s + ws.vertices[t]):
            positive &= ws.positive[v, w]
            negative &= ws.negative[v, w]
        ws.all_positive[w] = positive
        ws.all_negative[w] = negative
        decided = ws.open[t, w] & (positive | negative)
        ws.control[PROVED] += count_bits(decided)
        ws.open[t, w] &= ~decided
        if first < 0 and ws.open[t, w] != 0:
            first = 64 * w + lowest_bit(ws.open[t, w])
    return first


@kernel
def is_known(ws: VertexWorkspace, t: int, column: int) -> bool:
    """Tell whether the sign of ``column`` is proved at every vertex of frame t."""
    word, known = column >> 6, 1 << (column & 63)
    for v in range(ws.start[t], ws.start[t] + ws.vertices[t]):
        known &= ws.positive[v, word] | ws.negative[v, word]
    return bool(known != 0)


@kernel
def fits_prefix(net: VertexNetwork, ws: VertexWorkspace, layer: int) -> bool:
    """Tell whether the signs of the whole ``layer`` are those of the subtree's prefix."""
    start = net.offset[layer]
    if ws.control[FORCED] <= start:
        return True
    column = 0
    for j in range(net.width[layer]):
        sign = ws.sign[start + j]
        if sign == 0:
            bit = ws.all_positive[column >> 6] & (1 << (column & 63))
            sign = 1 if bit != 0 else -1
            column += 1
        if ws.forced[start + j] * sign < 0:
            return False
    return True


@kernel
def pop(ws: VertexWorkspace) -> None:
    """Go back to the active side that waits below the top frame, if there is one."""
    t = ws.control[TOP] - 1
    ws.control[TOP] = t
    if t >= 0:
        ws.plane_side[ws.pending[t]] = 1.0


@kernel
def inner_point(net: VertexNetwork, ws: VertexWorkspace, t: int, point: np.ndarray) -> bool:
    """Write the mean of frame t's vertices to ``point`` (D,); tell whether it is proved inside."""
    s, m, dimension = ws.start[t], ws.vertices[t], ws.point.shape[1]
    for i in range(dimension):
        total = 0.0
        for v in range(s, s + m):
            total += ws.point[v, i]
        point[i] = total / m
    inside = True
    for i in range(dimension):
        x = abs(point[i])
        inside = inside and (x == 0.0 or x >= SMALL) and x <= 2.0
    for v in range(s, s + m):
        for k in range(dimension):
            plane = ws.plane[v, k]
            form = ws.plane_form[plane]
            z = form[0]
            for i in range(dimension):
                z += form[1 + i] * point[i]
            clear = 2.0 * ws.plane_error[plane] + EVALUATION
            inside = inside and ws.plane_side[plane] * z > clear
    return inside


@kernel
def write_row(net: VertexNetwork, ws: VertexWorkspace) -> None:
    """Write the signs of the path, which is at a cell, as the next row; its witness is there."""
    row, first_byte = ws.control[ROWS], 0
    signs = ws.out_signs[row]
    for b in range(signs.size):
        signs[b] = ws.base[b]
    for layer in range(net.width.size):
        active = ws.base_active[layer]
        for w in range(words(ws, layer)):
            bits = ws.settled[layer, w]
            active += count_bits(bits)
            while bits != 0:
                j = ws.column_neuron[layer, 64 * w + lowest_bit(bits)]
                signs[first_byte + (j >> 3)] |= 128 >> (j & 7)
                bits &= bits - 1
        ws.out_active[row, layer] = active
        ws.out_rank[row, layer] = ws.rank[1 + layer]
        first_byte += (net.width[layer] + 7) // 8
    ws.control[ROWS] = row + 1


@kernel
def pack_base(net: VertexNetwork, ws: VertexWorkspace, layer: int) -> None:
    """Pack the signs of ``layer`` but for its columns, first neuron in the highest bit."""
    first_byte = 0
    for k in range(layer):
        first_byte += (net.width[k] + 7) // 8
    for b in range((net.width[layer] + 7) // 8):
        ws.base[first_byte + b] = 0
    active = 0
    for j in range(net.width[layer]):
        if ws.sign[net.offset[layer] + j] > 0:
            ws.base[first_byte + (j >> 3)] |= 128 >> (j & 7)
            active += 1
    ws.base_active[layer] = active


@kernel
def leave_layer(net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int, rows: bool) -> int:
    """All neurons of the layer are decided on frame t: go on to the next, or count the cell."""
    for w in range(words(ws, layer)):
        ws.settled[layer, w] = ws.all_positive[w]
    if not fits_prefix(net, ws, layer):
        pop(ws)
        return CONTINUE
    last = layer + 1 == net.width.size
    if rows:
        prove_rank(net, ws, layer)
    if last and rows:
        if not inner_point(net, ws, t, ws.out_witness[ws.control[ROWS]]):
            return unsure(ws, t, net.offset[layer + 1])
        write_row(net, ws)
    if layer >= ws.control[COUNTED_BEFORE]:
        ws.layer_cells[layer] += 1
    if last:
        ws.control[CELLS] += 1
        ws.done[0] += ws.share[t]
        pop(ws)
    else:
        add_active_columns(net, ws, t, layer)
        ws.layer[t] = layer + 1
        ws.phase[t] = ENTER
    return CONTINUE


@kernel
def unsure(ws: VertexWorkspace, t: int, decided: int) -> int:
    """Leave frame t, where ``decided`` neurons have their signs, to exact arithmetic."""
    ws.control[DECIDED] = decided
    ws.phase[t] = SKIP
    return UNSURE


@kernel
def split(
    net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int, column: int, neuron: int
) -> int:
    """Divide frame t: the inactive side goes on in frame t + 1, the active one waits.

    Inside the forced prefix of a subtree only the forced side stays.
    """
    for i in range(ws.column.shape[1]):
        ws.plane_form[neuron, i] = ws.column[layer, i, column]
    ws.plane_error[neuron] = net.error[layer]
    if layer + 1 < net.width.size:
        add_active_columns(net, ws, t, layer)
    if not divide(net, ws, t, layer, column, neuron):
        return STACK_FULL
    ws.share[t] *= 0.5
    ws.pending[t] = neuron
    ws.plane_side[neuron] = 1.0 if ws.forced[neuron] > 0 else -1.0
    if ws.forced[neuron] < 0:
        ws.start[t] = ws.start[t + 1]
        ws.vertices[t] = ws.vertices[t + 1]
    elif ws.forced[neuron] == 0:
        copy_header(net, ws, t, layer)
        ws.control[TOP] = t + 1
    return CONTINUE


@kernel
def copy_header(net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int) -> None:
    """Copy all of frame t but its vertices to frame t + 1."""
    ws.layer[t + 1] = layer
    ws.phase[t + 1] = NODE
    ws.share[t + 1] = ws.share[t]
    if layer + 1 == net.width.size:
        return
    for w in range(words(ws, layer)):
        ws.added[t + 1, w] = ws.added[t, w]
    n = padded(net.width[layer + 1])
    for i in range(ws.partial.shape[1]):
        source, target = ws.partial[t, i], ws.partial[t + 1, i]
        for j in range(n):
            target[j] = source[j]


@kernel
def visit_node(net: VertexNetwork, ws: VertexWorkspace, t: int, rows: bool) -> int:
    """Decide what the vertices of frame t show, and split it, count it or go on to a layer."""
    if t + 1 >= ws.start.size:
        return STACK_FULL
    if rows and ws.control[ROWS] == ws.out_signs.shape[0]:
        return OUTPUT_FULL
    layer = ws.layer[t]
    column = settle_columns(ws, t, layer)
    if column < 0:
        if net.offset[layer + 1] > ws.control[FORCED]:
            ws.control[NODES] += 1  # finding the way to a subtree's root is not charged
        return leave_layer(net, ws, t, layer, rows)
    neuron = net.offset[layer] + ws.column_neuron[layer, column]
    if not is_known(ws, t, column):
        return unsure(ws, t, neuron)
    status = CONTINUE
    if not rows and is_last_split(net, ws, t, layer, column):
        ws.layer_cells[layer] += 2
        ws.control[CELLS] += 2
        ws.done[0] += ws.share[t]
        pop(ws)
    else:
        status = split(net, ws, t, layer, column, neuron)
    if status != STACK_FULL and ws.forced[neuron] == 0:
        ws.control[NODES] += 1
    return status


@kernel
def is_last_split(net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int, column: int) -> bool:
    """Tell whether the two sides of ``column`` in frame t are two cells of the network."""
    if layer + 1 < net.width.size or ws.control[FORCED] > net.offset[layer]:
        return False
    others = count_bits(ws.open[t, column >> 6])
    for w in range((column >> 6) + 1, words(ws, layer)):
        others += count_bits(ws.open[t, w])
    return bool(others == 1)


@entry_point
def walk_vertices(net: VertexNetwork, ws: VertexWorkspace, node_limit: int, rows: bool) -> int:
    """Walk on until ``control[NODES]`` is ``node_limit``; return why it stopped.

    DONE: the subtree is walked. PAUSED: the limit is reached. OUTPUT_FULL: take the rows out and
    set ``control[ROWS]`` to 0. STACK_FULL: come back with more frames and vertices. UNSURE: the
    subtree of the path's first ``control[DECIDED]`` signs is not walked here; the next call goes
    on behind it. Every state in between is in the workspace.
    """
    while ws.control[NODES] < node_limit:
        t = ws.control[TOP]
        if t < 0:
            return DONE
        status = CONTINUE
        if ws.phase[t] == NODE:
            status = visit_node(net, ws, t, rows)
        elif ws.phase[t] == ENTER:
            enter_layer(net, ws, t)
            if rows:
                pack_base(net, ws, ws.layer[t])
                begin_rank(net, ws, ws.layer[t])
            ws.phase[t] = NODE
        else:
            pop(ws)
        if status != CONTINUE:
            return status
    return PAUSED
