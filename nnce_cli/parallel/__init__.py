"""Coordinator, journal and engines: all cores, and nothing lost (docs/parallel.md)."""

from nnce_cli.parallel.coordinator import Limits, View, coordinate
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
from nnce_cli.parallel.lock import Lock, holder, is_held
from nnce_cli.parallel.parts import Parts, StoppedError
from nnce_cli.parallel.plan import PartSink, Plan
from nnce_cli.parallel.totals import Totals

__all__ = [
    "JOURNAL",
    "LOCK",
    "NO_PLACE",
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
    "coordinate",
    "holder",
    "is_held",
    "is_run",
    "part_path",
    "proof_part_path",
    "refuse_run",
    "sweep",
]
