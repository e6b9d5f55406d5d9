"""The methods of enumeration and the linear programming back ends, by name.

This is the one place where a method is registered. It imports nothing, so that help texts can
name the methods without loading any of them.
"""

from __future__ import annotations

from dataclasses import dataclass

AUTO = "auto"
DICTIONARY, HIGHS, CVXPY = "dictionary", "highs", "cvxpy:"  # back ends; cvxpy: names a solver


@dataclass(frozen=True)
class Method:
    """A method: its name, what it is, and where it is found ("module:class").

    A ``layer_wise`` method is a `Search` that `LayerWise` drives, with any linear programming
    back end; the others are walks of their own that bring their own arithmetic. ``most_inputs``
    and ``widest`` (None: no limit) say for how many inputs and how wide layers a method is.
    """

    name: str
    summary: str
    where: str
    layer_wise: bool
    most_inputs: int | None = None
    widest: int | None = None


_METHODS = (
    Method(
        "dictionary",
        "compiled incremental enumeration on a simplex dictionary that travels down the tree",
        "nnce_cli.enumeration.subtree:SubtreeWalk",
        layer_wise=False,
    ),
    Method(
        "vertex",
        "compiled splitting of cells by their vertices, for up to 3 inputs",
        "nnce_cli.enumeration.vertex:VertexWalk",
        layer_wise=False,
        most_inputs=3,
    ),
    Method(
        "incremental",
        "incremental enumeration with witness reuse (Rada & Cerny 2018)",
        "nnce_cli.enumeration.incremental:Incremental",
        layer_wise=True,
    ),
    Method(
        "reverse-search",
        "reverse search (Avis & Fukuda 1996) with parents by ray shooting",
        "nnce_cli.enumeration.reverse_search:ReverseSearch",
        layer_wise=True,
    ),
    Method(
        "exhaustive",
        "every sign vector is tried, for tiny networks",
        "nnce_cli.enumeration.exhaustive:Exhaustive",
        layer_wise=True,
        widest=12,
    ),
)
METHODS = {method.name: method for method in _METHODS}
METHOD_NAMES = (AUTO, *METHODS)
