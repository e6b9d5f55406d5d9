"""``nnce enumerate`` as a user runs it: a process of its own, with its worker processes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.group_memory import Memory, MemoryWatch
from benchmarks.networks import arguments


@dataclass(frozen=True)
class CommandRun:
    """What a run of the command took.

    ``summary`` is what ``--json`` prints; its ``seconds`` begin when the kernels are loaded and
    hold the start of the workers. ``processor_seconds`` are those of all processes from the
    command's very start; ``memory`` is the peak over all processes together.
    """

    summary: dict[str, Any]
    processor_seconds: float
    memory: Memory


def count_cells(name: str, jobs: int) -> CommandRun:
    """Count the cells of a network with worker processes.

    Raises:
        RuntimeError: the run was not complete and certified.
    """
    command = [str(Path(sys.executable).parent / "nnce"), "enumerate"]
    options = ["--count-only", "--json", "--quiet", "-j", str(jobs)]
    with tempfile.TemporaryDirectory() as folder:
        model = arguments(name, Path(folder))
        before = _processor_seconds()
        process = subprocess.Popen(
            [*command, *model, *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process, MemoryWatch(process.pid) as watch:
            output, _ = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"nnce enumerate {' '.join(model)} ended with {process.returncode}")
    return CommandRun(json.loads(output), _processor_seconds() - before, watch.peak)


def _processor_seconds() -> float:
    """Return the processor time of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
