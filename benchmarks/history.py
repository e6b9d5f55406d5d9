"""Measured states of the project, one JSON object a line: benchmarks/history.jsonl.

Only lines of one kind of machine can be compared. A line has the commit (``dirty`` where files
were changed since), the machine, the date, the load when the measurement began, the figures of
each network (`benchmarks.measure`) and those of the programs beside (`benchmarks.peers`).
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nnce_cli import _core

ROOT = Path(__file__).resolve().parents[1]
HISTORY = ROOT / "benchmarks" / "history.jsonl"
WRITTEN = ("benchmarks/history.jsonl", "benchmarks/growth.json", "docs/performance.md")


@dataclass(frozen=True)
class State:
    """The project at a commit on a machine; ``networks`` are figures by the network's name."""

    commit: str | None
    dirty: bool
    date: str
    load: float
    machine: dict[str, Any]
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    peers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The commit and the date, for a person."""
        commit = (self.commit or "no commit")[:9] + ("+changes" if self.dirty else "")
        return f"{commit}, {self.date[:10]}"


def this_state() -> State:
    """Return the state of this folder on this machine, with nothing measured."""
    commit, dirty = _commit()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return State(commit, dirty, now, round(os.getloadavg()[0], 1), machine())


def machine() -> dict[str, Any]:
    """Return what tells kinds of machines apart."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "core": _core.BUILD,
    }


def read(path: Path = HISTORY) -> list[State]:
    """Return the measured states, the oldest first."""
    if not path.exists():
        return []
    return [State(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def append(state: State, path: Path = HISTORY) -> None:
    """Add a line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(state)) + "\n")


def _commit() -> tuple[str | None, bool]:
    """Return the commit and whether a file differs from it, but for what measuring writes."""
    others = [f":(exclude){name}" for name in (*WRITTEN, "docs/figures")]
    try:
        commit = _git("rev-parse", "HEAD")
        return commit, bool(_git("status", "--porcelain", "--", ".", *others))
    except (OSError, subprocess.CalledProcessError):
        return None, False


def _git(*arguments: str) -> str:
    finished = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return finished.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
