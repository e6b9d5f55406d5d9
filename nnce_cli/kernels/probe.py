"""The thinned walk: a random part of the tree, in which every path stands for many.

Where the walk would hold too many paths, some are dropped at random and the others count for
more, so that a weighted sum over the nodes visited has the sum over the whole tree as its
expectation. With room for one path these are the probes of Knuth (1975, "Estimating the
efficiency of backtrack programs"); paths that are equally far share the work, as in Chen (1992,
"Heuristic sampling: a method for predicting the performance of tree searching programs", SIAM J.
Comput. 21) and in the stochastic enumeration of Rubinstein & Vaisman (2014). Here the walk stays
depth-first, and a path that is kept takes on a weight that is known beforehand, as in the weight
windows of particle transport (Booth & Hendricks 1984).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.kernels.arrays import (
    CELLS,
    DONE,
    EMPTY,
    LEAF,
    NODE,
    NODES,
    PAUSED,
    ROOT_TESTS,
    TOP,
    Floats,
    Ints,
    Network,
    Workspace,
)
from nnce_cli.kernels.image import settle
from nnce_cli.kernels.jit import entry_point, kernel
from nnce_cli.kernels.walk import CONTINUE, enter_layer, pop, root_tests, visit_leaf, visit_node
from nnce_cli.kernels.witness import inner_point


class Thinning(NamedTuple):
    """How a walk is thinned, and its weighted sums. N neurons, L hidden layers, K samples.

    *Stage* i < N is where neuron i has just split a cell, stage N + l the end of layer l.
    """

    window: Floats  # (N + L,) a path goes on from a stage with at least this weight
    turn: Floats  # (N + L,) in [0, 1): a path stays when this passes 1 (systematic sampling)
    room: Ints  # (N + L,) paths that a stage still lets by before its window grows
    quota: Ints  # (1,) that number at the start
    growth: Floats  # (1,) by this factor
    state: NDArray[np.uint64]  # (1,) of the random numbers
    weight: Floats  # (N + 3,) by frame: how many paths the one of this frame stands for; 0: dropped
    splits: Floats  # (N,) weighted number of cells that a neuron splits
    layer_cells: Floats  # (L,) weighted number of layer-k cells
    dropped: Ints  # (L,) number of paths dropped within each layer, or before it
    sample: NDArray[np.uint8]  # (K, B) packed signs of cells drawn by weight
    sampled: Floats  # (K,) weight of the cells that each of them was drawn from


@kernel
def uniform(th: Thinning) -> float:
    """Return a number in [0, 1) by SplitMix64 (Steele, Lea & Flood 2014)."""
    th.state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = th.state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@kernel
def pass_stage(th: Thinning, stage: int, weight: float) -> float:
    """Return the weight with which a path goes on from a stage; 0 where it is dropped.

    It stays with probability ``weight / window``, and then stands for ``window`` paths. That
    keeps expectations even where the window depends on what was met before.
    """
    window = th.window[stage]
    if weight < window:
        th.turn[stage] += weight / window
        if th.turn[stage] < 1.0:
            return 0.0
        th.turn[stage] -= 1.0
        weight = window
    th.room[stage] -= 1
    if th.room[stage] == 0:
        th.room[stage] = th.quota[0]
        th.window[stage] *= th.growth[0]
    return weight


@kernel
def thin_split(net: Network, ws: Workspace, th: Thinning, t: int) -> None:
    """Thin the two children of a split, frames ``t`` and ``t + 1``.

    In random order: where every second path stays, it would always be the same side.
    """
    neuron = ws.pending[t]
    weight = th.weight[t]
    th.splits[neuron] += weight
    first = t + 1 if uniform(th) < 0.5 else t
    second = 2 * t + 1 - first
    for frame in (first, second):
        th.weight[frame] = pass_stage(th, neuron, weight)
        if th.weight[frame] == 0.0:
            th.dropped[net.layer_of[neuron]] += 1
    skip_dropped(net, ws, th)


@kernel
def thin_layer(net: Network, ws: Workspace, th: Thinning, t: int, layer: int) -> None:
    """Count the layer-k cell of frame ``t``, whose last neuron is decided, and thin it.

    In the image of a first layer there may be no such cell; that of the last layer is looked at
    when its leaf is visited.
    """
    if net.image.middle.size > 0 and layer + 1 < net.width.size:
        inner_point(net, ws, t, ws.free[t])
        if settle(net, ws, ws.splits[t], False) == EMPTY:
            th.weight[t] = 0.0
            skip_dropped(net, ws, th)
            return
    th.layer_cells[layer] += th.weight[t]
    if layer + 1 < net.width.size:
        th.weight[t] = pass_stage(th, net.layer_of.size + layer, th.weight[t])
        if th.weight[t] == 0.0:
            th.dropped[layer + 1] += 1
        skip_dropped(net, ws, th)


@kernel
def skip_dropped(net: Network, ws: Workspace, th: Thinning) -> None:
    """Go back to the last path that was not dropped."""
    while ws.control[TOP] >= 0 and th.weight[ws.control[TOP]] == 0.0:
        pop(net, ws)


@kernel
def draw(ws: Workspace, th: Thinning, weight: float) -> None:
    """Let the cell that was just counted take a place in the sample, with the chance it is due.

    Each place is a reservoir of its own for every K-th cell.
    """
    place = ws.control[CELLS] % th.sampled.size
    th.sampled[place] += weight
    if uniform(th) * th.sampled[place] < weight:
        for b in range(ws.packed.size):  # the path itself has gone on by now
            th.sample[place, b] = ws.packed[b]


@entry_point
def thinned_walk(net: Network, ws: Workspace, th: Thinning, node_limit: int) -> int:
    """Walk on as `walk` does, without rows, through a random part of the tree.

    Returns the same reasons to stop. ``th.weight[0]`` is 1 at the start; ``ws.layer_cells`` and
    ``ws.done`` mean nothing, and ``th`` holds the sums.
    """
    while ws.control[NODES] < node_limit:
        t = ws.control[TOP]
        if t < 0:
            return DONE
        phase, layer = ws.phase[t], ws.layer[t]
        status = CONTINUE
        if phase == NODE:
            at_end = ws.free[t] == 0
            status = visit_node(net, ws, t)
            if status == CONTINUE and ws.control[TOP] > t:
                thin_split(net, ws, th, t)
            elif status == CONTINUE and at_end:
                thin_layer(net, ws, th, t, layer)
        elif phase == LEAF:
            cells, weight = ws.control[CELLS], th.weight[t]
            status = visit_leaf(net, ws, t, False)
            if status == CONTINUE:
                if ws.control[CELLS] > cells:
                    draw(ws, th, weight)
                else:  # rounding let it in; nothing is there
                    th.layer_cells[layer] -= weight
                skip_dropped(net, ws, th)
        elif phase == ROOT_TESTS:
            status = root_tests(net, ws, t)
        else:
            status = enter_layer(net, ws, t)
        if status == DONE:
            ws.control[TOP] = -1
        elif status != CONTINUE:
            return status
    return PAUSED
