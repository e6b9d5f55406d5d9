"""The hyperplanes around a cell, and the code on the other side of each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat

from nnce_cli.verify.chart import Chart
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.forms import Form, matrix
from nnce_cli.verify.layer_units import Bools, Codes, LayerUnits


@dataclass(frozen=True)
class Hyperplane:
    """A hyperplane, as a function that is >= 0 on the cell, and all walls that vanish on it."""

    inward: Form
    rows: list[int]


@dataclass(frozen=True)
class Surroundings:
    """The different hyperplanes of a cell's walls, and the walls that are zero on the cell.

    Walls are neurons counted through all layers. Those that are constant on the cell and not zero
    have no hyperplane. ``borders`` are the hyperplanes of the domain's fences, whose numbers come
    after those of all neurons, with the walls that vanish there, too. ``is_possible`` is False
    where a wall that is constant or zero is on the wrong side, or two walls have opposite sides of
    one hyperplane: then there is no cell.
    """

    hyperplanes: list[Hyperplane]
    borders: list[Hyperplane]
    zero: list[int]
    is_possible: bool


def surroundings(network: ExactNetwork, codes: Codes) -> Surroundings:
    """Collect the hyperplanes of a cell; walls that vanish on the same one share it."""
    chart = network.chart
    borders = {
        _normalised(form, chart): Hyperplane(form, [network.rows + k])
        for k, form in enumerate(chart.fences)
    }
    found: dict[tuple[fmpq, ...], Hyperplane] = {}
    zero = []
    is_possible = True
    sides = network.sides(codes)
    for row, form in network.walls(codes):
        key = _normalised(form, chart)
        if not key:
            constant = form[chart.one]
            if constant == 0:
                zero.append(row)
            is_possible &= constant >= 0 and not (constant == 0 and sides[row] > 0)
            continue
        hyperplane = borders.get(key) or found.setdefault(key, Hyperplane(form, []))
        hyperplane.rows.append(row)
        is_possible &= _same_side(hyperplane.inward, form)
    return Surroundings([*found.values()], [*borders.values()], zero, bool(is_possible))


def _normalised(form: Form, chart: Chart) -> tuple[fmpq, ...]:
    """Return the same for all functions that vanish on a hyperplane; nothing for a constant."""
    leading = next((x for x in form[chart.gradient] if x != 0), None)
    return () if leading is None else tuple(x / leading for x in form)


def _same_side(a: Form, b: Form) -> bool:
    """Tell whether functions that vanish on the same hyperplane are >= 0 on the same side."""
    return all(x * y >= 0 for x, y in zip(a, b, strict=True))


def codes_across(network: ExactNetwork, codes: Codes, around: Surroundings) -> Codes:
    """Return, for each hyperplane, the code just beyond it if it bounds the cell: (h, N).

    At a point inside a facet only the walls of its hyperplane and those that are zero on the
    whole cell are zero; all others keep their sides across it, since the network is continuous.
    """
    across = np.repeat(codes[None, :], len(around.hyperplanes), axis=0)
    for beyond, hyperplane in zip(across, around.hyperplanes, strict=True):
        if len(hyperplane.rows) == 1 and not around.zero:
            [row] = hyperplane.rows
            unit = network.unit_of[row]
            beyond[unit] = network.sums[row] - codes[unit]
        else:
            _leave_through(network, hyperplane, around.zero, beyond)
    return across


def _leave_through(
    network: ExactNetwork, hyperplane: Hyperplane, zero: list[int], codes: Codes
) -> None:
    """Replace the code of a cell by that beyond a hyperplane, in ``codes`` (N,).

    The walls that are zero on the facet get the sides of their derivatives along a line of inputs
    that leaves the cell, computed layer by layer with the new codes. Beyond the facet such a neuron
    is a multiple of the hyperplane's function, so that a derivative of zero says that it is zero
    there: a tie, which the lowest code has.
    """
    undecided = np.zeros(network.rows, dtype=np.bool_)
    undecided[hyperplane.rows] = True
    undecided[zero] = True
    n, gradient = network.chart.inputs, network.chart.gradient
    outward = fmpq_mat(n, 1, [-x for x in hyperplane.inward[gradient]])
    first = matrix([form[gradient] for form in network.forms(0, codes)], n)
    changes = (first * outward).entries()
    for k, units in enumerate(network.layers):
        here = network.of_layer(k, codes)
        start = network.row_starts[k]
        _decide(units, changes, undecided[start : start + units.rows], here)
        if k + 1 < network.depth:
            passed = units.exact_values([[fmpq(0), dz] for dz in changes], here)
            changes = [dz for _, dz in network.maps[k + 1].times(passed, 2)]


def _decide(units: LayerUnits, changes: list[fmpq], undecided: Bools, codes: Codes) -> None:
    """Replace the codes of the units of a layer that have undecided walls, by their changes."""
    for unit in np.unique(units.unit_of[undecided]).tolist():
        codes[unit] = units.code_beyond(unit, int(codes[unit]), undecided, changes)
