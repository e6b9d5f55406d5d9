"""Units of any slope, and pass-throughs: the core's cells are those of exact polyhedra."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from ppl import C_Polyhedron

from nnce_cli import _core
from nnce_cli.enumeration.dictionary.network import core_network
from nnce_cli.enumeration.dictionary.questions import Questions
from nnce_cli.enumeration.vertex.scaling import scale
from nnce_cli.exact import Pullback, signs_at
from nnce_cli.network import AffineMap, LayerStack, Units
from tests.cases import cube
from tests.oracles import ppl
from tests.strategies import boxes, examples, layer_rows, stack_from

SLOPES = [0.0, 0.25, -1.0, -0.5, 2.0, 0.1, -3.0]  # 1 would be a pass-through
SHAPES = [
    *((n, 5, 4) for n in (1, 2, 3)),
    *((n, 3, 3, 3) for n in (1, 2, 3)),
    (2, 4, 2, 4),
    (4, 4, 3),
]


class Sloped:
    """A network with units of any slope on a box: ``slopes`` (units,) of each layer.

    The neurons of a layer beyond its units are pass-throughs.
    """

    def __init__(self, stack, slopes, box):
        self.stack = replace(stack, units=tuple(Units(s) for s in slopes))
        self.slopes, self.box = slopes, box
        self.units = [len(s) for s in slopes]
        # Of every neuron, 1 for a pass-through.
        self.exact_slopes = [
            [fmpq(*x.as_integer_ratio()) for x in s.tolist()] + [fmpq(1)] * (layer.n_out - len(s))
            for layer, s in zip(stack.hidden, slopes, strict=True)
        ]

    def bits(self, packed):
        """Return the signs (rows, units) of packed sign vectors."""
        ends = np.cumsum([(n + 7) // 8 for n in self.units])[:-1]
        layers = zip(np.split(packed, ends, axis=1), self.units, strict=True)
        bits = [np.unpackbits(part, axis=1)[:, :n] for part, n in layers]
        return [tuple(row) for row in np.concatenate(bits, axis=1).tolist()]

    def layer_cells(self, cells):
        """Return the number of layer-k cells."""
        return [len({bits[:end] for bits in cells}) for end in accumulate(self.units)]


def exact_cells(network):
    """Return the sign vectors of all cells, in order, as exact polyhedra have them."""
    d, box = network.stack.n_inputs, network.box
    domain = C_Polyhedron(ppl.box_constraints(box.lower.tolist(), box.upper.tolist()))
    layers = list(zip(network.stack.hidden, network.exact_slopes, network.units, strict=True))
    return sorted(cells_inside(layers, domain, ppl.identity(d)))


def cells_inside(layers, cell, incoming):
    if not layers:
        yield ()
        return
    layer, slopes, units = layers[0]
    rows = ppl.pull_back(layer, incoming)
    for bits, part in ppl.split(cell, [ppl.expression(row) for row in rows[:units]]):
        on = [*bits, *(1 for _ in rows[units:])]
        factors = [fmpq(1) if bit else slope for bit, slope in zip(on, slopes, strict=True)]
        outgoing = fmpq_mat([[t * f for t in row] for row, f in zip(rows, factors, strict=True)])
        for deeper in cells_inside(layers[1:], part, outgoing):
            yield (*bits, *deeper)


def walk_inputs(network):
    """Return (signs of all cells, layer cells) of the walk on dictionaries; check witnesses."""
    core = core_network(network.stack, network.box)
    walk = _core.TreeWalk(core, None, rows=True, witness=True, certify=True, log=False)
    questions = Questions(walk, network.stack, network.box)
    cells, witnesses = [], []
    while not walk.done:
        if walk.advance(50) == _core.Stop.UNSURE:
            questions.answer()
        packed, active, points, _ = walk.take()
        cells += network.bits(packed)
        witnesses += points.tolist()
        assert active.sum() == sum(map(sum, network.bits(packed)))
    for row, (bits, point) in enumerate(zip(cells, witnesses, strict=True)):
        exact = questions.rational_witnesses.get(row, [fmpq(*x.as_integer_ratio()) for x in point])
        signs = signs_at(Pullback(network.stack), exact)
        found = [int(s > 0) for layer in signs for s in layer]
        assert found == list(bits)
    assert walk.cells == len(cells)
    return cells, walk.layer_cells


def walk_vertices(network, cells):
    """Return (signs of the cells, how many subtrees were unsure and filled up from ``cells``)."""
    scaled = scale(network.stack, network.box, network.slopes)
    kind = _core.VertexWalk2 if scaled.dimension == 2 else _core.VertexWalk3
    walk = kind(scaled, 64)
    walk.begin(b"", 0)
    found, unsure = [], 0
    while not walk.done:
        stop = walk.advance(50)
        found += network.bits(walk.take()[0])
        if stop == _core.Stop.UNSURE:
            prefix = tuple(walk.rest()[0][0])
            found += [bits for bits in cells if bits[: len(prefix)] == prefix]
            walk.skip(0.0)
            unsure += 1
    return found, unsure


@st.composite
def degenerate(draw):
    """Draw a network of small integers and their like, with slopes and pass-throughs."""
    shape = draw(st.sampled_from(SHAPES))
    random = draw(st.randoms(use_true_random=True))
    passing = [random.choice([0, 0, 1, 2]) for _ in shape[1:]]
    rows, n_in = [], shape[0]
    for units, more in zip(shape[1:], passing, strict=True):
        rows.append(layer_rows(random, n_in, units + more))
        n_in = units + more
    slopes = [np.array(random.choices(SLOPES, k=units)) for units in shape[1:]]
    return Sloped(stack_from(rows), slopes, draw(boxes(shape[0])))


def generic(widths, slopes, passing, seed):
    """Return a network of normal weights; every layer has ``passing`` pass-throughs."""
    random = np.random.default_rng(seed)
    neurons = [widths[0], *(n + passing for n in widths[1:])]
    maps = [
        AffineMap(random.normal(size=(b, a)), random.normal(size=b) / 2)
        for a, b in pairwise(neurons)
    ]
    chosen = [random.choice(slopes, size=n) for n in widths[1:]]
    return Sloped(LayerStack(tuple(maps), None, (1, widths[0]), ""), chosen, cube(widths[0], -1, 1))


GENERIC = [
    ((2, 6, 5), [0.0], 1),
    ((2, 6, 5), [-1.0], 0),
    ((3, 5, 4), [0.1], 0),
    ((3, 4, 3, 3), [0.0, 0.25, -1.0, 2.0], 1),
    ((3, 5, 3), [-0.5], 2),
    ((5, 4, 4), [0.0, -3.0], 1),
]


@pytest.mark.parametrize("case", range(len(GENERIC)))
def test_cells_of_generic_networks(case):
    network = generic(*GENERIC[case], seed=case)
    cells = exact_cells(network)
    assert len(cells) > 15
    assert walk_inputs(network) == (cells, network.layer_cells(cells))
    if network.stack.n_inputs in (2, 3):
        assert walk_vertices(network, cells) == (cells, 0)


@examples(60)
@given(degenerate())
def test_cells_of_degenerate_networks(network):
    cells = exact_cells(network)
    assert walk_inputs(network) == (cells, network.layer_cells(cells))
    if network.stack.n_inputs <= 3:
        assert walk_vertices(network, cells)[0] == cells


def test_a_pass_through_carries_a_value_past_a_layer():
    """Y = x + 1 cuts at -1 only beyond a layer that folds x; x itself is carried past it."""
    first = AffineMap(np.array([[1.0], [1.0]]), np.array([0.0, 0.0]))
    second = AffineMap(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1.0, -1.0]))
    stack = LayerStack((first, second), None, (1, 1), "")
    fold = Sloped(stack, [np.array([-1.0]), np.array([0.0, 0.0])], cube(1, -3, 3))
    assert walk_inputs(fold)[0] == [(0, 0, 1), (0, 1, 0), (1, 1, 0), (1, 1, 1)]
    assert walk_vertices(fold, exact_cells(fold))[0] == exact_cells(fold)


def test_absolute_values_fold_the_line():
    """||x| - 1|, and so on: each layer doubles the number of cells."""
    layer = AffineMap(np.array([[1.0]]), np.array([-1.0]))
    first = AffineMap(np.array([[1.0]]), np.array([0.0]))
    maps = (first, layer, AffineMap(np.array([[1.0]]), np.array([-0.5])))
    network = Sloped(LayerStack(maps, None, (1, 1), ""), [np.array([-1.0])] * 3, cube(1, -2, 2))
    cells, layer_cells = walk_inputs(network)
    assert layer_cells == [2, 4, 8]
    assert cells == exact_cells(network)
