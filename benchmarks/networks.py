"""The networks that are measured: known cases where they are present, and seeded random ones.

``random-…``, ``homogeneous-…`` (no biases), their ``twin-…`` (with biases), ``integer-…``, and real
networks on boxes of their own are files of known cases beside the project. ``seeded-…`` are made
here, on [-1, 1]^n, and so are ``image-…``, on [0, 1]^n: weights N(0, 2 / fan_in), biases N(0, 1/4),
rounded to float32, from a seed that is the widths. ``unbiased-…`` are ``seeded-…`` without the
biases, ``first-…`` without those behind the first layer, ``box60-…`` are ``seeded-…`` on
[-2^60, 2^60]^n. ``slice-…`` are ``image-…`` on a plane through three random inputs, the coordinates
from -8 to 8.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nnce_cli.domain import Box, Slice
    from nnce_cli.network import AffineMap, LayerStack

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
FOLDERS = {"random": "random", "homogeneous": "hard", "twin": "hard", "integer": "degenerate"}
# A model and the property whose box is the domain.
REAL = {
    "acasxu-2": ("ACASXU_run2a_3_3.onnx", "acasxu_prop_2.vnnlib"),
    "acasxu-3": ("ACASXU_run2a_3_3.onnx", "acasxu_prop_3.vnnlib"),
    "tll-8": ("tll_n2_N8.onnx", "tll_N8_0.vnnlib"),
    "tll-16": ("tll_n2_N16.onnx", "tll_N16_0.vnnlib"),
    "issue-7": ("nnenum_issue7.onnx", "nnenum_issue7.vnnlib"),
}

SHAPES = (
    "2-16-16", "2-64-64", "2-128-128", "3-32-32", "4-32-32", "5-20-20", "6-16-16", "8-12-12",
    "10-8-8", "12-8-8", "16-10-10", "20-10-10-10", "50-8-8-8", "64-8-8", "784-8-8",
)  # fmt: skip
SLICES = ("784-256-256",)
HARD_SHAPES = ("2-64-64", "3-32-32", "4-16-16", "6-12-12")
INTEGER_SHAPES = ("2-8-8", "3-6-6", "5-6-4")
FIRST_SHAPES = ("5-8-8-8", "4-4-12-12")  # no more neurons than inputs are seen in many cells
FAR_SHAPES, EXPONENTS = ("2-8-8-8", "4-6-6", "4-8-8"), (30, 60, 120)
OUTPUTS = 4


def names() -> list[str]:
    """Return the names of all networks: known cases that are present, and seeded ones."""
    made = [f"seeded-{shape}" for shape in SHAPES] + [f"slice-{shape}" for shape in SLICES]
    return _present() + first_names() + far_names() + made


def first_names() -> list[str]:
    """Return the names of networks that have biases in their first layer alone."""
    return [f"first-{shape}" for shape in FIRST_SHAPES]


def far_names() -> list[str]:
    """Return the names of networks on boxes far larger than what is in them."""
    return [f"box{exponent}-{shape}" for shape in FAR_SHAPES for exponent in EXPONENTS]


def default_names() -> list[str]:
    """Return the names of known cases, or of seeded networks of their widths; and of made ones.

    All of them are measured unless others are asked for.
    """
    return (_present() or [f"seeded-{shape}" for shape in SHAPES]) + first_names() + far_names()


def _present() -> list[str]:
    hard = [f"{kind}-{shape}" for shape in HARD_SHAPES for kind in ("homogeneous", "twin")]
    integers = [f"integer-{shape}" for shape in INTEGER_SHAPES]
    known = [*(f"random-{shape}" for shape in SHAPES), *REAL, *hard, *integers]
    return [name for name in known if _file(name).exists()]


def _file(name: str) -> Path:
    """Return the model of a known case."""
    if name in REAL:
        return CASES / "real" / REAL[name][0]
    return CASES / FOLDERS[name.split("-", 1)[0]] / f"{name}.onnx"


def _truth(name: str) -> dict[str, Any]:
    """Return what is known of a network in one of `FOLDERS`."""
    path = CASES / FOLDERS[name.split("-", 1)[0]] / "truth.json"
    known: dict[str, Any] = json.loads(path.read_text())[name]
    return known


def network(name: str) -> tuple[LayerStack, Box]:
    """Return a network and its box."""
    from nnce_cli.domain import on_slice, read_vnnlib
    from nnce_cli.network import load_network

    kind, shape = name.split("-", 1)
    if kind in ("seeded", "image") or kind.startswith("box"):
        stack = _seeded([int(n) for n in shape.split("-")])
        return stack, _cube(stack.n_inputs, *_interval(name))
    if kind == "slice":
        widths = [int(n) for n in shape.split("-")]
        return on_slice(_seeded(widths), _plane(widths)), _cube(2, *_interval(name))
    if kind in ("first", "unbiased"):
        kept = 1 if kind == "first" else 0
        stack = _without_biases(_seeded([int(n) for n in shape.split("-")]), kept=kept)
        return stack, _cube(stack.n_inputs, *_interval(name))
    stack = load_network(_file(name))
    if name in REAL:
        [box], _ = read_vnnlib(_property(name), stack.n_inputs)
        return stack, box
    return stack, _cube(stack.n_inputs, *_interval(name))


def known_layer_cells(name: str) -> list[int] | None:
    """Return the proved cells after each layer of a known case; None for other networks."""
    if name in REAL or name.split("-", 1)[0] not in FOLDERS:
        return None
    found: list[int] = _truth(name)["layer_cells"]
    return found


def arguments(name: str, folder: Path) -> list[str]:
    """Return the model and the domain of a network as arguments of ``nnce enumerate``.

    A seeded network is written to ``folder`` first.
    """
    from tests.command import save_network

    if name in REAL:
        return [str(_file(name)), "--vnnlib", str(_property(name))]
    lower, upper = _interval(name)
    kind, shape = name.split("-", 1)
    if kind in FOLDERS:
        return [str(_file(name)), f"--box={lower!r},{upper!r}"]
    stack, _ = network(f"seeded-{shape}" if kind == "slice" else name)
    maps = [*stack.hidden, *([stack.output] if stack.output else [])]
    path = folder / f"{name}.onnx"
    save_network(path, [(layer.weight, layer.bias) for layer in maps])
    if kind != "slice":
        return [str(path), f"--box={lower!r},{upper!r}"]
    points = folder / f"{name}.npy"
    np.save(points, _plane([int(n) for n in shape.split("-")]).points)
    return [str(path), "--slice", str(points), f"--slice-box={lower:g},{upper:g}"]


def _property(name: str) -> Path:
    return CASES / "real" / REAL[name][1]


def _interval(name: str) -> tuple[float, float]:
    """Return the bounds of every input."""
    kind = name.split("-", 1)[0]
    if kind in FOLDERS:
        lower, upper = _truth(name)["box"]
        return float(lower), float(upper)
    if kind.startswith("box"):
        size = 2.0 ** int(kind.removeprefix("box"))
        return -size, size
    return {"image": (0.0, 1.0), "slice": (-8.0, 8.0)}.get(kind, (-1.0, 1.0))


def _seeded(widths: list[int]) -> LayerStack:
    """Return a network of random weights; the widths are the seed."""
    from nnce_cli.network import LayerStack

    rng = np.random.default_rng(widths)
    sizes = [*widths, OUTPUTS]
    maps = tuple(_affine(rng, n_in, n_out) for n_in, n_out in pairwise(sizes))
    return LayerStack(maps[:-1], maps[-1], input_shape=(1, widths[0]), digest="")


def _plane(widths: list[int]) -> Slice:
    """Return the plane through three random inputs in [0, 1]^n, as float32 has them."""
    from nnce_cli.domain import Slice

    rng = np.random.default_rng(widths)
    return Slice(rng.uniform(size=(3, widths[0])).astype(np.float32).astype(np.float64))


def _without_biases(stack: LayerStack, *, kept: int) -> LayerStack:
    """Return the network without the biases of its layers, but for those of the first ``kept``."""
    from nnce_cli.network import AffineMap

    rest = (AffineMap(layer.weight, np.zeros(layer.n_out)) for layer in stack.hidden[kept:])
    return replace(stack, hidden=(*stack.hidden[:kept], *rest))


def _affine(rng: np.random.Generator, n_in: int, n_out: int) -> AffineMap:
    """Return a map with float32 weights, as a file would have them."""
    from nnce_cli.network import AffineMap

    weight = rng.normal(0, np.sqrt(2 / n_in), size=(n_out, n_in)).astype(np.float32)
    bias = rng.normal(0, 0.5, size=n_out).astype(np.float32)
    return AffineMap(weight.astype(np.float64), bias.astype(np.float64))


def _cube(n: int, lower: float, upper: float) -> Box:
    from nnce_cli.domain import Box

    return Box(np.full(n, float(lower)), np.full(n, float(upper)))
