"""Linear programs over the unit cube, by our own simplex method or by a solver of your choice.

The names are loaded when they are used.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.enumeration.layerwise.lp.back_ends import back_end, cvxpy_solvers
    from nnce_cli.enumeration.layerwise.lp.dictionary import Optimum, optimum
    from nnce_cli.enumeration.layerwise.lp.program import LinearSolver, Solution

__all__ = ["LinearSolver", "Optimum", "Solution", "back_end", "cvxpy_solvers", "optimum"]

__getattr__ = lazy_names(
    __name__,
    {
        "back_ends": ["back_end", "cvxpy_solvers"],
        "dictionary": ["Optimum", "optimum"],
        "program": ["LinearSolver", "Solution"],
    },
)
