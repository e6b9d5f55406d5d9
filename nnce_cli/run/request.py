"""What a run is asked for, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client

    from nnce_cli.domain import Domain
    from nnce_cli.network import LayerStack
    from nnce_cli.parallel import Limits
    from nnce_cli.table import Metadata

STDOUT = "-"


@dataclass(frozen=True)
class Request:
    """What is to be enumerated, how, and where it goes.

    ``target`` is None where cells are only counted; ``folder`` is None for a temporary one.
    ``engine`` is a client of the Dask cluster that works, in place of ``jobs`` processes.
    """

    model: Path
    stack: LayerStack
    domain: Domain
    target: str | None
    proof: str | None
    folder: Path | None
    witness: bool
    certify: bool
    method: str
    lp: str
    jobs: int
    limits: Limits
    force: bool
    resume: bool
    engine: Client | None = None

    @property
    def metadata(self) -> Metadata:
        """What is known of the table before it is enumerated; without rows it has no witnesses."""
        from nnce_cli.enumeration import METHODS
        from nnce_cli.table import Made, Metadata

        witness = self.witness and self.target is not None
        lp = self.lp if METHODS[self.method].layer_wise else None
        made = Made(self.method, lp, proof=self.proof is not None)
        return Metadata.of(self.stack, self.domain, witness=witness, made=made)


@dataclass(frozen=True)
class Result:
    """What a run found; ``stopped_by`` is None where it came to its end.

    ``written`` says whether there is a table now. ``found`` are the cells that this process
    found, in ``seconds``; a resumed run has more.
    """

    cells: int
    layer_cells: list[int]
    stopped_by: str | None
    certified: bool
    decisions: dict[str, int]
    found: int
    seconds: float
    memory: int
    written: bool

    @property
    def complete(self) -> bool:
        """Whether these are all cells."""
        return self.stopped_by is None
