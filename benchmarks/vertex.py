"""Print how fast the vertex method is beside the other one: ``python -m benchmarks.vertex``.

Both walk the same network in turns, in one process on one core. The shortest processor times count.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack

SHAPES = (
    "1-32-32", "1-64-64-64-64", "2-16-16", "2-32-32", "2-64-64", "2-128-128", "2-200", "2-100-20",
    "2-20-100", "2-32-32-32-32", "2-16-16-16-16-16-16", "3-8-8-8", "3-16-16", "3-32-32", "3-60",
    "3-40-10", "3-10-40", "3-12-12-12-12",
)  # fmt: skip
TURNS = 9


def main() -> None:
    """Measure networks one after the other and print a row for each as it is done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help="default: a list of shapes")
    names = parser.parse_args().names or [f"seeded-{shape}" for shape in SHAPES]
    print("| network | cells | µs a cell | counting | rows |")
    print("|---|---|---|---|---|")
    for name in names:
        print(row(name), flush=True)


def row(name: str) -> str:
    """Measure a network by its name; return its row of the table.

    The microseconds are those of counting by vertices; the last two numbers say how many times as
    long the dictionaries take, for counting and for rows with ranks and witnesses.
    """
    from benchmarks.networks import network

    stack, box = network(name)
    counting, cells = _seconds(stack, box, rows=False)
    with_rows, _ = _seconds(stack, box, rows=True)
    ratios = [times["dictionary"] / times["vertex"] for times in (counting, with_rows)]
    microseconds = counting["vertex"] / cells * 1e6
    columns = [name, f"{cells:,}", f"{microseconds:.2f}", *map("{:.1f}".format, ratios)]
    return f"| {' | '.join(columns)} |"


def _seconds(stack: LayerStack, box: Box, *, rows: bool) -> tuple[dict[str, float], int]:
    """Return the seconds that each method takes, and the number of cells."""
    from nnce_cli.enumeration import DICTIONARY, VERTEX, Problem, batches, walk_factory

    methods = {name: walk_factory(name) for name in (DICTIONARY, VERTEX)}
    times: dict[str, list[float]] = {name: [] for name in methods}
    for turn in range(1 + TURNS):
        for name, method in methods.items():
            started = time.process_time()
            walk = method(Problem.of(stack, box), rows=rows)
            for _ in batches(walk):
                pass
            if turn > 0:  # the first compiles
                times[name].append(time.process_time() - started)
    return {name: min(each) for name, each in times.items()}, walk.cells


if __name__ == "__main__":
    main()
