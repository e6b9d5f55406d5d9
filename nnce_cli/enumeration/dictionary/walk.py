"""Walk one subtree of layer-k cells on simplex dictionaries, with a budget of tree nodes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.base.errors import InputError
from nnce_cli.enumeration.batch import CellBatch, DecisionLog
from nnce_cli.enumeration.columns import table_columns
from nnce_cli.enumeration.dictionary.network import core_network
from nnce_cli.enumeration.dictionary.questions import ImageQuestions, Questions
from nnce_cli.enumeration.dictionary.scaled import Scaled, scaled
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.ranks import RankFinder
from nnce_cli.enumeration.subtree import WHOLE, Subtree

if TYPE_CHECKING:
    from flint import fmpq

SECONDS_OF_QUESTIONS = 0.05  # at most about so long until callers can look at the clock


class DictionaryWalk:
    """The walk of one subtree over the inputs; see `Walk`.

    ``rows`` is False for counting only, ``witness`` says whether batches carry witnesses,
    ``certify`` whether decisions are proved, ``log`` whether batches carry the decisions.
    """

    def __init__(
        self,
        problem: Problem,
        subtree: Subtree = WHOLE,
        *,
        rows: bool = True,
        witness: bool = True,
        certify: bool = True,
        log: bool = False,
    ) -> None:
        self.problem = problem
        self._rows = rows
        self._witness = witness
        self._log = log
        self._scaled = scaled(problem)
        self._prepare(certify)
        self.begin(subtree)

    def _prepare(self, certify: bool) -> None:
        """Make the core's walk, and those who answer its questions."""
        walked = self._scaled
        self._walk = _core.TreeWalk(
            core_network(walked.stack, walked.box),
            None,
            rows=self._rows,
            witness=self._witness,
            certify=certify,
            log=self._log,
        )
        self._questions = Questions(self._walk, walked.stack, walked.box, log=self._log)
        self._ranks = RankFinder(self.problem.stack) if self._rows else None

    def begin(self, subtree: Subtree) -> None:
        """See `Walk`."""
        self._walk.begin(np.array(subtree.prefix, dtype=np.uint8), subtree.counted)
        self._questions.begin()
        self._taken = 0
        self._no_floats: dict[int, list[fmpq]] = {}  # witnesses by rows, where scaling rounds them
        if self._ranks:
            self._ranks.begin()

    @property
    def done(self) -> bool:
        """See `Walk`."""
        return self._walk.done

    @property
    def cells(self) -> int:
        """See `Walk`."""
        return self._walk.cells

    @property
    def layer_cells(self) -> list[int]:
        """See `Walk`."""
        return self._walk.layer_cells

    @property
    def nodes(self) -> int:
        """See `Walk`."""
        return self._walk.nodes

    @property
    def share(self) -> float:
        """See `Walk`."""
        return self._walk.share

    @property
    def decisions(self) -> dict[str, int]:
        """See `Walk`."""
        walk = self._walk
        dearer = walk.by_structure + walk.cone_proofs + walk.integer_proofs
        return {
            "neurons_structure": walk.by_structure,
            "neurons_float": walk.proofs - dearer,
            "neurons_cone": walk.cone_proofs,
            "neurons_integers": walk.integer_proofs,
            "neurons_fine": walk.fine_proofs,
            "neurons_exact": self._questions.neurons,
            "witnesses_float": walk.witnesses,
            "witnesses_fine": walk.fine_witnesses,
            "witnesses_exact": self._questions.witnesses,
            "ranks_exact": self._ranks.exact_ranks if self._ranks else 0,
            "linear_programs": walk.linear_programs,
            "pivots": walk.pivots,
            "rebuilds": walk.rebuilds,
        }

    @property
    def exact_witnesses(self) -> dict[int, list[str]]:
        """See `Walk`."""
        found = self._questions.rational_witnesses
        exact = {row: self._scaled.fractions(point) for row, point in found.items()}
        both = sorted((self._no_floats | exact).items())
        return {row: self.problem.full_fractions(point) for row, point in both}

    def advance(self, nodes: int) -> None:
        """See `Walk`."""
        end = self._walk.nodes + nodes
        until = time.monotonic() + SECONDS_OF_QUESTIONS
        while self._walk.nodes < end and time.monotonic() < until:
            if self._walk.advance(end - self._walk.nodes) != _core.Stop.UNSURE:
                return
            self._questions.answer()

    def take(self) -> CellBatch:
        """See `Walk`."""
        signs, active, witness, log = self._walk.take()
        columns, active = table_columns(self.problem.stack, signs, active)
        if self._witness:
            witness, no_floats = self._scaled.points(witness)
            self._no_floats |= {self._taken + row: x for row, x in no_floats.items()}
        self._taken += len(signs)
        return CellBatch(
            signs=columns,
            active=active,
            ranks=self._ranks.ranks(signs)
            if self._ranks
            else np.zeros((0, len(self.problem.widths)), np.uint16),
            witness=self.problem.full_points(witness) if self._witness else None,
            log=self._decision_log(log) if self._log else None,
        )

    def _decision_log(self, log: NDArray[np.int32]) -> DecisionLog:
        """Return the decisions that the core has written, one a row."""
        inputs = np.flatnonzero(self.problem.free)
        sizes, bases = log[:, 2], log[:, 3:]
        place = np.arange(bases.shape[1])
        is_slack = place < sizes[:, None]
        is_input = ~is_slack & (place < 2 * sizes[:, None])
        return DecisionLog(
            neuron=log[:, 0].astype(np.uint32),
            decision=log[:, 1].astype(np.uint8),
            sizes=sizes,
            slacks=bases[is_slack].astype(np.uint32),
            inputs=inputs[bases[is_input]].astype(np.uint32),
        )

    def rest(self) -> list[Subtree]:
        """See `Walk`.

        Rounding may have let in a node without interior. It has no cell and is left out, but
        for a walk that keeps a log: a certificate has the decisions below that node too.
        """
        while self._walk.is_choosing:
            self.advance(1)
        found = []
        layers = len(self.problem.widths)
        counted = [self._walk.is_counted(layer) for layer in range(layers)]
        for t in range(self._walk.top, -1, -1):
            entered = self._walk.entered(t)
            if not self._exists(t):
                if self._log:
                    found.append(Subtree(self._prefix(t), layers))
                continue
            before = 0
            while before < entered and counted[before]:
                before += 1
            found.append(Subtree(self._prefix(t), before))
            counted[:entered] = [True] * entered  # this one counts them
        return found

    def _exists(self, t: int) -> bool:
        """Tell whether the cell that frame ``t`` goes on with has an interior."""
        self._walk.turn_to(t)
        exists = self._walk.interior(t)
        if exists is None:
            exists = self._questions.cell_exists(t)
        self._walk.turn_back()
        return exists

    def _prefix(self, t: int) -> tuple[int, ...]:
        """Return the bits that are decided on the path to what frame ``t`` goes on with."""
        return tuple(self._walk.prefix(t).tolist())


class ImageWalk(DictionaryWalk):
    """The walk of one subtree in the image of the first layer (image.py).

    Raises:
        InputError: the image is no gain for this problem, or a log is asked for.
    """

    def _prepare(self, certify: bool) -> None:
        problem = self.problem
        reduction = problem.in_image
        if reduction is None:
            raise InputError(
                "the first layer has too many neurons, for so few inputs, for a walk in its image: "
                "use the method dictionary"
            )
        if self._log:
            raise InputError("certificates are about the inputs: use the method dictionary")
        zonotope = reduction.image.zonotope()
        self._scaled = Scaled.unchanged(problem)  # the image is walked in a box of its own
        self._walk = _core.TreeWalk(
            core_network(reduction.stack, reduction.box, reduction.image.magnitude),
            zonotope,
            rows=self._rows,
            witness=self._witness,
            certify=certify,
            log=False,
        )
        self._questions = ImageQuestions(self._walk, problem, reduction, zonotope)
        self._ranks = RankFinder(reduction.stack) if self._rows else None
