"""Resizing by nearest neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import AffineTensor, rearranged
from nnce_cli.network.exact import nearest
from nnce_cli.network.node import Node
from nnce_cli.network.operators.arguments import constant_integers, constant_values, positions
from nnce_cli.network.operators.registry import LINEAR, operator
from nnce_cli.network.sparse import limit_entries

Floats = NDArray[np.float64]

NEAREST: dict[str, Callable[[Floats], Floats]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


@operator(LINEAR, "Upsample", 1, 2)
def _upsample(node: Node, x: AffineTensor, scales: AffineTensor | None) -> AffineTensor:
    given = node.numbers("scales") if scales is None else _numbers(scales, "scales")
    if node.text("mode", "nearest") != "nearest":
        raise InputError("it does not resize by 'nearest'")
    return _resized(x, given, None, "asymmetric", "floor")


@operator(LINEAR, "Resize", 1, 4)
def _resize(
    node: Node,
    x: AffineTensor,
    second: AffineTensor | None,
    third: AffineTensor | None,
    sizes: AffineTensor | None,
) -> AffineTensor:
    """Resize; since operator set 11 the second input is a region that is not looked at."""
    if node.text("mode", "nearest") != "nearest":
        raise InputError("it does not resize by 'nearest'")
    n = len(x.shape)
    if len(node.inputs) == 2 and second is not None:  # operator set 10
        return _resized(x, _numbers(second, "scales"), None, "asymmetric", "floor")
    how = node.text("coordinate_transformation_mode", "half_pixel")
    which = node.text("nearest_mode", "round_prefer_floor")
    axes = node.integers("axes")
    along = list(range(n)) if axes is None else positions(axes, n)
    if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise InputError("it keeps the aspect ratio; export it with its sizes")
    factors: list[float] = [1.0] * n
    if sizes is not None:
        lengths = list(x.shape)
        for axis, length in zip(along, constant_integers(sizes, "sizes"), strict=False):
            lengths[axis] = length
        factors = [a / b for a, b in zip(lengths, x.shape, strict=True)]
        return _resized(x, factors, lengths, how, which)
    if third is None:
        raise InputError("it says neither scales nor sizes")
    for axis, factor in zip(along, _numbers(third, "scales"), strict=False):
        factors[axis] = factor
    return _resized(x, factors, None, how, which)


def _resized(
    x: AffineTensor, factors: list[float], lengths: list[int] | None, how: str, which: str
) -> AffineTensor:
    if len(factors) != len(x.shape) or not all(0 < f < 2**31 for f in factors):
        raise InputError(f"its scales {factors} do not fit the shape {list(x.shape)}")
    if lengths is None:
        lengths = [math.floor(d * f) for d, f in zip(x.shape, factors, strict=True)]
    if min(lengths, default=1) < 1:
        raise InputError(f"nothing of the shape {list(x.shape)} is left")
    if which not in NEAREST:
        raise InputError(f"its nearest_mode is '{which}'")
    limit_entries(math.prod(lengths))
    for axis, (length, factor) in enumerate(zip(lengths, factors, strict=True)):
        if length == x.shape[axis] and factor == 1.0:
            continue
        at = NEAREST[which](_read(np.arange(length), x.shape[axis], length, factor, how))
        chosen = np.clip(at, 0, x.shape[axis] - 1).astype(np.int64)
        x = rearranged(x, lambda entries, c=chosen, a=axis: np.take(entries, c, axis=a))  # type: ignore[misc]
    return x


def _read(out: NDArray[np.int64], before: int, after: int, factor: float, how: str) -> Floats:
    """Return the coordinates in the input that entries of the output are at."""
    if how == "asymmetric":
        return (out / factor).astype(np.float64)
    if how == "half_pixel" or (how == "pytorch_half_pixel" and after > 1):
        return ((out + 0.5) / factor - 0.5).astype(np.float64)
    if how == "pytorch_half_pixel":
        return np.zeros(len(out))
    if how == "align_corners":
        step = (before - 1) / (after - 1) if after > 1 else 0.0
        return (out * step).astype(np.float64)
    raise InputError(f"its coordinate_transformation_mode is '{how}'")


def _numbers(x: AffineTensor, what: str) -> list[float]:
    return [float(v) for v in nearest(constant_values(x, what)).ravel().tolist()]
