"""The paper's method as published: layer by layer, one linear program a test.

Drammis et al., arXiv 2403.00860: for each layer-k cell, pull the hyperplanes of layer k + 1 back
into it (LayerWise-NNCE) and add them one by one (incremental enumeration, Rada & Černý 2018, "A
new algorithm for enumeration of cells of hyperplane arrangements", SIAM J. Discrete Math. 32).
Each side of each hyperplane in each cell is tested by one linear program for an interior point,
and nothing found on the way is used again. All is floating point with a tolerance, so a cell that
is thinner than that is missed.

Measured beside our methods by `benchmarks.peers`. The program's own layer-wise methods
(`nnce methods`) are not this: they prove their decisions and reuse witnesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import AffineMap, LayerStack

Forms = NDArray[np.float64]  # (m, n + 1): the affine functions x -> a·x + c, in rows (a, c)
InteriorTest = Callable[[Forms, "Box"], bool]

TOLERANCE = 1e-7  # the least distance from the hyperplanes that makes a point an interior one


def linprog_test(forms: Forms, box: Box) -> bool:
    """Tell by scipy's linprog (HiGHS) whether all functions are positive somewhere in the box.

    It maximises the distance t from the hyperplanes; ``forms`` have gradients of length 1.
    """
    from scipy.optimize import linprog

    n = forms.shape[1] - 1
    found = linprog(
        c=np.append(np.zeros(n), -1.0),
        A_ub=np.column_stack([-forms[:, :n], np.ones(len(forms))]),
        b_ub=forms[:, n],
        bounds=[*zip(box.lower, box.upper, strict=True), (None, 1.0)],
        method="highs",
    )
    return found.status == 0 and -found.fun > TOLERANCE


def cvxpy_test(forms: Forms, box: Box) -> bool:
    """Tell the same by cvxpy and the solver that it chooses for linear programs."""
    import cvxpy as cp

    n = forms.shape[1] - 1
    x, t = cp.Variable(n), cp.Variable()
    constraints = [forms[:, :n] @ x + forms[:, n] >= t, x >= box.lower, x <= box.upper, t <= 1]
    problem = cp.Problem(cp.Maximize(t), constraints)
    problem.solve()
    return problem.status == cp.OPTIMAL and t.value > TOLERANCE


def cells(stack: LayerStack, box: Box, test: InteriorTest) -> Iterator[tuple[int, ...]]:
    """Yield the network sign vectors of all cells, in ascending order."""
    n = box.n_inputs
    yield from _descend(stack.hidden, box, test, (), np.eye(n, n + 1), np.empty((0, n + 1)))


def count(stack: LayerStack, box: Box, test: InteriorTest, most: int | None = None) -> int:
    """Count the cells; stop after ``most``, where it is given."""
    return sum(1 for _ in islice(cells(stack, box, test), most))


def _descend(
    layers: tuple[AffineMap, ...],
    box: Box,
    test: InteriorTest,
    signs: tuple[int, ...],
    incoming: Forms,
    held: Forms,
) -> Iterator[tuple[int, ...]]:
    """Yield the cells inside a layer-k cell, of ``signs``; ``layers`` are those behind it.

    ``incoming`` is a_k as functions of x, ``held`` are the cell's inequalities.
    """
    if not layers:
        yield signs
        return
    forms = layers[0].weight @ incoming
    forms[:, -1] += layers[0].bias
    for bits, inside in _arrangement(forms, box, test, (), held):
        activation = forms * np.array(bits, dtype=np.float64)[:, None]
        yield from _descend(layers[1:], box, test, signs + bits, activation, inside)


def _arrangement(
    forms: Forms, box: Box, test: InteriorTest, bits: tuple[int, ...], held: Forms
) -> Iterator[tuple[tuple[int, ...], Forms]]:
    """Yield the cells of an arrangement inside a cell, each with its inequalities."""
    if len(bits) == len(forms):
        yield bits, held
        return
    form = forms[len(bits)]
    length = float(np.linalg.norm(form[:-1]))
    if length == 0.0:  # the neuron is constant here
        yield from _arrangement(forms, box, test, (*bits, int(form[-1] > 0)), held)
        return
    for bit, side in ((0, -form / length), (1, form / length)):
        inside = np.vstack([held, side])
        if test(inside, box):
            yield from _arrangement(forms, box, test, (*bits, bit), inside)
