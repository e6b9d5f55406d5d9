"""The methods of enumeration: which there are, and walks by their names."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.layerwise import WHOLE, LayerWise
from nnce_cli.enumeration.lp import back_end
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import Subtree
from nnce_cli.base.errors import InputError
from nnce_cli.method_names import AUTO, DICTIONARY, METHODS, Method


class Walk(Protocol):
    """The walk of one subtree, by any method. See `SubtreeWalk` for what its members mean."""

    @property
    def done(self) -> bool: ...
    @property
    def cells(self) -> int: ...
    @property
    def layer_cells(self) -> list[int]: ...
    @property
    def nodes(self) -> int: ...
    @property
    def share(self) -> float: ...
    @property
    def decisions(self) -> dict[str, int]: ...
    @property
    def exact_witnesses(self) -> dict[int, list[str]]: ...
    def begin(self, subtree: Subtree) -> None: ...
    def batches(self, budget: int | None = None) -> Iterator[CellBatch]: ...
    def leftover(self) -> list[Subtree]: ...


def method(name: str) -> Method:
    """Return a method by its name.

    Raises:
        InputError: there is none of that name, or this nnce does not have it.
    """
    if name not in METHODS:
        raise InputError(
            f"there is no method {name!r}; use {', '.join([*METHODS, AUTO])} (see nnce methods)"
        )
    found = METHODS[name]
    if not is_there(found):
        raise InputError(f"the method {name} is not part of this nnce; see nnce methods")
    return found


def node_cost(name: str) -> int:
    """Return about how many times a node of a compiled method a node of this one takes.

    Budgets are divided by it; the figures are those of docs/methods.md, roughly.
    """
    return 256 if METHODS[name].layer_wise else 1


def is_there(found: Method) -> bool:
    """Tell whether a method's module is installed."""
    return importlib.util.find_spec(found.where.split(":")[0]) is not None


def walk_factory(name: str, lp: str = DICTIONARY) -> Callable[..., Walk]:
    """Return what makes walks by a method, with the parameters of `SubtreeWalk`.

    Making a walk raises InputError where the problem does not suit the method.

    Raises:
        InputError: no such method or back end, or they do not go together.
    """
    found = method(name)
    module, attribute = found.where.split(":")
    chosen: Any = getattr(importlib.import_module(module), attribute)
    if found.layer_wise:
        solver = back_end(lp)
    elif lp != DICTIONARY:
        takes = ", ".join(m.name for m in METHODS.values() if m.layer_wise)
        raise InputError(
            f"the method {name} has its own arithmetic and takes no --lp {lp}; "
            f"leave out --lp, or use a method that takes one: {takes}"
        )

    def make(problem: Problem, subtree: Subtree = WHOLE, **options: bool) -> Walk:
        _refuse(found, problem)
        if found.layer_wise:
            return LayerWise(problem, subtree, search=chosen, solver=solver, **options)
        walk: Walk = chosen(problem, subtree, **options)
        return walk

    return make


def _refuse(found: Method, problem: Problem) -> None:
    """Refuse a problem that a method is not made for."""
    inputs, widest = problem.stack.n_inputs, int(problem.net.width.max())
    if found.most_inputs is not None and not 1 <= inputs <= found.most_inputs:
        raise InputError(
            f"the method {found.name} is for 1 to {found.most_inputs} inputs that vary, and here "
            f"they are {inputs}; choose another method"
        )
    if found.widest is not None and widest > found.widest:
        raise InputError(
            f"the method {found.name} is for layers of up to {found.widest} neurons, and one has "
            f"{widest} (2^{widest} sign vectors); choose another method"
        )


def choose(problem: Problem, *, log: bool = False) -> tuple[str, str]:
    """Return the method that ``auto`` takes for a problem, and why, in a few words.

    Measured by benchmarks/methods.py, see docs/methods.md. ``log`` says that a proof is wanted.
    """
    vertex = METHODS["vertex"]
    inputs = problem.stack.n_inputs
    if not is_there(vertex):
        return DICTIONARY, "the fastest method for any number of inputs"
    if log:
        return DICTIONARY, "the method that writes proofs"
    if 1 <= inputs <= (vertex.most_inputs or 0):
        return vertex.name, f"the fastest method for {inputs} inputs"
    return DICTIONARY, f"the fastest method for {inputs} inputs"
