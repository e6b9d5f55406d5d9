"""Coordinator, journal and engines: all cores, and nothing lost (docs/parallel.md)."""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names
from nnce_cli.parallel.coordinator import Limits, View, coordinate
from nnce_cli.parallel.engine import Engine
from nnce_cli.parallel.folder import (
    JOURNAL,
    LOCK,
    RunFolder,
    is_run,
    part_path,
    proof_part_path,
    refuse_run,
    sweep,
)
from nnce_cli.parallel.journal import NO_PLACE, Journal, Part
from nnce_cli.parallel.local import SECONDS_ALONE, SECONDS_OF_START, SMALL_RUN
from nnce_cli.parallel.lock import Lock, holder, is_held
from nnce_cli.parallel.parts import Parts, StoppedError
from nnce_cli.parallel.plan import PartSink, Plan
from nnce_cli.parallel.totals import Totals

if TYPE_CHECKING:
    from nnce_cli.parallel.cluster.connection import connected
    from nnce_cli.parallel.cluster.engine import DaskEngine

__all__ = [
    "JOURNAL",
    "LOCK",
    "NO_PLACE",
    "SECONDS_ALONE",
    "SECONDS_OF_START",
    "SMALL_RUN",
    "DaskEngine",
    "Engine",
    "Journal",
    "Limits",
    "Lock",
    "Part",
    "PartSink",
    "Parts",
    "Plan",
    "RunFolder",
    "StoppedError",
    "Totals",
    "View",
    "connected",
    "coordinate",
    "holder",
    "is_held",
    "is_run",
    "part_path",
    "proof_part_path",
    "refuse_run",
    "sweep",
]

__getattr__ = lazy_names(
    __name__, {"cluster.connection": ["connected"], "cluster.engine": ["DaskEngine"]}
)
