"""The types of the package are those that its users see: py.typed, and mypy --strict."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).with_name("typed_project.py")
WRONG = """
import nnce_cli as nnce
network: int = nnce.load("m.onnx")
nnce.enumerate(nnce.load("m.onnx"), job=2)
nnce.open("x").signs("one")
"""


def checked(path: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run mypy as in a project of its own, with no settings of ours."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir"]
    return subprocess.run(
        [*command, str(cache), str(path)], cwd=cache, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_typed_project(tmp_path):
    """It is right, and what is wrong is seen."""
    pytest.importorskip("mypy")
    done = checked(PROJECT, tmp_path)
    ours = [line for line in done.stdout.splitlines() if PROJECT.name in line]
    assert ours == [], done.stdout
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    done = checked(wrong, tmp_path)
    lines = [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line]
    assert sorted(set(lines)) == ["3", "4", "5"], done.stdout
