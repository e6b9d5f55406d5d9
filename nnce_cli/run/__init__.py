"""One run from a request to its output; the names are loaded when they are used."""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.run.request import STDOUT, Request, Result
    from nnce_cli.run.running import (
        SavedError,
        check_outputs,
        default_folder,
        finished_before,
        run,
    )

__all__ = [
    "STDOUT",
    "Request",
    "Result",
    "SavedError",
    "check_outputs",
    "default_folder",
    "finished_before",
    "run",
]

__getattr__ = lazy_names(
    __name__,
    {
        "request": ["STDOUT", "Request", "Result"],
        "running": ["SavedError", "check_outputs", "default_folder", "finished_before", "run"],
    },
)
