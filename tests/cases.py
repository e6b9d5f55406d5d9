"""The networks with known cells that lie beside the project, where that folder is present."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nnce_cli.domain import Box

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "cases"

needs_cases = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the networks with known cells are not at {FOLDER}"
)


def known_cases(folder: str) -> dict[str, dict]:
    """Return the entries of a folder's ``truth.json``; empty where the folder is absent."""
    path = FOLDER / folder / "truth.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def cube(n: int, lower: float, upper: float) -> Box:
    """Return the box [lower, upper]^n."""
    return Box(np.full(n, float(lower)), np.full(n, float(upper)))
