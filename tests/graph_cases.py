"""Graphs with known cells, which lie beside the project, and what onnxruntime makes of a graph."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.cases import FOLDER, known_cases
from tests.oracles.graph_cells import Domain, GraphCells, box_domain, plane_domain, read_graph

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


def unit_cube(path: Path) -> Domain:
    """Return the cube [-1, 1]^n for all n inputs of a file."""
    n = sum(map(prod, read_graph(path).inputs.values()))
    return box_domain([-1.0] * n, [1.0] * n)


def values_at(forms: np.ndarray, point: Sequence[Fraction]) -> list[float]:
    """Return the values of affine functions (m, d + 1) at a point, as floats."""
    rows = [[Fraction(int(t.p), int(t.q)) for t in form] for form in forms]
    return [float(sum(a * x for a, x in zip(row, [*point, 1], strict=True))) for row in rows]


def check_maps(path: Path, cells: GraphCells, domain: Domain) -> None:
    """Assert that a graph is its affine maps inside its cells, or inside 30 of them."""
    chosen = slice(None, None, 1 + cells.cells // 30)
    points = [part.inner_point() for part in cells.parts[chosen]]
    expected = [values_at(*pair) for pair in zip(cells.maps[chosen], points, strict=True)]
    outputs = run(path, [values_at(domain.inputs, point) for point in points], cells.ends)
    assert outputs == pytest.approx(np.array(expected), rel=1e-5, abs=1e-5)


def run(path: Path, points: Sequence[Sequence[float]], ends: Sequence[str] = ()) -> np.ndarray:
    """Return what onnxruntime makes of points (m, n): all outputs joined, a row each.

    Where ``ends`` are given, they are the tensors that are taken for the outputs.
    """
    model = onnx.load(path)
    if ends:
        del model.graph.output[:]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ends)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
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
