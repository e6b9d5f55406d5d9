"""One run from a request to its output; the names are loaded when they are used."""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.run.events import Observer, Progress, WorkerState
    from nnce_cli.run.forecasting import Forecasting
    from nnce_cli.run.pace import Pace
    from nnce_cli.run.request import STDOUT, Request, Result
    from nnce_cli.run.running import (
        SavedError,
        check_outputs,
        default_folder,
        finished_before,
        run,
    )
    from nnce_cli.run.starting import Starting, measured_start, seconds_so_far

__all__ = [
    "STDOUT",
    "Forecasting",
    "Observer",
    "Pace",
    "Progress",
    "Request",
    "Result",
    "SavedError",
    "Starting",
    "WorkerState",
    "check_outputs",
    "default_folder",
    "finished_before",
    "measured_start",
    "run",
    "seconds_so_far",
]

__getattr__ = lazy_names(
    __name__,
    {
        "events": ["Observer", "Progress", "WorkerState"],
        "forecasting": ["Forecasting"],
        "pace": ["Pace"],
        "request": ["STDOUT", "Request", "Result"],
        "running": ["SavedError", "check_outputs", "default_folder", "finished_before", "run"],
        "starting": ["Starting", "measured_start", "seconds_so_far"],
    },
)
