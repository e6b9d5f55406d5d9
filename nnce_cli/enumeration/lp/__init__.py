"""Linear programs over the unit cube, by our own simplex method or by a solver of your choice."""

from nnce_cli.enumeration.lp.back_ends import back_end
from nnce_cli.enumeration.lp.program import LinearSolver, Solution

__all__ = ["LinearSolver", "Solution", "back_end"]
