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
    new tasks add to that, ``give`` what giving out a task takes, ``message`` what sending tasks
    and getting the answer takes; all five keep the coordinator busy. ``way`` is how long a message
    is on its way, ``start`` how long workers take to come.
    """

    commit: float
    result: float
    task: float
    give: float
    way: float
    start: float
    message: float = 0.0


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
    """A run: how long it took, how long its coordinator was busy in it, and its messages."""

    seconds: float
    busy: float
    messages: int


@dataclass(frozen=True)
class Way:
    """How tasks are given out: ``errands`` as in counting, some ``together`` in a message.

    ``result_seconds`` is the engine's.
    """

    errands: bool = True
    together: int = 1
    result_seconds: float = RESULT_SECONDS


def replay(
    tasks: Sequence[Work], workers: int, node_seconds: float, costs: Costs, way: Way
) -> Replayed:
    """Run tasks, given in table order, on so many workers."""
    run = _Run([task.nodes * node_seconds for task in tasks], tasks, workers, costs, way)
    while run.goes_on():
        pass
    return Replayed(run.now + costs.start, run.busy, run.messages)


class _Run:
    """A run, at the time ``now``. Tasks are known by their places."""

    def __init__(
        self, seconds: list[float], tasks: Sequence[Work], workers: int, costs: Costs, way: Way
    ) -> None:
        self.now = self.busy = 0.0
        self.messages = 0
        self._seconds, self._tasks, self._costs, self._way = seconds, tasks, costs, way
        self._workers = self._idle = workers
        self._waiting = [0]
        self._coming: list[tuple[float, int, list[int], list[int]]] = []  # when, and what is left
        self._left: list[int] = []  # of orders that have come, to be committed
        self._arrived = 0  # orders that have come since the last commit
        self._committed = 0.0
        self._walked = (0, 0.0)  # tasks, and how long these took

    def goes_on(self) -> bool:
        """Do what is to be done now, and wait for the next message; return False at the end."""
        costs = self._costs
        while self._coming and self._coming[0][0] <= self.now:
            _, _, left, back = heapq.heappop(self._coming)
            self._left += left
            for place in back:
                heapq.heappush(self._waiting, place)
            self._arrived += 1
            self._idle += 1
        began = self.now
        self._give_out()
        if self._arrived and (self._idle or self.now - self._committed >= SECONDS_BETWEEN_COMMITS):
            self.now += costs.commit + costs.result * self._arrived + costs.task * len(self._left)
            for place in self._left:
                heapq.heappush(self._waiting, place)
            self._left, self._arrived, self._committed = [], 0, self.now
            self._give_out()
        self.busy += self.now - began
        if self._coming:
            self.now = max(self.now, self._coming[0][0])
        return bool(self._waiting or self._coming or self._arrived)

    def _give_out(self) -> None:
        while self._waiting and self._idle:
            room = self._errand()
            order = [heapq.heappop(self._waiting) for _ in range(self._size(room))]
            self.now += self._costs.message + self._costs.give * len(order)
            ends, left, back = self._walk(order, room)
            when = self.now + 2 * self._costs.way + ends
            heapq.heappush(self._coming, (when, self.messages, left, back))
            self.messages += 1
            self._idle -= 1

    def _errand(self) -> float:
        if not self._way.errands:
            return 0.0
        busy, waiting = self._workers - self._idle, len(self._waiting)
        return errand_seconds(self.now, waiting, self._workers, busy, self._way.result_seconds)

    def _size(self, room: float) -> int:
        """Return how many tasks an order has: as many as there is time for, and others leave."""
        number, seconds = self._walked
        most = min(self._way.together, len(self._waiting) // self._idle)
        return max(1, min(most, 1 + int(room * number / seconds))) if seconds else 1

    def _walk(self, order: Sequence[int], room: float) -> tuple[float, list[int], list[int]]:
        """Walk tasks, each with what it leaves over, while there is time.

        Return the time, what is left over, and the tasks of the order that were not begun.
        """
        spent, number, hand, mine = 0.0, 0, list(order[::-1]), set(order)
        while hand and (spent == 0.0 or spent < room):
            place = hand.pop()
            spent += self._seconds[place]
            number += 1
            hand += (child.place for child in reversed(self._tasks[place].children))
        self._walked = self._walked[0] + number, self._walked[1] + spent
        return spent, [p for p in hand if p not in mine], [p for p in hand if p in mine]
