"""Any solver of linear programs that cvxpy finds installed."""

from __future__ import annotations

import warnings

import cvxpy
import numpy as np

from nnce_cli.enumeration.layerwise.lp.program import Floats, Solution


class Cvxpy:
    """The back end ``cvxpy:SOLVER``."""

    def __init__(self, solver: str) -> None:
        self._solver = solver

    def minimise(self, cost: Floats, rows: Floats) -> Solution | None:
        """See `LinearSolver`."""
        u = cvxpy.Variable(cost.size)
        constraints = [u >= 0, u <= 1]
        if len(rows):
            constraints.append(rows[:, 1:] @ u >= -rows[:, 0])
        program = cvxpy.Problem(cvxpy.Minimize(cost @ u), constraints)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of inaccurate solutions: they are checked
                program.solve(solver=self._solver, verbose=False)
        except Exception:  # solvers raise what they like; no answer is an answer, too
            return None
        if u.value is None:
            return None
        multipliers = constraints[2].dual_value if len(rows) else np.zeros(0)
        if multipliers is None:
            return None
        stats = program.solver_stats
        return Solution(u.value, np.asarray(multipliers), int(getattr(stats, "num_iters", 0) or 0))
