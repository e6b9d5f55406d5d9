"""Several domains in one call: files for each of them, and the cells of the union."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from nnce_cli.base.errors import InputError
from nnce_cli.run import STDOUT, Request, Result


@dataclass(frozen=True)
class RunFiles:
    """Where a run writes: names are None where it does not, the folder for a temporary one."""

    target: str | None
    proof: str | None
    history: str | None
    folder: Path | None

    def of_each(self, count: int) -> list[RunFiles]:
        """Return the files of the runs on so many domains, with the number of the domain.

        Raises:
            InputError: they cannot all go to standard output.
        """
        if count == 1:
            return [self]
        if self.target == STDOUT:
            raise InputError(
                f"the tables of {count} domains cannot all go to standard output; give --output a "
                "file name"
            )
        return [self._numbered(i) for i in range(1, count + 1)]

    def _numbered(self, i: int) -> RunFiles:
        target, proof, history = (
            None if name is None else str(_numbered(Path(name), i))
            for name in (self.target, self.proof, self.history)
        )
        # With a table of its own name, the folder beside it is the one that a single run has.
        folder = None if self.folder is None else Path(f"{self.folder}.{i}")
        if target is not None and str(self.folder) == f"{self.target}.run":
            folder = Path(f"{target}.run")
        return RunFiles(target, proof, history, folder)


def _numbered(path: Path, i: int) -> Path:
    """Return ``cells.1.parquet`` for ``cells.parquet`` and 1."""
    return path.with_name(f"{path.stem}.{i}{path.suffix}")


def cells_of_union(requests: Sequence[Request], results: Sequence[Result]) -> list[int] | None:
    """Count the layer-k cells of the union of domains from their tables; None where one lacks.

    Raises:
        InputError: a table cannot be read.
    """
    is_whole = len(results) == len(requests) and all(result.complete for result in results)
    layout = requests[0].stack.layout
    if not is_whole or requests[0].target is None or not layout.depth:
        return None
    from nnce_cli.analysis import union_cells
    from nnce_cli.table import CellTableReader

    with ExitStack() as opened:
        readers = [opened.enter_context(CellTableReader(str(r.target))) for r in requests]
        return union_cells([reader.batches() for reader in readers], layout)
