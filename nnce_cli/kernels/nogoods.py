"""What a proof says of other cells: sign patterns that no cell of a layer has.

The proof that a neuron does not cut a cell rests on a few of the cell's splits only, those with a
positive multiplier. Together with the sign that the neuron cannot have they are a pattern that
is nowhere in the layer-k cell whose arrangement is being enumerated: an infeasible subsystem in
the sense of Farkas' lemma (Gleeson & Ryan 1990, "Identifying minimally infeasible subsystems of
inequalities", ORSA J. Comput. 2). Wherever all signs of a pattern but one hold, the last one
cannot, and no linear program is needed, as in the clause learning of Marques-Silva & Sakallah
(1999, "GRASP: a search algorithm for propositional satisfiability", IEEE Trans. Comput. 48).

What is remembered depends on where a walk began. So that no witness does, a decision that a neuron
does not cut leaves the dictionary where it was, whether a pattern takes it or a linear program.
"""

from __future__ import annotations

from nnce_cli.kernels.arrays import NEGATIVE, NO_ANSWER, POSITIVE, Network, Workspace
from nnce_cli.kernels.jit import kernel

MOST_BITS = 62  # only the first so many cutting neurons of a layer-k cell take part
NEGLIGIBLE = 1e-12  # smaller multipliers are left out of a proof, and so of its pattern


@kernel
def forget(net: Network, ws: Workspace, t: int) -> None:
    """Start afresh in frame ``t``, whose free rows are the cutting neurons of a new cell."""
    layer = ws.layer[t]
    for k in range(net.offset[layer], net.offset[layer + 1]):
        ws.bit[k] = 0
    bit = 1
    for r in range(min(ws.free[t], MOST_BITS)):
        ws.bit[ws.row_variable[t, r] - net.lower.size] = bit
        bit *= 2
    ws.nogoods[layer] = 0
    ws.known_active[t] = 0
    ws.known_inactive[t] = 0


@kernel
def learn(net: Network, ws: Workspace, t: int, neuron: int, row: int, side: float) -> None:
    """Remember what the proof found in frame ``t``, that ``side * h > 0``, rests on."""
    d = net.lower.size
    layer = ws.layer[t]
    own, first = ws.bit[neuron], net.offset[layer]
    active = 0 if side > 0.0 else own
    inactive = own if side > 0.0 else 0
    complete = own != 0
    for c in range(d):
        k = ws.column_variable[t, c] - d
        if k >= first and side * ws.value[t, 1 + c, row] > NEGLIGIBLE:
            bit = ws.bit[k]
            complete = complete and bit != 0
            active |= bit if ws.sign[k] > 0 else 0
            inactive |= bit if ws.sign[k] < 0 else 0
    if complete:
        i = ws.nogoods[layer] % ws.nogood_active.shape[1]
        ws.nogood_active[layer, i] = active
        ws.nogood_inactive[layer, i] = inactive
        ws.nogoods[layer] += 1


@kernel
def recall(ws: Workspace, t: int, neuron: int) -> int:
    """Return POSITIVE or NEGATIVE where a pattern forbids one sign of ``neuron``, or NO_ANSWER."""
    layer = ws.layer[t]
    own = ws.bit[neuron]
    known_active, known_inactive = ~ws.known_active[t], ~ws.known_inactive[t]
    active, inactive = ws.nogood_active[layer], ws.nogood_inactive[layer]
    never_active, never_inactive = 0, 0
    for i in range(min(ws.nogoods[layer], active.size)):
        a, b = active[i] & known_active, inactive[i] & known_inactive
        never_active |= own if (a == own) & (b == 0) else 0
        never_inactive |= own if (b == own) & (a == 0) else 0
    if never_active != 0:
        return NEGATIVE
    return POSITIVE if never_inactive != 0 else NO_ANSWER


@kernel
def know(ws: Workspace, t: int, neuron: int, side: int) -> None:
    """Take down that ``neuron`` has the sign ``side`` on the cell of frame ``t``."""
    ws.known_active[t] |= ws.bit[neuron] if side > 0 else 0
    ws.known_inactive[t] |= ws.bit[neuron] if side < 0 else 0
