"""The arrays of the vertex kernel: the scaled network (read only) and the workspace (modified).

Names: D is the dimension, 2 or 3, L the number of hidden layers, n_l their widths, N the sum of
these, P the largest width rounded up to a multiple of 8, W the number of 64-bit words that hold
P bits. Neuron i of layer l (both from 0) has the global index ``offset[l] + i``. A *plane* is
where a neuron is zero on the cell (its global index names it), or a side of the box: N + 2 i is
the lower, N + 2 i + 1 the upper side of input i.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.kernels.arrays import Floats, Ints

# What the frame on top of the stack does next.
ENTER, NODE, SKIP = range(3)
# Why `walk_vertices` returned.
DONE, PAUSED, OUTPUT_FULL, STACK_FULL, UNSURE = range(5)
# The entries of `VertexWorkspace.control`.
TOP, NODES, ROWS, CELLS, COUNTED_BEFORE, FORCED, DECIDED, PROVED, VERTICES = range(9)


class VertexNetwork(NamedTuple):
    """A network on a box, every quantity scaled by a power of two to a size of at most about 1.

    The box lies in [-1, 1]^D, and for each neuron |bias| + sum |weight| is at most 1; so all
    values and all forms (see `VertexWorkspace`) are at most 1 too, and so is what they err by in
    proportion: ``error``.
    """

    width: Ints  # (L,) n_l
    offset: Ints  # (L + 1,) global index of the first neuron of each layer
    first: Floats  # (D + 1, P) layer 0: the bias, then the weights of each input
    weight: Floats  # (L, P, P) of the other layers: weight[l, i, j] from neuron i to neuron j
    bias: Floats  # (L, P)
    error: Floats  # (L,) how far a form of the layer may be from the true one, over the box
    inputs: int  # how many inputs vary: D, or 1 where the second has no weight
    side: Floats  # (2 D, D + 1) the sides of the box as forms >= 0 inside
    corner: Floats  # (2^D, D) corner c is at the upper side of the inputs that are bits of c


class VertexWorkspace(NamedTuple):
    """All that changes during a walk: V vertices, F frames.

    A *form* is an affine function ``form[0] + sum_i form[1 + i] x_i``, stored with all neurons
    of a layer side by side. The columns of a layer-k cell are those of its next layer's neurons
    that may cut it, in order, and bits stand for columns.

    Frame t has the vertices start[t] … start[t] + vertices[t] - 1. Each lies on exactly D planes;
    ``neighbour[v, i]`` is the other end (from start[t]) of the edge on all of them but the i-th.
    """

    # Vertices.
    point: Floats  # (V, D)
    blur: Floats  # (V,) bound on the distance to the true vertex in each input; inf: unknown
    positive: Ints  # (V, W) the columns that are proved to be positive at the true vertex
    negative: Ints  # (V, W)
    plane: Ints  # (V, D)
    neighbour: Ints  # (V, D)
    # Frames.
    start: Ints  # (F,)
    vertices: Ints  # (F,) how many
    layer: Ints  # (F,)
    phase: Ints  # (F,)
    open: Ints  # (F, W) the columns that are not known to have one sign on the cell
    pending: Ints  # (F,) global index of the neuron whose active side waits in this frame
    share: Floats  # (F,) the share of the domain's tree below this frame
    added: Ints  # (F, W) the columns that `partial` has
    partial: Floats  # (F, D + 1, P) the forms of the layer after: the terms known so far
    # The path: valid for the top frame, a prefix of it for the frames below.
    form: Floats  # (L, D + 1, P)
    column: Floats  # (L, D + 1, P) the forms of the layer's columns, zero beyond the last
    slope: Floats  # (L,) the largest sum of a form's coefficients' sizes
    column_neuron: Ints  # (L, P) which neuron of the layer each column is
    columns: Ints  # (L,) how many there are
    sign: Ints  # (N,) +1 or -1 where the whole layer-k cell is on one side, else 0
    plane_form: Floats  # (N + 2 D, D + 1)
    plane_error: Floats  # (N + 2 D,)
    plane_side: Floats  # (N + 2 D,) +1.0 or -1.0: the side of the plane that the cell is on
    settled: Ints  # (L, W) the columns that are active on the path, of the layers before the top's
    base: NDArray[np.uint8]  # (B,) the sign bytes with all columns inactive
    base_active: Ints  # (L,) active neurons but for the columns
    basis: Floats  # (L, D, D) coefficients of independent active neurons; then scratch
    base_rank: Ints  # (L,) how many of them are not columns
    rank: Ints  # (L + 1,) the number of inputs, then the rank at each layer, or -1: not proved
    # Scratch.
    value: Floats  # (P,)
    lowest: Floats  # (P,)
    highest: Floats  # (P,)
    all_positive: Ints  # (W,)
    all_negative: Ints  # (W,)
    image: Ints  # (V',) where a vertex of a divided cell goes; V' at least its vertices
    mate: Ints  # (N + 2 D + 1,) the new vertex on a plane that waits for its neighbour, or -1
    # Results.
    control: Ints  # counters and signals, indexed by the constants above
    done: Floats  # (1,) share of the domain's tree that is done
    layer_cells: Ints  # (L,)
    forced: Ints  # (N,) the signs of the subtree's prefix, 0 beyond it
    out_signs: NDArray[np.uint8]  # (C, B)
    out_active: NDArray[np.uint16]  # (C, L)
    out_rank: Ints  # (C, L) -1 where it is not proved
    out_witness: Floats  # (C, D)
