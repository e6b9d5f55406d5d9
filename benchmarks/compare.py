"""Show the last two measured states of one kind of machine: ``python -m benchmarks.compare``.

A ratio is slower (or faster) where it grew (or fell) by more than the spread of the repetitions
in either state, and by more than five per cent.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from benchmarks.history import State, read

LEAST_NOISE = 0.05
RATIOS = {
    "times the floor": "times_the_floor",
    "proved / not": "certified_over_not",
    "table / counting": "table_over_counting",
}


@dataclass(frozen=True)
class Change:
    """A ratio of one network in two states; ``noise`` is the change that says nothing."""

    network: str
    ratio: str
    before: float
    after: float
    noise: float

    @property
    def share(self) -> float:
        """By how much the ratio grew, as a share of what it was."""
        return self.after / self.before - 1

    @property
    def verdict(self) -> str:
        """What to make of it: slower, faster, or nothing."""
        if abs(self.share) <= self.noise:
            return ""
        return "slower" if self.share > 0 else "faster"


def main() -> None:
    """Print the changes; end with 1 where something became slower."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    pair = last_two(read())
    if pair is None:
        sys.exit("there are no two states of one kind of machine yet; run make bench")
    found = changes(*pair)
    print(f"before: {pair[0].title}, load {pair[0].load}")
    print(f"after:  {pair[1].title}, load {pair[1].load}")
    for line in table(found):
        print(line)
    if any(change.verdict == "slower" for change in found):
        sys.exit(1)


def last_two(states: list[State]) -> tuple[State, State] | None:
    """Return the last state and the one before it on the same kind of machine."""
    for i in range(len(states) - 2, -1, -1):
        if states[i].machine == states[-1].machine:
            return states[i], states[-1]
    return None


def changes(before: State, after: State) -> list[Change]:
    """Return the changes of all ratios of the networks that both states have.

    Only the spread of ``times_the_floor`` is known; it stands for the others too.
    """
    found = []
    for name, new in after.networks.items():
        old = before.networks.get(name)
        if old is None:
            continue
        noise = max(LEAST_NOISE, old["spread"], new["spread"])
        found += [Change(name, title, old[key], new[key], noise) for title, key in RATIOS.items()]
    return found


def table(found: list[Change]) -> list[str]:
    """Return the changes as lines of text."""
    width = max((len(change.network) for change in found), default=0)
    head = f"{'network':{width}}  {'ratio':16}  {'before':>7}  {'after':>7}  {'change':>7}  noise"
    return [head, *(_line(change, width) for change in found)]


def _line(change: Change, width: int) -> str:
    numbers: list[Any] = [f"{change.before:7.2f}", f"{change.after:7.2f}", f"{change.share:+7.0%}"]
    parts = [f"{change.network:{width}}", f"{change.ratio:16}", *numbers, f"{change.noise:5.0%}"]
    return "  ".join([*parts, change.verdict]).rstrip()


if __name__ == "__main__":
    main()
