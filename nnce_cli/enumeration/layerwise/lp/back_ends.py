"""The back ends by name."""

from __future__ import annotations

from nnce_cli.base.errors import InputError
from nnce_cli.base.streams import silent_stdout
from nnce_cli.enumeration.layerwise.lp.dictionary import Dictionary
from nnce_cli.enumeration.layerwise.lp.program import Floats, LinearSolver, Solution
from nnce_cli.enumeration.methods import CVXPY, DICTIONARY, HIGHS


def back_end(name: str) -> LinearSolver:
    """Return the back end ``dictionary``, ``highs`` or ``cvxpy:SOLVER``.

    Raises:
        InputError: there is none of that name, or it is not installed.
    """
    if name == DICTIONARY:
        return Dictionary()
    if name == HIGHS:
        return Silent(_highs())
    if name.startswith(CVXPY):
        return Silent(_cvxpy(name.removeprefix(CVXPY)))
    raise InputError(
        f"there is no linear programming back end {name!r}; "
        f"use {DICTIONARY}, {HIGHS} or {CVXPY}SOLVER, and see nnce methods"
    )


class Silent:
    """Another's solver, which must not write to our standard output: some print a banner."""

    def __init__(self, solver: LinearSolver) -> None:
        self._solver = solver

    def minimise(self, cost: Floats, rows: Floats) -> Solution | None:
        """See `LinearSolver`."""
        with silent_stdout():
            return self._solver.minimise(cost, rows)


def cvxpy_solvers() -> list[str]:
    """Return the names of the solvers that cvxpy finds installed."""
    with silent_stdout():
        import cvxpy

        return sorted(cvxpy.installed_solvers())


def _highs() -> LinearSolver:
    try:
        with silent_stdout():
            from nnce_cli.enumeration.layerwise.lp.highs import Highs

            return Highs()
    except ImportError as error:
        raise InputError(
            "the back end highs needs the package highspy; install it with pip install highspy"
        ) from error


def _cvxpy(solver: str) -> LinearSolver:
    found = cvxpy_solvers()
    if solver.upper() not in found:
        raise InputError(
            f"cvxpy finds no solver {solver!r}; it finds {', '.join(found)} (see nnce methods)"
        )
    from nnce_cli.enumeration.layerwise.lp.through_cvxpy import Cvxpy

    return Cvxpy(solver.upper())
