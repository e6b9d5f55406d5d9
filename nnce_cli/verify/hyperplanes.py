"""The hyperplanes around a cell, and the sign vector on the other side of each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat

from nnce_cli.verify.exact_network import Bits, ExactNetwork, Form, matrix


@dataclass(frozen=True)
class Hyperplane:
    """A hyperplane, as a function that is >= 0 on the cell, and all neurons that vanish on it."""

    inward: Form
    neurons: list[int]


@dataclass(frozen=True)
class Surroundings:
    """The different hyperplanes of a cell's neurons, and the neurons that are zero on the cell.

    Neurons that are constant on the cell and not zero have no hyperplane. ``is_possible`` is
    False where such a neuron, or one that is zero, has the wrong sign: then there is no cell.
    """

    hyperplanes: list[Hyperplane]
    zero: list[int]
    is_possible: bool


def surroundings(network: ExactNetwork, bits: Bits) -> Surroundings:
    """Collect the hyperplanes of a cell; neurons that vanish on the same one share it."""
    found: dict[tuple[fmpq, ...], Hyperplane] = {}
    zero = []
    is_possible = True
    for neuron, form in enumerate(network.inward_forms(bits)):
        leading = next((x for x in form[1:] if x != 0), None)
        if leading is None:
            if form[0] == 0:
                zero.append(neuron)
            is_possible &= form[0] >= 0 and not (form[0] == 0 and bits[neuron])
            continue
        key = tuple(x / leading for x in form)
        found.setdefault(key, Hyperplane(form, [])).neurons.append(neuron)
    return Surroundings(list(found.values()), zero, is_possible)


def sign_vectors_across(network: ExactNetwork, bits: Bits, around: Surroundings) -> Bits:
    """Return, for each hyperplane, the sign vector just beyond it if it bounds the cell: (h, N).

    At a point inside a facet only the neurons of its hyperplane and those that are zero on the
    whole cell are zero; all others keep their signs across it, since the network is continuous.
    """
    across = np.repeat(bits[None, :], len(around.hyperplanes), axis=0)
    for row, hyperplane in zip(across, around.hyperplanes, strict=True):
        if len(hyperplane.neurons) == 1 and not around.zero:
            row[hyperplane.neurons[0]] ^= 1
        else:
            _leave_through(network, hyperplane, around.zero, row)
    return across


def _leave_through(
    network: ExactNetwork, hyperplane: Hyperplane, zero: list[int], row: Bits
) -> None:
    """Replace the signs of a cell by those beyond a hyperplane, in ``row`` (N,).

    The neurons that are zero on the facet get the sign of their derivative along a line that
    leaves the cell, computed layer by layer with the new signs. Beyond the facet such a neuron
    is a multiple of the hyperplane's function, so that a derivative of zero says that it is zero
    there: inactive.
    """
    undecided = np.zeros(network.neurons, dtype=np.bool_)
    undecided[hyperplane.neurons] = True
    undecided[zero] = True
    outward = [-x for x in hyperplane.inward[1:]]
    change = fmpq_mat(len(outward), 1, outward)
    first = matrix([form[1:] for form in network.forms(0, row)], network.dimension)
    weights = [first, *(weight for weight, _ in network.maps[1:])]
    for start, weight in zip(network.starts, weights, strict=False):
        changes = (weight * change).entries()
        for j, dz in enumerate(changes):
            if undecided[start + j]:
                row[start + j] = dz > 0
            if not row[start + j]:
                changes[j] = fmpq(0)
        change = fmpq_mat(len(changes), 1, changes)
