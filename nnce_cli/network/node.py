"""A node of an ONNX graph, decoded and free of protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnce_cli.base.errors import InputError


@dataclass(frozen=True)
class Node:
    """An operator with the names of its input and output tensors ("" for one left out)."""

    name: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The name that people read: ``name (OpType)``, with the output's name for a nameless."""
        return f"{self.name or next(iter(self.outputs), '')} ({self.op_type})"

    def integer(self, attribute: str, default: int) -> int:
        """Return an attribute that has to be an integer."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, int):
            raise InputError(f"its attribute '{attribute}' is not an integer")
        return value

    def integers(self, attribute: str) -> list[int] | None:
        """Return an attribute that has to be a list of integers, or None where it is absent."""
        if attribute not in self.attributes:
            return None
        value = self.attributes[attribute]
        if not isinstance(value, list) or not all(isinstance(i, int) for i in value):
            raise InputError(f"its attribute '{attribute}' is not a list of integers")
        return value

    def bound(self, attribute: str) -> float:
        """Return an attribute that has to be a number, finite or not."""
        value = self.attributes.get(attribute)
        if not isinstance(value, float):
            raise InputError(f"its attribute '{attribute}' is not a number")
        return value

    def number(self, attribute: str, default: float) -> float:
        """Return an attribute that has to be a finite number."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, float) or not abs(value) < float("inf"):
            raise InputError(f"its attribute '{attribute}' is not a finite number")
        return value

    def numbers(self, attribute: str) -> list[float]:
        """Return an attribute that has to be a list of finite numbers, empty where it is absent."""
        value = self.attributes.get(attribute, [])
        if not isinstance(value, list) or not all(
            isinstance(x, float) and abs(x) < float("inf") for x in value
        ):
            raise InputError(f"its attribute '{attribute}' is not a list of finite numbers")
        return value

    def text(self, attribute: str, default: str) -> str:
        """Return an attribute that has to be a string."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, str):
            raise InputError(f"its attribute '{attribute}' is not a string")
        return value
