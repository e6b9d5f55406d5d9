"""The tasks of a run over a `Tree`, and a replay of that run on any number of workers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.trees import STEP, Piece, Tree
from nnce_cli.parallel.budget import errand_seconds
from nnce_cli.parallel.coordinator import SECONDS_BETWEEN_COMMITS
from nnce_cli.parallel.local import RESULT_SECONDS


@dataclass(frozen=True)
class Costs:
    """What a run costs beside walking, in seconds.

    ``commit`` is what a transaction takes, ``result`` and ``task`` what each of its results and
    new tasks add to that, ``give`` what giving out a task takes; all four keep the coordinator
    busy. ``way`` is how long a message is on its way, ``start`` how long workers take to come.
    """

    commit: float
    result: float
    task: float
    give: float
    way: float
    start: float


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
    """A run: how long it took, how long its coordinator was busy in it, and its results."""

    seconds: float
    busy: float
    results: int


def replay(
    tasks: Sequence[Work],
    workers: int,
    node_seconds: float,
    costs: Costs,
    *,
    errands: bool,
    result_seconds: float = RESULT_SECONDS,
) -> Replayed:
    """Run tasks, given in table order, on so many workers; with ``errands`` as counting does.

    ``result_seconds`` is the engine's.
    """
    seconds = [task.nodes * node_seconds for task in tasks]
    waiting = [0]
    coming: list[tuple[float, list[int]]] = []  # when a result comes, and the tasks it leaves over
    idle, now, busy, results, committed = workers, 0.0, 0.0, 0, 0.0
    left: list[int] = []
    arrived = 0  # and not committed yet

    def give_out() -> float:
        nonlocal idle
        spent = 0.0
        while waiting and idle:
            spent += costs.give
            room = 0.0
            if errands:
                room = errand_seconds(now, len(waiting), workers, workers - idle, result_seconds)
            ends, rest = _errand(tasks, seconds, heapq.heappop(waiting), room)
            heapq.heappush(coming, (now + spent + 2 * costs.way + ends, rest))
            idle -= 1
        return spent

    while waiting or coming or arrived:
        while coming and coming[0][0] <= now:
            left += heapq.heappop(coming)[1]
            arrived += 1
            idle += 1
        began = now
        now += give_out()
        if arrived and (idle or now - committed >= SECONDS_BETWEEN_COMMITS):
            now += costs.commit + costs.result * arrived + costs.task * len(left)
            for place in left:
                heapq.heappush(waiting, place)
            results += arrived
            left, arrived, committed = [], 0, now
            now += give_out()
        busy += now - began
        if coming and coming[0][0] > now:
            now = coming[0][0]
    return Replayed(now + costs.start, busy, results)


def _errand(
    tasks: Sequence[Work], seconds: Sequence[float], first: int, room: float
) -> tuple[float, list[int]]:
    """Walk a task, and what it leaves over while there is time; return the time, and the rest."""
    spent, hand = 0.0, [first]
    while hand and (spent == 0.0 or spent < room):
        place = hand.pop()
        spent += seconds[place]
        hand += (child.place for child in reversed(tasks[place].children))
    return spent, hand
