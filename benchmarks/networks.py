"""The networks that are measured: known cases where they are present, and seeded random ones.

``random-…`` and ``acasxu-…`` are files of known cases beside the project. ``seeded-…`` are made
here, on [-1, 1]^n, and so are ``image-…``, on [0, 1]^n: weights N(0, 2 / fan_in), biases
N(0, 1/4), rounded to float32, from a seed that is the widths.
"""

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
REAL = CASES.parent / "real"
ACASXU = REAL / "ACASXU_run2a_3_3.onnx"
PROPERTIES = ("2", "3")  # of ACAS Xu, whose boxes are domains

SHAPES = (
    "2-16-16", "2-64-64", "2-128-128", "3-32-32", "4-32-32", "5-20-20", "6-16-16", "8-12-12",
    "10-8-8", "12-8-8", "16-10-10", "20-10-10-10", "50-8-8-8", "64-8-8", "784-8-8",
)  # fmt: skip
OUTPUTS = 4


def names() -> list[str]:
    """Return the names of all networks: known cases that are present, and seeded ones."""
    return _present() + [f"seeded-{shape}" for shape in SHAPES]


def default_names() -> list[str]:
    """Return the names of known cases; of seeded networks of the same widths where there are none.

    All of them are measured unless others are asked for.
    """
    return _present() or [f"seeded-{shape}" for shape in SHAPES]


def _present() -> list[str]:
    files = [f"random-{shape}" for shape in SHAPES if (CASES / f"random-{shape}.onnx").exists()]
    return files + [f"acasxu-{number}" for number in PROPERTIES if ACASXU.exists()]


def network(name: str) -> tuple[LayerStack, Box]:
    """Return a network and its box."""
    from nnce_cli.domain import read_vnnlib
    from nnce_cli.network import load_network

    kind, shape = name.split("-", 1)
    if kind in ("seeded", "image"):
        stack = _seeded([int(n) for n in shape.split("-")])
        return stack, _cube(stack.n_inputs, *_interval(name))
    if kind == "acasxu":
        stack = load_network(ACASXU)
        return stack, read_vnnlib(_property(shape), stack.n_inputs)
    stack = load_network(CASES / f"{name}.onnx")
    return stack, _cube(stack.n_inputs, *_interval(name))


def known_layer_cells(name: str) -> list[int] | None:
    """Return the proved cells after each layer of a known case; None for other networks."""
    if not name.startswith("random-"):
        return None
    found: list[int] = json.loads((CASES / "truth.json").read_text())[name]["layer_cells"]
    return found


def arguments(name: str, folder: Path) -> list[str]:
    """Return the model and the domain of a network as arguments of ``nnce enumerate``.

    A seeded network is written to ``folder`` first.
    """
    from tests.command import save_network

    kind, shape = name.split("-", 1)
    if kind == "acasxu":
        return [str(ACASXU), "--vnnlib", str(_property(shape))]
    lower, upper = _interval(name)
    path = CASES / f"{name}.onnx"
    if kind != "random":
        stack, _ = network(name)
        maps = [*stack.hidden, *([stack.output] if stack.output else [])]
        path = folder / f"{name}.onnx"
        save_network(path, [(layer.weight, layer.bias) for layer in maps])
    return [str(path), f"--box={lower:g},{upper:g}"]


def _property(number: str) -> Path:
    return REAL / f"acasxu_prop_{number}.vnnlib"


def _interval(name: str) -> tuple[float, float]:
    """Return the bounds of every input."""
    kind = name.split("-", 1)[0]
    if kind == "random":
        lower, upper = json.loads((CASES / "truth.json").read_text())[name]["box"]
        return float(lower), float(upper)
    return (0.0, 1.0) if kind == "image" else (-1.0, 1.0)


def _seeded(widths: list[int]) -> LayerStack:
    """Return a network of random weights; the widths are the seed."""
    from nnce_cli.network import LayerStack

    rng = np.random.default_rng(widths)
    sizes = [*widths, OUTPUTS]
    maps = tuple(_affine(rng, n_in, n_out) for n_in, n_out in pairwise(sizes))
    return LayerStack(maps[:-1], maps[-1], input_shape=(1, widths[0]), digest="")


def _affine(rng: np.random.Generator, n_in: int, n_out: int) -> AffineMap:
    """Return a map with float32 weights, as a file would have them."""
    from nnce_cli.network import AffineMap

    weight = rng.normal(0, np.sqrt(2 / n_in), size=(n_out, n_in)).astype(np.float32)
    bias = rng.normal(0, 0.5, size=n_out).astype(np.float32)
    return AffineMap(weight.astype(np.float64), bias.astype(np.float64))


def _cube(n: int, lower: float, upper: float) -> Box:
    from nnce_cli.domain import Box

    return Box(np.full(n, float(lower)), np.full(n, float(upper)))
