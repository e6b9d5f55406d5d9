"""What a neuron does on a cell: it is zero there, constant in sign, or cuts it."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from nnce_cli.exact.dictionary import Dictionary, feasible_dictionary
from nnce_cli.exact.path import CellPath, NetworkOnBox


@dataclass(frozen=True)
class Basis:
    """The optimal vertex that proves a decision: its tight slacks stand for its basic inputs.

    ``slacks`` are the neurons whose slacks are nonbasic, ``inputs`` the inputs that are basic, as
    many of them. Both are empty where there is nothing to prove.
    """

    slacks: tuple[int, ...] = ()
    inputs: tuple[int, ...] = ()

    @staticmethod
    def of(dictionary: Dictionary) -> Basis:
        """Return the basis of a dictionary."""
        d = dictionary.polytope.dimension
        slacks = tuple(v - d for v in dictionary.columns if v >= d)
        return Basis(slacks, tuple(v for v in dictionary.rows if v < d))


@dataclass(frozen=True)
class Zero:
    """The neuron is identically zero on the cell."""


@dataclass(frozen=True)
class Positive:
    """The neuron is nowhere negative on the cell."""

    basis: Basis


@dataclass(frozen=True)
class Negative:
    """The neuron is nowhere positive on the cell."""

    basis: Basis


@dataclass(frozen=True, eq=False)
class Cuts:
    """The neuron has both signs: dictionaries at vertices where it is positive and negative."""

    high: Dictionary
    low: Dictionary


Decision = Zero | Positive | Negative | Cuts


def decide_neuron(network: NetworkOnBox, path: CellPath, neuron: int) -> Decision | None:
    """Decide what a neuron of the layer after the path's does on its cell; None: that is empty.

    Starts from the path's basis. Rounding may have let in an empty cell.
    """
    form = network.form(neuron, path)
    if not any(form):
        return Zero()
    low = feasible_dictionary(network.cell(path), path.columns.tolist(), path.at_upper.tolist())
    if low is None:
        return None
    if not _climbs(low, [-x for x in form]):
        return Positive(Basis.of(low))
    high = Dictionary(low.polytope, low.columns, low.at_upper)
    if not _climbs(high, form):
        return Negative(Basis.of(high))
    return Cuts(high, low)


def _climbs(dictionary: Dictionary, form: list[fmpq]) -> bool:
    """Move to a vertex where an affine function is positive, or largest; tell which."""
    dictionary.set_objective(form)
    return bool(dictionary.maximise(lambda value: value > 0) > 0)
