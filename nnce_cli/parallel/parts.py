"""The parts of a run on their way into its table: whole, and each in its place.

A part on the disk is what its task found if it has the checksum that the journal has of it: its
rows were seen to ascend, and were counted, when they were written. A part that is lost or damaged
is found again by doing its task again, which gives the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from nnce_cli.base.bits import unpack_bytes
from nnce_cli.base.checksum import Checksum
from nnce_cli.base.errors import InputError
from nnce_cli.enumeration import Place
from nnce_cli.network import LayerStack, neuron_bits
from nnce_cli.parallel.folder import RunFolder, part_path, proof_part_path
from nnce_cli.parallel.journal import NO_PLACE, Part
from nnce_cli.parallel.plan import Plan
from nnce_cli.parallel.task import Outcome
from nnce_cli.parallel.walking import walk_task


class StoppedError(Exception):
    """A part was to be found again, and there was no time for it."""


class Parts:
    """The parts of a run that can be relied upon."""

    def __init__(
        self,
        folder: RunFolder,
        plan: Plan,
        should_stop: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> None:
        """``tell`` is given a line where a task has to be done again."""
        self._folder = folder
        # A walk of its own: the one of the plan may be in the middle of a task.
        self._plan = dataclasses.replace(plan)
        self._should_stop = should_stop
        self._tell = tell

    def between(self, after: Place = NO_PLACE, before: Place | None = None) -> Iterator[Part]:
        """Iterate over the parts between two places, in table order.

        Raises:
            InputError: a task that is done again gives something else, or cannot be written.
            StoppedError: there was no time for that.
        """
        found = chain(self._folder.journal.parts(after, before), [None])
        for part, following in pairwise(found):
            assert part is not None
            end = before if following is None else following.place
            check_range(part, end, self._plan.problem.stack)
            trouble = self._trouble(part)
            if trouble is not None:
                self._tell(f"{trouble}; task {part.number} is done again")
                self._do_again(part)
            yield part

    def _trouble(self, part: Part) -> str | None:
        for path, checksum in self._files(part):
            trouble = None if checksum is None else checksum.trouble(path)
            if trouble is not None:
                return f"{path} {trouble}"
        return None

    def _files(self, part: Part) -> list[tuple[Path, Checksum | None]]:
        folder, number = self._folder.path, part.number
        return [
            (part_path(folder, number), part.table),
            (proof_part_path(folder, number), part.proof),
        ]

    def _do_again(self, part: Part) -> None:
        outcome = self._walked(part.number)
        if (outcome.table, outcome.proof) != (part.table, part.proof):
            raise InputError(
                f"task {part.number} was done again and found other bytes: this is another kind "
                "of machine than the run began on, or a faulty one; start again with --force"
            )

    def _walked(self, number: int) -> Outcome:
        steps = walk_task(self._folder.journal.task(number), self._plan)
        while True:
            try:
                next(steps)
            except StopIteration as ending:
                outcome: Outcome = ending.value.finish()
                return outcome
            if self._should_stop():
                steps.close()
                raise StoppedError


def check_range(part: Part, following: Place | None, stack: LayerStack) -> None:
    """Hold the first and the last row of a part against its own place and that of the next part.

    Rows are codes of units, places are bits of neurons.

    Raises:
        RuntimeError: a row is of another task.
    """
    if part.table is None:
        return
    rows = np.frombuffer(part.first + part.last, dtype=np.uint8).reshape(2, -1)
    first, last = map(tuple, neuron_bits(stack, rows).tolist())
    here = unpack_bytes(*part.place)
    ends_before = following is None or last[: following[1]] < unpack_bytes(*following)
    if not (here <= first[: len(here)] and first <= last and ends_before):
        raise RuntimeError(f"the rows of task {part.number} are not of its part of the tree")
