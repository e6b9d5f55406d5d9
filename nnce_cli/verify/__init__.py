"""An independent checker of cell tables: it shares no code with the rooms that make them."""

from nnce_cli.verify.check_metadata import Place
from nnce_cli.verify.property import Replayed, replay
from nnce_cli.verify.report import CheckResult, Report
from nnce_cli.verify.run import CLOSURE_CELLS, Options, verify

__all__ = [
    "CLOSURE_CELLS",
    "CheckResult",
    "Options",
    "Place",
    "Replayed",
    "Report",
    "replay",
    "verify",
]
