"""A simplex dictionary in rational arithmetic, with Bland's rule: slow, exact, never cycling.

The same dictionary as that of the walk in floating point, with the same names and conventions, so
that either can start from the other's basis. All rows stand in one rational matrix, and a
pivot is one rank-one update of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flint import fmpq, fmpq_mat

from nnce_cli.exact.matrices import matrix, take_columns

ZERO = fmpq(0)


@dataclass(frozen=True)
class Polytope:
    """The points of a box with nonnegative slacks.

    ``slacks[v]`` is the affine function (constant, coefficients of x; 1 + d entries) of the
    constraint with variable v >= d; the inputs are the variables 0 … d-1.
    """

    lower: list[fmpq]
    upper: list[fmpq]
    slacks: dict[int, list[fmpq]]

    @property
    def dimension(self) -> int:
        """The number d of inputs."""
        return len(self.lower)

    def forms(self) -> list[list[fmpq]]:
        """All constraints as affine functions that are >= 0: the slacks, then the box's bounds."""
        d = self.dimension
        forms = list(self.slacks.values())
        for i in range(d):
            unit = [fmpq(int(i == k)) for k in range(d)]
            forms.append([-self.lower[i], *unit])
            forms.append([self.upper[i], *(-x for x in unit)])
        return forms

    def span(self, variable: int) -> fmpq | None:
        """The distance between a variable's bounds, None for a slack."""
        if variable < self.dimension:
            return self.upper[variable] - self.lower[variable]
        return None


class Dictionary:
    """A vertex of a polytope, with every constraint written over the d nonbasic displacements.

    ``rows`` names the basic variables in the order of the rows of ``table`` (constant first);
    ``columns`` the nonbasic ones, ``at_upper`` which of these are inputs at their upper bound.
    A row beyond those of ``rows`` is the objective.
    """

    def __init__(self, polytope: Polytope, columns: list[int], at_upper: list[bool]) -> None:
        """Write the polytope's constraints over the given basis.

        Raises:
            ZeroDivisionError: the nonbasic constraints do not meet in one point.
        """
        self.polytope = polytope
        self.columns = list(columns)
        self.at_upper = list(at_upper)
        nonbasic = set(columns)
        inputs = range(polytope.dimension)
        self.rows = [v for v in (*inputs, *polytope.slacks) if v not in nonbasic]
        self.inputs = self._inputs_over_columns()
        self.table = self.over_columns([self._row_over_inputs(v) for v in self.rows])

    def _row_over_inputs(self, variable: int) -> list[fmpq]:
        d = self.polytope.dimension
        if variable >= d:
            return self.polytope.slacks[variable]
        unit = [fmpq(int(i == variable)) for i in range(d)]
        return [-self.polytope.lower[variable], *unit]

    def _inputs_over_columns(self) -> fmpq_mat:
        """Solve for the basic inputs; return all inputs over the columns, (1 + d) x (1 + d)."""
        box, d = self.polytope, self.polytope.dimension
        result = fmpq_mat(1 + d, 1 + d)
        result[0, 0] = 1
        tight = []
        for c, (variable, upper) in enumerate(zip(self.columns, self.at_upper, strict=True)):
            if variable < d:
                result[1 + variable, 0] = (box.upper if upper else box.lower)[variable]
                result[1 + variable, 1 + c] = -1 if upper else 1
            else:
                tight.append((c, box.slacks[variable]))
        basic = [i for i in range(d) if i not in self.columns]
        if basic:
            # slack = known + B x_basic  =>  x_basic = B^-1 (slack - known)
            forms = matrix([form for _, form in tight], 1 + d)
            right = -(forms * result)
            for k, (c, _) in enumerate(tight):
                right[k, 1 + c] += 1
            solved = take_columns(forms, [1 + i for i in basic]).solve(right)
            for k, i in enumerate(basic):
                for c in range(1 + d):
                    result[1 + i, c] = solved[k, c]
        return result

    def over_columns(self, forms: list[list[fmpq]]) -> fmpq_mat:
        """Rewrite affine functions of x (constant first) as functions of the displacements."""
        return matrix(forms, 1 + self.polytope.dimension) * self.inputs

    def cap(self, row: int) -> fmpq | None:
        """The upper bound of a row's variable measured from its lower bound."""
        return self.polytope.span(self.rows[row])

    def is_feasible(self) -> bool:
        """Tell whether the vertex satisfies all constraints."""
        return all(self._fits(row) for row in range(len(self.rows)))

    def _fits(self, row: int) -> bool:
        b, cap = self.table[row, 0], self.cap(row)
        return bool(b >= 0 and (cap is None or b <= cap))

    def vertex(self) -> list[fmpq]:
        """The coordinates of the vertex."""
        point = [ZERO] * self.polytope.dimension
        for variable, upper in zip(self.columns, self.at_upper, strict=True):
            if variable < self.polytope.dimension:
                bounds = self.polytope.upper if upper else self.polytope.lower
                point[variable] = bounds[variable]
        for row, variable in enumerate(self.rows):
            if variable < self.polytope.dimension:
                point[variable] = self.polytope.lower[variable] + self.table[row, 0]
        return point

    def set_objective(self, form: list[fmpq]) -> None:
        """Add (or replace) the objective: an affine function of x, its constant first."""
        n = len(self.rows)
        rows = [[self.table[r, c] for c in range(self.table.ncols())] for r in range(n)]
        self._refresh_inputs()
        last = self.over_columns([form])
        rows.append([last[0, c] for c in range(last.ncols())])
        self.table = matrix(rows, self.table.ncols())

    def _refresh_inputs(self) -> None:
        d = self.polytope.dimension
        for c, (variable, upper) in enumerate(zip(self.columns, self.at_upper, strict=True)):
            if variable < d:
                for k in range(1 + d):
                    self.inputs[1 + variable, k] = 0
                bounds = self.polytope.upper if upper else self.polytope.lower
                self.inputs[1 + variable, 0] = bounds[variable]
                self.inputs[1 + variable, 1 + c] = -1 if upper else 1
        for row, variable in enumerate(self.rows):
            if variable < d:
                for k in range(1 + d):
                    self.inputs[1 + variable, k] = self.table[row, k]
                self.inputs[1 + variable, 0] += self.polytope.lower[variable]

    def maximise(self, enough: Callable[[fmpq], bool]) -> fmpq:
        """Maximise the objective until its value is ``enough`` or the largest; return the value."""
        row = len(self.rows)
        while not enough(self.table[row, 0]):
            improving = [c for c in range(len(self.columns)) if self.table[row, 1 + c] > 0]
            if not improving:
                break
            self.step(min(improving, key=lambda c: self.columns[c]))
        return self.table[row, 0]

    def step(self, q: int) -> None:
        """Move along column ``q`` to the next vertex, by Bland's rule."""
        best: tuple[fmpq, int] | None = None
        leaving = -1
        span = self.polytope.span(self.columns[q])
        if span is not None:
            best = (span, self.columns[q])
        for r in range(len(self.rows)):
            a = self.table[r, 1 + q]
            if a == 0:
                continue
            cap = self.cap(r)
            if a < 0:
                ratio = -self.table[r, 0] / a
            elif cap is not None:
                ratio = (cap - self.table[r, 0]) / a
            else:
                continue
            if best is None or (ratio, self.rows[r]) < best:
                best, leaving = (ratio, self.rows[r]), r
        if best is None:
            raise ArithmeticError("an unbounded edge in a bounded polytope")
        if leaving < 0:
            self._flip(q, best[0])
        else:
            self.pivot(leaving, q)

    def _flip(self, q: int, span: fmpq) -> None:
        for r in range(self.table.nrows()):
            self.table[r, 0] += self.table[r, 1 + q] * span
            self.table[r, 1 + q] = -self.table[r, 1 + q]
        self.at_upper[q] = not self.at_upper[q]

    def pivot(self, p: int, q: int) -> None:
        """Exchange the variable of row ``p`` with that of column ``q``."""
        d = self.polytope.dimension
        a = self.table[p, 1 + q]
        cap = self.cap(p)
        to_cap = a > 0 and cap is not None
        target = cap if to_cap and cap is not None else ZERO
        new = [(target - self.table[p, 0]) / a]
        new += [-self.table[p, 1 + c] / a for c in range(d)]
        new[1 + q] = (fmpq(-1) if to_cap else fmpq(1)) / a
        column = take_columns(self.table, [1 + q])
        for r in range(self.table.nrows()):
            self.table[r, 1 + q] = 0
        self.table += column * matrix([new], 1 + d)
        leaving, entering = self.rows[p], self.columns[q]
        span = self.polytope.span(entering)
        if self.at_upper[q] and span is not None:  # rows measure an input from its lower bound
            new = [-x for x in new]
            new[0] += span
        for c in range(1 + d):
            self.table[p, c] = new[c]
        self.rows[p], self.columns[q], self.at_upper[q] = entering, leaving, to_cap


def feasible_dictionary(
    polytope: Polytope, columns: list[int], at_upper: list[bool]
) -> Dictionary | None:
    """Return a dictionary at a vertex, from the given basis where that is feasible; None if empty.

    Else it starts at a corner of the box and takes the constraints in one by one, each time
    climbing until the next one holds.
    """
    try:
        start = Dictionary(polytope, columns, at_upper)
        if start.is_feasible():
            return start
    except ZeroDivisionError:
        pass  # a singular basis: rounding led the float simplex astray
    box = Polytope(polytope.lower, polytope.upper, {})
    inputs = list(range(polytope.dimension))
    corner = Dictionary(box, inputs, [False] * len(inputs))
    for variable, form in polytope.slacks.items():
        known = dict(corner.polytope.slacks)
        corner.set_objective(form)
        if corner.maximise(lambda b: b >= 0) < 0:
            return None
        grown = Polytope(polytope.lower, polytope.upper, {**known, variable: form})
        corner = Dictionary(grown, corner.columns, corner.at_upper)
    return corner


def interior_point(dictionary: Dictionary) -> list[fmpq] | None:
    """Return a point off all facets, or None where the polytope has no interior.

    A mean of vertices: each constraint that is tight at the mean so far asks for a vertex
    where it is not. Moves the dictionary.
    """
    polytope, d = dictionary.polytope, dictionary.polytope.dimension
    points = [dictionary.vertex()]
    for form in polytope.forms():
        if any(evaluate(form, point) > 0 for point in points):
            continue
        dictionary.set_objective(form)
        if dictionary.maximise(lambda b: b > 0) <= 0:
            return None
        points.append(dictionary.vertex())
    return [sum((p[i] for p in points), ZERO) / len(points) for i in range(d)]


def evaluate(form: list[fmpq], point: list[fmpq]) -> fmpq:
    """The value of an affine function (constant first) at a point."""
    return form[0] + sum((a * x for a, x in zip(form[1:], point, strict=True)), ZERO)
