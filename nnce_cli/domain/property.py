"""Properties: what must not happen, as linear inequalities of inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from nnce_cli.domain.polyhedron import Domain


@dataclass(frozen=True)
class Inequality:
    """``sum of inputs[i] X_i + sum of outputs[j] Y_j + constant <= 0`` (``< 0`` where strict).

    Coefficients are exact, and those that are zero are left out.
    """

    inputs: Mapping[int, Fraction]
    outputs: Mapping[int, Fraction]
    constant: Fraction
    is_strict: bool = False


@dataclass(frozen=True, eq=False)
class Case:
    """One way to violate a property: an input in ``domain`` at which all inequalities hold."""

    domain: Domain
    inequalities: tuple[Inequality, ...]


@dataclass(frozen=True, eq=False)
class Property:
    """A property is violated where any of its cases occurs; it holds where none does.

    ``notes`` are plain sentences on what of a file was not taken as it stands.
    """

    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()
