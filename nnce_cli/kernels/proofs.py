"""The one place where floating point decides: proved, or unsure.

`holds` is the safe bound of Neumaier & Shcherbina (2004), "Safe bounds in linear and
mixed-integer linear programming", section 3: from approximate multipliers a rigorous lower
bound over the box. The bounds on rounding follow Higham (2002), "Accuracy and Stability of
Numerical Algorithms", section 3.1: n operations on terms of total size s err by at most
about n u s; the constants below leave a factor of two for the rounding of the bounds themselves.
"""

from __future__ import annotations

from nnce_cli.kernels.arrays import UNDERFLOW, UNIT_ROUNDOFF, Network, Workspace
from nnce_cli.kernels.jit import entry_point, kernel, padded
from nnce_cli.kernels.nogoods import NEGLIGIBLE
from nnce_cli.kernels.vectors import weighted_sum
from nnce_cli.kernels.witness import inner_point


@kernel
def holds(net: Network, ws: Workspace, t: int, neuron: int, row: int, side: float) -> bool:
    """Prove that ``side`` times ``neuron``'s preactivation is positive on the cell of frame ``t``.

    Takes the coefficients of the neuron's row over the nonbasic slacks as multipliers λ >= 0,
    and bounds ``side * h - sum_k λ_k s_k`` from below over the box (the multipliers of the
    box's own bounds are implied). True is a proof; False means unsure. Writes ``ws.residual``.
    """
    d = net.lower.size
    residual, form = ws.residual, ws.form[neuron]
    for i in range(padded(d + 1)):
        residual[i] = side * form[i]
    size, error = ws.form_size[neuron], ws.form_error[neuron]
    terms = 0
    for c in range(d):
        variable = ws.column_variable[t, c]
        multiplier = side * ws.value[t, 1 + c, row]
        if variable < d or multiplier <= NEGLIGIBLE:
            continue
        k = variable - d
        g, form = multiplier * ws.sign[k], ws.form[k]
        for i in range(padded(d + 1)):
            residual[i] -= g * form[i]
        size += multiplier * ws.form_size[k]
        error += multiplier * ws.form_error[k]
        terms += 1
    bound = residual[0]
    for i in range(d):
        bound += min(residual[1 + i] * net.lower[i], residual[1 + i] * net.upper[i])
    error += 2.0 * (terms + d + 8) * UNIT_ROUNDOFF * size + UNDERFLOW
    return bool(bound > error)


@kernel
def witness_holds(net: Network, ws: Workspace) -> bool:
    """Prove that ``ws.point`` lies strictly inside the box and has exactly the path's signs.

    One forward pass in float64, each preactivation compared with its a-priori error bound.
    Neurons that are identically zero on the cell are zero at the point without looking.
    """
    d = net.lower.size
    activation, z = ws.activation, ws.preactivation
    for i in range(d):
        x = ws.point[i]
        if not (net.lower[i] < x < net.upper[i]):
            return False
        activation[i] = x
    n_in = d
    for layer in range(net.width.size):
        n_out = net.width[layer]
        start = net.offset[layer]
        weighted_sum(z, net.bias[layer], net.weight[layer], activation, n_in, padded(n_out))
        doubts = 0
        sign, is_zero, bound = ws.sign[start:], ws.is_zero[start:], net.sign_error[start:]
        for j in range(n_out):
            proved = (sign[j] * z[j] > bound[j]) | (is_zero[j] == 1)
            doubts += 0 if proved else 1
            positive = (z[j] > 0.0) & (is_zero[j] == 0)
            activation[j] = z[j] if positive else 0.0
        if doubts > 0:
            return False
        n_in = n_out
    return True


@entry_point
def point_holds(net: Network, ws: Workspace) -> bool:
    """Do what `witness_holds` does, for callers outside the kernels."""
    return witness_holds(net, ws)


@entry_point
def has_interior(net: Network, ws: Workspace, t: int) -> bool:
    """Prove that the cell of frame ``t`` has an interior; False means unsure.

    The proof is a point strictly inside the box and strictly on the path's side of each split,
    written to ``ws.point``. The path's signs must be those of frame ``t``.
    """
    d = net.lower.size
    inner_point(net, ws, t, ws.free[t])
    x = ws.point
    for i in range(d):
        if not (net.lower[i] < x[i] < net.upper[i]):
            return False
    for s in range(ws.splits[t]):
        k = ws.split_neuron[s]
        form = ws.form[k]
        value = form[0]
        for i in range(d):
            value += form[1 + i] * x[i]
        error = ws.form_error[k] + 2.0 * (d + 8) * UNIT_ROUNDOFF * ws.form_size[k] + UNDERFLOW
        if not ws.sign[k] * value > error:
            return False
    return True
