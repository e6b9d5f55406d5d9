"""A network on a box, prepared for the kernels: inputs of zero width folded in, error bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.domain import Box, fix_inputs
from nnce_cli.enumeration.image import no_image, reduce_to_image
from nnce_cli.kernels.arrays import UNIT_ROUNDOFF, Floats, Image, Network, Preimage, Workspace
from nnce_cli.kernels.jit import padded_length
from nnce_cli.network import LayerStack

# Frames for the deepest path, as long as they take no more than this: memory that no path
# reaches is never touched, so it costs nothing.
FRAMES_BYTES = 2**30
NOGOODS = 128  # patterns kept of a layer; reading them all costs less than a pivot
OUTPUT_ROWS = 8192
LOG_NUMBERS = 2**18


@dataclass(frozen=True, eq=False)
class Problem:
    """What one enumeration is about.

    ``stack`` and ``box`` are over the inputs that vary; ``free`` (n_0,) says which those are,
    and ``full_box`` is the domain as given. ``net`` is the same for the kernels.
    """

    stack: LayerStack
    box: Box
    full_box: Box
    free: NDArray[np.bool_]
    net: Network

    @staticmethod
    def of(stack: LayerStack, box: Box) -> Problem:
        """Prepare ``stack`` on ``box``."""
        reduced, small, free = fix_inputs(stack, box)
        return Problem(reduced, small, box, free, _network(reduced, small, no_image()))

    @cached_property
    def in_image(self) -> tuple[LayerStack, Network] | None:
        """The same over the image of the first layer; None where that is no gain."""
        reduction = reduce_to_image(self.stack, self.box)
        return reduction and (reduction.stack, _network(*reduction))

    def full_points(self, points: Floats) -> Floats:
        """Put the fixed inputs back into points (m, d) of the reduced box; return (m, n_0)."""
        if self.free.all():
            return points.copy()
        full = np.tile(self.full_box.lower, (points.shape[0], 1))
        full[:, self.free] = points
        return full

    def full_fractions(self, point: list[fmpq]) -> list[str]:
        """Put the fixed inputs back into a rational point; return fractions such as "1/3"."""
        varying = iter(point)
        fixed = [fmpq(*x.as_integer_ratio()) for x in self.full_box.lower.tolist()]
        return [str(next(varying) if free else x) for x, free in zip(fixed, self.free, strict=True)]


def _network(stack: LayerStack, box: Box, image: Image) -> Network:
    d = stack.n_inputs
    widths = np.array([layer.n_out for layer in stack.hidden], dtype=np.int64)
    n = int(widths.max())
    weight = lines_of_zeros(len(widths), max(d, n), padded_length(n))
    bias = lines_of_zeros(len(widths), padded_length(n))
    for index, layer in enumerate(stack.hidden):
        weight[index, : layer.n_in, : layer.n_out] = layer.weight.T
        bias[index, : layer.n_out] = layer.bias
    magnitude = np.maximum(np.abs(box.lower), np.abs(box.upper))
    if image.middle.size:
        magnitude = image.magnitude  # covers the rounding of the image too
    return Network(
        width=widths,
        offset=np.concatenate([[0], np.cumsum(widths)]).astype(np.int64),
        weight=weight,
        bias=bias,
        inexact=np.array([float(layer.exact is not None) for layer in stack.hidden]),
        sign_error=_sign_error(stack, magnitude),
        lower=box.lower,
        upper=box.upper,
        magnitude=magnitude,
        span=box.upper - box.lower,
        layer_of=np.repeat(np.arange(len(widths)), widths).astype(np.int64),
        image=image,
    )


@np.errstate(over="ignore", invalid="ignore")  # no bound: then every witness is checked exactly
def _sign_error(stack: LayerStack, magnitude: Floats) -> Floats:
    """Bound the error of each preactivation of a float64 forward pass anywhere in the box.

    A sum of n products errs by at most (n + 2) u times the sum of their sizes (Higham 2002,
    section 3.1); what the layer before was off by is multiplied by the weights. A factor of
    two covers the rounding of these bounds themselves, a tiny constant gradual underflow.
    """
    size, error = magnitude, np.zeros_like(magnitude)
    bounds = []
    for layer in stack.hidden:
        absolute = np.abs(layer.weight)
        total = np.abs(layer.bias) + absolute @ (size + error)
        units = 2 * (layer.n_in + 4) + int(layer.exact is not None)
        error = absolute @ error * (1 + 2.0**-30) + units * UNIT_ROUNDOFF * total + 1e-290
        size = total
        bounds.append(error)
    return np.concatenate(bounds)


def lines_of_zeros(*shape: int) -> Floats:
    """Return zeros that begin at a line of the cache, of 64 bytes.

    Where vectors lie across two lines, a pivot takes half as long again.
    """
    size = math.prod(shape)
    array = np.zeros(size + 8)
    first = -array.ctypes.data % 64 // 8
    return array[first : first + size].reshape(shape)


def new_workspace(
    net: Network, rows: bool, *, witness: bool = True, log: bool = False
) -> Workspace:
    """Allocate the workspace of a walk, for `start` to prepare.

    ``rows`` says whether cells are written or only counted, ``witness`` whether rows have a
    witness, ``log`` whether decisions are written.
    """
    d, n_layers, n = net.lower.size, net.width.size, int(net.width.max())
    total = int(net.offset[-1])
    capacity = padded_length(total + 8)  # at most a row for each neuron; then padding
    n_bytes = int(((net.width + 7) // 8).sum())
    frames = min(total + 2, max(2, FRAMES_BYTES // (8 * (d + 1) * capacity)))
    out = OUTPUT_ROWS if rows else 0
    logged = max(64, LOG_NUMBERS // (3 + 2 * d)) if log else 0

    def ints(*shape: int) -> NDArray[np.int64]:
        return np.zeros(shape, dtype=np.int64)

    return Workspace(
        value=lines_of_zeros(frames, d + 1, capacity),
        row_variable=ints(frames, capacity),
        row_cap=lines_of_zeros(frames, capacity),
        column_variable=ints(frames, d),
        at_upper=ints(frames, d),
        rows=ints(frames),
        free=ints(frames),
        layer=ints(frames),
        phase=ints(frames),
        cursor=ints(frames),
        splits=ints(frames),
        pending=ints(frames),
        share=np.zeros(frames),
        known_active=ints(frames),
        known_inactive=ints(frames),
        sign=ints(total),
        is_zero=ints(total),
        split_neuron=ints(total),
        gradient=np.zeros((n_layers, d + 1, n)),
        size=np.zeros((n_layers, n)),
        error=np.zeros((n_layers, n)),
        scale=np.ones(total),
        form=lines_of_zeros(total, padded_length(d + 1)),
        form_size=np.zeros(total),
        form_error=np.zeros(total),
        least=np.zeros(total),
        most=np.zeros(total),
        reach=np.zeros(d + total),
        bit=ints(total),
        nogood_active=ints(n_layers, NOGOODS),
        nogood_inactive=ints(n_layers, NOGOODS),
        nogoods=ints(n_layers),
        counted=ints(n_layers),
        packed=np.zeros(n_bytes, dtype=np.uint8),
        active=ints(n_layers),
        column=lines_of_zeros(capacity),
        ratio=lines_of_zeros(capacity),
        most_slack=np.zeros(capacity),
        least_slack=np.zeros(capacity),
        ceiling=np.zeros(d),
        rest=np.zeros((d + 1, padded_length(n))),
        answer=ints(padded_length(n)),
        lowest=np.zeros(capacity),
        highest=np.zeros(capacity),
        residual=lines_of_zeros(padded_length(d + 1)),
        point=np.zeros(d),
        mean=np.zeros(d),
        activation=np.zeros(max(d, n)),
        preactivation=lines_of_zeros(padded_length(n)),
        weight=np.zeros(d),
        wanted=ints(d),
        wanted_upper=ints(d),
        preimage=_new_preimage(net),
        control=ints(17),
        done=np.zeros(1),
        layer_cells=ints(n_layers),
        forced=ints(total),
        basis=ints(2 * d),
        log=np.zeros((logged, 3 + 2 * d), dtype=np.int32),
        out_signs=np.zeros((out, n_bytes), dtype=np.uint8),
        out_active=np.zeros((out, n_layers), dtype=np.uint16),
        out_witness=np.zeros((out, (net.image.lower.size or d) if witness else 0)),
    )


def _new_preimage(net: Network) -> Preimage:
    """Allocate the scratch of walks in an image; nothing for others."""
    m, total = net.image.lower.size, int(net.offset[-1])
    d = net.lower.size if m else 0

    def floats(*shape: int) -> Floats:
        return lines_of_zeros(*(shape if m else (0,) * len(shape)))

    def ints(size: int) -> NDArray[np.int64]:
        return np.zeros(size, dtype=np.int64)

    return Preimage(
        form=floats(d + 1, padded_length(total)),
        slack=floats(padded_length(total)),
        x=floats(m),
        t=floats(m),
        inner=floats(m),
        clipped=floats(m),
        place=floats(d),
        ball=floats(d),
        tip=floats(d),
        anchor=floats(d),
        centre=floats(d),
        metric=floats(d, padded_length(d)),
        direction=floats(d),
        towards=floats(d),
        kept=ints(5),
        slack_neuron=ints(total),
        slack_side=ints(total),
        tight_neuron=ints(d + 1),
        tight_side=ints(d + 1),
        where=ints(total),
        tight=ints(d + 1),
        gradient=floats(d + 2, padded_length(d)),
        product=floats(d + 2, padded_length(d)),
        inverse=floats(d + 1, padded_length(d + 1)),
        base=floats(d + 2),
        entry=floats(d + 1),
        weight=floats(padded_length(d + 1)),
        multiplier=floats(d + 1),
        target=floats(padded_length(d + 1)),
    )


def start(net: Network, workspace: Workspace) -> None:
    """Put the workspace at the root of the tree: one frame at a corner of the box, no results."""
    d = net.lower.size
    workspace.control[:] = 0
    workspace.column_variable[0] = np.arange(d)
    for per_frame in (
        workspace.at_upper, workspace.rows, workspace.free, workspace.layer,
        workspace.phase, workspace.cursor, workspace.splits, workspace.pending,
    ):  # fmt: skip
        per_frame[0] = 0
    workspace.share[0] = 1.0
    workspace.counted[:] = 1
    workspace.done[0] = 0.0
    workspace.layer_cells[:] = 0
    workspace.forced[:] = 0
    workspace.reach[:] = np.concatenate([net.span, np.zeros(int(net.offset[-1]))])


PER_FRAME = (
    "value", "row_variable", "row_cap", "column_variable", "at_upper", "rows", "free", "layer",
    "phase", "cursor", "splits", "pending", "share",
    "known_active", "known_inactive",
)  # fmt: skip


def with_more_frames(workspace: Workspace) -> Workspace:
    """Return the workspace with twice as many frames and the same contents."""
    grown: dict[str, Any] = {}
    for name in PER_FRAME:
        old = getattr(workspace, name)
        grown[name] = np.zeros((2 * len(old), *old.shape[1:]), dtype=old.dtype)
        grown[name][: len(old)] = old
    return workspace._replace(**grown)
