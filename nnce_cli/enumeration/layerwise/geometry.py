"""What the layer-wise methods ask about polytopes, each answer proved (DESIGN: "exact").

A back end for linear programs proposes points and multipliers. Points are checked by the signs of
the neurons at them, multipliers by a bound from below over the box (Neumaier & Shcherbina 2004,
*Safe bounds in linear and mixed-integer linear programming*); what stays unsure is decided by the
rational dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.enumeration.layerwise.cell import Floats, Halfspaces, Signs, Witness
from nnce_cli.enumeration.layerwise.lp import LinearSolver, Solution
from nnce_cli.enumeration.problem import Problem
from nnce_cli.exact import (
    Polytope,
    Pullback,
    centre,
    evaluate,
    feasible_dictionary,
    interior_point,
    nearest_float,
    rationals,
    signs_at,
)

CLEAR = 1e-9  # a value beyond this counts as on its side, until a proof says so
TIGHT = 1e-7  # a constraint below this may belong to the basis from which exact pivots start
HALF = fmpq(1, 2)


@dataclass
class Decisions:
    """How many decisions each path took, and the work they cost."""

    neurons_float: int = 0
    neurons_exact: int = 0
    witnesses_float: int = 0
    witnesses_exact: int = 0
    linear_programs: int = 0
    pivots: int = 0


class Geometry:
    """Answers questions about the polytopes in one network's box."""

    def __init__(self, problem: Problem, solver: LinearSolver, *, certify: bool) -> None:
        self.problem = problem
        self.box = problem.box
        self.d = problem.box.lower.size
        self.pullback = Pullback(problem.stack)
        self.decisions = Decisions()
        self._solver = solver
        self._certify = certify
        self._lower = rationals(self.box.lower.tolist())
        self._upper = rationals(self.box.upper.tolist())
        self._span = [hi - lo for lo, hi in zip(self._lower, self._upper, strict=True)]

    # Neurons as affine functions.

    def exact_forms(self, layer: int, signs: Signs) -> list[list[fmpq]]:
        """A layer's preactivations where the layers before have ``signs``, constants first."""
        offset = self.problem.offset
        active = [(signs[offset[i] : offset[i + 1]] > 0).tolist() for i in range(layer)]
        forms: list[list[fmpq]] = self.pullback.preactivations(layer, active).tolist()
        return forms[: self.problem.widths[layer]]

    def row(self, form: list[fmpq]) -> Floats:
        """Return a form on the unit cube, times a power of two that brings its size near 1."""
        slopes = [a * s for a, s in zip(form[1:], self._span, strict=True)]
        constant = form[0] + sum(
            (a * lo for a, lo in zip(form[1:], self._lower, strict=True) if a != 0), fmpq(0)
        )
        entries = [(int(x.p), int(x.q)) for x in (constant, *slopes)]
        exponent = max((p.bit_length() - q.bit_length() for p, q in entries if p), default=0)
        row = np.array([_shifted(p, q, exponent) for p, q in entries])
        size = float(np.abs(row).sum())
        return np.ldexp(row, -int(np.frexp(size)[1])) if size else row

    # Points.

    def point(self, u: Floats) -> Floats:
        """Return the point of the box at a point of the unit cube."""
        return self.box.lower + u * (self.box.upper - self.box.lower)

    def cube_point(self, witness: Witness) -> Floats:
        """Return about the place of a witness in the unit cube."""
        return (witness.point - self.box.lower) / (self.box.upper - self.box.lower)

    def is_inside(self, point: Floats) -> bool:
        """Tell whether a point is strictly inside the box."""
        return bool(np.all((self.box.lower < point) & (point < self.box.upper)))

    def signs(self, point: Floats) -> Signs:
        """Return the exact signs (N,) of all neurons at a float64 point of the box."""
        activation, values = point, []
        with np.errstate(over="ignore", invalid="ignore"):
            stack = self.problem.stack
            for layer, units in zip(stack.hidden, stack.units, strict=True):
                z = layer.weight @ activation + layer.bias
                values.append(z[: units.rows])
                activation = units.activate(z[None, :])[0]
        z = np.concatenate(values)
        if np.all(np.abs(z) > self.problem.sign_error):
            return np.sign(z).astype(np.int8)
        return self.exact_signs(rationals(point.tolist()))

    def exact_signs(self, point: list[fmpq]) -> Signs:
        """Return the signs (N,) of all neurons at a rational point."""
        layers = signs_at(self.pullback, point)
        return np.array([s for layer in layers for s in layer], dtype=np.int8)

    def witness(self, u: Floats, halfspaces: Halfspaces) -> Witness | None:
        """Return the witness at a point of the unit cube if it is strictly inside."""
        point = self.point(u)
        if not self.is_inside(point):
            return None
        signs = self.signs(point)
        if not np.array_equal(signs[halfspaces.neurons], halfspaces.sides):
            return None
        self.decisions.witnesses_float += 1
        return Witness(point, signs)

    # Questions.

    def is_positive(self, row: Floats, halfspaces: Halfspaces, multipliers: Floats) -> bool:
        """Prove that ``row - sum multipliers * halfspaces`` is positive on the whole cube.

        Then the row is positive where the halfspaces hold. Entries are rounded once, sums of n
        products err by at most (n + 2) u times the sum of their sizes (Higham 2002, section
        3.1); a factor of two covers the rounding of the bound itself.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            multipliers = np.maximum(multipliers, 0.0)
            rest = row - multipliers @ halfspaces.rows
            size = np.abs(row).sum() + multipliers @ np.abs(halfspaces.rows).sum(axis=1)
            least = rest[0] + np.minimum(rest[1:], 0.0).sum()
            terms = len(halfspaces) + self.d + 8
            return bool(least > 2 * terms * UNIT_ROUNDOFF * size + UNDERFLOW)

    def minimise(self, cost: Floats, rows: Floats) -> Solution | None:
        """Ask the back end."""
        self.decisions.linear_programs += 1
        solution = self._solver.minimise(cost, rows)
        if solution is None or not np.isfinite(solution.point).all():
            return None
        self.decisions.pivots += solution.pivots
        return solution

    def other_side(
        self, row: Floats, neuron: int, side: int, halfspaces: Halfspaces, witness: Witness
    ) -> Witness | None:
        """Return a point of a polytope where ``side * h < 0``; None is the proof of none.

        ``row`` is that of ``side * h``, which is not the zero function; the witness is strictly
        inside the polytope with ``side * h >= 0``.
        """
        cut = halfspaces + Halfspaces(np.array([neuron]), np.array([-side], np.int8), -row[None, :])
        solution = self.minimise(row[1:], halfspaces.rows)
        if solution is not None:
            lowest = float(row[0] + row[1:] @ solution.point)
            if lowest < -CLEAR:
                found = self._towards(solution.point, lowest, row, witness, cut)
                if found is not None:
                    return found
            elif not self._certify or self.is_positive(row, halfspaces, solution.multipliers):
                self.decisions.neurons_float += 1
                return None
        self.decisions.neurons_exact += 1
        return self._other_side_exactly(cut, witness, solution)

    def _towards(
        self, u: Floats, lowest: float, row: Floats, witness: Witness, cut: Halfspaces
    ) -> Witness | None:
        """Move from a vertex beyond a hyperplane half way back to it, into the inside."""
        inside = self.cube_point(witness)
        height = max(float(row[0] + row[1:] @ inside), 0.0)
        share = 0.5 * lowest / (lowest - height)
        return self.witness(u + share * (inside - u), cut) or self.central(cut)

    def central(self, halfspaces: Halfspaces) -> Witness | None:
        """Return a witness far from all halfspaces, as floating point finds it; None is no proof.

        It is a function of the halfspaces (and their order) alone.
        """
        solution = self._widest(halfspaces)
        return None if solution is None else self._central(halfspaces, solution)

    def _widest(self, halfspaces: Halfspaces) -> Solution | None:
        """Maximise the smallest value of the halfspaces' rows over the unit cube."""
        # One more variable: all rows are at least 4 v - 2. Rows are between -1 and 1 on the cube.
        rows, m = halfspaces.rows, len(halfspaces)
        widened = np.concatenate([rows, np.full((m, 1), -4.0)], axis=1)
        widened[:, 0] += 2.0
        cost = np.zeros(self.d + 1)
        cost[-1] = -1.0
        return self.minimise(cost, widened)

    def _central(self, halfspaces: Halfspaces, solution: Solution) -> Witness | None:
        """Move the point of `_widest` off the faces of the cube; check it."""
        rows, u = halfspaces.rows, np.clip(solution.point[:-1], 0.0, 1.0)
        values = rows[:, 0] + rows[:, 1:] @ u
        drops = values - (rows[:, 0] + 0.5 * rows[:, 1:].sum(axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(drops > 0, 0.5 * values / drops, np.inf)
        step = min(0.5, float(steps.min(initial=np.inf)))
        return self.witness(u + step * (0.5 - u), halfspaces) if step > 0 else None

    def inside(self, halfspaces: Halfspaces, signs: Signs) -> Witness | None:
        """Return a point strictly inside the halfspaces; None is the proof that there is none.

        ``signs`` are those of the layers before. The point is a function of the halfspaces, in
        their order, alone.
        """
        solution = self._widest(halfspaces)
        if solution is not None:
            found = self._central(halfspaces, solution)
            if found is not None:
                return found
            nothing = np.zeros(1 + self.d)
            empty = solution.point[-1] < 0.5 - CLEAR
            if empty and not self._certify:
                return None
            if empty and self.is_positive(nothing, halfspaces, solution.multipliers):
                self.decisions.neurons_float += 1
                return None
        self.decisions.neurons_exact += 1
        polytope = self.polytope(halfspaces, signs)
        dictionary = feasible_dictionary(polytope, list(range(self.d)), [False] * self.d)
        point = None if dictionary is None else interior_point(dictionary)
        return None if point is None else self._exact_witness(point, polytope, halfspaces)

    def in_float(self, witness: Witness, halfspaces: Halfspaces) -> Witness:
        """Look once more for a float64 point where a witness is rational."""
        if witness.exact is None:
            return witness
        polytope = self.polytope(halfspaces, witness.signs)
        return self._exact_witness(witness.exact, polytope, halfspaces)

    # Rational arithmetic.

    def polytope(self, halfspaces: Halfspaces, signs: Signs) -> Polytope:
        """Return the box with the halfspaces, where the layers before have ``signs``."""
        layers = set(self.problem.layer_of[halfspaces.neurons].tolist())
        forms = {layer: self.exact_forms(layer, signs) for layer in layers}
        slacks = {}
        for neuron, side in zip(
            halfspaces.neurons.tolist(), halfspaces.sides.tolist(), strict=True
        ):
            layer = int(self.problem.layer_of[neuron])
            form = forms[layer][neuron - int(self.problem.offset[layer])]
            slacks[self.d + neuron] = [side * x for x in form]
        return Polytope(self._lower, self._upper, slacks)

    def _other_side_exactly(
        self, cut: Halfspaces, witness: Witness, solution: Solution | None
    ) -> Witness | None:
        """Decide `other_side`; the last of ``cut`` is the side that is looked for."""
        wanted = self.polytope(cut, witness.signs)
        *_, variable = wanted.slacks
        form = wanted.slacks[variable]
        slacks = {v: slack for v, slack in wanted.slacks.items() if v != variable}
        polytope = Polytope(wanted.lower, wanted.upper, slacks)
        rows = cut.rows[:-1]
        start = self._basis(rows, cut.neurons[:-1], solution)
        dictionary = feasible_dictionary(polytope, *start)
        if dictionary is None:
            raise ArithmeticError("a polytope with a witness is empty")
        dictionary.set_objective(form)
        highest = dictionary.maximise(lambda value: value > 0)
        if highest <= 0:
            return None
        vertex, inside = dictionary.vertex(), witness.rational()
        share = HALF * highest / (highest - evaluate(form, inside))
        point = [v + share * (x - v) for v, x in zip(vertex, inside, strict=True)]
        return self._exact_witness(point, wanted, cut)

    def _basis(
        self, rows: Floats, neurons: NDArray[np.int64], solution: Solution | None
    ) -> tuple[list[int], list[bool]]:
        """Return d independent constraints that are tight at a vertex: a basis to start from.

        Those with the largest multipliers first; where rounding hides the vertex, any basis will
        do, and exact arithmetic finds its own way.
        """
        d = self.d
        columns, at_upper = list(range(d)), [False] * d
        if solution is None:
            return columns, at_upper
        u = solution.point[:d]
        slack = rows[:, 0] + rows[:, 1:] @ u
        candidates = [
            (-weight, d + int(neuron), row, False)
            for weight, neuron, row, s in zip(
                solution.multipliers, neurons, rows[:, 1:], slack, strict=True
            )
            if s < TIGHT
        ]
        unit = np.eye(d)
        candidates += [(0.0, i, unit[i], False) for i in np.flatnonzero(u < TIGHT).tolist()]
        candidates += [(0.0, i, unit[i], True) for i in np.flatnonzero(u > 1 - TIGHT).tolist()]
        candidates.sort(key=lambda candidate: candidate[:2])
        chosen, directions = [], np.zeros((0, d))
        for _, variable, normal, upper in candidates:
            rest = normal - directions.T @ (directions @ normal)
            length = float(np.linalg.norm(rest))
            if length > 1e-6 * float(np.linalg.norm(normal)):
                directions = np.vstack([directions, rest / length])
                chosen.append((variable, upper))
        if len(chosen) < d:
            return columns, at_upper
        return [variable for variable, _ in chosen], [upper for _, upper in chosen]

    def _exact_witness(
        self, point: list[fmpq], polytope: Polytope, halfspaces: Halfspaces
    ) -> Witness:
        """Return a witness in float64 near a rational one, where there is none the rational one."""
        for found in _near_and_central(point, polytope):
            rounded = np.array([nearest_float(x) for x in found])
            if self.is_inside(rounded):
                signs = self.signs(rounded)
                if np.array_equal(signs[halfspaces.neurons], halfspaces.sides):
                    self.decisions.witnesses_exact += 1
                    return Witness(rounded, signs)
        self.decisions.witnesses_exact += 1
        return Witness(rounded, self.exact_signs(found), found)


def _near_and_central(point: list[fmpq], polytope: Polytope) -> Iterator[list[fmpq]]:
    yield point
    yield centre(polytope)


def _shifted(p: int, q: int, exponent: int) -> float:
    """Return p / q / 2^exponent, rounded correctly."""
    return p / (q << exponent) if exponent >= 0 else (p << -exponent) / q
