"""The table of operators: what nnce reads, by what becomes of it.

Each operator is one small function in one of the files of this folder; the names with a domain
are those of ``ai.onnx.ml``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nnce_cli.base.errors import InputError

LINEAR, UNITS, CONSTANTS = "linear", "units", "constants"

MANY = 2**16  # inputs

Handler = Callable[..., Any]


@dataclass(frozen=True)
class Operator:
    """How to read an operator that takes ``least`` to ``most`` inputs; the rest are None.

    A ``linear`` handler gets the node and its tensors. One of ``units`` also gets what makes
    units, and arguments in place of tensors. One of ``constants`` is asked for constants only.
    ``variadic`` handlers get the inputs as one list.
    """

    kind: str
    handler: Handler
    least: int
    most: int
    note: str = ""

    @property
    def variadic(self) -> bool:
        """Whether it takes any number of inputs."""
        return self.most == MANY

    def padded(self, inputs: list[Any]) -> list[Any]:
        """Return the inputs as the handler takes them.

        Raises:
            InputError: there are too few of them, or too many.
        """
        if not self.least <= len(inputs) <= self.most or any(
            x is None for x in (inputs if self.variadic else inputs[: self.least])
        ):
            most = "any number" if self.variadic else self.most
            raise InputError(f"it has {len(inputs)} inputs, not {self.least} to {most}")
        return [inputs] if self.variadic else [*inputs, *[None] * (self.most - len(inputs))]


TABLE: dict[str, Operator] = {}


def operator(
    kind: str, op_type: str, least: int, most: int, note: str = ""
) -> Callable[[Handler], Handler]:
    """Enter a function in the table; ``note`` says what in it is a matter of definition."""

    def enter(handler: Handler) -> Handler:
        assert op_type not in TABLE
        TABLE[op_type] = Operator(kind, handler, least, most, note)
        return handler

    return enter
