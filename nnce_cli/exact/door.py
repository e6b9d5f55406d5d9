"""The one door through which the walk asks for exact answers.

The kernel stops with a reason and its state in the workspace; the door reads the cell from the
path, decides in rational arithmetic starting from the float basis, and writes the answer (and,
for a cut, the dictionaries of both sides, rounded from exact ones) back into the workspace.
"""

from __future__ import annotations

import numpy as np
from flint import fmpq

from nnce_cli.exact.deepest import Guess, deepest_point
from nnce_cli.exact.dictionary import Dictionary, Polytope, feasible_dictionary, interior_point
from nnce_cli.exact.forward import signs_at
from nnce_cli.exact.pullback import Pullback
from nnce_cli.exact.rounding import centre, nearest_float
from nnce_cli.kernels import arrays as k


class ExactDoor:
    """Answers the kernel's questions about one network on one box.

    ``questions`` counts them by kind; ``rational_witnesses`` maps the number of a cell (in the
    order of the walk) to its witness where no float64 point was found in the cell.

    The walk may be one over the image of the inputs, in a box that is larger than their image
    (``pullback``, ``net``). Which cells exist is asked of the inputs themselves
    (``inputs``, ``inputs_net``), with a guess of where to start.
    """

    def __init__(
        self,
        pullback: Pullback,
        net: k.Network,
        workspace: k.Workspace,
        inputs: Pullback,
        inputs_net: k.Network,
    ) -> None:
        self.pullback = pullback
        self.net = net
        self.inputs = inputs
        self.inputs_net = inputs_net
        self.workspace = workspace
        self.questions = {"neuron": 0, "witness": 0}
        self.empty_cells = 0
        self.rational_witnesses: dict[int, list[fmpq]] = {}

    def answer(self, status: int, guess: Guess | None = None) -> None:
        """Answer the question that ``status`` (UNSURE_…) stands for."""
        t = int(self.workspace.control[k.TOP])
        if status == k.UNSURE_LEAF:
            self.questions["witness"] += 1
            self._answer_leaf(t, guess)
        else:
            self.questions["neuron"] += 1
            self._answer_neuron(t, at_node=status == k.UNSURE_NODE)

    def _answer_neuron(self, t: int, at_node: bool) -> None:
        d = self.net.lower.size
        row = int(self.workspace.free[t]) - 1 if at_node else int(self.workspace.cursor[t])
        form = self._form(int(self.workspace.row_variable[t, row]) - d, self.pullback)
        if not any(form):
            self.workspace.control[k.ANSWER] = k.ZERO
            return
        low = self._dictionary(t)
        if low is None:  # an empty cell that rounding let in: any constant sign will do
            self.workspace.control[k.BASIS] = 0
            self.workspace.control[k.ANSWER] = k.NEGATIVE
            return
        low.set_objective([-x for x in form])
        if low.maximise(lambda b: b > 0) <= 0:
            self._note_basis(low)
            self.workspace.control[k.ANSWER] = k.POSITIVE
            return
        high = Dictionary(low.polytope, low.columns, low.at_upper)
        high.set_objective(form)
        if high.maximise(lambda b: b > 0) <= 0:
            self._note_basis(high)
            self.workspace.control[k.ANSWER] = k.NEGATIVE
            return
        self.workspace.control[k.ANSWER] = k.CUTS
        if at_node:
            self._copy_header(t, t + 1)
            self._write_frame(high, t)
            self._write_frame(low, t + 1)

    def _note_basis(self, dictionary: Dictionary) -> None:
        """Take down the optimal basis as the proof of the decision, as the kernels do."""
        d = self.net.lower.size
        slacks = [v - d for v in dictionary.columns if v >= d]
        inputs = [v for v in dictionary.rows if v < d]
        self.workspace.basis[: 2 * len(slacks)] = slacks + inputs
        self.workspace.control[k.BASIS] = len(slacks)

    def _answer_leaf(self, t: int, guess: Guess | None) -> None:
        polytope, point = self._cell_and_point(t, guess)
        if point is None:
            self.empty_cells += 1
            self.workspace.control[k.ANSWER] = k.EMPTY
            return
        rounded = [nearest_float(x) for x in point]
        is_witness = self._is_witness(rounded)
        if not is_witness and guess is None:  # with a guess, it was the deepest point already
            point = centre(polytope)
            rounded = [nearest_float(x) for x in point]
            is_witness = self._is_witness(rounded)
        if not is_witness:  # the cell is thinner than the grid of floats
            self.rational_witnesses[int(self.workspace.control[k.CELLS])] = point
        in_image = self.inputs is not self.pullback
        witness = self.workspace.preimage.x if in_image else self.workspace.point
        witness[:] = rounded
        self.workspace.control[k.ANSWER] = k.EXISTS

    def cell_exists(self, t: int, guess: Guess | None = None) -> bool:
        """Tell whether the cell of frame ``t`` has an interior."""
        return self._cell_and_point(t, guess)[1] is not None

    def _cell_and_point(self, t: int, guess: Guess | None) -> tuple[Polytope, list[fmpq] | None]:
        """The cell of frame ``t`` over the inputs, and a point inside; None if it has no interior.

        A guess is for cells of many inputs and few slacks, those in an image.
        """
        polytope = self._polytope(t, self.inputs, self.inputs_net)
        if guess is not None:
            return polytope, deepest_point(polytope, guess)
        dictionary = self._dictionary(t)
        return polytope, None if dictionary is None else interior_point(dictionary)

    def _is_witness(self, point: list[float]) -> bool:
        """Tell whether a point is strictly inside the box and has exactly the path's signs."""
        net = self.inputs_net
        bounds = zip(point, net.lower.tolist(), net.upper.tolist(), strict=True)
        if not all(lower < x < upper for x, lower, upper in bounds):
            return False
        exact = [fmpq(*x.as_integer_ratio()) for x in point]
        found = [s for layer in signs_at(self.inputs.maps, exact) for s in layer]
        path = np.where(self.workspace.is_zero == 1, 0, self.workspace.sign)
        return bool(found == path.tolist())

    def _form(self, neuron: int, pullback: Pullback) -> list[fmpq]:
        """The neuron's preactivation on the path's cell, an affine function of x."""
        layer = int(self.net.layer_of[neuron])
        start = self.net.offset
        active = [(self.workspace.sign[start[i] : start[i + 1]] > 0).tolist() for i in range(layer)]
        rows = pullback.preactivations(layer, active)
        j = neuron - int(start[layer])
        return [rows[j, c] for c in range(rows.ncols())]

    def _scaled(self, neuron: int, side: int, pullback: Pullback) -> list[fmpq]:
        factor = side * fmpq(*float(self.workspace.scale[neuron]).as_integer_ratio())
        return [factor * x for x in self._form(neuron, pullback)]

    def _polytope(self, t: int, pullback: Pullback, net: k.Network) -> Polytope:
        """The cell of frame t, over the inputs of ``pullback`` in the box of ``net``."""
        d = net.lower.size
        slacks = {
            d + neuron: self._scaled(neuron, int(self.workspace.sign[neuron]), pullback)
            for neuron in self.workspace.split_neuron[: self.workspace.splits[t]].tolist()
        }
        lower = [fmpq(*x.as_integer_ratio()) for x in net.lower.tolist()]
        upper = [fmpq(*x.as_integer_ratio()) for x in net.upper.tolist()]
        return Polytope(lower, upper, slacks)

    def _dictionary(self, t: int) -> Dictionary | None:
        """An exact dictionary of frame t's cell, from the frame's basis if that is feasible."""
        return feasible_dictionary(
            self._polytope(t, self.pullback, self.net),
            self.workspace.column_variable[t].tolist(),
            [u == 1 for u in self.workspace.at_upper[t].tolist()],
        )

    def _copy_header(self, source: int, target: int) -> None:
        """Copy all of a frame but its dictionary."""
        ws = self.workspace
        for field in (
            ws.free, ws.rows, ws.layer, ws.phase, ws.splits, ws.share,
            ws.known_active, ws.known_inactive,
        ):  # fmt: skip
            field[target] = field[source]
        free = int(ws.free[source])
        ws.row_variable[target, :free] = ws.row_variable[source, :free]
        ws.row_cap[target, :free] = ws.row_cap[source, :free]

    def _write_frame(self, dictionary: Dictionary, t: int) -> None:
        """Round an exact dictionary into frame t, its free rows included."""
        ws, d = self.workspace, self.net.lower.size
        free = int(ws.free[t])
        exact = Dictionary(dictionary.polytope, dictionary.columns, dictionary.at_upper)
        neurons = [int(v) - d for v in ws.row_variable[t, :free]]
        above = exact.over_columns([self._scaled(neuron, 1, self.pullback) for neuron in neurons])
        for r, row in enumerate([*above.tolist(), *exact.table.tolist()]):
            ws.value[t, :, r] = [nearest_float(x) for x in row]
        for r, variable in enumerate(exact.rows):
            span = exact.polytope.span(variable)
            ws.row_variable[t, free + r] = variable
            ws.row_cap[t, free + r] = (
                np.inf if span is None else self.net.upper[variable] - self.net.lower[variable]
            )
        ws.rows[t] = free + len(exact.rows)
        ws.column_variable[t] = exact.columns
        ws.at_upper[t] = exact.at_upper
