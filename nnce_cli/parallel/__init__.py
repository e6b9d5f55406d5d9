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
from nnce_cli.parallel.journal import NO_PLACE, Journal, Part, Totals
from nnce_cli.parallel.lock import holder, is_held
from nnce_cli.parallel.plan import PartSink, Plan

__all__ = [
    "JOURNAL",
    "LOCK",
    "NO_PLACE",
    "Journal",
    "Limits",
    "Part",
    "PartSink",
    "Plan",
    "RunFolder",
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
