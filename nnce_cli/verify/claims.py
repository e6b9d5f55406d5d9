"""What the decisions of a certificate claim about functions, and the proofs: many at once.

Floating point with error bounds settles most claims; rational arithmetic decides the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nnce_cli.verify.combinations import combinations_prove, solved
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.float_forms import CellForms, FloatForms
from nnce_cli.verify.forms import Form
from nnce_cli.verify.layer_units import Bools, Codes, Ints
from nnce_cli.verify.polytope import Polytope, combination_proves
from nnce_cli.verify.proofs import Proofs

INACTIVE, ACTIVE, ZERO, SPLIT, CELL, NOTHING = range(6)

ENTRIES = 2**20  # of the arrays of claims that are proved together


@dataclass(frozen=True, eq=False)
class Claim:
    """That decision ``number`` holds at its node.

    ``bits`` (rows,) are the signs decided there, of all layers before the neuron's, and ``codes``
    (N,) what units have these; ``is_wall`` (rows,) says which neurons were split on. ``inputs``
    are counted among those that vary; there are as many as ``slacks``.
    """

    number: int
    decision: int
    neuron: int
    bits: Codes
    codes: Codes
    is_wall: Bools
    slacks: list[int]
    inputs: list[int]


@dataclass
class Proved:
    """What became of some claims, of which ``last`` is the number of the last.

    ``wrong`` is the number of the first that does not hold, and what is wrong with it.
    """

    last: int = -1
    signs: Proofs = field(default_factory=Proofs)
    empty: int = 0
    wrong: tuple[int, str] | None = None

    def add(self, other: Proved) -> None:
        """Add what became of the claims after these."""
        self.last = other.last
        self.signs.add(other.signs)
        self.empty += other.empty
        self.wrong = self.wrong or other.wrong

    @property
    def details(self) -> dict[str, int]:
        """The counts under the names that reports have for them."""
        return {
            **self.signs.details("proved", "linear programs"),
            "nodes without interior": self.empty,
        }


class ClaimCheck:
    """Proves claims about a network."""

    def __init__(self, network: ExactNetwork) -> None:
        self.network = network
        self._floats = FloatForms(network)

    def prove(self, claims: list[Claim]) -> Proved:
        """Prove claims that are in order."""
        proved = Proved(claims[-1].number)
        in_floats = np.zeros(len(claims), dtype=np.bool_)
        for layer in range(self.network.depth):
            some = [
                i
                for i, claim in enumerate(claims)
                if claim.decision != NOTHING and self.network.layer_of(claim.neuron) == layer
            ]
            if some:
                in_floats[some] = self._in_floats(layer, [claims[i] for i in some])
        for claim, settled in zip(claims, in_floats.tolist(), strict=True):
            if settled:
                proved.signs.by_floats += claim.decision in (INACTIVE, ACTIVE)
                continue
            what = self._exactly(claim, proved)
            if what:
                proved.wrong = claim.number, what
                break
        return proved

    def _in_floats(self, layer: int, claims: list[Claim]) -> Bools:
        """Say which claims about neurons of one layer floating point proves."""
        bits = np.stack([claim.bits for claim in claims])
        before = np.stack([claim.codes for claim in claims])[:, : self.network.starts[layer]]
        # Claims are in the order of the walk: those of a cell of the layers before are together.
        is_new = np.ones(len(claims), dtype=np.bool_)
        is_new[1:] = (before[1:] != before[:-1]).any(axis=1)
        forms = self._floats.on(before[is_new], layer + 1)
        cell = np.cumsum(is_new) - 1
        neuron = np.array([claim.neuron for claim in claims])
        decision = np.array([claim.decision for claim in claims])
        differs = forms.are_not_zero[cell, neuron]
        proved = np.where(decision == ZERO, forms.are_zero[cell, neuron], differs)
        signs = np.flatnonzero((decision == INACTIVE) | ((decision == ACTIVE) & differs))
        some = [claims[i] for i in signs.tolist()]
        proved[signs] = self._signs_in_floats(forms, cell[signs], bits[signs], some)
        return np.asarray(proved)

    def _signs_in_floats(
        self, forms: CellForms, cell: Ints, bits: Codes, claims: list[Claim]
    ) -> Bools:
        """Say which claims that a neuron has one sign are proved by their bases.

        ``cell`` (p,) are the places of the claims' functions in ``forms``.
        """
        longest = max((len(claim.slacks) for claim in claims), default=0)
        entries = (1 + longest) * (1 + self.network.dimension)
        size = max(1, ENTRIES // entries)
        found = [
            self._some_signs(forms, cell[some], bits[some], claims[some], longest)
            for some in (slice(i, i + size) for i in range(0, len(claims), size))
        ]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.bool_)

    def _some_signs(
        self, forms: CellForms, cell: Ints, bits: Codes, claims: list[Claim], longest: int
    ) -> Bools:
        every = np.arange(len(claims))
        count = np.array([len(claim.slacks) for claim in claims])
        is_used = np.arange(longest) < count[:, None]
        slacks = np.zeros((len(claims), longest), dtype=np.int64)
        inputs = np.zeros((len(claims), longest), dtype=np.int64)
        slacks[is_used] = [k for claim in claims for k in claim.slacks]
        inputs[is_used] = [i for claim in claims for i in claim.inputs]
        neuron = np.array([claim.neuron for claim in claims])
        sign = np.where([claim.decision == ACTIVE for claim in claims], 1.0, -1.0)
        sides = np.where(bits[every[:, None], slacks] == 1, 1.0, -1.0)

        function = forms.at(cell, neuron)
        function = function._replace(values=function.values * sign[:, None])
        walls = forms.at(cell[:, None], slacks)
        walls = walls._replace(values=walls.values * sides[:, :, None])
        columns = np.take_along_axis(walls.values, 1 + inputs[:, None, :], axis=2)
        square = np.where(is_used[:, :, None] & is_used[:, None, :], columns, np.eye(longest))
        right = np.take_along_axis(function.values, 1 + inputs, axis=1)
        right = np.where(is_used, right, 0.0)[:, :, None]
        with np.errstate(all="ignore"):
            multipliers = solved(square.transpose(0, 2, 1), right)[:, :, 0]
        multipliers = np.where(is_used, multipliers, 0.0)
        meet = self.network.is_homogeneous & (count == self.network.dimension)
        return combinations_prove(function, walls, multipliers, meet)

    def _exactly(self, claim: Claim, proved: Proved) -> str:
        """Decide about a claim in rational arithmetic; say what is wrong with it, or nothing."""
        if claim.decision == NOTHING:
            proved.empty += 1
            return self._is_empty(claim)
        network = self.network
        form = network.form(claim.neuron, claim.codes)
        name = network.name_of(claim.neuron)
        if claim.decision == ZERO:
            return f"{name} is not identically zero here" if any(form) else ""
        if claim.decision == SPLIT:
            return "" if any(form) else f"{name} is zero here and cannot be split on"
        if claim.decision == ACTIVE and not any(form):
            return f"{name} is identically zero here, so it is inactive"
        inward = form if claim.decision == ACTIVE else [-x for x in form]
        if combination_proves(inward, [self._wall(claim, k) for k in claim.slacks], claim.inputs):
            proved.signs.by_rationals += 1
            return ""
        if self._node(claim, [inward]).is_redundant(0):
            proved.signs.by_programs += 1
            return ""
        side = "positive" if claim.decision == ACTIVE else "negative"
        return f"{name} is not {side} on the whole node"

    def _is_empty(self, claim: Claim) -> str:
        if self._node(claim, []).interior_point() is None:
            return ""
        return "a node that is said to have no interior has one"

    def _node(self, claim: Claim, more: list[Form]) -> Polytope:
        walls = [self._wall(claim, k) for k in np.flatnonzero(claim.is_wall).tolist()]
        return Polytope([*more, *walls], self.network.dimension)

    def _wall(self, claim: Claim, neuron: int) -> Form:
        """Return the function of a neuron that was split on, >= 0 on the node."""
        form = self.network.form(neuron, claim.codes)
        return form if claim.bits[neuron] else [-x for x in form]
