"""What the vertex kernel works on: the network with every quantity scaled to about 1."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nnce_cli.domain import Box
from nnce_cli.enumeration.problem import FRAMES_BYTES, Problem
from nnce_cli.kernels import vertex_arrays as v
from nnce_cli.kernels.arrays import UNIT_ROUNDOFF, Floats
from nnce_cli.kernels.jit import padded_length
from nnce_cli.network import AffineMap

MOST_INPUTS = 3
OUTPUT_ROWS = 8192
FIRST_VERTICES = 1024
LARGEST_SCALE = 500  # exponents of inputs beyond this are left to the other kernel
NO_EXPONENT = np.int32(-(2**30))  # of the number 0
TINY = 1e-290  # more than all that gradual underflow can lose in one form

Exponents = NDArray[np.int32]


def input_exponents(box: Box) -> Exponents:
    """Return e (d,) such that the box lies within 2^e of 0 in each input."""
    magnitude = np.maximum(np.abs(box.lower), np.abs(box.upper))
    return np.frexp(magnitude)[1]


def is_scalable(box: Box) -> bool:
    """Tell whether points of the scaled box can be scaled back without leaving float64."""
    return bool((np.abs(input_exponents(box)) <= LARGEST_SCALE).all())


@lru_cache(maxsize=1)  # the tasks of a run are all about the same network
def scaled_network(problem: Problem) -> v.VertexNetwork:
    """Divide every input and neuron by a power of two, so that none is larger than 1 on the box.

    With x = 2^e x', and z = 2^f z' for each neuron, W' = 2^-f W 2^e and b' = 2^-f b: exactly, but
    for underflow. One input becomes two, of which the second has no weight.
    """
    stack, box = problem.stack, problem.box
    d = stack.n_inputs
    dimension = max(d, 2)
    widths = np.array([layer.n_out for layer in stack.hidden], dtype=np.int64)
    size = padded_width(widths)
    weight = np.zeros((len(widths), size, size))
    bias = np.zeros((len(widths), size))
    first = np.zeros((dimension + 1, size))
    error = np.zeros(len(widths))
    exponents, before = input_exponents(box), 0.0
    lower, upper = -np.ones(dimension), np.ones(dimension)
    lower[:d], upper[:d] = np.ldexp(box.lower, -exponents), np.ldexp(box.upper, -exponents)
    for index, layer in enumerate(stack.hidden):
        scaled_weight, scaled_bias, scales = _scale(layer, exponents)
        if index == 0:
            first[0, : layer.n_out] = scaled_bias
            first[1 : d + 1, : layer.n_out] = scaled_weight.T
        else:
            weight[index, : layer.n_in, : layer.n_out] = scaled_weight.T
        bias[index, : layer.n_out] = scaled_bias
        gain = float(np.abs(scaled_weight).sum(axis=1).max())
        rounding = 0.0 if index == 0 else 2 * (layer.n_in + 4) * UNIT_ROUNDOFF
        rounding += _inexactness(layer, exponents, scales)
        before = (gain * before + rounding) * (1 + 2.0**-30) + TINY
        error[index], exponents = before, scales
    return v.VertexNetwork(
        width=widths,
        offset=np.concatenate([[0], np.cumsum(widths)]).astype(np.int64),
        first=first,
        weight=weight,
        bias=bias,
        error=error,
        inputs=d,
        side=_sides(lower, upper),
        corner=_corners(lower, upper),
    )


def padded_width(widths: NDArray[np.int64]) -> int:
    """Return the length of the arrays that hold a number for each neuron of a layer."""
    return padded_length(int(widths.max()))


def _scale(layer: AffineMap, exponents: Exponents) -> tuple[Floats, Floats, Exponents]:
    """Return the layer's scaled weight and bias, and the exponents of its neurons.

    A neuron that is zero everywhere is inactive: it becomes -1 everywhere, which says the same.
    """
    mantissa, exponent = np.frexp(np.column_stack([layer.weight, layer.bias]))
    exponent = exponent + np.append(exponents, np.int32(0))
    largest = np.where(mantissa == 0.0, NO_EXPONENT, exponent).max(axis=1)
    largest[largest == NO_EXPONENT] = 0
    down = np.maximum(exponent - largest[:, None], -2000)  # less than that is no number
    scaled = np.ldexp(mantissa, down)
    total = np.abs(scaled).sum(axis=1) * (1 + 2.0**-20)  # forms are this much over 1 at most
    shift = np.frexp(total)[1]
    scaled = np.ldexp(scaled, -shift[:, None])
    if layer.exact is None:
        scaled[total == 0.0, -1] = -1.0
    return scaled[:, :-1], scaled[:, -1], largest + shift


def _inexactness(layer: AffineMap, exponents: Exponents, scales: Exponents) -> float:
    """Bound what the scaled forms err by because float64 weights are rounded from rationals.

    Half a unit in the last place of each, or of the smallest normal number.
    """
    if layer.exact is None:
        return 0.0
    absolute = np.ldexp(1.0, -1074 + max(int(exponents.max()), 0) - scales)
    return UNIT_ROUNDOFF + (layer.n_in + 1) * float(absolute.max())


def _sides(lower: Floats, upper: Floats) -> Floats:
    """Return the sides of a box as forms (2 D, D + 1), halved so that they are at most 1."""
    sides = np.zeros((2 * lower.size, lower.size + 1))
    for i in range(lower.size):
        sides[2 * i, 0], sides[2 * i, 1 + i] = -lower[i] / 2, 0.5
        sides[2 * i + 1, 0], sides[2 * i + 1, 1 + i] = upper[i] / 2, -0.5
    return sides


def _corners(lower: Floats, upper: Floats) -> Floats:
    """Return the corners of a box (2^D, D)."""
    numbers = np.arange(2**lower.size)[:, None] >> np.arange(lower.size)
    return np.where(numbers & 1 == 1, upper, lower)


def new_vertex_workspace(net: v.VertexNetwork, rows: bool) -> v.VertexWorkspace:
    """Allocate the workspace of a walk, for `start` to prepare."""
    n_layers, total, size = net.width.size, int(net.offset[-1]), net.bias.shape[1]
    dimension = net.corner.shape[1]
    planes = total + 2 * dimension
    n_words = (size + 63) // 64
    n_bytes = int(((net.width + 7) // 8).sum())
    frames = min(total + 2, max(2, FRAMES_BYTES // (8 * (dimension + 1) * size)))
    n_vertices = 2**dimension + FIRST_VERTICES
    out = OUTPUT_ROWS if rows else 0

    def ints(*shape: int) -> NDArray[np.int64]:
        return np.zeros(shape, dtype=np.int64)

    return v.VertexWorkspace(
        point=np.zeros((n_vertices, dimension)),
        blur=np.zeros(n_vertices),
        positive=ints(n_vertices, n_words),
        negative=ints(n_vertices, n_words),
        plane=ints(n_vertices, dimension),
        neighbour=ints(n_vertices, dimension),
        start=ints(frames),
        vertices=ints(frames),
        layer=ints(frames),
        phase=ints(frames),
        open=ints(frames, n_words),
        pending=ints(frames),
        share=np.zeros(frames),
        added=ints(frames, n_words),
        partial=np.zeros((frames, dimension + 1, size)),
        form=np.zeros((n_layers, dimension + 1, size)),
        column=np.zeros((n_layers, dimension + 1, size)),
        slope=np.zeros(n_layers),
        column_neuron=ints(n_layers, size),
        columns=ints(n_layers),
        sign=ints(total),
        plane_form=np.zeros((planes, dimension + 1)),
        plane_error=np.full(planes, TINY),
        plane_side=np.ones(planes),
        settled=ints(n_layers, n_words),
        base=np.zeros(n_bytes, dtype=np.uint8),
        base_active=ints(n_layers),
        basis=np.zeros((n_layers, dimension, dimension)),
        base_rank=ints(n_layers),
        rank=np.full(n_layers + 1, net.inputs),
        value=np.zeros(size),
        lowest=np.zeros(size),
        highest=np.zeros(size),
        all_positive=ints(n_words),
        all_negative=ints(n_words),
        image=ints(2 * planes),
        mate=np.full(planes + 1, -1, dtype=np.int64),
        control=ints(16),
        done=np.zeros(1),
        layer_cells=ints(n_layers),
        forced=ints(total),
        out_signs=np.zeros((out, n_bytes), dtype=np.uint8),
        out_active=np.zeros((out, n_layers), dtype=np.uint16),
        out_rank=ints(out, n_layers),
        out_witness=np.zeros((out, dimension)),
    )


def start(net: v.VertexNetwork, ws: v.VertexWorkspace) -> None:
    """Put the workspace at the root of the tree: one frame with the box, no results."""
    for cleared in (ws.control, ws.done, ws.layer_cells, ws.forced):
        cleared[:] = 0
    for per_frame in (ws.start, ws.layer, ws.phase, ws.pending):
        per_frame[0] = 0
    ws.plane_side[:] = 1.0
    corners, dimension = net.corner.shape
    number, total = np.arange(corners)[:, None], int(net.offset[-1])
    bit = np.arange(dimension)
    ws.point[:corners] = net.corner
    ws.blur[:corners] = TINY
    ws.plane[:corners] = total + 2 * bit + (number >> bit & 1)
    ws.neighbour[:corners] = number ^ (1 << bit)
    ws.plane_form[total:] = net.side
    ws.vertices[0] = corners
    ws.share[0] = 1.0


PER_VERTEX = ("point", "blur", "positive", "negative", "plane", "neighbour")
PER_FRAME = ("start", "vertices", "layer", "phase", "open", "pending", "share", "added", "partial")


def with_more_room(workspace: v.VertexWorkspace) -> v.VertexWorkspace:
    """Return the workspace with twice as many vertices and frames and the same contents."""
    grown = {}
    for name in (*PER_VERTEX, *PER_FRAME):
        old = getattr(workspace, name)
        grown[name] = np.zeros((2 * len(old), *old.shape[1:]), dtype=old.dtype)
        grown[name][: len(old)] = old
    return workspace._replace(**grown)
