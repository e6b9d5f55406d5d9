"""All methods and linear programming back ends give the same table."""

from __future__ import annotations

import tracemalloc
from functools import cache
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.networks import network
from nnce_cli.base.bits import unpack_layers
from nnce_cli.base.errors import InputError
from nnce_cli.domain import fix_inputs
from nnce_cli.enumeration import (
    METHODS,
    WHOLE,
    Problem,
    batches,
    choose,
    method,
    walk_factory,
)
from nnce_cli.enumeration.layerwise import LayerWise, back_end
from nnce_cli.enumeration.layerwise.lp import Solution
from nnce_cli.network import load_network
from tests.cases import FOLDER, cube, known_cases, needs_cases
from tests.collect import enumerate_all
from tests.enumeration.test_subtree import random_stack
from tests.oracles.naive import cell_at
from tests.oracles.ppl import exact_cells
from tests.strategies import boxes, examples, layer_rows, networks, stack_from
from tests.thin_cells import holds_no_float

LAYER_WISE = [name for name, found in METHODS.items() if found.layer_wise]
BACK_ENDS = ["dictionary", "highs", "cvxpy:CLARABEL", "cvxpy:SCIPY"]
PAIRS = [(name, lp) for name in LAYER_WISE for lp in BACK_ENDS]
SMALL = [(2, 4), (3, 5), (4, 4), (1, 3, 3), (2, 4, 3), (3, 4, 4), (2, 3, 2, 3), (5, 3, 3)]


def finish(walk) -> list:
    return list(batches(walk))


def bits_of(found, widths) -> np.ndarray:
    """Return the signs (rows, N) of batches."""
    layers = [np.concatenate(parts) for parts in zip(*(b.signs for b in found), strict=True)]
    return unpack_layers(layers, widths[1:])


def check_against_oracle(stack, box, name, lp):
    cells = exact_cells(stack, box)
    walk = walk_factory(name, lp)(Problem.of(stack, box))
    found = finish(walk)
    assert walk.done
    bits = bits_of(found, stack.widths)
    assert list(map(tuple, bits.tolist())) == cells.signs
    assert walk.layer_cells == cells.layer_cells
    ranks = np.concatenate([b.ranks for b in found])
    assert list(map(tuple, ranks.tolist())) == cells.ranks
    starts = np.concatenate([[0], np.cumsum(stack.widths[1:])])
    active = np.concatenate([b.active for b in found])
    assert np.array_equal(active, np.add.reduceat(bits, starts[:-1], axis=1))
    check_witnesses(stack, box, cells.signs, np.concatenate([b.witness for b in found]))


def check_witnesses(stack, box, signs, witnesses):
    reduced, small, free = fix_inputs(stack, box)
    for bits, point in zip(signs, witnesses[:, free], strict=True):
        inside = np.all((small.lower < point) & (point < small.upper))
        found = cell_at(reduced, point)
        strictly = inside and found is not None and found.signs == bits
        assert strictly or holds_no_float(reduced, small, bits, point.tolist())


@pytest.mark.parametrize(("name", "lp"), PAIRS)
@examples(12)
@given(data=st.data())
def test_rows_are_the_cells_of_exact_polyhedra(name, lp, data):
    stack = stack_from(data.draw(networks(SMALL)))
    check_against_oracle(stack, data.draw(boxes(stack.n_inputs, fixed=True)), name, lp)


@pytest.mark.parametrize("name", LAYER_WISE)
@examples(60)
@given(data=st.data())
def test_more_rows_are_the_cells_of_exact_polyhedra(name, data):
    stack = stack_from(data.draw(networks(SMALL)))
    check_against_oracle(stack, data.draw(boxes(stack.n_inputs)), name, "dictionary")


@pytest.mark.parametrize("name", ["incremental", "reverse-search"])
@pytest.mark.parametrize(("shape", "seed"), [((2, 8, 8), 351), ((2, 12, 6), 295)])
def test_thin_cells(shape, seed, name):
    """Cells about 1e-12 thick: all are there, with a float64 point where there is one."""
    random = Random(seed)
    stack = stack_from([layer_rows(random, n_in, width) for n_in, width in pairwise(shape)])
    box = cube(stack.n_inputs, -1, 2)
    expected = enumerate_all(stack, box)
    found = finish(walk_factory(name)(Problem.of(stack, box)))
    bits = bits_of(found, stack.widths)
    assert np.array_equal(bits, expected.bits)
    witnesses = np.concatenate([b.witness for b in found])
    check_witnesses(stack, box, map(tuple, bits.tolist()), witnesses)


def pieces(make, problem, budget, subtree=WHOLE, **options):
    """Walk a subtree in pieces; return its rows, its layer cells and its number of walks."""
    walk = make(problem, subtree, **options)
    rows = [np.concatenate(b.signs, axis=1) for b in batches(walk, budget)]
    assert budget is None or walk.nodes <= budget
    rest = [] if walk.done else walk.rest()
    cells, walks = np.array(walk.layer_cells), 1
    for part in rest:
        more, more_cells, n = pieces(make, problem, budget, part, **options)
        rows.append(more)
        cells, walks = cells + more_cells, walks + n
    return np.concatenate(rows), cells, walks


@pytest.mark.parametrize("name", LAYER_WISE)
@examples(15)
@given(data=st.data())
def test_pieces_make_the_whole(name, data):
    stack = stack_from(data.draw(networks(SMALL)))
    problem = Problem.of(stack, cube(stack.n_inputs, -1, 1))
    make = walk_factory(name)
    whole, cells, _ = pieces(walk_factory("dictionary"), problem, None)
    budget = data.draw(st.integers(1, 9))
    rows, their_cells, _ = pieces(make, problem, budget)
    assert np.array_equal(rows, whole)
    assert np.array_equal(their_cells, cells)
    _, counted, walks = pieces(make, problem, budget, rows=False)
    assert np.array_equal(counted, cells)
    assert walks > len(whole) / (2 * budget) - 1


@pytest.mark.parametrize("name", LAYER_WISE)
@examples(10)
@given(data=st.data())
def test_methods_take_each_others_leftovers(name, data):
    stack = stack_from(data.draw(networks(SMALL)))
    problem = Problem.of(stack, cube(stack.n_inputs, -1, 1))
    whole, cells, _ = pieces(walk_factory("dictionary"), problem, None)
    for first, second in (("dictionary", name), (name, "dictionary")):
        walk = walk_factory(first)(problem)
        rows = [np.concatenate(b.signs, axis=1) for b in batches(walk, 5)]
        found = np.array(walk.layer_cells)
        for part in [] if walk.done else walk.rest():
            more, more_cells, _ = pieces(walk_factory(second), problem, None, part)
            rows.append(more)
            found = found + more_cells
        assert np.array_equal(np.concatenate(rows), whole)
        assert np.array_equal(found, cells)


@pytest.mark.parametrize("name", LAYER_WISE)
@examples(15)
@given(data=st.data())
def test_a_count_that_is_cut_short_can_be_finished(name, data):
    """Stopped between batches, without a budget: what is not kept is not counted."""
    stack = stack_from(data.draw(networks(SMALL)))
    problem = Problem.of(stack, cube(stack.n_inputs, -1, 1))
    expected = walk_factory("dictionary")(problem, rows=False)
    finish(expected)
    walk = walk_factory(name)(problem, rows=False)
    stop = data.draw(st.integers(0, 30))
    with pytest.MonkeyPatch.context() as patch:
        a_step_a_batch = ("nnce_cli.enumeration.layerwise.walk.SECONDS_PER_ADVANCE", 0.0)
        patch.setattr(*a_step_a_batch)
        for k, _ in enumerate(batches(walk)):
            if k >= stop:
                break
    total = np.zeros(len(walk.layer_cells), dtype=int)
    rest = [] if walk.done else walk.rest()
    total += walk.layer_cells
    for part in rest:
        more = walk_factory(name)(problem, part, rows=False)
        finish(more)
        total += more.layer_cells
    assert total.tolist() == expected.layer_cells


@pytest.mark.parametrize("name", LAYER_WISE)
def test_a_walk_goes_on_where_its_budget_ended(name):
    stack = stack_from([[[3, 1, 1], [-1, 2, 1], [1, 1, -1]], [[1, -1, 2, -1], [2, 1, -1, -1]]])
    problem = Problem.of(stack, cube(2, -2, 2))
    whole, cells, _ = pieces(walk_factory("dictionary"), problem, None)
    walk = walk_factory(name)(problem)
    rows = []
    while not walk.done:
        before = walk.nodes
        rows += [np.concatenate(b.signs, axis=1) for b in batches(walk, 2)]
        assert walk.nodes <= before + 2
    assert np.array_equal(np.concatenate(rows), whole)
    assert walk.layer_cells == cells.tolist()
    assert walk.share == pytest.approx(1.0)


def test_shares_of_pieces_add_up():
    stack = stack_from([[[3, 1, 1], [-1, 2, 1], [1, 1, -1]], [[1, -1, 2, -1], [2, 1, -1, -1]]])
    problem = Problem.of(stack, cube(2, -2, 2))
    make = walk_factory("incremental")
    walk = make(problem)
    list(batches(walk, 6))
    total = walk.share
    for part in walk.rest():
        more = make(problem, part)
        finish(more)
        total += more.share
    assert total == pytest.approx(1.0, abs=1e-12)


class Liar:
    """A back end whose answers are wrong in a chosen way."""

    def __init__(self, kind):
        self.kind, self.honest, self.calls = kind, back_end("dictionary"), 0

    def minimise(self, cost, rows):
        found = self.honest.minimise(cost, rows)
        self.calls += 1
        if found is None or self.kind == "gives up":
            return None
        if self.kind == "zero":
            return Solution(np.zeros(cost.size), np.zeros(len(rows)))
        if self.kind == "ones":
            return Solution(np.ones(cost.size), np.ones(len(rows)))
        if self.kind == "nan":
            return Solution(found.point, np.full(len(rows), np.nan))
        if self.kind == "the other way":
            return Solution(1 - found.point, -found.multipliers)
        return Solution(found.point, found.multipliers * 1.001)  # "nearly"


@pytest.mark.parametrize("kind", ["gives up", "zero", "ones", "nan", "the other way", "nearly"])
@pytest.mark.parametrize("name", LAYER_WISE)
@examples(6)
@given(data=st.data())
def test_a_wrong_solver_costs_time_and_no_cell(name, kind, data):
    stack = stack_from(data.draw(networks([(2, 4), (2, 3, 3), (3, 3, 2)])))
    box = data.draw(boxes(stack.n_inputs))
    walk = walk_factory(name)(Problem.of(stack, box))
    walk._geometry._solver = Liar(kind)
    found = finish(walk)
    assert list(map(tuple, bits_of(found, stack.widths).tolist())) == exact_cells(stack, box).signs
    assert walk._geometry._solver.calls > 0


class Moody:
    """A back end that gives right answers, but not always the same ones."""

    def __init__(self, seed):
        self.honest, self.rng = back_end("dictionary"), np.random.default_rng(seed)

    def minimise(self, cost, rows):
        found = self.honest.minimise(cost, rows)
        if found is None:
            return None
        u = found.point.copy()
        u[:-1] += self.rng.normal(0, 0.02, size=u.size - 1)
        return Solution(np.clip(u, 0, 1), found.multipliers)


def test_reverse_search_finds_out_where_answers_differ():
    """It never gives a wrong count: it finds all cells all the same, or says that it did not."""
    problem = Problem.of(*network("seeded-3-8-8"))
    expected = walk_factory("dictionary")(problem, rows=False)
    finish(expected)
    refused = 0
    for seed in range(6):
        walk = walk_factory("reverse-search")(problem, rows=False)
        walk._geometry._solver = Moody(seed)
        try:
            finish(walk)
        except InputError:
            refused += 1
        else:
            assert walk.layer_cells == expected.layer_cells
    assert refused


@pytest.mark.parametrize("name", LAYER_WISE)
def test_weights_at_the_ends_of_the_float_range(name):
    rows = [[[1e300, 1e300, 1e299], [1e-300, -1e-300, 0.0]], [[1e-290, 1e300, -1.0]]]
    stack = stack_from(rows)
    check_against_oracle(stack, cube(2, -1e3, 1e3), name, "highs")


@pytest.mark.parametrize("name", LAYER_WISE)
def test_all_inputs_fixed(name):
    stack = stack_from([[[1, 1], [0, 0], [-1, 1]]])
    check_against_oracle(stack, cube(1, 2, 2), name, "highs")


def test_uncertified_walks_find_generic_cells():
    stack = stack_from([[[3, 1, 1], [-1, 2, 1], [1, 1, -1]], [[1, -1, 2, -1], [2, 1, -1, -1]]])
    problem = Problem.of(stack, cube(2, -2, 2))
    expected = walk_factory("dictionary")(problem, rows=False)
    finish(expected)
    for name in LAYER_WISE:
        walk = walk_factory(name, "highs")(problem, rows=False, certify=False)
        finish(walk)
        assert walk.layer_cells == expected.layer_cells


# The known cases.


@cache
def problem_of(folder: str, name: str) -> Problem:
    stack = load_network(FOLDER / folder / f"{name}.onnx")
    return Problem.of(stack, cube(stack.n_inputs, *known_cases(folder)[name]["box"]))


def cases(most: int, least: int = 0) -> list[tuple[str, str]]:
    return [
        (folder, name)
        for folder in ("degenerate", "random")
        for name, entry in known_cases(folder).items()
        if least < entry["layer_cells"][-1] <= most
    ]


def check_case(folder, name, chosen, lp):
    problem = problem_of(folder, name)
    walk = walk_factory(chosen, lp)(problem)
    found = finish(walk)
    assert walk.layer_cells == known_cases(folder)[name]["layer_cells"]
    rows = np.concatenate([np.concatenate(b.signs, axis=1) for b in found])
    expected = walk_factory("dictionary")(problem)
    theirs = [np.concatenate(b.signs, axis=1) for b in batches(expected)]
    assert np.array_equal(rows, np.concatenate(theirs))


def fits(folder: str, name: str, chosen: str) -> bool:
    widest = METHODS[chosen].widest
    return widest is None or max(known_cases(folder)[name]["widths"][1:]) <= widest


@needs_cases
@pytest.mark.parametrize("chosen", LAYER_WISE)
@pytest.mark.parametrize("name", ["zero-bias-2-8-8", "sliver-40", "tent-4", "integer-2-5-5-5"])
def test_known_cases(name, chosen):
    check_case("degenerate", name, chosen, "highs")


@needs_cases
@pytest.mark.slow
@pytest.mark.parametrize("lp", BACK_ENDS)
@pytest.mark.parametrize("chosen", LAYER_WISE)
@pytest.mark.parametrize(("folder", "name"), cases(600))
def test_all_methods_and_back_ends_agree(folder, name, chosen, lp):
    if not fits(folder, name, chosen):
        pytest.skip("too wide for the exhaustive method")
    check_case(folder, name, chosen, lp)


@needs_cases
@pytest.mark.slow
@pytest.mark.parametrize("lp", BACK_ENDS[:2])
@pytest.mark.parametrize("chosen", LAYER_WISE)
@pytest.mark.parametrize(("folder", "name"), cases(20_000, least=600))
def test_all_methods_agree_on_larger_networks(folder, name, chosen, lp):
    if not fits(folder, name, chosen):
        pytest.skip("too wide for the exhaustive method")
    check_case(folder, name, chosen, lp)


@needs_cases
def test_memory_of_reverse_search_does_not_grow_with_the_cells(monkeypatch):
    """A walk that only counts, watched from its first cell to its 800th.

    A cell takes about 2 kB as long as it is held, so the last 600 of them could not hide. What
    grows until the walk has been at the bottom of its tree once is the stack.
    """
    monkeypatch.setattr("nnce_cli.exact.pullback.CACHED_CELLS", 4)  # or it would still fill up
    problem = problem_of("random", "random-6-16-16")
    walk = walk_factory("reverse-search")(problem, rows=False, witness=False)
    steps = batches(walk)
    early = late = 0
    tracemalloc.start()
    while walk.cells < 800:
        next(steps)
        memory = tracemalloc.get_traced_memory()[0]
        early, late = (max(early, memory), 0) if walk.cells < 200 else (early, max(late, memory))
    tracemalloc.stop()
    assert early < late < early + 300_000


# The registry.


def test_what_does_not_exist_is_refused():
    with pytest.raises(InputError, match="nnce methods"):
        method("magic")
    with pytest.raises(InputError, match="back end 'gurobi'"):
        walk_factory("incremental", "gurobi")
    with pytest.raises(InputError, match="finds no solver 'NONE'"):
        walk_factory("incremental", "cvxpy:NONE")
    with pytest.raises(InputError, match="takes no --lp highs"):
        walk_factory("dictionary", "highs")


def test_proofs_and_wide_layers_are_refused():
    stack = stack_from([[[1, k] for k in range(13)]])
    problem = Problem.of(stack, cube(1, -1, 1))
    with pytest.raises(InputError, match="2\\^13"):
        walk_factory("exhaustive")(problem)
    with pytest.raises(InputError, match="--proof"):
        walk_factory("incremental")(problem, log=True)


def test_the_image_is_a_method_of_its_own_and_what_the_dictionary_takes():
    many = Problem.of(random_stack([40, 5, 5], seed=3), cube(40, -1, 1))
    by_name, by_itself = walk_factory("image")(many), walk_factory("dictionary")(many)
    assert type(by_name) is type(by_itself)
    one, other = finish(by_name), finish(by_itself)
    assert np.array_equal(bits_of(one, many.stack.widths), bits_of(other, many.stack.widths))
    over_inputs = walk_factory("dictionary")(many, log=True)
    assert type(over_inputs) is not type(by_name)
    finish(over_inputs)
    assert over_inputs.layer_cells == by_name.layer_cells
    with pytest.raises(InputError, match="--proof"):
        walk_factory("image")(many, log=True)
    few = Problem.of(random_stack([3, 5], seed=3), cube(3, -1, 1))
    with pytest.raises(InputError, match="choose the method dictionary"):
        walk_factory("image")(few)


def test_auto_is_a_method_of_the_registry():
    problem = Problem.of(stack_from([[[1, 0]]]), cube(1, -1, 1))
    name, reason = choose(problem)
    assert name in METHODS
    assert reason
    assert not isinstance(walk_factory(name)(problem), LayerWise)
