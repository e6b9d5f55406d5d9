"""Trees of layer-k cells far too large to be walked, as far as tasks are concerned.

The heaviest subtrees are walked a little, again and again: what each walk leaves over is weighed by
thinned walks, as ``nnce estimate`` does. What is below the subtrees that remain at the end is taken
from subtrees of the same network that were walked whole, made as heavy as the one it stands for.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nnce_cli.enumeration import DictionaryWalk, Problem, Subtree

STEP = 256  # nodes of a walk after which what is left over is weighed
ROUNDS = 3
PATHS = 32  # of the thinned walk that weighs a subtree
MODELS = 10  # subtrees that are walked whole
MODEL_CELLS = (10_000, 60_000)  # the sizes of those that are worth it
FEWEST_MODEL_CELLS = 256  # else, in small trees
WORTH_A_SECOND_LOOK = 1_000  # cells


@dataclass(slots=True)
class Piece:
    """A subtree of about ``nodes`` nodes: a walk of some of them, then pieces in table order.

    ``children`` is empty where the inside of a subtree is not known.
    """

    nodes: float
    children: list[Piece] = field(default_factory=list)


@dataclass(frozen=True)
class Tree:
    """A tree of about so many cells, and what a node of it costs a walk (seconds)."""

    root: Piece
    models: list[Piece]
    cells: float
    node_seconds: float


def grown(problem: Problem, pieces: int, seed: int = 0) -> Tree:
    """Return the tree of a problem, of which ``pieces`` subtrees are weighed one by one."""
    from nnce_cli.enumeration import DictionaryWalk, Subtree

    walk = DictionaryWalk(problem, rows=False, witness=False)
    weigh = _Scales(problem, seed)
    root, ties, weighed = Piece(weigh(Subtree())), count(), 0
    heaviest = [(-root.nodes, next(ties), root, Subtree())]
    for part in range(1, ROUNDS + 1):
        while heaviest and weighed < pieces * part / ROUNDS:
            _, _, piece, subtree = heapq.heappop(heaviest)
            for rest in _left_over(walk, subtree):
                child = Piece(weigh(rest))
                piece.children.append(child)
                heapq.heappush(heaviest, (-child.nodes, next(ties), child, rest))
                weighed += 1
        # Those that seemed too heavy were walked on, those that seemed too light are still there:
        # a second look does not know which.
        for _, _, piece, subtree in heaviest:
            if piece.nodes > WORTH_A_SECOND_LOOK:
                piece.nodes = weigh(subtree)
        heaviest = [(-piece.nodes, tie, piece, subtree) for _, tie, piece, subtree in heaviest]
        heapq.heapify(heaviest)
    leaves = [(piece.nodes, subtree) for _, _, piece, subtree in heaviest]
    small = _worth_walking(leaves)
    np.random.default_rng(seed).shuffle(small)
    found = [_whole(walk, subtree) for _, subtree in small[:MODELS]]
    seconds = sum(_seconds(walk, subtree) for _, subtree in small[:MODELS])
    models = [piece for piece, _ in found]
    nodes, cells = sum(piece.nodes for piece in models), sum(number for _, number in found)
    total = _in_nodes(root, nodes / cells)
    return Tree(root, models, total * cells / nodes, seconds / nodes)


def _worth_walking(leaves: list[tuple[float, Subtree]]) -> list[tuple[float, Subtree]]:
    for least, most in (MODEL_CELLS, (FEWEST_MODEL_CELLS, MODEL_CELLS[1])):
        found = [leaf for leaf in leaves if least <= leaf[0] <= most]
        if len(found) >= MODELS:
            break
    return found


class _Scales:
    """Weighs subtrees: about how many cells they have."""

    def __init__(self, problem: Problem, seed: int) -> None:
        from nnce_cli.enumeration import Windows

        self._problem = problem
        self._rng = np.random.default_rng(seed)
        stages = sum(problem.stack.rows) + len(problem.stack.rows)
        self._windows = Windows(np.ones(stages), PATHS, growth=4.0)

    def __call__(self, subtree: Subtree) -> float:
        from nnce_cli.enumeration import ThinnedWalk

        walk = ThinnedWalk(self._problem, self._windows, self._rng)
        walk.begin(subtree)
        walk.run(float("inf"))
        return float(walk.weighted_layer_cells[-1])


def _left_over(walk: DictionaryWalk, subtree: Subtree) -> list[Subtree]:
    """Walk a subtree for a while; return what is left over."""
    from nnce_cli.enumeration import batches

    walk.begin(subtree)
    for _ in batches(walk, STEP):
        pass
    return [] if walk.done else list(walk.rest())


def _whole(walk: DictionaryWalk, subtree: Subtree) -> tuple[Piece, int]:
    """Walk a subtree to its end, a few nodes at a time; return it, and its number of cells."""
    rest = _left_over(walk, subtree)
    piece, cells = Piece(float(walk.nodes)), walk.cells
    for below in rest:
        child, more = _whole(walk, below)
        piece.children.append(child)
        piece.nodes += child.nodes
        cells += more
    return piece, cells


def _seconds(walk: DictionaryWalk, subtree: Subtree) -> float:
    """Return what it takes to walk a subtree at once, in processor's seconds."""
    from nnce_cli.enumeration import batches

    started = time.process_time()
    walk.begin(subtree)
    for _ in batches(walk):
        pass
    return time.process_time() - started


def _in_nodes(piece: Piece, nodes_per_cell: float) -> float:
    """Turn the cells of subtrees that were weighed into nodes; return those of the whole."""
    if piece.children:
        piece.nodes = STEP + sum(_in_nodes(child, nodes_per_cell) for child in piece.children)
    else:
        piece.nodes = max(piece.nodes, 1.0) * nodes_per_cell
    return piece.nodes
