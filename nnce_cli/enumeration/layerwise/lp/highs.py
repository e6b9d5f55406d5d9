"""HiGHS (highspy): its dual simplex method, a cold start for each program."""

from __future__ import annotations

import highspy
import numpy as np

from nnce_cli.enumeration.layerwise.lp.program import Floats, Solution


class Highs:
    """The back end ``highs``."""

    def __init__(self) -> None:
        self._highs = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("log_to_console", False),
            ("presolve", "off"),
            ("solver", "simplex"),
            ("threads", 1),
            ("primal_feasibility_tolerance", 1e-10),
            ("dual_feasibility_tolerance", 1e-10),
        ):
            self._highs.setOptionValue(option, value)

    def minimise(self, cost: Floats, rows: Floats) -> Solution | None:
        """See `LinearSolver`."""
        m, d = rows.shape[0], cost.size
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = d, m
        program.col_cost_ = cost
        program.col_lower_, program.col_upper_ = np.zeros(d), np.ones(d)
        program.row_lower_, program.row_upper_ = -rows[:, 0], np.full(m, highspy.kHighsInf)
        matrix = program.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kRowwise
        matrix.start_ = np.arange(m + 1) * d
        matrix.index_ = np.tile(np.arange(d), m)
        matrix.value_ = rows[:, 1:].ravel()
        self._highs.passModel(program)  # this forgets the basis of the program before
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        found = self._highs.getSolution()
        pivots = int(self._highs.getInfo().simplex_iteration_count)
        return Solution(np.array(found.col_value), np.array(found.row_dual), max(pivots, 0))
