"""Graphs with known cells, which lie beside the project, and what onnxruntime makes of a graph."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from tests.cases import FOLDER, known_cases
from tests.oracles.graph_cells import Domain, box_domain, plane_domain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def graph_cases(is_slow: Callable[[dict], bool]) -> list:
    """Return a pytest parameter (path, case) for each graph beside the project."""
    return [
        pytest.param(
            FOLDER / folder / case["file"], case, id=name, marks=[pytest.mark.slow] * is_slow(case)
        )
        for folder in ("general", "exports")
        for name, case in known_cases(folder).items()
    ]


def domain_of(case: dict) -> Domain:
    """Return the domain on which a case is counted."""
    if "slice" in case["domain"]:
        return plane_domain(*case["domain"]["slice"])
    lower, upper = case["domain"]["box"]
    return box_domain([lower] * case["inputs"], [upper] * case["inputs"])


def run(path: Path, points: Sequence[Sequence[float]]) -> np.ndarray:
    """Return what onnxruntime makes of points (m, n): all outputs joined, a row each."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    rows = []
    for point in points:
        feed, at = {}, 0
        for entry in session.get_inputs():
            shape = [size if isinstance(size, int) else 1 for size in entry.shape]
            dtype = np.float64 if "double" in entry.type else np.float32
            feed[entry.name] = np.array(point[at : at + prod(shape)], dtype=dtype).reshape(shape)
            at += prod(shape)
        assert at == len(point)
        rows.append(np.concatenate([output.ravel() for output in session.run(None, feed)]))
    return np.array(rows)
