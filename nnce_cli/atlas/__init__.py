"""Questions about cells, and about the outputs of a network over a domain, decided exactly.

The names are loaded when they are used.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.atlas.borders import BorderFinder, Gap
    from nnce_cli.atlas.cell import Cell, LayerMap, Neighbour, cell_at, cell_of_row, cell_of_signs
    from nnce_cli.atlas.cell_space import CellSpace
    from nnce_cli.atlas.corners import corners_of
    from nnce_cli.atlas.distance import Nearest
    from nnce_cli.atlas.evaluation import Evaluation, evaluate
    from nnce_cli.atlas.facets import Facet
    from nnce_cli.atlas.graph import Diameter, DualGraph, dual_graph, read_graph
    from nnce_cli.atlas.graph_run import GraphRun, Totals
    from nnce_cli.atlas.halfspaces import HalfSpace, Origin, halfspaces_of
    from nnce_cli.atlas.linear import floats_of
    from nnce_cli.atlas.locate import Located, Locator
    from nnce_cli.atlas.neurons import LayerNeurons, Together, neurons_of
    from nnce_cli.atlas.points import read_data
    from nnce_cli.atlas.proof import refuse_unprovable, write_proof
    from nnce_cli.atlas.ranges import Extreme, Range, range_of
    from nnce_cli.atlas.unbounded import cells_without_bounded_facet
    from nnce_cli.atlas.verdict import Counterexample, Progress, Verdict, check
    from nnce_cli.atlas.violated_cells import AllViolations, ViolatedCell, Violations, violations
    from nnce_cli.atlas.violation_table import write_violations

__all__ = [
    "AllViolations",
    "BorderFinder",
    "Cell",
    "CellSpace",
    "Counterexample",
    "Diameter",
    "DualGraph",
    "Evaluation",
    "Extreme",
    "Facet",
    "Gap",
    "GraphRun",
    "HalfSpace",
    "LayerMap",
    "LayerNeurons",
    "Located",
    "Locator",
    "Nearest",
    "Neighbour",
    "Origin",
    "Progress",
    "Range",
    "Together",
    "Totals",
    "Verdict",
    "ViolatedCell",
    "Violations",
    "cell_at",
    "cell_of_row",
    "cell_of_signs",
    "cells_without_bounded_facet",
    "check",
    "corners_of",
    "dual_graph",
    "evaluate",
    "floats_of",
    "halfspaces_of",
    "neurons_of",
    "range_of",
    "read_data",
    "read_graph",
    "refuse_unprovable",
    "violations",
    "write_proof",
    "write_violations",
]

__getattr__ = lazy_names(
    __name__,
    {
        "borders": ["BorderFinder", "Gap"],
        "cell": ["Cell", "LayerMap", "Neighbour", "cell_at", "cell_of_row", "cell_of_signs"],
        "cell_space": ["CellSpace"],
        "corners": ["corners_of"],
        "distance": ["Nearest"],
        "evaluation": ["Evaluation", "evaluate"],
        "facets": ["Facet"],
        "graph": ["Diameter", "DualGraph", "dual_graph", "read_graph"],
        "graph_run": ["GraphRun", "Totals"],
        "halfspaces": ["HalfSpace", "Origin", "halfspaces_of"],
        "linear": ["floats_of"],
        "locate": ["Located", "Locator"],
        "neurons": ["LayerNeurons", "Together", "neurons_of"],
        "points": ["read_data"],
        "ranges": ["Extreme", "Range", "range_of"],
        "violation_table": ["write_violations"],
        "violated_cells": ["AllViolations", "ViolatedCell", "Violations", "violations"],
        "proof": ["refuse_unprovable", "write_proof"],
        "unbounded": ["cells_without_bounded_facet"],
        "verdict": ["Counterexample", "Progress", "Verdict", "check"],
    },
)
