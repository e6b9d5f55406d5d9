"""How much of the tree a task walks, and how what it did not reach becomes tasks again.

Both depend on the task's place in the tree alone, so that the set of tasks of a run is always
the same (Avis & Jordan 2018, "mplrs: a scalable parallel vertex/facet enumeration code",
section 3, has budgets that grow when the queue is full; ours must not know the queue).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

FIRST = 2**8  # tree nodes; with FACTOR and BRANCHES, sixteen tasks wait after some milliseconds
FACTOR = 8
EARLY = 3  # generations of small budgets
DOUBLED_EVERY = 4  # generations, from then on
LARGEST = 2**19
LARGEST_COUNTED = 2**16  # without rows, many tasks make one message and one row of the journal
# A node costs about as much as its dictionary has entries; beyond this many, budgets shrink.
USUAL_ENTRIES = 2**9
BRANCHES = (4, 4, 2)  # into how many tasks the leftovers of the first generations go; then 2

ERRAND_SECONDS = 2.0
ERRAND_SHARE = 1 / 20  # of the time since the run began


def budget(generation: int, widths: Sequence[int], node_cost: int = 1, *, rows: bool = True) -> int:
    """Return the budget, in tree nodes, of a task that is ``generation`` tasks below the first.

    ``widths`` is n_0, then the neurons of each hidden layer; ``node_cost`` is what the method takes
    for a node, as a multiple of what compiled ones take. ``rows`` says whether there are any.
    """
    nodes: int = FIRST * FACTOR ** min(generation, EARLY)
    nodes <<= max(0, generation - EARLY) // DOUBLED_EVERY
    entries = widths[0] * max(widths[1:], default=0)
    nodes = min(nodes, LARGEST if rows else LARGEST_COUNTED)
    most = nodes * USUAL_ENTRIES // max(entries, USUAL_ENTRIES)
    return max(16, most // node_cost)


def divide(leftover: Sequence[T], generation: int) -> list[list[T]]:
    """Divide the subtrees that a task of this generation left over into tasks, in table order.

    A subtree's nominal share of the tree is half that of the one after it, since a depth-first
    walk meets the deepest first: so the last ones are tasks of their own, and the others, which
    may be many and small, one task together.
    """
    branches = BRANCHES[min(generation, len(BRANCHES) - 1)]
    single = min(branches - 1, len(leftover) - 1)
    first = [list(leftover[: len(leftover) - single])]
    return first + [[subtree] for subtree in leftover[len(leftover) - single :]]


def errand_seconds(
    elapsed: float, waiting: int, workers: int, busy: int, result_seconds: float
) -> float:
    """Return how long a worker may go on with the tasks that its task leaves over.

    It keeps them from others, so there is no time for that where these may run out of tasks, but
    for what the coordinator needs to take in the results of all that are ``busy``, at
    ``result_seconds`` each; and never much of what the run has taken so far.
    """
    least = busy * result_seconds
    return max(least, min(elapsed * ERRAND_SHARE, ERRAND_SECONDS) if waiting > workers else 0.0)
