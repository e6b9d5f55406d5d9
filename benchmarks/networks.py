"""The networks that are measured: known cases where they are present, and seeded random ones."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import AffineMap, LayerStack

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "random"

SHAPES = (
    "2-64-64", "3-32-32", "4-32-32", "5-20-20", "6-16-16", "8-12-12", "10-8-8", "12-8-8",
    "16-10-10", "20-10-10-10", "50-8-8-8", "64-8-8", "784-8-8",
)  # fmt: skip
OUTPUTS = 4


def names() -> list[str]:
    """Return the names of all networks: ``random-…`` are files, ``seeded-…`` are made here."""
    shapes = sorted(SHAPES, key=lambda shape: [int(n) for n in shape.split("-")])
    files = [f"random-{shape}" for shape in shapes if (CASES / f"random-{shape}.onnx").exists()]
    return files + [f"seeded-{shape}" for shape in shapes]


def network(name: str) -> tuple[LayerStack, Box]:
    """Return a network and its box."""
    from nnce_cli.network import load_network

    kind, shape = name.split("-", 1)
    if kind == "seeded":
        return _seeded([int(n) for n in shape.split("-")])
    box = json.loads((CASES / "truth.json").read_text())[name]["box"]
    stack = load_network(CASES / f"{name}.onnx")
    return stack, _cube(stack.n_inputs, *box)


def _seeded(widths: list[int]) -> tuple[LayerStack, Box]:
    """Return a network with weights N(0, 2 / fan_in) and biases N(0, 1/4), and [-1, 1]^n."""
    from nnce_cli.network import LayerStack

    rng = np.random.default_rng(widths)
    sizes = [*widths, OUTPUTS]
    maps = tuple(_affine(rng, n_in, n_out) for n_in, n_out in pairwise(sizes))
    stack = LayerStack(maps[:-1], maps[-1], input_shape=(1, widths[0]), digest="")
    return stack, _cube(widths[0], -1.0, 1.0)


def _affine(rng: np.random.Generator, n_in: int, n_out: int) -> AffineMap:
    """Return a map with float32 weights, as a file would have them."""
    from nnce_cli.network import AffineMap

    weight = rng.normal(0, np.sqrt(2 / n_in), size=(n_out, n_in)).astype(np.float32)
    bias = rng.normal(0, 0.5, size=n_out).astype(np.float32)
    return AffineMap(weight.astype(np.float64), bias.astype(np.float64))


def _cube(n: int, lower: float, upper: float) -> Box:
    from nnce_cli.domain import Box

    return Box(np.full(n, float(lower)), np.full(n, float(upper)))
