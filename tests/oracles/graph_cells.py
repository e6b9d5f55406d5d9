"""The cells of a piecewise linear ONNX graph, counted straight from its nodes: slow and obvious.

Every tensor is an array of affine functions of the domain's coordinates with rational
coefficients (``graph_operators``). Node after node, in the order of the file, each unit
(``graph_units``) cuts the cells found so far, which are exact polytopes. Nothing is shared with
the program under test, not even the reading of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np
import onnx
from flint import fmpq
from onnx import numpy_helper
from ppl import C_Polyhedron, Constraint_System, Generator, Linear_Expression, MIP_Problem

from tests.oracles.graph_operators import (
    LINEAR,
    Array,
    Forms,
    Node,
    constants,
    rational,
    reshaped,
)
from tests.oracles.graph_units import UNITS, Condition, Form, Unit, entries
from tests.oracles.ppl import expression

Values = dict[str, Array | None]

# What ends a network without cutting it, and what scikit-learn writes behind that.
TAILS = {
    "Softmax", "LogSoftmax", "Sigmoid", "Tanh", "Softplus", "ArgMax", "ArgMin", "TopK", "ZipMap",
    "LinearClassifier",
}  # fmt: skip
MOST_DIMENSIONS = 5  # of the polytopes whose vertices are held


# The domain and its parts.


@dataclass(frozen=True)
class Domain:
    """A box of coordinates, and the inputs as affine functions of them: (n, d + 1)."""

    inputs: Forms
    lower: tuple[float, ...]
    upper: tuple[float, ...]


def box_domain(lower: Sequence[float], upper: Sequence[float]) -> Domain:
    """Return a box; its coordinates are the inputs that are not fixed."""
    free = [j for j, (lo, hi) in enumerate(zip(lower, upper, strict=True)) if lo < hi]
    inputs = constants(np.array(lower, dtype=np.float64), len(free))
    for k, j in enumerate(free):
        inputs[j, k], inputs[j, -1] = fmpq(1), fmpq(0)
    return Domain(inputs, tuple(lower[j] for j in free), tuple(upper[j] for j in free))


def plane_domain(p0: Sequence[float], p1: Sequence[float], p2: Sequence[float]) -> Domain:
    """Return the points p0 + u (p1 - p0) + v (p2 - p0) for u and v from 0 to 1."""
    corner, first, second = (np.array([rational(t) for t in p], dtype=object) for p in (p0, p1, p2))
    inputs = np.stack([first - corner, second - corner, corner], axis=1)
    return Domain(inputs, (0.0, 0.0), (1.0, 1.0))


class Polytope:
    """A polytope with an interior: where some affine functions, the ``walls``, are >= 0.

    Their largest values are read off the vertices, or found by PPL's simplex method in rational
    arithmetic where the domain has too many vertices.
    """

    def __init__(self, dimension: int, walls: Sequence[Linear_Expression]) -> None:
        self.dimension, self.walls = dimension, walls
        constraints = Constraint_System()
        for wall in walls:
            constraints.insert(wall >= 0)
        if dimension <= MOST_DIMENSIONS:
            self.vertices = C_Polyhedron(constraints)
        else:
            self.program = MIP_Problem(dimension)
            self.program.add_constraints(constraints)

    @staticmethod
    def box(domain: Domain) -> Polytope:
        """Return the domain's box of coordinates."""
        d = len(domain.lower)
        lower, upper = constants(domain.lower, d), constants(domain.upper, d)
        at = box_domain(domain.lower, domain.upper).inputs
        walls = [*(at - lower), *(upper - at)]
        return Polytope(d, [expression(wall) for wall in walls])

    def highest(self, wall: Linear_Expression) -> Generator:
        """Return a point where an affine function is largest."""
        if self.dimension <= MOST_DIMENSIONS:
            return self.vertices.maximize(wall)["generator"]
        self.program.set_objective_function(wall)
        return self.program.optimizing_point()

    def is_positive_somewhere(self, form: Form) -> bool:
        """Tell whether a form is positive at some point."""
        wall = expression(form)
        return value_at(wall, point_of(self.highest(wall))) > 0

    def part(self, conditions: Sequence[Condition]) -> Polytope | None:
        """Return the part where all conditions hold; None where that has no interior."""
        part = self
        for form, strict in conditions:
            if not np.any(form != 0):
                if strict:
                    return None
            elif not part.is_positive_somewhere(form):
                return None
            elif part.is_positive_somewhere(-form):
                part = Polytope(self.dimension, [*part.walls, expression(form)])
        return part

    def inner_point(self) -> list[Fraction]:
        """Return a point strictly inside, as few binary digits as do.

        The mean of the points that are farthest from each wall is inside all of them.
        """
        points = [point_of(self.highest(wall)) for wall in self.walls]
        middle = [sum(entries, Fraction(0)) / len(points) for entries in zip(*points, strict=True)]
        for digits in count(4):
            point = [Fraction(round(t * 2**digits), 2**digits) for t in middle]
            if self.holds(point):
                return point
        raise AssertionError

    def holds(self, point: Sequence[Fraction]) -> bool:
        """Tell whether a point is strictly inside."""
        return all(value_at(wall, point) > 0 for wall in self.walls)


def point_of(generator: Generator) -> list[Fraction]:
    """Return a point of PPL's as rational numbers."""
    return [Fraction(int(t), int(generator.divisor())) for t in generator.coefficients()]


def value_at(wall: Linear_Expression, point: Sequence[Fraction]) -> Fraction:
    """Return the value of an affine function at a point."""
    terms = zip(wall.coefficients(), point, strict=True)
    return sum((int(a) * x for a, x in terms), Fraction(int(wall.inhomogeneous_term())))


# The graph.


@dataclass(frozen=True)
class Graph:
    """A graph's nodes; its inputs, with their shapes, and outputs; its constants."""

    nodes: list[Node]
    inputs: dict[str, tuple[int, ...]]
    outputs: list[str]
    constants: dict[str, Array]


def read_graph(path: Path) -> Graph:
    """Read a file; an input's first dimension that is no number is the batch, taken as 1."""
    graph = onnx.load(path).graph
    given = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    inputs = {
        value.name: tuple(d.dim_value or 1 for d in value.type.tensor_type.shape.dim)
        for value in graph.input
        if value.name not in given
    }
    nodes = []
    for proto in graph.node:
        node = Node(proto)
        if node.operator == "Constant":
            ((kind, value),) = node.attributes.items()
            is_tensor = kind == "value"
            given[node.outputs[0]] = numpy_helper.to_array(value) if is_tensor else np.array(value)
        else:
            nodes.append(node)
    return Graph(nodes, inputs, [value.name for value in graph.output], given)


def starting_values(graph: Graph, domain: Domain) -> Values:
    """Return the values of the inputs and constants: floats as forms, integers as they are."""
    d = len(domain.lower)
    values: Values = {"": None}
    for name, array in graph.constants.items():
        values[name] = constants(array, d) if array.dtype.kind == "f" else array
    at = 0
    for name, shape in graph.inputs.items():
        size = int(np.prod(shape))
        values[name] = reshaped(domain.inputs[at : at + size], shape)
        at += size
    assert at == len(domain.inputs), f"the graph has {at} inputs"
    return values


def behind_tails(graph: Graph) -> set[str]:
    """Return the tensors that a tail gives, or that something makes of what it gives."""
    found: set[str] = set()
    for node in graph.nodes:
        if node.operator in TAILS or found & set(node.inputs):
            assert node.operator not in UNITS, f"{node.operator} stands behind a tail"
            found |= set(node.outputs)
    return found


def ends_of(graph: Graph, behind: set[str]) -> list[str]:
    """Return the graph's outputs, but what enters a tail instead of what the tail gives."""
    ends = [name for name in graph.outputs if name not in behind]
    for node in graph.nodes:
        if set(node.outputs) & behind:
            ends += [name for name in node.inputs if name not in behind]
    return list(dict.fromkeys(ends))


# The cells.


@dataclass
class GraphCells:
    """The cells of a graph.

    ``ends`` names the outputs, or what enters tails. ``nonlinear`` names the piecewise linear
    nodes in order, and ``units`` has their numbers of units; ``cells_after`` the numbers of cells
    when only so many of these nodes are looked at. ``patterns`` has a tuple of codes for each
    cell, ``parts`` its polytope, ``maps`` its affine map to all ends together: (numbers, d + 1).
    """

    ends: list[str]
    nonlinear: list[str]
    units: list[int]
    cells_after: list[int]
    patterns: list[tuple[int, ...]] = field(default_factory=list)
    parts: list[Polytope] = field(default_factory=list)
    maps: list[Forms] = field(default_factory=list)

    @property
    def cells(self) -> int:
        """The number of cells."""
        return len(self.patterns)

    @property
    def affine_maps(self) -> int:
        """The number of different affine maps."""
        return len({tuple((int(t.p), int(t.q)) for t in forms.flat) for forms in self.maps})


def graph_cells(path: Path, domain: Domain) -> GraphCells:
    """Return the cells of the graph in a file."""
    graph = read_graph(path)
    behind = behind_tails(graph)
    nodes = [node for node in graph.nodes if not behind & set(node.outputs)]
    ends = [name for name in ends_of(graph, behind) if name not in graph.constants]
    nonlinear = [node.operator for node in nodes if node.operator in UNITS]
    found = GraphCells(ends, nonlinear, [0] * len(nonlinear), [0] * len(nonlinear))
    values = starting_values(graph, domain)
    fold(nodes, values)

    def walk(at: int, depth: int, codes: tuple[int, ...], part: Polytope, values: Values) -> None:
        for i in range(at, len(nodes)):
            node = nodes[i]
            if node.operator in UNITS:
                shape, units = UNITS[node.operator](node, *(values[name] for name in node.inputs))
                found.units[depth] = len(units)
                for more, outputs, smaller in split(part, units):
                    found.cells_after[depth] += 1
                    result = np.stack(outputs).reshape(*shape, -1)
                    deeper = values | {node.outputs[0]: result}
                    walk(i + 1, depth + 1, codes + more, smaller, deeper)
                return
            apply(node, values)
        found.patterns.append(codes)
        found.parts.append(part)
        found.maps.append(np.concatenate([entries(values[name]) for name in ends]))

    walk(0, 0, (), Polytope.box(domain), values)
    return found


def fold(nodes: list[Node], values: Values) -> None:
    """Compute what does not depend on the input, once for all cells."""
    for node in nodes:
        known = all(name in values for name in node.inputs)
        if node.operator in LINEAR and known:
            apply(node, values)


def apply(node: Node, values: Values) -> None:
    """Compute the outputs of a linear node, unless they are known."""
    if node.outputs[0] in values:
        return
    result = LINEAR[node.operator](node, *(values[name] for name in node.inputs))
    parts = result if isinstance(result, list) else [result]
    values.update(zip(node.outputs, parts, strict=False))


def split(
    part: Polytope, units: Sequence[Unit]
) -> Iterator[tuple[tuple[int, ...], list[Form], Polytope]]:
    """Yield (codes, what the units give, part) for the parts of a cell that units cut it in."""
    if not units:
        yield (), [], part
        return
    for code, conditions, value in units[0]:
        smaller = part.part(conditions)
        if smaller is not None:
            for codes, values, smallest in split(smaller, units[1:]):
                yield (code, *codes), [value, *values], smallest
