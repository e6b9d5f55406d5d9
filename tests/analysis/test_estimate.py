"""Forecasts: unbiased sums, calibrated intervals, exact where the tree is small."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.calibration import CellsOnly, coverage
from benchmarks.networks import network
from nnce_cli.analysis.estimate import forecast, speed
from nnce_cli.analysis.estimate.quantity import LogNormal
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, Polyhedron
from nnce_cli.enumeration import ThinnedWalk, Windows, walk_factory
from nnce_cli.enumeration.problem import Problem
from nnce_cli.network import AffineMap, LayerStack
from nnce_cli.run import Starting
from nnce_cli.table import CellTableWriter, Metadata, Output
from tests.cases import cube
from tests.collect import count, enumerate_all
from tests.strategies import examples, networks, stack_from

FOREVER = math.inf


def stages(problem):
    return int(problem.offset[-1]) + len(problem.widths)


def walked(problem, weight, quota=1 << 40, seed=0, samples=1):
    """Return a finished thinned walk."""
    walk = ThinnedWalk(problem, Windows(weight, quota), np.random.default_rng(seed), samples)
    assert walk.run(FOREVER)
    return walk


@examples(40)
@given(st.data())
def test_a_walk_that_drops_nothing_sees_the_whole_tree(data):
    stack = stack_from(data.draw(networks()))
    box = cube(stack.n_inputs, -1, 1)
    problem = Problem.of(stack, box)
    walk = walked(problem, np.ones(stages(problem)))
    assert not walk.thinned.any()
    assert walk.weighted_layer_cells.tolist() == count(stack, box)
    assert 1 + walk.weighted_splits.sum() >= walk.cells  # more where rounding let splits in


@pytest.mark.parametrize(
    ("name", "windows"), [("seeded-3-8-8-8", "grow"), ("seeded-2-16-16", "any")]
)
def test_sums_are_unbiased_whatever_the_windows(name, windows):
    """The mean of many walks is the truth within its standard error, for each layer."""
    stack, box = network(name)
    truth = np.array(count(stack, box))
    problem = Problem.of(stack, box)
    random = np.random.default_rng(7)
    n = stages(problem)
    sums = []
    for seed in range(600):
        if windows == "grow":  # all windows begin at 1 and double while the walk goes on
            weight, quota = np.ones(n), 4
        else:  # windows that have nothing to do with the tree
            weight, quota = np.exp(random.uniform(0, 5, size=n)), 1 << 40
        walk = walked(problem, weight, quota, seed)
        sums.append([*walk.weighted_layer_cells, 1 + walk.weighted_splits.sum()])
    mean, error = np.mean(sums, axis=0), np.std(sums, axis=0) / math.sqrt(len(sums))
    assert (error < 0.2 * mean).all()
    assert (np.abs(mean - np.append(truth, truth[-1])) < 4 * error + 1e-9).all()
    assert error[-1] > 0


@pytest.mark.parametrize("rows", [[], [[1.0, 1.0, 1.0], [-1.0, 0.5, 0.25]]], ids=["space", "wedge"])
def test_sums_on_polyhedra_are_unbiased(rows):
    """The stages of half-spaces, in front of all others, are nobody's business."""
    rng = np.random.default_rng(3)
    maps = [AffineMap(rng.normal(size=(8, 2)), rng.normal(size=8)),
            AffineMap(rng.normal(size=(6, 8)), rng.normal(size=6))]  # fmt: skip
    free = np.full(2, np.inf)
    halfspaces = np.array(rows).reshape(-1, 3)
    problem = Problem.of(
        LayerStack(tuple(maps), None, (2,), ""), Polyhedron(-free, free, halfspaces)
    )
    truth = walk_factory("dictionary")(problem)
    while not truth.done:
        truth.advance(1000)
    whole = walked(problem, np.ones(stages(problem)))
    assert whole.weighted_layer_cells.tolist() == truth.layer_cells
    assert 1 + whole.weighted_splits.sum() == truth.cells
    thinned = [walked(problem, np.full(stages(problem), 4.0), seed=seed) for seed in range(200)]
    sums = np.array([walk.weighted_layer_cells for walk in thinned])
    error = sums.std(axis=0, ddof=1) / np.sqrt(len(sums))
    assert (error > 0).any()
    assert (np.abs(sums.mean(axis=0) - truth.layer_cells) < 4 * error + 1e-9).all()


def test_sampled_cells_are_cells_with_equal_chances():
    """In a walk that drops nothing; in thinned ones they are cells at least."""
    stack, box = network("seeded-2-4-4")
    problem = Problem.of(stack, box)
    cells = {tuple(signs) for signs in enumerate_all(stack, box).bits.tolist()}
    drawn, thinned = Counter(), Counter()
    weight = np.ones(stages(problem))
    for seed in range(2000):
        drawn.update(map(tuple, walked(problem, weight, seed=seed).sample().tolist()))
        thinned.update(map(tuple, walked(problem, 2 * weight, seed=seed).sample().tolist()))
    assert set(drawn) == set(thinned) == cells
    expected = drawn.total() / len(cells)
    chi_squared = sum((n - expected) ** 2 / expected for n in drawn.values())
    assert chi_squared < len(cells) + 4 * math.sqrt(2 * len(cells))


def test_a_walk_stops_at_its_deadline():
    problem = Problem.of(*network("seeded-8-12-12"))
    walk = ThinnedWalk(problem, Windows(np.ones(stages(problem)), 1 << 40), np.random.default_rng())
    assert not walk.run(-math.inf)
    assert walk.run(FOREVER)


@examples(15)
@given(st.data())
def test_small_networks_come_out_exact(data):
    stack = stack_from(data.draw(networks()))
    box = cube(stack.n_inputs, -1, 1)
    result = forecast(stack, box, probes=100_000)
    assert result.complete
    truth = count(stack, box)
    assert [q.estimate for q in result.layer_cells] == truth
    assert [q.low for q in result.layer_cells] == truth
    assert [q.high for q in result.layer_cells] == truth


def test_what_is_seen_whole_is_exact_where_the_rest_is_not():
    """All 2^10 cells of the first layer are there when a stage has room for more paths."""
    study = CellsOnly(*network("seeded-16-10-10"), 0, 20_000, math.inf)
    study.probe()
    first, last = study.forecast(jobs=1).layer_cells
    assert first.is_exact
    assert first.estimate == 1024
    assert last.low < last.estimate < last.high


@pytest.mark.parametrize("name", ["seeded-3-16-16", "seeded-5-8-8-8"])
def test_the_intervals_hold_the_truth_as_often_as_they_say(name):
    stack, box = network(name)
    for layer in coverage(stack, box, count(stack, box), probes=200, runs=100):
        assert layer.given >= 90
        assert layer.share >= 0.83  # 90 of 100, less two standard deviations and a bit
        assert layer.width < 2.5


def test_few_probes_say_nothing_instead_of_something_wrong():
    """Where single paths differ by orders of magnitude there is no number, but a reason."""
    stack, box = network("seeded-10-40-40-40")
    result = forecast(stack, box, probes=20, seed=1)
    quantities = [result.cells, result.table_seconds, result.count_seconds, result.table_bytes]
    for quantity in quantities:
        assert (quantity.estimate, quantity.low, quantity.high) == (None, None, None)
        assert "vary too much" in quantity.reason
    assert "fewer than" in forecast(stack, box, probes=1).cells.reason
    too_short = forecast(stack, box, seconds=1e-4)
    assert "time ended" in too_short.cells.reason


def numbers(result):
    """Return a forecast without its times."""
    values = result.to_dict()
    return {key: value for key, value in values.items() if "seconds" not in key}


def test_the_same_seed_and_probes_give_the_same_numbers():
    stack, box = network("seeded-4-16-16")
    first, again, other = (forecast(stack, box, probes=300, seed=seed) for seed in (5, 5, 6))
    assert numbers(first) == numbers(again)
    assert numbers(first)["cells"] != numbers(other)["cells"]


def test_intervals_stay_within_what_is_certain():
    """No more cells than hyperplanes in general position make, in any run."""
    stack, box = network("seeded-2-32-32")
    most = 1 + 32 + 32 * 31 // 2
    highs = [forecast(stack, box, probes=60, seed=s).layer_cells[0].high for s in range(20)]
    assert max(high for high in highs if high is not None) <= most


def test_a_time_limit_is_enough():
    stack, box = network("seeded-8-40-40-40")
    result = forecast(stack, box, seconds=0.5, jobs=1)
    assert not result.complete
    assert result.probes > 0
    assert result.met > 0


def test_the_size_of_the_table_is_that_of_a_table(tmp_path):
    stack, box = network("seeded-4-16-16")
    result = forecast(stack, box, probes=500)
    assert not result.complete
    sizes = []
    for witness in (True, False):
        path = tmp_path / f"{witness}.parquet"
        with Output(str(path)) as output:
            writer = CellTableWriter(output, Metadata.of(stack, box, witness=witness))
            writer.write(_all_rows(stack, box, witness))
            writer.close(complete=True, certified=True, decisions={})
            output.commit()
        sizes.append(path.stat().st_size)
    cells = result.cells.estimate / count(stack, box)[-1]
    assert result.table_bytes.estimate / cells == pytest.approx(sizes[0], rel=0.15)
    assert result.table_bytes_no_witness.estimate / cells == pytest.approx(sizes[1], rel=0.5)
    assert sizes[1] < sizes[0]


def _all_rows(stack, box, witness):
    from nnce_cli.enumeration import CellBatch

    table = enumerate_all(stack, box)
    ends = np.cumsum([(n + 7) // 8 for n in stack.widths[1:]])[:-1]
    signs = [np.ascontiguousarray(part) for part in np.split(table.packed, ends, axis=1)]
    return CellBatch(signs, table.active, table.ranks, table.witness if witness else None)


def test_more_workers_take_less_time(monkeypatch):
    monkeypatch.setattr("nnce_cli.analysis.estimate.study.usable_cores", lambda: 8)
    for name in ("SECONDS_ALONE", "SMALL_RUN", "SECONDS_OF_START"):
        monkeypatch.setattr(f"nnce_cli.analysis.estimate.study.{name}", 0.0)
    study = CellsOnly(*network("seeded-3-8-8-8"), 0, 10_000, math.inf)
    study.probe()
    super(CellsOnly, study).measure_speed(study.prober.pilots(math.inf, study.clock)[1])
    alone, four, crowd = (study.forecast(jobs).count_seconds.estimate for jobs in (1, 4, 1000))
    assert alone / four == pytest.approx(4 * 0.9)
    assert alone / crowd == pytest.approx(8 * 0.9)  # no more than there are cores


def test_a_run_begins_and_walks_alone_before_workers_share(monkeypatch):
    monkeypatch.setattr("nnce_cli.analysis.estimate.study.usable_cores", lambda: 8)
    study = CellsOnly(*network("seeded-3-8-8-8"), 0, 10_000, math.inf)
    study.probe()
    super(CellsOnly, study).measure_speed(study.prober.pilots(math.inf, study.clock)[1])
    walked = study.forecast(1).count_seconds
    started = study.forecast(4, Starting(2.0, 1.0))
    assert started.count_seconds.estimate == pytest.approx(1.0 + walked.estimate)
    assert started.count_seconds.low < 1.0 + walked.low < started.count_seconds.high
    assert started.to_dict()["starting_count_seconds"] == 1.0
    long = replace(study.speed, count_seconds=study.speed.count_seconds * (10 / walked.estimate))
    study.speed = long
    (alone, four) = (study.forecast(jobs).count_seconds.estimate for jobs in (1, 4))
    assert alone == pytest.approx(10)
    assert four == pytest.approx(0.4 + 9.7 / (4 * 0.9))


def test_inputs_without_width():
    """The lines x = 1/4 and y = 1/2 cut the segment x = 0 once and the point (0, 0) never."""
    stack = stack_from([[[4, 0, -1], [0, 2, -1]]])
    for upper, cells in (([0.0, 1.0], 2), ([0.0, 0.0], 1)):
        result = forecast(stack, Box(np.zeros(2), np.array(upper)), probes=10)
        assert result.cells.estimate == cells
        assert result.complete


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0}, {"seconds": math.nan}, {"probes": 0}, {"jobs": 0}, {"seed": -1}]
)
def test_arguments_out_of_range(wrong):
    stack = LayerStack((AffineMap(np.eye(2), np.zeros(2)),), None, (1, 2), "")
    with pytest.raises(InputError):
        forecast(stack, cube(2, -1, 1), **wrong)


def test_intervals_of_normal_means_are_students():
    """Of nearly equal numbers: the mean and 1.833 standard errors for ten, 1.645 for many."""
    values = 1000.0 + np.arange(10) % 2
    error = values.std(ddof=1) / math.sqrt(10)
    low, high = LogNormal.of(values).interval()
    assert (high - low) / 2 == pytest.approx(1.8331 * error, rel=1e-3)
    low, high = LogNormal(1.0, 1e-4).interval()
    assert (high - low) / 2 == pytest.approx(1.6449e-4, rel=1e-3)
    assert LogNormal(7.0, 0.0).interval() == (7.0, 7.0)


@pytest.mark.parametrize("sigma", [0.2, 0.5, 0.7])
def test_intervals_of_skewed_means_hold_their_expectation(sigma):
    random = np.random.default_rng(0)
    trials, held = 4000, 0
    for values in random.lognormal(-(sigma**2) / 2, sigma, size=(trials, 10)):
        low, high = LogNormal.of(values).interval()
        held += low <= 1.0 <= high
    assert held / trials == pytest.approx(0.9, abs=0.03)


def test_agreement_by_chance_is_not_certainty():
    equal = np.full(10, 1029.0)
    assert LogNormal.of(equal).interval() == (1029.0, 1029.0)
    low, high = LogNormal.of(equal, step=0.1).interval()
    assert low < 1024 < high


@pytest.mark.parametrize(("widths", "method"), [((2, 12, 12), "vertex"), ((5, 6, 6), "dictionary")])
def test_speeds_are_those_of_the_method_that_enumerates(widths, method, monkeypatch):
    asked = []
    factory = speed.walk_factory
    monkeypatch.setattr(speed, "walk_factory", lambda name: asked.append(name) or factory(name))
    stack, box = network("seeded-" + "-".join(map(str, widths)))
    assert forecast(stack, box, probes=400).count_seconds.estimate > 0
    assert set(asked) == {method}
