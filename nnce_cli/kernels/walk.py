"""The walk: depth-first through the tree of layer-k cells, inactive sides first.

`LayerWise-NNCE` of Drammis et al. (arXiv 2403.00860, section 3) with the incremental
enumeration of Rada & Černý (2018, "A new algorithm for enumeration of cells of hyperplane
arrangements and a comparison with Avis and Fukuda's reverse search") inside each layer-k cell.
One frame of the stack is one dictionary; memory grows with the depth, not with the cells.
"""

from __future__ import annotations

from nnce_cli.kernels.arrays import (
    ANSWER,
    BASIS,
    CELLS,
    CERTIFY,
    COUNTED_BEFORE,
    CUTS,
    DONE,
    DRIFTED,
    EMPTY,
    IS_ACTIVE,
    IS_CELL,
    IS_EMPTY,
    IS_INACTIVE,
    IS_SPLIT,
    IS_ZERO,
    LEAF,
    LOGGED,
    MOVED,
    MUTED,
    NEGATIVE,
    NEW_LAYER,
    NO_ANSWER,
    NODE,
    NODES,
    OUTPUT_FULL,
    PAUSED,
    POSITIVE,
    PREFIX,
    PROOFS,
    REBUILT,
    ROOT_TESTS,
    ROWS,
    STACK_FULL,
    TOP,
    UNSURE_LEAF,
    UNSURE_NODE,
    UNSURE_ROOT,
    WITNESSES,
    ZERO,
    Network,
    Workspace,
)
from nnce_cli.kernels.dictionary import (
    CLEAR,
    CROSSED,
    OPTIMAL,
    copy_frame,
    descend,
    entering_column,
    first_vertex,
)
from nnce_cli.kernels.image import settle
from nnce_cli.kernels.jit import entry_point, kernel
from nnce_cli.kernels.layers import add_rows, drifted, drop_rows, pull_back
from nnce_cli.kernels.nogoods import forget, know, learn, recall
from nnce_cli.kernels.proofs import holds, witness_holds
from nnce_cli.kernels.screen import screen
from nnce_cli.kernels.witness import inner_point

CONTINUE = -1  # no reason to return


@kernel
def decide(net: Network, ws: Workspace, t: int, row: int, at_root: bool) -> int:
    """Decide whether the neuron of free row ``row`` cuts the cell of frame ``t``.

    A vertex on either side shows that it cuts; a proof that it does not. NO_ANSWER is unsure.
    At the root of a layer all vertices seen are evidence, and frame t may move on. At a node,
    where the neuron cuts, frame t is left at a vertex with a positive value and frame t + 1,
    which must be free, at one with a negative value. Where it does not cut and frame t has
    moved, ``control[MOVED]`` is 1 and frame t + 1 is what frame t was.
    """
    neuron = ws.row_variable[t, row] - net.lower.size
    for _ in range(2):
        b = ws.value[t, 0, row]
        positive = (ws.highest[row] if at_root else b) > CLEAR
        negative = (ws.lowest[row] if at_root else b) < -CLEAR
        if positive and negative:
            return CUTS
        known = positive or negative
        side = 1.0 if positive else -1.0  # look for the other side
        mover, ended = t, OPTIMAL
        q, bound = entering_column(ws, t, row, side)
        if q >= 0 and not bound > CLEAR:
            if known and not at_root:
                copy_frame(ws, t, t + 1)
                mover = t + 1 if side > 0.0 else t
                ws.control[MOVED] = 1 if side < 0.0 else 0
            ended = descend(net, ws, mover, row, side, at_root)
        if ended != CROSSED:
            if not known or ended != OPTIMAL:
                return NO_ANSWER
            if ws.control[CERTIFY] == 1 and not holds(net, ws, mover, neuron, row, side):
                return NO_ANSWER
            if ws.log.shape[0] > 0:
                note_basis(net, ws, mover)
            elif not at_root:
                learn(net, ws, mover, neuron, row, side)
            return POSITIVE if side > 0.0 else NEGATIVE
        if known:
            return CUTS
    return NO_ANSWER


@kernel
def note_basis(net: Network, ws: Workspace, t: int) -> None:
    """Take down the basis of frame ``t``: the proof of the decision that is about to be logged."""
    d = net.lower.size
    n = 0
    for c in range(d):
        variable = ws.column_variable[t, c]
        if variable >= d:
            ws.basis[n] = variable - d
            n += 1
    ws.control[BASIS] = n
    for r in range(ws.free[t], ws.rows[t]):
        if ws.row_variable[t, r] < d:
            ws.basis[n] = ws.row_variable[t, r]
            n += 1


@kernel
def log_decision(ws: Workspace, neuron: int, decision: int, n_basis: int) -> None:
    """Append a decision to the log, with its basis: ``n_basis`` slacks and as many inputs.

    Decisions on the way to a subtree's root stand in the log of the walk that found that root.
    """
    if ws.log.shape[0] == 0 or ws.control[MUTED] == 1:
        return
    i = ws.control[LOGGED]
    ws.log[i, 0] = neuron
    ws.log[i, 1] = decision
    ws.log[i, 2] = n_basis
    for b in range(2 * n_basis):
        ws.log[i, 3 + b] = ws.basis[b]
    ws.control[LOGGED] = i + 1


@kernel
def log_is_full(ws: Workspace) -> bool:
    """Tell whether the log has no room for another decision."""
    return bool(0 < ws.log.shape[0] == ws.control[LOGGED])


@kernel
def decide_constant(ws: Workspace, neuron: int, answer: int) -> None:
    """Record that ``neuron`` does not cut the cell: it is POSITIVE, NEGATIVE or ZERO there."""
    ws.sign[neuron] = 1 if answer == POSITIVE else -1
    ws.is_zero[neuron] = 1 if answer == ZERO else 0
    if answer == ZERO:
        log_decision(ws, neuron, IS_ZERO, 0)
    else:
        decision = IS_ACTIVE if answer == POSITIVE else IS_INACTIVE
        log_decision(ws, neuron, decision, ws.control[BASIS])


@kernel
def root_tests(net: Network, ws: Workspace, t: int) -> int:
    """Decide every neuron of the layer at its root; keep the rows of those that cut.

    The evidence of all vertices seen decides most of the cuts without a linear program.
    """
    d = net.lower.size
    while ws.cursor[t] < ws.free[t]:
        if log_is_full(ws):
            return OUTPUT_FULL
        row = ws.cursor[t]
        neuron = ws.row_variable[t, row] - d
        answer = ws.control[ANSWER]
        ws.control[ANSWER] = NO_ANSWER
        if answer == NO_ANSWER:
            answer = decide(net, ws, t, row, True)
            if answer == NO_ANSWER:
                return UNSURE_ROOT
            if answer != CUTS:
                ws.control[PROOFS] += 1
        ws.is_zero[neuron] = 0
        ws.sign[neuron] = 0
        if answer != CUTS:
            decide_constant(ws, neuron, answer)
            if ws.forced[neuron] * ws.sign[neuron] < 0:
                return DONE  # the forced prefix has no cell
        ws.cursor[t] += 1
    cuts = ws.ratio
    for r in range(ws.free[t]):
        cuts[r] = 1.0 if ws.sign[ws.row_variable[t, r] - d] == 0 else 0.0
    drop_rows(net, ws, t, cuts)
    forget(net, ws, t)
    ws.phase[t] = NODE
    return CONTINUE


@kernel
def settle_far_neurons(net: Network, ws: Workspace, t: int, layer: int) -> bool:
    """Decide the neurons of ``layer`` that cheap bounds show not to cut; drop their rows.

    Returns False where that is against the forced prefix.
    """
    possible = True
    screen(net, ws, t, layer)
    undecided = ws.ratio
    for r in range(ws.free[t]):
        answer = ws.answer[r]
        undecided[r] = 1.0 if answer == NO_ANSWER else 0.0
        if answer != NO_ANSWER:
            neuron = ws.row_variable[t, r] - net.lower.size
            decide_constant(ws, neuron, answer)
            possible = possible and ws.forced[neuron] * ws.sign[neuron] >= 0
            ws.control[PROOFS] += 1
    drop_rows(net, ws, t, undecided)
    return possible


@kernel
def enter_layer(net: Network, ws: Workspace, t: int) -> int:
    """Bring the neurons of the next layer into frame ``t``."""
    layer = ws.layer[t]
    if drifted(net, ws, t) and ws.control[REBUILT] == 0:
        return DRIFTED
    ws.control[REBUILT] = 0
    pull_back(net, ws, layer)
    add_rows(net, ws, t, layer)
    ws.control[MUTED] = 1 if net.offset[layer] < ws.control[PREFIX] else 0
    # A proof that is written down rests on a basis, which these bounds do not give.
    if layer > 0 and ws.log.shape[0] == 0 and not settle_far_neurons(net, ws, t, layer):
        return DONE  # the forced prefix has no cell
    first_vertex(ws, t)
    ws.cursor[t] = 0
    ws.phase[t] = ROOT_TESTS
    if layer > 0:
        ws.counted[layer - 1] = 1 if layer <= ws.control[COUNTED_BEFORE] else 0
    return CONTINUE


@kernel
def pack_layer(net: Network, ws: Workspace, layer: int) -> None:
    """Pack the path's signs of ``layer`` into bytes, first neuron in the highest bit."""
    first_byte = 0
    for k in range(layer):
        first_byte += (net.width[k] + 7) // 8
    active = 0
    start, end = net.offset[layer], net.offset[layer + 1]
    for i in range((net.width[layer] + 7) // 8):
        byte = 0
        first = start + 8 * i
        last = min(first + 8, end)
        for k in range(first, last):
            bit = (ws.sign[k] + 1) >> 1
            byte = 2 * byte + bit
            active += bit
        ws.packed[first_byte + i] = byte << (first + 8 - last)
    ws.active[layer] = active


@kernel
def leave_node(net: Network, ws: Workspace, t: int) -> None:
    """All neurons of the layer are decided: go on to the next layer, or to the cell itself."""
    layer = ws.layer[t]
    pack_layer(net, ws, layer)
    if layer + 1 < net.width.size:
        ws.layer[t] = layer + 1
        ws.phase[t] = NEW_LAYER
    else:
        ws.phase[t] = LEAF


@kernel
def drop_last_free_row(ws: Workspace, t: int) -> None:
    """Drop the row of the next neuron; the last row takes its place among the constraints."""
    row = ws.free[t] - 1
    last = ws.rows[t] - 1
    for c in range(ws.value.shape[1]):
        ws.value[t, c, row] = ws.value[t, c, last]
    ws.row_variable[t, row] = ws.row_variable[t, last]
    ws.row_cap[t, row] = ws.row_cap[t, last]
    ws.free[t] -= 1
    ws.rows[t] -= 1


@kernel
def constrain(ws: Workspace, t: int, neuron: int, side: int) -> None:
    """Make the row of ``neuron``, the next one of frame ``t``, the constraint ``side * h >= 0``."""
    row = ws.free[t] - 1
    if side < 0:
        for c in range(ws.value.shape[1]):
            ws.value[t, c, row] = -ws.value[t, c, row]
    ws.free[t] -= 1
    ws.split_neuron[ws.splits[t]] = neuron
    ws.splits[t] += 1
    ws.share[t] *= 0.5
    know(ws, t, neuron, side)


@kernel
def choose(net: Network, ws: Workspace, neuron: int, side: int) -> None:
    """Put the path on one side of a neuron that cuts."""
    ws.sign[neuron] = side
    ws.reach[net.lower.size + neuron] = ws.most[neuron] if side > 0 else -ws.least[neuron]


@kernel
def split(net: Network, ws: Workspace, t: int, neuron: int) -> None:
    """Divide a cell: frame ``t`` is at a vertex of its active side, ``t + 1`` of the inactive.

    The inactive side goes on, the active one waits below it. Inside the forced prefix of a
    subtree only the forced side stays.
    """
    log_decision(ws, neuron, IS_SPLIT, 0)
    constrain(ws, t, neuron, 1)
    constrain(ws, t + 1, neuron, -1)
    ws.pending[t] = neuron
    ws.is_zero[neuron] = 0
    if ws.forced[neuron] > 0:
        choose(net, ws, neuron, 1)
        return
    if ws.forced[neuron] < 0:
        copy_frame(ws, t + 1, t)
    else:
        ws.control[TOP] = t + 1
    choose(net, ws, neuron, -1)


@kernel
def visit_node(net: Network, ws: Workspace, t: int) -> int:
    """Decide the next neuron of frame ``t`` and act on it."""
    if ws.free[t] == 0:
        leave_node(net, ws, t)
        return CONTINUE
    if t + 1 >= ws.value.shape[0]:
        return STACK_FULL
    if log_is_full(ws):
        return OUTPUT_FULL
    row = ws.free[t] - 1
    neuron = ws.row_variable[t, row] - net.lower.size
    answer = ws.control[ANSWER]
    ws.control[ANSWER] = NO_ANSWER
    if answer == NO_ANSWER:
        ws.control[MOVED] = 0
        if abs(ws.value[t, 0, row]) > CLEAR:
            answer = recall(ws, t, neuron)
        if answer == NO_ANSWER:
            answer = decide(net, ws, t, row, False)
        if answer == NO_ANSWER:
            return UNSURE_NODE
        if answer != CUTS:
            ws.control[PROOFS] += 1
    ws.control[MUTED] = 0 if ws.forced[neuron] == 0 else 1
    if ws.forced[neuron] == 0:  # finding the way to a subtree's root is not charged to its budget
        ws.control[NODES] += 1
    if answer == CUTS:
        split(net, ws, t, neuron)
    else:
        if ws.control[MOVED] == 1:
            copy_frame(ws, t + 1, t)
        decide_constant(ws, neuron, answer)
        know(ws, t, neuron, 0 if answer == ZERO else ws.sign[neuron])
        drop_last_free_row(ws, t)
        if ws.forced[neuron] * ws.sign[neuron] < 0:
            return DONE  # the forced prefix has no cell
    return CONTINUE


@kernel
def pop(net: Network, ws: Workspace) -> None:
    """Go back to the active side that waits below the top frame, if there is one."""
    t = ws.control[TOP] - 1
    ws.control[TOP] = t
    if t >= 0:
        choose(net, ws, ws.pending[t], 1)


@kernel
def count_cell(ws: Workspace, t: int) -> None:
    """Count the cell of frame ``t``, and the layer-k cells whose first cell it is."""
    for layer in range(ws.counted.size):
        if ws.counted[layer] == 0:
            ws.counted[layer] = 1
            ws.layer_cells[layer] += 1
    ws.control[CELLS] += 1


@kernel
def visit_leaf(net: Network, ws: Workspace, t: int, rows: bool) -> int:
    """Prove that the cell of frame ``t`` exists by a witness; count it and write its row."""
    if log_is_full(ws) or (rows and ws.control[ROWS] == ws.out_signs.shape[0]):
        return OUTPUT_FULL
    answer = ws.control[ANSWER]
    ws.control[ANSWER] = NO_ANSWER
    certify = ws.control[CERTIFY] == 1
    if answer == NO_ANSWER:
        in_image = net.image.middle.size > 0
        if rows or certify or in_image:
            inner_point(net, ws, t, ws.free[t])
        if in_image:
            answer = settle(net, ws, ws.splits[t], rows and ws.out_witness.shape[1] > 0)
            if answer == NO_ANSWER:
                return UNSURE_LEAF
            ws.control[WITNESSES] += 1
        elif certify:
            if not witness_holds(net, ws):
                return UNSURE_LEAF
            ws.control[WITNESSES] += 1
    ws.control[MUTED] = 0
    log_decision(ws, 0, IS_EMPTY if answer == EMPTY else IS_CELL, 0)
    ws.done[0] += ws.share[t]
    if answer != EMPTY:
        ws.counted[ws.counted.size - 1] = 0
        count_cell(ws, t)
        if rows:
            i = ws.control[ROWS]
            for b in range(ws.packed.size):
                ws.out_signs[i, b] = ws.packed[b]
            for layer in range(net.width.size):
                ws.out_active[i, layer] = ws.active[layer]
            point = ws.preimage.x if net.image.middle.size > 0 else ws.point
            for c in range(ws.out_witness.shape[1]):  # none where no witness is wanted
                ws.out_witness[i, c] = point[c]
            ws.control[ROWS] += 1
    pop(net, ws)
    return CONTINUE


@entry_point
def walk(net: Network, ws: Workspace, node_limit: int, rows: bool) -> int:
    """Walk on until ``control[NODES]`` is ``node_limit``; return why it stopped.

    DONE: the subtree is walked. PAUSED: the limit is reached. OUTPUT_FULL: take the rows and
    the log out and set ``control[ROWS]`` and ``control[LOGGED]`` to 0. STACK_FULL: come back
    with more frames. DRIFTED: rebuild the top frame and set ``control[REBUILT]``. UNSURE_ROOT,
    UNSURE_NODE, UNSURE_LEAF: floating point cannot tell; write the answer to
    ``control[ANSWER]`` (and for CUTS at a node the two frames, for EXISTS ``ws.point``).
    Every state in between is in the workspace, so a call goes on where the last one stopped.
    """
    while ws.control[NODES] < node_limit:
        t = ws.control[TOP]
        if t < 0:
            return DONE
        phase = ws.phase[t]
        status = CONTINUE
        if phase == NODE:
            status = visit_node(net, ws, t)
        elif phase == LEAF:
            status = visit_leaf(net, ws, t, rows)
        elif phase == ROOT_TESTS:
            status = root_tests(net, ws, t)
        else:
            status = enter_layer(net, ws, t)
        if status == DONE:
            ws.control[TOP] = -1
        elif status != CONTINUE:
            return status
    return PAUSED
