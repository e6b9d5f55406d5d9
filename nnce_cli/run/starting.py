"""What a run takes besides its cells, measured on runs that stop at the first one."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnce_cli.run.request import Request
from nnce_cli.run.running import run

if TYPE_CHECKING:
    from nnce_cli.domain import Domain
    from nnce_cli.network import LayerStack

SECONDS_MOST = 1.0  # that such a run walks for its cell


@dataclass(frozen=True)
class Starting:
    """Seconds before and after the cells: of a run that writes a ``table``, of one that counts."""

    table: float
    counting: float


def seconds_so_far() -> float:
    """Return the seconds of the processor that this process has taken, with its children."""
    return sum(os.times()[:4])


def measured_start(model: Path, stack: LayerStack, domain: Domain) -> Starting:
    """Return what starting costs, where this process has done nothing but load the model.

    What it took until now (Python, the libraries, the model) is counted, and then what two runs
    take that have a folder and a journal, stop at their first cell and, one of them, write a table.

    Raises:
        InputError: as `Problem.of`.
    """
    with tempfile.TemporaryDirectory(prefix="nnce-") as folder:
        counting = _after_run(model, stack, domain, None)
        return Starting(_after_run(model, stack, domain, str(Path(folder) / "cells")), counting)


def _after_run(model: Path, stack: LayerStack, domain: Domain, target: str | None) -> float:
    """Return the seconds that this process has taken when such a run is over."""
    from nnce_cli.enumeration import Problem, choose
    from nnce_cli.parallel import Limits
    from nnce_cli.table import has_witness

    run(
        Request(
            model=model,
            stack=stack,
            domain=domain,
            target=target,
            proof=None,
            folder=None,
            witness=has_witness(stack.n_inputs),
            certify=True,
            method=choose(Problem.of(stack, domain))[0],
            lp="dictionary",
            jobs=1,
            limits=Limits(1, SECONDS_MOST),
            force=False,
            resume=False,
        )
    )
    return seconds_so_far()
