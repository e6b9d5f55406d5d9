"""Polytopes in the unit cube, and what is proved about them exactly.

A polytope is given by affine functions of u that are >= 0 on it. Floating point proposes and
rational arithmetic decides: the float64 simplex finds a basis or a point, which is checked
exactly; where it does not hold, the exact simplex decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.network import nearest
from nnce_cli.verify.forms import Form, least_on_cube, matrix, value_at
from nnce_cli.verify.program import Array, Dictionary, GaveUpError


def combination_proves(form: Form, others: Sequence[Form], inputs: Sequence[int]) -> bool:
    """Prove that ``form`` >= 0 where ``others`` are: form = sum λ_k others_k + rest, rest >= 0.

    The multipliers λ make the coefficients of the inputs in ``inputs`` (as many as ``others``)
    vanish in the rest; negative ones become 0. Then λ >= 0, whatever they are, and the rest is
    bounded on the unit cube. False means that this is no proof.
    """
    rest = form
    if others:
        columns = [1 + i for i in inputs]
        square = matrix([[other[c] for other in others] for c in columns], len(others))
        try:
            solved = square.solve(matrix([[form[c]] for c in columns], 1)).entries()
        except ZeroDivisionError:
            return False
        used = [(x, other) for x, other in zip(solved, others, strict=True) if x > 0]
        if used:
            multipliers = matrix([[x for x, _ in used]], len(used))
            total = (multipliers * matrix([other for _, other in used], len(form))).entries()
            rest = [a - b for a, b in zip(form, total, strict=True)]
    return bool(least_on_cube(rest) >= 0)


Proposal = Callable[[Array], Sequence[Any] | None]

ROOMS = (2.0**-10, 2.0**-26)  # tried one after the other: the first is enough for most


class Polytope:
    """{u in [0, 1]^d : f(u) >= 0 for all f in ``forms``}; d >= 0."""

    def __init__(self, forms: list[Form], dimension: int) -> None:
        self.forms = forms
        self.dimension = dimension
        self.exact_programs = 0
        self._float: Dictionary | None = None
        self._astray = False
        self._exact: Dictionary | None = None

    def is_redundant(self, k: int) -> bool:
        """Tell, with proof, whether f_k >= 0 wherever the other functions are."""
        if least_on_cube(self.forms[k]) >= 0:
            return True
        basis = self._float_basis(k)
        if basis is not None:
            slacks, inputs = basis
            if combination_proves(self.forms[k], [self.forms[j] for j in slacks], inputs):
                return True
        self.exact_programs += 1
        dictionary = self._exact_dictionary()
        if dictionary is None:  # f_k < 0 at all points where the others are >= 0, if there are any
            others = [form for j, form in enumerate(self.forms) if j != k]
            return _started(_object_array(others, self.dimension)) is None
        dictionary.release(k)
        redundant = dictionary.maximise(k, -1) <= 0
        if not dictionary.hold(k):
            raise ArithmeticError("a constraint that held before cannot be held again")
        return bool(redundant)

    def interior_point(self) -> list[fmpq] | None:
        """Return a point u strictly inside the cube with all f > 0, or None if there is none."""
        for propose in PROPOSALS:
            point = self._proposed(propose)
            if point is not None and self.contains_strictly(point):
                return point
        self.exact_programs += 1
        return _mean_of_vertices(_object_array(self.forms, self.dimension))

    def contains_strictly(self, u: Sequence[fmpq]) -> bool:
        """Tell whether a point is inside the open cube with all f > 0."""
        return all(0 < x < 1 for x in u) and all(value_at(form, u) > 0 for form in self.forms)

    def _float_basis(self, k: int) -> tuple[list[int], list[int]] | None:
        """Return the basis at which the float64 simplex finds f_k redundant, None elsewhere."""
        if self._astray:
            return None
        try:
            if self._float is None:
                self._float = _started(scaled_floats(self.forms, self.dimension))
            if self._float is None:
                raise GaveUpError
            self._float.release(k)
            found = self._float.maximise(k, -1) <= self._float.tolerance
            basis = self._float.basis() if found else None
            if not self._float.hold(k):
                raise GaveUpError
        except GaveUpError:
            self._astray = True
            return None
        return basis

    def _exact_dictionary(self) -> Dictionary | None:
        if self._exact is None:
            self._exact = _started(_object_array(self.forms, self.dimension))
        return self._exact

    def _proposed(self, propose: Proposal) -> list[fmpq] | None:
        """Return the point that ``propose`` finds in floating point."""
        try:
            point = propose(scaled_floats(self.forms, self.dimension))
        except GaveUpError:
            return None
        if point is None or not np.isfinite(point).all():
            return None
        return [fmpq(*x.as_integer_ratio()) for x in np.asarray(point, dtype=np.float64).tolist()]


def highest_point(forms: Array, objective: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return where in a polytope, given in float64, a function is largest: roughly, or None."""
    highest = objective.copy()
    highest[0] = -np.maximum(objective[1:], 0.0).sum()  # never positive, so it is maximised
    dictionary = Dictionary(np.concatenate([forms, highest[None]]))
    try:
        if not all(dictionary.hold(k) for k in range(len(forms))):
            return None
        dictionary.maximise(len(forms))
    except GaveUpError:
        return None
    return np.clip(dictionary.vertex(), 0.0, 1.0)


def scaled_floats(forms: Sequence[Form], dimension: int) -> NDArray[np.float64]:
    """Return affine functions as float64 (m, 1 + d), each with entries of size at most 1."""
    values = nearest(_object_array(forms, dimension))
    values[~np.isfinite(values)] = 0.0
    size = np.abs(values).max(axis=1, initial=0.0, keepdims=True)
    return values / np.where(size > 0, size, 1.0)


def _object_array(forms: Sequence[Form], dimension: int) -> Array:
    array = np.empty((len(forms), 1 + dimension), dtype=object)
    for k, form in enumerate(forms):
        array[k, :] = form
    return array


def _started(forms: Array) -> Dictionary | None:
    """Return a dictionary that holds all constraints, None if there is no such point."""
    dictionary = Dictionary(forms)
    return dictionary if all(dictionary.hold(k) for k in range(len(forms))) else None


def _deep_point(room: float, forms: Array) -> list[Any] | None:
    """Return a point of the cube shrunk by ``room`` where all functions are at least t, t largest.

    Each function is measured by the most that it varies in the cube. One linear program, which is
    far less work in many dimensions than the vertices that `_mean_of_vertices` asks for; None
    where the constraints leave nothing of the shrunk cube.
    """
    m, d = forms.shape[0], forms.shape[1] - 1
    program = np.zeros((m + 1, d + 2))  # over the shrunk cube, and t
    program[:m, 0] = forms[:, 0] + room * forms[:, 1:].sum(axis=1)
    program[:m, 1:-1] = (1 - 2 * room) * forms[:, 1:]
    program[:m, -1] = -np.abs(forms[:, 1:]).sum(axis=1)
    program[m, 0], program[m, -1] = -1.0, 1.0  # t - 1 is never positive, so it is maximised
    dictionary = Dictionary(program)
    if not all(dictionary.hold(k) for k in range(m)):
        return None
    dictionary.maximise(m)
    return list(room + (1 - 2 * room) * dictionary.vertex()[:-1])


def _mean_of_vertices(forms: Array) -> list[Any] | None:
    """Return a point off all constraints' boundaries, or None if there is none.

    The bounds of the inputs join the constraints. Each one that is tight at all vertices so far
    asks for a vertex where it is not; the mean of these vertices is off all boundaries.
    """
    m, d = forms.shape[0], forms.shape[1] - 1
    one: Any = fmpq(1) if forms.dtype == np.object_ else 1.0
    bounds = np.full((2 * d, 1 + d), 0 * one, dtype=forms.dtype)
    for i in range(d):
        bounds[2 * i, 1 + i] = one
        bounds[2 * i + 1, 0], bounds[2 * i + 1, 1 + i] = one, -one
    forms = np.concatenate([forms, bounds])
    dictionary = Dictionary(forms)
    if not all(dictionary.hold(k) for k in range(m + 2 * d)):
        return None
    vertices: list[Array] = [dictionary.vertex()]
    for k, form in enumerate(forms):
        if any(form[0] + (form[1:] * u).sum() > dictionary.tolerance for u in vertices):
            continue
        dictionary.release(k)
        highest = dictionary.maximise(k)
        dictionary.hold(k)
        if highest <= dictionary.tolerance:
            return None
        vertices.append(dictionary.vertex())
    return [sum((u[i] for u in vertices), 0 * one) / len(vertices) for i in range(d)]


PROPOSALS: tuple[Proposal, ...] = (
    *(partial(_deep_point, room) for room in ROOMS),
    _mean_of_vertices,
)
