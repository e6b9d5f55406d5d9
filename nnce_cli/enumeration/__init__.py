"""One subtree and a budget -> cells and the subtrees left over; a whole domain is one subtree."""

from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.cell_point import CellPoint, CellPoints
from nnce_cli.enumeration.compile import are_kernels_compiled, compile_kernels
from nnce_cli.enumeration.methods import Walk, choose, node_cost, walk_factory
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.run import Enumeration
from nnce_cli.enumeration.subtree import Subtree, SubtreeWalk
from nnce_cli.enumeration.thinned import ThinnedWalk, Windows
from nnce_cli.enumeration.vertex import VertexWalk

__all__ = [
    "CellBatch",
    "CellPoint",
    "CellPoints",
    "Enumeration",
    "Problem",
    "Subtree",
    "SubtreeWalk",
    "ThinnedWalk",
    "VertexWalk",
    "Walk",
    "Windows",
    "are_kernels_compiled",
    "choose",
    "compile_kernels",
    "node_cost",
    "walk_factory",
]
