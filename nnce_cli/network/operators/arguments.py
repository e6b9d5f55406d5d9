"""What operators ask of their inputs and attributes."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import AffineTensor
from nnce_cli.network.element_types import INTEGERS
from nnce_cli.network.node import Node


def is_integer(x: AffineTensor) -> bool:
    """Whether a tensor has integers or booleans as elements."""
    return x.element_type in INTEGERS or x.element_type == "bool"


def constant_values(x: AffineTensor, what: str) -> NDArray[Any]:
    """Return a constant's exact values.

    Raises:
        InputError: it depends on the input.
    """
    if not x.is_constant:
        raise InputError(f"its {what} depends on the input")
    return x.offset


def constant_integers(x: AffineTensor, what: str) -> list[int]:
    """Return the values of a constant list of integers.

    Raises:
        InputError: it is none.
    """
    if not x.is_constant or x.element_type not in INTEGERS or len(x.shape) > 1:
        raise InputError(f"its {what} is not a constant list of integers")
    return [int(i) for i in x.offset.ravel().tolist()]


def axes_of(node: Node, axes: AffineTensor | None) -> list[int] | None:
    """Return the axes of an operator: an attribute in older operator sets, then an input.

    Whichever is there is taken: files that mix the two are read as they are meant.
    """
    return node.integers("axes") if axes is None else constant_integers(axes, "axes")


def positions(axes: list[int], n: int) -> list[int]:
    """Return axes counted from the front.

    Raises:
        InputError: they are not different axes of a tensor with n axes.
    """
    found = [i + n if i < 0 else i for i in axes]
    if len(set(found)) != len(axes) or any(not 0 <= i < n for i in found):
        raise InputError(f"its axes {axes} are not different axes of a tensor with {n} axes")
    return found


def axis_of(node: Node, default: int, n: int) -> int:
    """Return the attribute 'axis', counted from the front.

    Raises:
        InputError: it is no axis of a tensor with n axes.
    """
    [found] = positions([node.integer("axis", default)], n)
    return found
