"""The registry of methods: what each is and can do, and walks by their names.

It loads no method before it is used, so that help texts can name them all.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    from nnce_cli.enumeration.problem import Problem
    from nnce_cli.enumeration.subtree import Subtree
    from nnce_cli.enumeration.walk import Walk

AUTO = "auto"
DICTIONARY, IMAGE, VERTEX = "dictionary", "image", "vertex"
HIGHS, CVXPY = "highs", "cvxpy:"  # back ends, beside DICTIONARY; cvxpy: names a solver


@dataclass(frozen=True)
class Method:
    """A method: its name, what it is, and where it is found ("module:class").

    A ``layer_wise`` method is a `Search` that `LayerWise` drives, with any linear programming
    back end; the others are walks of their own that bring their own arithmetic. ``proofs`` says
    whether it writes completeness certificates. ``most_inputs`` and ``widest`` (None: no limit)
    say for how many inputs and how wide layers a method is, ``needs_image`` that it is for
    networks where the image of the first layer is a gain. ``node_cost`` is about how many times a
    node of a compiled method a node of this one takes (docs/methods.md); budgets are divided by it.
    """

    name: str
    summary: str
    where: str
    layer_wise: bool = False
    proofs: bool = False
    most_inputs: int | None = None
    widest: int | None = None
    needs_image: bool = False
    node_cost: int = 1

    def load(self) -> Any:
        """Return the class of the method."""
        module, attribute = self.where.split(":")
        return getattr(importlib.import_module(module), attribute)


_METHODS = (
    Method(
        DICTIONARY,
        "compiled incremental enumeration on a simplex dictionary that travels down the tree",
        "nnce_cli.enumeration.dictionary:DictionaryWalk",
        proofs=True,
    ),
    Method(
        IMAGE,
        "the same in the image of the first layer, where that has far fewer dimensions; "
        "the method dictionary takes it there by itself",
        "nnce_cli.enumeration.dictionary:ImageWalk",
        needs_image=True,
    ),
    Method(
        VERTEX,
        "compiled splitting of cells by their vertices, for up to 3 inputs",
        "nnce_cli.enumeration.vertex:VertexWalk",
        most_inputs=3,
    ),
    Method(
        "incremental",
        "incremental enumeration with witness reuse (Rada & Cerny 2018)",
        "nnce_cli.enumeration.layerwise.incremental:Incremental",
        layer_wise=True,
        node_cost=256,
    ),
    Method(
        "reverse-search",
        "reverse search (Avis & Fukuda 1996) with parents by ray shooting",
        "nnce_cli.enumeration.layerwise.reverse_search:ReverseSearch",
        layer_wise=True,
        node_cost=256,
    ),
    Method(
        "exhaustive",
        "every sign vector is tried, for tiny networks",
        "nnce_cli.enumeration.layerwise.exhaustive:Exhaustive",
        layer_wise=True,
        widest=12,
        node_cost=256,
    ),
)
METHODS = {method.name: method for method in _METHODS}
METHOD_NAMES = (AUTO, *METHODS)


def method(name: str) -> Method:
    """Return a method by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in METHODS:
        raise InputError(
            f"there is no method {name!r}; use {', '.join([*METHODS, AUTO])} (see nnce methods)"
        )
    return METHODS[name]


def node_cost(name: str) -> int:
    """Return about how many times a node of a compiled method a node of this one takes."""
    return METHODS[name].node_cost


def walk_factory(name: str, lp: str = DICTIONARY) -> Callable[..., Walk]:
    """Return what makes walks by a method: a function of a problem and, if not of all, a `Subtree`.

    Its options are ``rows`` (False for counting only), ``witness`` (whether rows have one),
    ``certify`` (whether decisions are proved) and ``log`` (whether batches carry the decisions).
    It raises InputError where the problem does not suit the method.

    Raises:
        InputError: no such method or back end, or they do not go together.
    """
    found = method(name)
    if found.layer_wise:
        from nnce_cli.enumeration.layerwise import LayerWise, back_end

        chosen: Any = partial(LayerWise, search=found.load(), solver=back_end(lp))
    elif lp != DICTIONARY:
        takes = ", ".join(m.name for m in METHODS.values() if m.layer_wise)
        raise InputError(
            f"the method {name} has its own arithmetic and takes no --lp {lp}; "
            f"leave out --lp, or use a method that takes one: {takes}"
        )
    else:
        chosen = found.load()

    def make(problem: Problem, *subtree: Subtree, log: bool = False, **options: bool) -> Walk:
        if problem.reduction is not None:
            if log:
                raise InputError("certificates are about boxes; leave out --proof")
            from nnce_cli.enumeration.reduced_walk import ReducedWalk

            return cast("Walk", partial(ReducedWalk, problem, make, *subtree)(**options))
        if not problem.stack.hidden and not log:
            from nnce_cli.enumeration.single import SingleCell

            return cast("Walk", partial(SingleCell, problem, *subtree)(**options))
        _refuse(found, problem, log=log)
        if log:
            options["log"] = True
        elif name == DICTIONARY and problem.in_image:
            return cast("Walk", METHODS[IMAGE].load()(problem, *subtree, **options))
        return cast("Walk", chosen(problem, *subtree, **options))

    return make


def _refuse(found: Method, problem: Problem, *, log: bool) -> None:
    """Refuse a problem, or a proof, that a method is not made for."""
    if not problem.stack.hidden:
        raise InputError("no unit cuts this network's domain: there is nothing to prove")
    inputs, widest = problem.stack.n_inputs, max(problem.widths)
    has_max = any(units.has_max for units in problem.stack.units)
    if log and has_max:
        raise InputError(
            "certificates do not know units with a winner of three or more (max, pooling); leave "
            "out --proof"
        )
    if has_max and found.layer_wise:
        raise InputError(
            f"the method {found.name} does not know units with a winner of three or more (max, "
            f"pooling); use the method {DICTIONARY}, or {VERTEX} for up to 3 inputs"
        )
    if log and not found.proofs:
        able = ", ".join(m.name for m in METHODS.values() if m.proofs)
        raise InputError(f"only the method {able} writes proofs; leave out --proof")
    if found.needs_image and not problem.in_image:
        raise InputError(
            f"the method {found.name} is for first layers of far fewer neurons than inputs; "
            f"choose the method {DICTIONARY}"
        )
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
    problem = problem.inner
    vertex, inputs = METHODS[VERTEX], problem.stack.n_inputs
    if not problem.stack.hidden:
        return DICTIONARY, "the network has no unit that cuts its domain"
    if log:
        return DICTIONARY, "the method that writes proofs"
    if 1 <= inputs <= (vertex.most_inputs or 0):
        return VERTEX, f"the fastest method for {inputs} inputs"
    return DICTIONARY, f"the fastest method for {inputs} inputs"
