"""The tasks of a run over a `Tree`, and a run of them on any number of workers by the second."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.trees import STEP, Piece, Tree


@dataclass(frozen=True)
class Costs:
    """What a run costs beside walking, in seconds.

    ``commit`` is what a transaction takes, ``result`` what each of its results adds to that,
    ``give`` what giving out a task takes; all three keep the coordinator busy. ``way`` is how long
    a message is on its way, ``start`` how long workers take to come, ``begin`` what it takes to
    come to the subtrees of a task.
    """

    commit: float
    result: float
    give: float
    way: float
    start: float
    begin: float


@dataclass(slots=True)
class Work:
    """A task: its nodes, its place in the table, and the tasks that it leaves over."""

    nodes: float
    children: list[Work]
    place: int = 0


class _Inside:
    """Looks into pieces; those whose inside is not known get that of a model."""

    def __init__(self, tree: Tree) -> None:
        self._models = tree.models
        self._next = 0

    def children(self, piece: Piece, nodes: float) -> list[Weighted]:
        """Return what a walk of `STEP` nodes leaves of a piece that has so many."""
        if not piece.children:
            self._next = (self._next + 1) % len(self._models)
            piece = self._models[self._next]
        weights = [max(child.nodes, 1.0) for child in piece.children]
        scale = (nodes - STEP) / sum(weights)
        return [(child, scale * w) for child, w in zip(piece.children, weights, strict=True)]


Weighted = tuple[Piece, float]  # a piece, and how many nodes it stands for


def walked(roots: list[Weighted], room: float, inside: _Inside) -> tuple[float, list[Weighted]]:
    """Walk subtrees depth first; return the nodes that were walked, and what is left over."""
    walked, stack = 0.0, roots[::-1]
    while stack and walked < room:
        piece, nodes = stack.pop()
        if nodes <= max(room - walked, STEP):
            walked += nodes
        else:
            walked += STEP
            stack += reversed(inside.children(piece, nodes))
    return walked, stack[::-1]


def tasks_of(
    tree: Tree,
    budget: Callable[[int], int],
    divide: Callable[[Sequence[Weighted], int], list[list[Weighted]]],
) -> list[Work]:
    """Return the tasks of a run over a tree, in table order."""
    inside, first = _Inside(tree), Work(0.0, [])
    found, ahead = [], [(first, [(tree.root, tree.root.nodes)], 0)]
    while ahead:
        work, roots, generation = ahead.pop()
        work.place = len(found)
        found.append(work)
        work.nodes, rest = walked(roots, budget(generation), inside)
        if rest:
            below = [(Work(0.0, []), part, generation + 1) for part in divide(rest, generation)]
            work.children = [child for child, _, _ in below]
            ahead += reversed(below)
    return found


@dataclass(frozen=True)
class Replayed:
    """A run: how long it took, how long its coordinator was busy in it, and its transactions."""

    seconds: float
    busy: float
    transactions: int


def replay(
    tasks: Sequence[Work], workers: int, node_seconds: float, costs: Costs, errand: float = 0.0
) -> Replayed:
    """Run tasks, given in table order, on so many workers."""
    waiting = [(0, tasks[0])]
    coming: list[tuple[float, int, list[Work]]] = []  # (when, what comes back)
    idle, now, busy, transactions = workers, costs.start, 0.0, 0
    while waiting or coming:
        results: list[Work] = []
        while coming and coming[0][0] <= now:
            _, _, done = heapq.heappop(coming)
            results += done
            idle += 1
        began = now
        for _ in range(2 if results else 1):
            while waiting and idle:
                _, work = heapq.heappop(waiting)
                now += costs.give
                long = errand if len(waiting) > workers else 0.0
                at, done = now + costs.way, [work]
                at += costs.begin + work.nodes * node_seconds
                end = at + long
                hand = work.children[::-1]
                while hand and at < end:
                    work = hand.pop()
                    done.append(work)
                    at += costs.begin + work.nodes * node_seconds
                    hand += work.children[::-1]
                heapq.heappush(coming, (at + costs.way, work.place, done))
                idle -= 1
            if results:
                now += costs.commit + costs.result * len(results)
                transactions += 1
                known = {work.place for work in results}
                for work in results:
                    for child in work.children:
                        if child.place not in known:
                            heapq.heappush(waiting, (child.place, child))
                results = []
        busy += now - began
        if coming and coming[0][0] > now and not (waiting and idle):
            now = coming[0][0]
    return Replayed(now, busy, transactions)
