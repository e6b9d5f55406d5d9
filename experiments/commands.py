"""Running ``nnce`` as a user does, and what a run cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NNCE = Path(sys.executable).parent / "nnce"


class CommandError(RuntimeError):
    """A command that did not do what the study needs."""


@dataclass(frozen=True)
class Ran:
    """What a command said as JSON, and the processor time of it and of its worker processes."""

    said: dict[str, Any]
    processor_seconds: float


def nnce(*arguments: str | Path) -> Ran:
    """Run ``nnce … --json``.

    Raises:
        CommandError: it did not end with exit code 0 (complete and certified).
    """
    command = [str(NNCE), *map(str, arguments), "--json"]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            message = errors.read().decode(errors="replace").strip()
            raise CommandError(f"exit code {process.returncode} of {' '.join(command)}: {message}")
        return Ran(json.load(out), usage.ru_utime + usage.ru_stime)


def enumerate_cells(model: Path, bounds: Path, table: Path | None, jobs: int = 1) -> Ran:
    """Enumerate the cells of a model on the box in a file; count them where ``table`` is None.

    Raises:
        CommandError: they could not be enumerated and certified.
    """
    what = ("--count-only",) if table is None else ("--no-witness", "-o", table)
    # Runs of one model must not meet in one folder.
    with tempfile.TemporaryDirectory(prefix="nnce-study-") as folder:
        run = ("--run-dir", Path(folder) / "run", "-j", str(jobs))
        return nnce("enumerate", model, "--bounds", bounds, *what, *run, "--force", "--quiet")
