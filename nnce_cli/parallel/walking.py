"""The walk of one task, whichever process does it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from nnce_cli.base.errors import InputError
from nnce_cli.base.memory import peak_memory_bytes
from nnce_cli.enumeration import batches, node_cost
from nnce_cli.parallel.budget import budget, divide
from nnce_cli.parallel.plan import PartSink, Plan
from nnce_cli.parallel.task import Failure, Outcome, Task

if TYPE_CHECKING:
    from nnce_cli.enumeration import Subtree, Walk

T = TypeVar("T")


def attempt(task: Task, step: Callable[[], T]) -> T | Failure:
    """Take a step of a task; an error is its failure, fatal where the task is not to blame."""
    try:
        return step()
    except InputError as error:
        return Failure(task, str(error), fatal=True)
    except MemoryError:
        return Failure(task, "out of memory")
    except Exception:
        return Failure(task, traceback.format_exc())


def walk_task(task: Task, plan: Plan) -> Generator[int, None, WalkedTask]:
    """Walk a task within its budget, and on its errand; `WalkedTask.finish` is next.

    Yields the number of cells found so far after each batch, and so about every 50 ms. A task
    that is not walked to its end (`close` the generator) leaves no part behind.

    Raises:
        InputError: the part cannot be written.
    """
    started = time.perf_counter()
    sink = None if plan.sink is None else plan.sink(task.number)
    sums = _Sums(len(plan.problem.stack.hidden))
    hand = [(task.generation, list(task.roots))]  # the first in table order stands last
    try:
        while hand:
            generation, roots = hand.pop()
            leftover = yield from _walk_roots(roots, generation, plan, sums, sink)
            if leftover:
                parts = divide(leftover, generation)
                hand += [(generation + 1, part) for part in reversed(parts)]
            # A part is that of one task: what is in it may not depend on the time.
            if sink is not None or time.perf_counter() - started >= task.errand:
                break
    except BaseException:
        if sink is not None:
            sink.discard()
        raise
    return WalkedTask(task, sums, hand[::-1], sink, time.perf_counter() - started)


def _walk_roots(
    roots: Sequence[Subtree], generation: int, plan: Plan, sums: _Sums, sink: PartSink | None
) -> Generator[int, None, list[Subtree]]:
    """Walk subtrees within the budget of their task; return what is left over."""
    walk = plan.walk
    room = budget(generation, plan.widths, node_cost(plan.method), rows=sink is not None)
    leftover: list[Subtree] = []
    for index, root in enumerate(roots):
        if room <= 0:
            leftover += roots[index:]
            break
        walk.begin(root)
        for batch in batches(walk, room):
            if sink is not None:
                sink.write(batch)
            yield sums.cells + walk.cells
        room -= max(walk.nodes, 1)
        if not walk.done:
            leftover += walk.rest()
        sums.add(walk)
    return leftover


def steps_to_end(steps: Generator[int, None, WalkedTask], see: Callable[[int], None]) -> WalkedTask:
    """Walk a task to its end; ``see`` is told how many cells there are, about every 50 ms.

    What it raises stops the walk, and leaves nothing behind.
    """
    try:
        while True:
            try:
                see(next(steps))
            except StopIteration as ending:
                walked: WalkedTask = ending.value
                return walked
    finally:
        steps.close()


@dataclass
class WalkedTask:
    """A task that was walked, and whose part is not on the disk yet."""

    task: Task
    sums: _Sums
    tasks: list[tuple[int, list[Subtree]]]  # left over, with their generations
    sink: PartSink | None
    seconds: float

    @property
    def cells(self) -> int:
        """Number of cells found."""
        return self.sums.cells

    def finish(self) -> Outcome:
        """Put the part, if any, on the disk; it uses nothing that the next task changes.

        Raises:
            InputError: the part cannot be written.
        """
        sums, sink, started = self.sums, self.sink, time.perf_counter()
        if sink is not None:
            try:
                sink.commit(sums.decisions, sums.exact_witnesses)
            except BaseException:
                sink.discard()
                raise
        return Outcome(
            task=self.task,
            cells=sums.cells,
            layer_cells=sums.layer_cells,
            nodes=sums.nodes,
            share=sums.share,
            decisions=sums.decisions,
            seconds=self.seconds + time.perf_counter() - started,
            rows=0 if sink is None else sink.rows,
            first=b"" if sink is None else sink.first,
            last=b"" if sink is None else sink.last,
            table=None if sink is None else sink.table,
            proof=None if sink is None else sink.proof,
            memory=peak_memory_bytes(),
            tasks=self.tasks,
        )


class _Sums:
    """What the walks of a task's subtrees found together."""

    def __init__(self, layers: int) -> None:
        self.cells = 0
        self.layer_cells = [0] * layers
        self.nodes = 0
        self.share = 0.0
        self.decisions: dict[str, int] = {}
        self.exact_witnesses: dict[int, list[str]] = {}

    def add(self, walk: Walk) -> None:
        before = self.cells
        self.exact_witnesses |= {before + row: p for row, p in walk.exact_witnesses.items()}
        self.cells += walk.cells
        self.layer_cells = [a + b for a, b in zip(self.layer_cells, walk.layer_cells, strict=True)]
        self.nodes += walk.nodes
        self.share += walk.share
        for name, count in walk.decisions.items():
            self.decisions[name] = self.decisions.get(name, 0) + count
