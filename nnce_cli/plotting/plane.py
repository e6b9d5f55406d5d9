"""What a picture of cells is of: a network over one or two inputs, and where they vary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis import output_map, task_of
from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.domain import Box, Domain, fix_inputs, fix_inputs_of
from nnce_cli.network import AffineMap, LayerStack
from nnce_cli.plotting.polygons import Floats, Polygons
from nnce_cli.plotting.words import printable

FAR = 2.0**30  # times the size of what there is: as good as infinity, and vertices keep 22 bits
ROOM = 2.0**-6  # around what was found from far away


class Part(Enum):
    """How much of the domain is in the frame."""

    ALL = "all of it"
    WINDOW = "a part of it"
    FAR = "all but what is as far away as infinity"


@dataclass(frozen=True, eq=False)
class Plane:
    """A network on a domain of which one or two inputs vary.

    ``stack`` is over these inputs, whose indices in the model are ``inputs``. ``lower`` and
    ``upper`` (2,) are the frame of the picture, which is around the domain, or a ``part`` of it.
    ``bounds`` (2, 2) are the least and the largest inputs of the domain, which may be infinite, and
    in it ``a x + b y + c <= 0`` for each row of ``halfspaces`` (m, 3). A domain of one input is
    drawn as a strip: its second coordinate goes from 0 to 1 and the network does not depend on it.
    ``task`` is what the outputs are taken for. The input of the network at u is ``origin``
    (inputs,) + u @ ``directions`` (n, inputs). ``called`` has the names of the inputs where the
    model has names for them one by one.
    """

    stack: LayerStack
    inputs: tuple[int, ...]
    lower: Floats
    upper: Floats
    task: Task
    bounds: Floats
    halfspaces: Floats
    origin: Floats
    directions: Floats
    part: Part = Part.ALL
    called: tuple[str, ...] = ()

    @staticmethod
    def of(stack: LayerStack, domain: Domain, task: Task | None = None) -> Plane:
        """Drop the inputs of zero width; without a ``task``, take the usual one.

        Raises:
            InputError: not one or two inputs vary.
        """
        reduced, small, free = _varying(stack, domain)
        n = reduced.n_inputs
        if n not in (1, 2):
            page = " write a page that shows them in space (-o cells.html)," if n == 3 else ""
            raise InputError(
                f"{n} inputs of the domain vary, and cells are drawn where 1 or 2 "
                f"do;{page} use --kind rank or --kind layers, or enumerate on bounds that fix the "
                "others"
            )
        strip = 2 - n
        rows = small.halfspaces
        lower, upper = np.append(small.lower, [0.0] * strip), np.append(small.upper, [1.0] * strip)
        origin, directions = _in_inputs(stack, domain, free)
        plane = Plane(
            stack=reduced,
            inputs=tuple(np.flatnonzero(free).tolist()),
            lower=lower,
            upper=upper,
            task=task_of(output_map(stack).n_out, "") if task is None else task,
            bounds=np.stack([lower, upper]),
            halfspaces=np.column_stack([rows[:, :n], np.zeros((len(rows), strip)), -rows[:, n]]),
            origin=origin,
            directions=directions,
            called=() if stack.points else _called(stack, free),
        )
        return plane if isinstance(small, Box) else _framed(plane)

    @property
    def dimension(self) -> int:
        """Number of inputs that vary."""
        return len(self.inputs)

    @property
    def names(self) -> list[str]:
        """What the inputs are called: on a slice they are its coordinates."""
        kind, first = ("u", 1) if self.stack.points else ("x", 0)
        return [f"{kind}{i + first}" for i in self.inputs]

    @property
    def axis_labels(self) -> list[str]:
        """What stands at the axes."""
        if self.called:
            return list(self.called)
        kind = "coordinate" if self.stack.points else "input"
        return [f"{kind} {name}" for name in self.names]

    @property
    def classes(self) -> int:
        """How many classes the outputs can tell apart; none for a regression."""
        if self.task is Task.REGRESSION:
            return 0
        return 2 if self.task is Task.SIGN else output_map(self.stack).n_out

    @cached_property
    def outline(self) -> Polygons:
        """The domain within the frame, as one polygon."""
        found = Polygons.rectangle(self.lower, self.upper)
        for row in self.halfspaces:
            found, _, _ = found.split(row[None, :])
        return found

    def at_the_end(self, points: Floats) -> NDArray[np.bool_]:
        """Tell which points (m, 2) of the outline are at a side of the frame that is no bound."""
        low = (points <= self.lower) & (self.lower > self.bounds[0])
        high = (points >= self.upper) & (self.upper < self.bounds[1])
        found: NDArray[np.bool_] = (low | high).any(axis=1)
        return found

    def within(self, lower: Floats, upper: Floats, part: Part = Part.ALL) -> Plane:
        """Return what is seen of it between two corners: its frame is just around that.

        Raises:
            InputError: nothing is.
        """
        lower, upper = np.maximum(lower, self.bounds[0]), np.minimum(upper, self.bounds[1])
        seen = replace(self, lower=lower, upper=upper, part=part)
        if len(seen.outline.points) < 3:
            raise InputError(
                "the domain is too thin to be drawn: float64 has no polygon for it; "
                "use --kind rank or --kind layers"
            )
        corners = seen.outline.points
        return replace(seen, lower=corners.min(axis=0), upper=corners.max(axis=0))

    def maps(self) -> list[tuple[Floats, Floats]]:
        """Return (W, b) of the hidden layers, then of the output map; the first W has two columns.

        They are in float64.
        """
        layers = [*self.stack.hidden, output_map(self.stack)]
        maps = [(layer.weight, layer.bias) for layer in layers]
        weight, bias = maps[0]
        maps[0] = (np.pad(weight, [(0, 0), (0, 2 - self.dimension)]), bias)
        return maps


def _called(stack: LayerStack, free: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the model's names of the inputs that are free: where it has several, each has one."""
    if len(stack.inputs) < 2:
        return ()
    names = input_names(stack)
    return tuple(names[i] for i in np.flatnonzero(free).tolist())


def input_names(stack: LayerStack) -> list[str]:
    """Return what the inputs of a network are called: by the model where it has several."""
    if stack.points:
        return [f"u{i + 1}" for i in range(stack.n_inputs)]
    if len(stack.inputs) < 2:
        return [f"x{i}" for i in range(stack.n_inputs)]
    return [
        printable(port.name) if port.size == 1 else f"{printable(port.name)}[{i}]"
        for port in stack.inputs
        for i in range(port.size)
    ]


def _varying(stack: LayerStack, domain: Domain) -> tuple[LayerStack, Domain, NDArray[np.bool_]]:
    if isinstance(domain, Box):
        return fix_inputs(stack, domain)
    reduced, small, _, free = fix_inputs_of(stack, domain)
    return reduced, small, free


def _in_inputs(stack: LayerStack, domain: Domain, free: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the network's input where what is ``free`` is 0, and its steps for that."""
    fixed = np.where(free, 0.0, domain.lower)
    if stack.points:
        points = np.array(stack.points)
        steps = points[1:] - points[0]
        return points[0] + fixed @ steps, steps[free]
    directions = np.zeros((int(free.sum()), len(free)))
    directions[np.arange(len(directions)), np.flatnonzero(free)] = 1.0
    return fixed, directions


def _framed(plane: Plane) -> Plane:
    """Return a plane whose frame is just around the domain, or, where it is unbounded, far away."""
    size = FAR * _size(plane)
    lower, upper = np.maximum(plane.lower, -size), np.minimum(plane.upper, size)
    far = replace(plane, lower=lower, upper=upper, part=Part.FAR)
    corners = far.outline.points
    if far.at_the_end(corners).any():
        return far
    if len(corners):
        lower, upper = corners.min(axis=0), corners.max(axis=0)
    room = ROOM * (upper - lower)  # the corners are rounded to what is far away
    return plane.within(lower - room, upper + room)


def _size(plane: Plane) -> float:
    """Return a number as large as what there is to see: how far away lines and bounds are."""
    ends = np.abs(np.concatenate([plane.lower, plane.upper]))
    first: AffineMap = [*plane.stack.hidden, output_map(plane.stack)][0]
    lines = np.column_stack([first.weight, first.bias])
    found = [ends[np.isfinite(ends)], _distances(plane.halfspaces)]
    neurons = _distances(lines)
    if neurons.size:
        found.append(np.quantile(neurons, [0.5], method="lower"))
    return float(np.concatenate(found).max(initial=0.0)) or 1.0


def _distances(lines: Floats) -> Floats:
    """Return how far from the origin the zeros of rows a x + b y + c are, where they have any."""
    lengths = np.linalg.norm(lines[:, :-1], axis=1)
    real = lengths > 0
    found: Floats = np.abs(lines[real, -1]) / lengths[real]
    return found
