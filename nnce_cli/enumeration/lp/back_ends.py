"""The back ends by name."""

from __future__ import annotations

from nnce_cli.enumeration.lp.dictionary import Dictionary
from nnce_cli.enumeration.lp.program import LinearSolver
from nnce_cli.base.errors import InputError
from nnce_cli.method_names import CVXPY, DICTIONARY, HIGHS


def back_end(name: str) -> LinearSolver:
    """Return the back end ``dictionary``, ``highs`` or ``cvxpy:SOLVER``.

    Raises:
        InputError: there is none of that name, or it is not installed.
    """
    if name == DICTIONARY:
        return Dictionary()
    if name == HIGHS:
        return _highs()
    if name.startswith(CVXPY):
        return _cvxpy(name.removeprefix(CVXPY))
    raise InputError(
        f"there is no linear programming back end {name!r}; "
        f"use {DICTIONARY}, {HIGHS} or {CVXPY}SOLVER, and see nnce methods"
    )


def cvxpy_solvers() -> list[str]:
    """Return the names of the solvers that cvxpy finds installed."""
    import cvxpy

    return sorted(cvxpy.installed_solvers())


def _highs() -> LinearSolver:
    try:
        from nnce_cli.enumeration.lp.highs import Highs
    except ImportError as error:
        raise InputError(
            "the back end highs needs the package highspy; "
            "install it with pip install 'nnce-cli[lp]'"
        ) from error
    return Highs()


def _cvxpy(solver: str) -> LinearSolver:
    found = cvxpy_solvers()
    if solver.upper() not in found:
        raise InputError(
            f"cvxpy finds no solver {solver!r}; it finds {', '.join(found)} (see nnce methods)"
        )
    from nnce_cli.enumeration.lp.through_cvxpy import Cvxpy

    return Cvxpy(solver.upper())
