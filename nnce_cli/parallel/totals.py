"""What the finished tasks of a run found together."""

from __future__ import annotations

from dataclasses import dataclass, field

from nnce_cli.parallel.task import Outcome

LARGEST = 2**63


@dataclass
class Totals:
    """Sums over all finished tasks, and how many tasks there are."""

    cells: int = 0
    layer_cells: list[int] = field(default_factory=list)
    nodes: int = 0
    share: float = 0.0
    decisions: dict[str, int] = field(default_factory=dict)
    worked: float = 0.0  # seconds, over all workers
    waiting: int = 0
    done: int = 0
    given_up: int = 0
    retries: int = 0
    memory: int = 0  # bytes: the peak of the largest worker
    moved: float = 0.0  # time of the last commit, seconds since 1970

    def check(self) -> None:
        """Refuse values that no run has written; raises ValueError."""
        if not (isinstance(self.layer_cells, list) and isinstance(self.decisions, dict)):
            raise ValueError("its totals are no counts")
        counts = [
            self.cells,
            self.nodes,
            self.waiting,
            self.done,
            self.given_up,
            self.retries,
            self.memory,
        ]
        counts += [*self.layer_cells, *self.decisions.values()]
        if not all(type(n) is int and 0 <= n < LARGEST for n in counts):
            raise ValueError("its totals are no counts")
        numbers = (self.share, self.worked, self.moved)
        if not all(type(x) in (int, float) and 0 <= x < LARGEST for x in numbers):
            raise ValueError("its totals are no numbers")

    def add(self, outcome: Outcome) -> None:
        """Count a finished task."""
        self.layer_cells = [
            a + b for a, b in zip(self.layer_cells, outcome.layer_cells, strict=True)
        ]
        self.cells += outcome.cells
        self.nodes += outcome.nodes
        self.share += outcome.share
        for name, count in outcome.decisions.items():
            self.decisions[name] = self.decisions.get(name, 0) + count
        self.worked += outcome.seconds
        self.memory = max(self.memory, outcome.memory)
        self.waiting += len(outcome.tasks) - 1
        self.done += 1
