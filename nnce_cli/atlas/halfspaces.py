"""The half-spaces that a cell is the intersection of, and what is behind each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from nnce_cli.exact import Pullback
from nnce_cli.network import CLIP, PieceUnit

Form = list[fmpq]
"""An affine function: its constant, then its coefficients."""

UNIT, BOUND, HALFSPACE = "unit", "bound", "half-space"


@dataclass(frozen=True)
class Origin:
    """What is behind a half-space.

    A unit of a hidden layer (``layer`` from 1, ``index`` the unit from 0; ``piece`` is, of a unit
    with more than two pieces, the piece that begins beyond), a bound of the domain (``index`` the
    input, ``piece`` "lower" or "upper"), or a half-space of the domain (``index``).
    """

    kind: str
    index: int
    layer: int = 0
    piece: str = ""

    @property
    def is_of_domain(self) -> bool:
        """Whether the domain ends there."""
        return self.kind != UNIT

    def __str__(self) -> str:
        """Say it in words."""
        if self.kind == BOUND:
            return f"{self.piece} bound of input {self.index}"
        if self.kind == HALFSPACE:
            return f"half-space {self.index} of the domain"
        to = f" (to piece {self.piece})" if self.piece else ""
        return f"layer {self.layer} unit {self.index}{to}"

    def to_values(self) -> dict[str, Any]:
        """Return JSON values."""
        values: dict[str, Any] = {"kind": self.kind, "index": self.index}
        if self.layer:
            values["layer"] = self.layer
        return values | ({"piece": self.piece} if self.piece else {})


@dataclass(frozen=True, eq=False)
class HalfSpace:
    """Where ``form`` (constant, then coefficients of the inputs that vary) is >= 0."""

    form: Form
    origin: Origin


def halfspaces_of(pullback: Pullback, codes: Sequence[Sequence[int]]) -> list[HalfSpace]:
    """Return the half-spaces of units on the cell with these codes of all units, by layers.

    Those that are constant on the cell are left out: they bound nothing.
    """
    found: list[HalfSpace] = []
    on = active_neurons(pullback, codes)
    for layer, code in enumerate(codes):
        forms = pullback.preactivations(layer, on).tolist()
        units = pullback.units[layer]
        for k in range(units.bits):
            form = forms[k] if code[k] else _minus(forms[k])
            found.append(HalfSpace(form, Origin(UNIT, k, layer + 1)))
        for p, (unit, first) in enumerate(units.firsts(), start=units.bits):
            for form, piece in _of_pieces(unit, code[p], forms[first : first + unit.neurons]):
                found.append(HalfSpace(form, Origin(UNIT, p, layer + 1, str(piece))))
    return [halfspace for halfspace in found if any(halfspace.form[1:])]


def active_neurons(pullback: Pullback, codes: Sequence[Sequence[int]]) -> list[list[bool]]:
    """Return which neurons of units pass on, by layers."""
    import numpy as np

    found = []
    for units, code in zip(pullback.units, codes, strict=True):
        pieces = np.array([code[units.bits :]], dtype=np.uint8)
        on = [c > 0 for c in code[: units.bits]]
        found.append(on + (units.on(pieces)[0].tolist() if units.pieces else []))
    return found


def _of_pieces(unit: PieceUnit, code: int, forms: list[Form]) -> list[tuple[Form, int]]:
    """Return what is >= 0 on a piece of a unit, each with the piece that begins beyond it."""
    if unit.kind == CLIP:
        low, high = forms
        ends = [(_minus(low), 1)], [(low, 0), (_minus(high), 2)], [(high, 1)]
        return ends[code]
    leads = [(j, forms[unit.comparison(min(j, code), max(j, code))]) for j in range(unit.pieces)
             if j != code]  # fmt: skip
    return [(form if j < code else _minus(form), j) for j, form in leads]


def _minus(form: Form) -> Form:
    return [-x for x in form]
