"""What floating point leaves open in a walk, answered in rational arithmetic.

The core's walk stops with a question, and its path and basis are read from it. Exact arithmetic
starts from that basis; where a unit cuts, both dictionaries go back, rounded.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.domain import Box
from nnce_cli.enumeration.dictionary.weight_signs import WeightSigns
from nnce_cli.enumeration.problem import Problem
from nnce_cli.network import LayerStack

if TYPE_CHECKING:
    from flint import fmpq

    from nnce_cli.enumeration.dictionary.image import Reduction
    from nnce_cli.enumeration.dictionary.inputs import Settled
    from nnce_cli.exact import Basis, CellPath, Dictionary, InnerPoint, NetworkOnBox

# A dictionary for the walk: values, row variables, columns, at_upper (see `RoundedDictionary`).
Frame = tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]
# What `CellPath` is made from, in its order.
PathArrays = tuple[
    NDArray[np.int8], NDArray[np.int8], NDArray[np.int64], NDArray[np.float64], NDArray[np.int32],
    NDArray[np.int32],
]  # fmt: skip

NOTHING = np.zeros(0, np.int32)  # a basis where there is nothing to prove


class Questions:
    """Answers the questions of a walk over ``stack`` on ``box``.

    ``neurons`` and ``witnesses`` count them; ``rational_witnesses`` maps the number of a cell (in
    the order of the walk) to its witness where no float64 point was found in the cell.
    """

    def __init__(
        self, walk: _core.TreeWalk, stack: LayerStack, box: Box, *, log: bool = False
    ) -> None:
        """Answer for a walk; ``log`` says that every decision needs a basis that proves it."""
        self._walk = walk
        self._stack = stack
        self._box = box
        self._weight_signs = None if log else WeightSigns(stack)
        self.begin()

    def begin(self) -> None:
        """Forget what was asked before."""
        self.neurons = 0
        self.witnesses = 0
        self.rational_witnesses: dict[int, list[fmpq]] = {}

    @cached_property
    def network(self) -> NetworkOnBox:
        """What the walk is about, in rational numbers."""
        from nnce_cli.exact import NetworkOnBox, Pullback

        return NetworkOnBox(Pullback(self._stack), self._box)

    def answer(self) -> None:
        """Answer the question for which the walk stopped."""
        neuron, at_root, free, arrays = self._walk.question()
        if neuron < 0:
            self._answer_leaf(_path(arrays))
            return
        self.neurons += 1
        signs, is_zero, *_ = arrays
        sign = self._weight_signs.sign_on(signs, is_zero, neuron) if self._weight_signs else 0
        if sign:
            self._walk.answer_constant(sign, NOTHING)
        else:
            self._answer_neuron(neuron, _path(arrays), None if at_root else free)

    def cell_exists(self, t: int) -> bool:
        """Tell whether the cell of frame ``t``, to which the walk's path leads, has an interior."""
        from nnce_cli.exact import has_interior

        return has_interior(self.network, _path(self._walk.path_to(t)))

    def _answer_neuron(self, neuron: int, path: CellPath, free: NDArray[np.int64] | None) -> None:
        """Answer for a neuron; ``free`` are the free rows, None at a layer's root."""
        from nnce_cli.exact import Cuts, Negative, Positive, decide_neuron

        decision = decide_neuron(self.network, path, neuron)
        if decision is None:
            self._answer_nothing(path)
        elif isinstance(decision, Positive | Negative):
            sign = 1 if isinstance(decision, Positive) else -1
            self._walk.answer_constant(sign, _indices(decision.basis))
        elif not isinstance(decision, Cuts):
            self._walk.answer_constant(0, NOTHING)
        elif free is None:
            self._walk.answer_cuts()
        else:
            high, low = (self._rounded(d, free, path) for d in (decision.high, decision.low))
            self._walk.answer_cuts(high, low)

    def _rounded(self, dictionary: Dictionary, free: NDArray[np.int64], path: CellPath) -> Frame:
        """Round an exact dictionary, with the rows of the free neurons before the others."""
        from nnce_cli.exact import rounded

        forms = [self.network.scaled(neuron, 1, path) for neuron in free.tolist()]
        frame = rounded(dictionary, forms)
        return (
            frame.value,
            frame.row_variable.astype(np.int32),
            frame.columns.astype(np.int32),
            frame.at_upper.astype(np.uint8),
        )

    def _answer_leaf(self, path: CellPath) -> None:
        from nnce_cli.exact import cell_point

        self.witnesses += 1
        found = cell_point(self.network, path)
        if found is None:
            self._answer_nothing(path)
        else:
            self._take_point(found)

    def _answer_nothing(self, path: CellPath) -> None:
        """Tell the walk that the path leads to nothing, and from which split on."""
        from nnce_cli.exact import splits_to_nothing

        self._walk.answer_nothing(splits_to_nothing(self.network, path))

    def _take_point(self, found: InnerPoint) -> None:
        """Give the walk the point inside its cell."""
        if found.exact is not None:
            self.rational_witnesses[self._walk.cells] = found.exact
        self._walk.answer_leaf(np.array(found.point, dtype=np.float64), exactly=True)


class ImageQuestions(Questions):
    """The same for a walk in the image of the first layer of a problem.

    The box of the walk is larger than the image. Which cells exist is asked of the inputs
    themselves: by a linear program in floating point, whose answer is proved or where exact
    arithmetic starts from.
    """

    def __init__(
        self,
        walk: _core.TreeWalk,
        problem: Problem,
        reduction: Reduction,
        zonotope: _core.Zonotope,
    ) -> None:
        super().__init__(walk, reduction.stack, reduction.box)
        self._problem = problem
        self._image = reduction.image
        self._zonotope = zonotope

    @cached_property
    def inputs(self) -> NetworkOnBox:
        """The network over the inputs, in rational numbers."""
        from nnce_cli.exact import NetworkOnBox, Pullback

        return NetworkOnBox(Pullback(self._problem.stack), self._problem.box)

    def cell_exists(self, t: int) -> bool:
        """See `Questions`."""
        from nnce_cli.exact import has_interior

        settled = self._settle(t)
        if settled.exists is not None:
            return settled.exists
        return has_interior(self.inputs, _path(self._walk.path_to(t)), settled.guess)

    def _settle(self, t: int) -> Settled:
        """Look for an input of the cell of frame ``t``, in floating point."""
        from nnce_cli.enumeration.dictionary.inputs import settle_by_inputs

        forms, sizes, errors = self._walk.slacks(t)
        cell = _core.ImageCell(self._zonotope, forms, sizes, errors)
        return settle_by_inputs(self._image, forms, cell)

    def _answer_leaf(self, path: CellPath) -> None:
        from nnce_cli.exact import cell_point

        settled = self._settle(self._walk.top)
        if settled.exists:
            self._walk.answer_leaf(settled.point, exactly=False)
            return
        found = None
        if settled.exists is None:
            self.witnesses += 1
            found = cell_point(self.inputs, path, settled.guess)
        if found is None:
            self._walk.answer_nothing(len(path.splits))
        else:
            self._take_point(found)


def _path(arrays: PathArrays) -> CellPath:
    """Return the path of a frame from the arrays that the core gives."""
    from nnce_cli.exact import CellPath

    signs, is_zero, splits, scale, columns, at_upper = arrays
    return CellPath(signs, is_zero == 1, splits, scale, columns, at_upper == 1, is_zero == 2)


def _indices(basis: Basis) -> NDArray[np.int32]:
    return np.array([*basis.slacks, *basis.inputs], dtype=np.int32)
