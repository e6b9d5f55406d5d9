"""The arrays that the kernels work on: the network (read only) and the workspace (modified).

Names: d is the number of inputs that vary, L the number of hidden layers, n_l their widths,
n the largest of them, N their sum. Neuron i of layer l (both from 0) has the global index
``offset[l] + i``. A *variable* of a dictionary is an input (0 … d-1) or the slack of a split
neuron (d + its global index).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNIT_ROUNDOFF = 2.0**-53
UNDERFLOW = 1e-290  # more than all that gradual underflow can lose in one bound

# What the frame on top of the stack does next.
NEW_LAYER, ROOT_TESTS, NODE, LEAF = range(4)
# Why `walk` returned.
DONE, PAUSED, OUTPUT_FULL, STACK_FULL, DRIFTED, UNSURE_ROOT, UNSURE_NODE, UNSURE_LEAF = range(8)
# What exact arithmetic answers of a neuron on a cell, or of a leaf.
NO_ANSWER, POSITIVE, NEGATIVE, ZERO, CUTS, EXISTS, EMPTY = range(7)
# The entries of `Workspace.control`.
TOP, ANSWER, REBUILT, NODES, ROWS, CELLS, COUNTED_BEFORE = range(7)
PROOFS, WITNESSES, LPS, PIVOTS, CERTIFY, LOGGED, BASIS, PREFIX, MUTED, MOVED = range(7, 17)
# The entries of `Preimage.kept`.
PULLBACKS, GATHERED, FACTORED, COUNT, SAME = range(5)
# The decisions of a completeness certificate (docs/proof.md).
IS_INACTIVE, IS_ACTIVE, IS_ZERO, IS_SPLIT, IS_CELL, IS_EMPTY = range(6)


class Body(NamedTuple):
    """An ellipsoid {u : |transform (u - middle)| <= radius} that an `Image` surely holds."""

    transform: Floats  # (d, d)
    metric: Floats  # (d, d) about the inverse of transform' transform
    generator: Floats  # (d, m) times weights: takes directions to inputs whose image lies there
    radius: float  # 0.0 where none could be proved


class Image(NamedTuple):
    """The image of a box of many inputs x under a linear map u = U x into few: a zonotope.

    Where a walk works in the image, its d inputs are the entries of u, and its box contains the
    zonotope. m is the number of inputs x, 0 where the walk works on the inputs themselves. Inputs
    are measured from the centre of the box in half sides: x = centre + half * t with |t_i| <= 1.
    """

    linear: Floats  # (d, m) U
    inexact: float  # 1.0 where U is rounded from rationals, else 0.0
    magnitude: Floats  # (d,) bound on sum |U| |x| over the box
    lower: Floats  # (m,) the box
    upper: Floats  # (m,)
    centre: Floats  # (m,)
    half: Floats  # (m,)
    # For finding points; no proof rests on these, but on `middle` where a point is in the body.
    middle: Floats  # (d,) U centre
    generator: Floats  # (d, m) G = U diag(half): u = middle + G t
    column: Floats  # (m, d) G^T
    gram: Floats  # (d, d) G G^T
    inverse: Floats  # (d, d) its inverse: the smallest t for a u is G^T inverse (u - middle)
    body: Body  # the proof rests on its transform and radius


class Network(NamedTuple):
    """A network on a box, as the kernels read it."""

    width: Ints  # (L,) n_l
    offset: Ints  # (L + 1,) global index of the first neuron of each layer
    weight: Floats  # (L, max(d, n), n padded): weight[l, i, j] from input i to neuron j
    bias: Floats  # (L, n padded)
    inexact: Floats  # (L,) 1.0 where the float64 weights are rounded from rationals, else 0.0
    sign_error: Floats  # (N,) bound on the error of a float forward pass inside the box
    lower: Floats  # (d,)
    upper: Floats  # (d,)
    magnitude: Floats  # (d,) max(|lower|, |upper|)
    span: Floats  # (d,) upper - lower
    layer_of: Ints  # (N,) the layer of a neuron
    image: Image


class Preimage(NamedTuple):
    """Scratch for the search of an input x in the box whose image lies in a cell (see `Image`)."""

    form: Floats  # (d + 1, N) the path's slacks, column by column, constant first
    slack: Floats  # (N,) their values at ``place``
    x: Floats  # (m,) the input found
    t: Floats  # (m,) an input measured from the centre, in half sides
    inner: Floats  # (m,) that of the inner point of the relaxed cell, within the box or not
    clipped: Floats  # (m,) 1.0 or -1.0 where t is held at its limit
    place: Floats  # (d,) a point of the image
    ball: Floats  # (d,) the same in the coordinates in which the body is a ball
    tip: Floats  # (d,) a point of the image far out, in those coordinates
    anchor: Floats  # (d,) the image where all t are 0 but the clipped ones
    centre: Floats  # (d,) centre and metric of a projection
    metric: Floats  # (d, d padded with zeros)
    direction: Floats  # (d,) sum of multipliers times gradients
    towards: Floats  # (d,) the same for the inner point
    # What the next call may start from. ``kept`` counts the pull-backs, at which forms change; it
    # has the count at which ``form`` was gathered and that at which the last projection onto a
    # cell was factorised, its number of tight slacks, and 1 where its factors are good.
    kept: Ints  # (5,)
    slack_neuron: Ints  # (N,) whose slacks are in ``form``
    slack_side: Ints  # (N,) and their signs
    tight_neuron: Ints  # (d + 1,) the neurons that were tight
    tight_side: Ints  # (d + 1,) and their signs
    where: Ints  # (N,) the place of a neuron on the path, if it is there
    tight: Ints  # (d + 1,) the slacks that are 0 at the projection
    gradient: Floats  # (d + 2, d padded) their gradients, and that of one that may become tight
    product: Floats  # (d + 2, d padded) and these times the metric
    inverse: Floats  # (d + 1, d + 1 padded) the inverse of the products' gram matrix, then zeros
    base: Floats  # (d + 2,) the values of these slacks at the centre
    entry: Floats  # (d + 1,) the last one's row of the gram matrix
    weight: Floats  # (d + 1 padded,) that row times the inverse
    multiplier: Floats  # (d + 1,)
    target: Floats  # (d + 1 padded,) the multipliers that a step leads to


class Workspace(NamedTuple):
    """All that changes during a walk. F frames, each a dictionary with at most R rows.

    Frame t writes each of its rows as ``value[t, 0, r] + sum_c value[t, 1 + c, r] * t_c`` with
    the d nonbasic displacements t_c >= 0: an input's distance from the bound it is at, or a
    slack. Rows 0 … free-1 are the neurons of the current layer that are not decided yet, the
    next one last; rows free … rows-1 are constraints (slacks >= 0, inputs measured from their
    lower bound with a cap). Columns are contiguous along the rows, so pivots vectorise.
    """

    value: Floats  # (F, d + 1, R)
    row_variable: Ints  # (F, R)
    row_cap: Floats  # (F, R) upper bound of a constraint row, infinite for slacks
    column_variable: Ints  # (F, d)
    at_upper: Ints  # (F, d) 1 where a nonbasic input is at its upper bound
    rows: Ints  # (F,)
    free: Ints  # (F,)
    layer: Ints  # (F,)
    phase: Ints  # (F,)
    cursor: Ints  # (F,) the next neuron of the tests at the root of a layer
    splits: Ints  # (F,) number of splits on the path to this frame
    pending: Ints  # (F,) global index of the neuron whose active side waits in this frame
    share: Floats  # (F,) the share of the domain's tree below this frame
    known_active: Ints  # (F,) the bits of the layer's neurons that are known to be active,
    known_inactive: Ints  # (F,) or not: split on, or decided
    # The path: valid for the top frame, a prefix of it for the frames below.
    sign: Ints  # (N,) +1 active, -1 inactive
    is_zero: Ints  # (N,) 1 where the neuron is identically zero on the current cell
    split_neuron: Ints  # (N,) global indices, in the order of the splits
    gradient: Floats  # (L, d + 1, n): preactivations as affine functions of x, constant first
    size: Floats  # (L, n) bound on |constant| + sum |coefficient| |x| over the box
    error: Floats  # (L, n) bound over the box on the rounding of `gradient`
    scale: Floats  # (N,) power of two that brings a neuron's size near 1
    form: Floats  # (N, d + 1 padded) `gradient`, neuron by neuron, times `scale`
    form_size: Floats  # (N,) `size` and `error` times `scale`
    form_error: Floats  # (N,)
    least: Floats  # (N,) the smallest and the largest scaled preactivation over the box
    most: Floats  # (N,)
    reach: Floats  # (d + N,) about the largest displacement of each variable over the box
    # Patterns that no cell has (nogoods.py), G of them in each layer.
    bit: Ints  # (N,) a power of two for each cutting neuron of the path's layers, 0 for others
    nogood_active: Ints  # (L, G) the bits that are active in a pattern
    nogood_inactive: Ints  # (L, G)
    nogoods: Ints  # (L,) patterns learnt in the current layer-k cell; the oldest give way
    counted: Ints  # (L,) 1 where the current layer-k cell was counted
    packed: NDArray[np.uint8]  # (B,) the sign bytes of the path's layers, joined
    active: Ints  # (L,) active neurons of the path's layers
    # Scratch.
    column: Floats  # (R,)
    ratio: Floats  # (R,)
    most_slack: Floats  # (R,) and ``least_slack``: the range of a row, from the ceilings
    least_slack: Floats  # (R,)
    ceiling: Floats  # (d,) proved upper bound on a column's displacement in the cell
    rest: Floats  # (d + 1, n padded) neurons less their rows, coefficient by coefficient
    answer: Ints  # (n padded,) what is proved of a layer's neurons
    lowest: Floats  # (R,) lowest and highest value of a free row at the vertices seen
    highest: Floats  # (R,)
    residual: Floats  # (d + 1 padded,)
    point: Floats  # (d,)
    mean: Floats  # (d,)
    activation: Floats  # (max(d, n),)
    preactivation: Floats  # (n padded,)
    weight: Floats  # (d,)
    wanted: Ints  # (d,) the basis that `rebuild` restores
    wanted_upper: Ints  # (d,)
    preimage: Preimage
    # Results.
    control: Ints  # counters and signals, indexed by the constants above
    done: Floats  # (1,) share of the domain's tree that is done
    layer_cells: Ints  # (L,)
    forced: Ints  # (N,) the signs of the subtree's prefix, 0 beyond it
    basis: Ints  # (2 d,) the nonbasic slacks (global indices), then as many basic inputs
    log: NDArray[np.int32]  # (G, 3 + 2 d) neuron, decision, slacks in the basis, the basis
    out_signs: NDArray[np.uint8]  # (C, B)
    out_active: NDArray[np.uint16]  # (C, L)
    out_witness: Floats  # (C, d), or (C, m) where the walk works in an image
