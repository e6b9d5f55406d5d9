"""Which methods and linear programming back ends can be used here, and why others cannot."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.enumeration.layerwise.lp import back_end, cvxpy_solvers
from nnce_cli.enumeration.methods import CVXPY, DICTIONARY, HIGHS, METHODS


@dataclass(frozen=True)
class Availability:
    """A method or a back end; ``why_not`` is empty where it can be used."""

    name: str
    summary: str
    why_not: str = ""
    version: str = ""
    takes_lp: bool = False


def available_methods() -> list[Availability]:
    """Return all methods."""
    return [
        Availability(
            found.name,
            found.summary,
            takes_lp=found.layer_wise,
        )
        for found in METHODS.values()
    ]


def available_back_ends() -> list[Availability]:
    """Return all back ends, and try each of them on a small program."""
    found = [
        _tried(DICTIONARY, "our own dual simplex method", "nnce-cli"),
        _tried(HIGHS, "the dual simplex method of HiGHS", "highspy"),
    ]
    return found + [
        _tried(f"{CVXPY}{solver}", f"{solver} through cvxpy", "cvxpy") for solver in cvxpy_solvers()
    ]


def _tried(name: str, summary: str, package: str) -> Availability:
    try:
        installed = version(package)
    except PackageNotFoundError:
        installed = ""
    return Availability(name, summary, why_not=_trouble(name), version=installed)


def _trouble(name: str) -> str:
    """Return what is wrong with a back end, by a program whose answer is known; or nothing.

    Minimise u_1 + u_2 where u_1 + 2 u_2 >= 1 in the unit square: (0, 1/2), multiplier 1/2.
    """
    try:
        solution = back_end(name).minimise(np.ones(2), np.array([[-1.0, 1.0, 2.0]]))
    except InputError as error:
        return str(error)
    if solution is None:
        return "it fails on a program of two variables (no licence?)"
    if not np.allclose(solution.point, [0.0, 0.5], atol=1e-3):
        return "it gives a wrong answer to a program of two variables"
    if not np.allclose(solution.multipliers, [0.5], atol=1e-3):
        return "its multipliers are wrong for a program of two variables"
    return ""
