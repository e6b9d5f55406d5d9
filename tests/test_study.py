"""The study: its statistics by hand, its restart, and a page that holds what was measured."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import Future
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

import onnx
from scipy import stats as scipy_stats
from scipy.optimize import curve_fit

from experiments import study
from experiments.commands import CommandError, nnce
from experiments.data import bounds, inputs, write_model
from experiments.findings import SECTIONS, page, write_findings
from experiments.measure import correlation_ratio
from experiments.plan import (
    AVERAGE_POOLING,
    CIRCLES,
    MAX_FIRST,
    MAX_POOLING,
    MOONS,
    PIXELS,
    PLAIN,
    SKIP,
    STRIDES,
    Network,
    Plan,
    Training,
    full,
    small,
)
from experiments.results import Results
from experiments.sections.found import NETWORKS, TABLES, Found
from experiments.sections.words import decimals
from experiments.statistics import (
    correlation_along,
    correlation_within,
    power_law,
    rank_correlation,
    ratio_of_means,
    ratio_of_pairs,
)
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box
from nnce_cli.network import load_network
from sample_models.train import accuracy
from tests.collect import enumerate_all

ROOT = Path(__file__).resolve().parents[1]


# ---- statistics


def test_rank_correlation_by_hand():
    """Spearman's 1 - 6 Σd² / (n (n² - 1)): ranks 1 2 3 4 5 against 2 1 4 3 5, Σd² = 4."""
    pairs = [(10, 0.2), (20, 0.1), (40, 0.4), (80, 0.3), (1000, 0.5)]
    assert rank_correlation([pairs]).value == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert correlation_within([pairs]).value == pytest.approx(0.8)


def test_rank_correlation_with_ties_is_that_of_scipy():
    generator = np.random.default_rng(1)
    groups = [generator.integers(0, 5, (n, 2)).tolist() for n in (4, 7, 9)]
    together = np.concatenate(groups)
    expected = scipy_stats.spearmanr(together[:, 0], together[:, 1]).statistic
    found = rank_correlation(groups)
    assert found.value == pytest.approx(expected)
    assert found.low <= found.value <= found.high
    assert found.n == 20


def test_what_differs_from_group_to_group_has_no_part_in_the_correlation_within():
    """Each group falls; all together rise (Simpson's paradox)."""
    groups = [[(x + 10 * g, 10 * g - x) for x in range(5)] for g in range(4)]
    assert rank_correlation(groups).value > 0.8
    for within in (correlation_within(groups), correlation_along(groups)):
        assert within.value == pytest.approx(-1)
        assert within.high == pytest.approx(-1)
    shifted = [[(1000 * x + g, y) for x, y in group] for g, group in enumerate(groups)]
    assert correlation_within(shifted).value == pytest.approx(-1)


def test_one_group_within_is_spearman():
    pairs = np.random.default_rng(2).normal(size=(30, 2))
    expected = scipy_stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic
    assert correlation_within([pairs.tolist()]).value == pytest.approx(expected)


def test_no_correlation_where_nothing_varies():
    constant = [[(1, 0.5), (1, 0.6)], [(2, 0.5), (2, 0.7)]]
    assert correlation_within(constant) is None
    assert correlation_along(constant) is None
    assert rank_correlation([[(1, 0.5), (1, 0.6)]]) is None
    assert correlation_within([]) is None


@pytest.mark.parametrize(("find", "trials"), [(rank_correlation, 15), (correlation_within, 60)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(find, trials):
    """Spearman's ρ of normal pairs of correlation r is (6 / π) asin(r / 2) (Pearson 1907)."""
    r, generator, held = 0.6, np.random.default_rng(3), 0
    truth = 6 / math.pi * math.asin(r / 2)
    for _ in range(trials):
        x, noise = generator.normal(size=(2, 40))
        pairs = np.stack([x, r * x + math.sqrt(1 - r * r) * noise], axis=1).tolist()
        # One group of pairs, or a group for each pair: both draw pairs anew.
        found = find([pairs]) if find is correlation_within else find([[pair] for pair in pairs])
        held += found.low <= truth <= found.high
    assert held >= 0.85 * trials


def test_power_law_is_found_again():
    """Two groups of one start, one slope and factors of their own, without errors."""
    cells = np.array([1e3, 1e4, 1e5, 1e6])
    groups = [
        np.stack([cells, 2 + factor * (cells / 1e5) ** 0.9], axis=1).tolist()
        for factor in (0.5, 3.0)
    ]
    law = power_law(groups)
    assert law.start == pytest.approx(2)
    assert law.slope.value == pytest.approx(0.9)
    assert law.factors == pytest.approx([0.5, 3])
    assert law.spread == pytest.approx(0, abs=1e-6)
    assert law.at(1e6, 1) == pytest.approx(2 + 3 * 10**0.9)


def test_power_law_with_errors_is_that_of_curve_fit():
    generator = np.random.default_rng(5)
    cells = generator.uniform(3, 6.5, 40)
    logs = np.log(1.5 + 0.7 * 10 ** (1.1 * (cells - 5))) + generator.normal(0, 0.1, 40)

    def model(x, start, slope, factor):
        return np.log(start + factor * 10 ** (slope * (x - 5)))

    found, covariance = curve_fit(model, cells, logs, p0=(1, 1, 1))
    law = power_law([np.stack([10**cells, np.exp(logs)], axis=1).tolist()])
    reach = scipy_stats.t.ppf(0.975, 37) * math.sqrt(covariance[1, 1])
    assert (law.start, law.slope.value, *law.factors) == pytest.approx(tuple(found), rel=1e-4)
    assert law.slope.high - law.slope.value == pytest.approx(reach, rel=1e-3)


def test_no_power_law_where_the_pairs_do_not_tell():
    assert power_law([[(10, 1), (100, 2), (1000, 3)]]) is None
    assert power_law([[(10, 1.0)] * 9]) is None
    assert power_law([[(10, 1.0)] * 9, []]) is None


def test_ratio_of_means_by_hand():
    """Means of logarithms 2 and 1, equal variances 1 of 3: t with 4 degrees of freedom."""
    ratio = ratio_of_means([math.e, math.e**2, math.e**3], [1, math.e, math.e**2])
    reach = 2.776445 * math.sqrt(2 / 3)
    assert ratio.value == pytest.approx(math.e)
    assert (ratio.low, ratio.high) == pytest.approx(
        (math.exp(1 - reach), math.exp(1 + reach)), rel=1e-6
    )
    assert ratio_of_means([1, 1], [2, 2]) is None
    assert ratio_of_means([1], [2, 3]) is None


def test_ratio_of_pairs_by_hand():
    """Logarithms of the ratios 0, 1 and 2: mean 1, variance 1, t with 2 degrees of freedom."""
    ratio = ratio_of_pairs([5, 7 * math.e, math.e**2], [5, 7, 1])
    reach = 4.302653 / math.sqrt(3)
    assert ratio.value == pytest.approx(math.e)
    assert (ratio.low, ratio.high) == pytest.approx(
        (math.exp(1 - reach), math.exp(1 + reach)), rel=1e-6
    )
    assert ratio_of_pairs([2, 4], [1, 2]) is None
    assert ratio_of_pairs([2], [1]) is None


def test_correlation_ratio_by_hand():
    """Classes 0: 1, 3; 1: 5, 7. Means 2 and 6 about 4: between 16, within 4."""
    assert correlation_ratio(np.array([0, 1, 0, 1]), np.array([1.0, 5, 3, 7])) == 0.8
    assert correlation_ratio(np.array([0, 1]), np.array([2.0, 2.0])) is None


# ---- networks and records


@pytest.mark.parametrize("plan", [full(), small()])
def test_a_plan_has_what_the_study_compares(plan):
    names = [network.name for network in plan.networks]
    assert len(set(names)) == len(names)
    shapes = Counter(
        (each.data, sum(each.hidden), len(each.hidden)) for each in plan.networks if each.seed == 0
    )
    pairs = [(data, n) for data, n, depth in shapes if depth == 2 and (data, n, 3) in shapes]
    assert {data for data, _ in pairs} == {each.data for each in plan.networks}
    narrow = [each for each in plan.networks if each.data == "pixels"]
    assert narrow
    assert all(each.hidden[0] < 64 for each in narrow)
    wide = [each for each in plan.networks if each.data != "pixels"]
    assert all(each.hidden[0] >= int(each.data.split("-")[1]) for each in wide)


@pytest.mark.parametrize("plan", [full(), small()])
def test_trainings_come_in_comparable_sets(plan):
    """Each network with skip connections has a plain twin, and each way of pooling all others."""
    trainings = (*plan.boxes, *plan.planes, *plan.boundaries)
    assert len({each.name for each in trainings}) == len(trainings)
    assert all(each.moments[0] == 0 for each in trainings)
    skips = {replace(each, kind=PLAIN) for each in plan.boxes if each.kind == SKIP}
    assert skips
    assert skips <= set(plan.boxes)
    ways = {kind: set() for kind in (MAX_POOLING, MAX_FIRST, AVERAGE_POOLING, STRIDES)}
    for each in plan.planes:
        ways[each.kind].add(replace(each, kind=""))
    assert len({frozenset(group) for group in ways.values()}) == 1


def test_the_full_plan_has_enough_seeds():
    plan = full()
    seeds = Counter((each.data, each.hidden) for each in plan.networks if each.epochs == 200)
    assert min(seeds.values()) >= 5
    trainings = (*plan.boxes, *plan.planes, *plan.boundaries)
    assert min(Counter((each.data, each.kind, each.hidden) for each in trainings).values()) >= 4


def test_the_box_holds_all_samples_and_some_pixels_do_not_vary():
    box, samples = bounds("pixels"), inputs("pixels")
    points = np.concatenate([samples.train, samples.test])
    assert len(points) == 1797
    assert ((box[:, 0] <= points) & (points <= box[:, 1])).all()
    constant = [i for i in range(64) if len(np.unique(points[:, i])) == 1]
    assert constant
    assert np.flatnonzero(box[:, 0] == box[:, 1]).tolist() == constant


def test_longer_training_goes_on_from_shorter(tmp_path):
    """A network at three epochs is that of one epoch, trained on: the seeds are the same."""
    early, again, late = (
        onnx.load(write_model(Network("components-4", (4, 4), 0, epochs), tmp_path / name))
        for name, epochs in (("a", 1), ("b", 1), ("c", 2))
        if (tmp_path / name).mkdir() is None
    )
    assert early == again
    assert early != late


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


TINY = Plan(
    networks=(
        *(Network("pixels", (3, 3), seed) for seed in range(2)),
        *(
            Network("components-2", hidden, seed)
            for hidden in ((4, 4), (3, 3, 2))
            for seed in (0, 1)
        ),
        Network("components-2", (4, 4), 0, 2),
    ),
    parallel=(Network("components-2", (4, 4), 0),),
    rounds=1,
    boxes=tuple(Training("components-2", kind, (3, 3, 3), 0, (0, 2)) for kind in (PLAIN, SKIP)),
    planes=tuple(
        Training(PIXELS, kind, (1, 3), 0, (0, 1))
        for kind in (MAX_POOLING, MAX_FIRST, AVERAGE_POOLING, STRIDES)
    ),
    boundaries=(Training(CIRCLES, PLAIN, (3, 3), 0, (0, 5)),),
)


@pytest.fixture(scope="module")
def done(folder):
    """Return the folder of a tiny study that was done in two steps, and its results."""
    part = Plan(TINY.networks[:3], (), 1)
    study.run(part, folder, folder / "published")
    before = (folder / NETWORKS).read_text().splitlines()
    study.run(TINY, folder, folder / "published")
    after = (folder / NETWORKS).read_text().splitlines()
    assert after[: len(before)] == before, "what was done is not done again"
    return folder, Found.read(folder / "published")


@pytest.mark.slow
def test_a_second_study_measures_nothing(done, monkeypatch):
    folder, _ = done
    before = [(folder / name).stat().st_mtime_ns for name in TABLES]
    for name in ("ProcessPoolExecutor", "measure_parallel"):
        monkeypatch.setattr(study, name, None)
    study.run(TINY, folder, folder / "published")
    assert [(folder / name).stat().st_mtime_ns for name in TABLES] == before


@pytest.mark.slow
def test_the_page_of_a_real_study(done, tmp_path):
    folder, found = done
    text = write_findings(folder / "published", tmp_path).read_text(encoding="utf-8")
    total = sum(each["cells"] for each in found.networks)
    assert f"{total:,} cells in all" in text


@pytest.mark.slow
def test_records_against_the_exact_enumeration_of_this_process(done):
    folder, found = done
    assert [each["name"] for each in found.networks] == [each.name for each in TINY.networks]
    for network, record in zip(TINY.networks, found.networks, strict=True):
        model = folder / "models" / f"{network.name}.onnx"
        stack, box = load_network(model), bounds(network.data)
        table = enumerate_all(stack, Box(*box.T.copy()))
        assert record["cells"] == len(table.signs())
        assert record["digest"] == stack.digest
        assert record["test_accuracy"] == accuracy(model, inputs(network.data))
        sizes = [len(box), *network.hidden, 10]
        counted = sum((m + 1) * n for m, n in pairwise(sizes))
        assert record["parameters"] == counted
        first = Counter(bits[: network.hidden[0]] for bits in table.signs())
        assert record["largest_subtree"] == max(first.values())
        assert record["layer_cells"][0] == len(first)
        check_sub_cells(record, table, network.hidden)


def check_sub_cells(record, table, hidden):
    """Count the layer-2 cells in each layer-1 cell from the sign vectors."""
    inside, ranks = {}, {}
    for bits, rank in zip(table.signs(), table.ranks, strict=True):
        outer = bits[: hidden[0]]
        inside.setdefault(outer, set()).add(bits[: hidden[0] + hidden[1]])
        ranks[outer] = int(rank[0])
    of_rank = {}
    for outer, inner in inside.items():
        of_rank.setdefault(ranks[outer], []).append(len(inner))
    layer = record["sub_cells_by_rank"][0]
    assert {int(rank): sub["cells"] for rank, sub in layer.items()} == {
        rank: len(counts) for rank, counts in of_rank.items()
    }
    for rank, counts in of_rank.items():
        sub = layer[str(rank)]
        assert (sub["mean"], sub["max"]) == (pytest.approx(np.mean(counts)), max(counts))
        assert sub["bound"] == sum(math.comb(hidden[1], i) for i in range(rank + 1))


# ---- restart


def test_a_record_is_there_whole_or_not_at_all(tmp_path):
    """A process that dies while it writes its second record leaves the first one."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from experiments.results import Results\n"
        "results = Results(Path('r.jsonl'))\n"
        "results.add({'name': 'first', 'cells': 1})\n"
        "os.replace = os.rename = lambda *_: os._exit(9)\n"
        "results.add({'name': 'second', 'cells': 2})\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=False)
    assert run.returncode == 9
    assert len(list(tmp_path.iterdir())) == 2, "a temporary file is left"
    assert [each["name"] for each in Results(tmp_path / "r.jsonl").records()] == ["first"]


@pytest.mark.parametrize("line", ['{"name": "a", "cel', "[1]", '{"cells": 1}', ""])
def test_what_is_no_record_is_refused(tmp_path, line):
    path = tmp_path / "r.jsonl"
    path.write_text('{"name": "first"}\n' + line + "\n")
    with pytest.raises(InputError, match=r"r\.jsonl, line 2"):
        Results(path)


def test_a_run_that_is_not_certified_is_no_result():
    model = ROOT / "sample_models" / "hand-made.onnx"
    assert nnce("enumerate", model, "--count-only").said["cells"] == 28
    with pytest.raises(CommandError, match="exit code 1 of "):
        nnce("enumerate", model, "--count-only", "--no-certify")
    with pytest.raises(CommandError, match=r"exit code 2 of .*missing\.onnx"):
        nnce("enumerate", ROOT / "missing.onnx")


def test_a_study_that_was_stopped_goes_on(tmp_path, monkeypatch):
    """One network ends with an error; the second call measures it and what comes after it."""
    calls = []

    def measured(network, models):
        calls.append(network.name)
        if network.seed == 1 and calls.count(network.name) == 1:
            raise RuntimeError("killed")
        return {"name": network.name, "cells": 5, "processor_seconds": 1.0, "test_accuracy": 0.5}

    monkeypatch.setattr(study, "measure", measured)
    monkeypatch.setattr(study, "ProcessPoolExecutor", InThisProcess)
    monkeypatch.setattr(study, "as_completed", lambda running: running)
    plan = Plan(tuple(Network("pixels", (3, 3), seed) for seed in range(3)), (), 1)
    with pytest.raises(RuntimeError, match="killed"):
        study.run(plan, tmp_path, tmp_path / "published")
    assert len(Results(tmp_path / NETWORKS).records()) == 1
    assert not (tmp_path / "published" / NETWORKS).exists()
    study.run(plan, tmp_path, tmp_path / "published")
    names = [network.name for network in plan.networks]
    assert Counter(calls)[names[0]] == 1
    found = Results(tmp_path / "published" / NETWORKS).records()
    assert [each["name"] for each in found] == names


class InThisProcess:
    """A pool that does each task when it is asked for."""

    def __init__(self, *_, **__) -> None:
        self.shutdown = lambda **_: None

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        pass

    def submit(self, function, *arguments):
        future = Future()
        try:
            future.set_result(function(*arguments))
        except RuntimeError as error:
            future.set_exception(error)
        return future


def test_two_studies_do_not_share_a_folder(tmp_path):
    with study._alone_in(tmp_path):
        again = study._alone_in(tmp_path)
        with pytest.raises(InputError, match="another study"):
            again.__enter__()
    with study._alone_in(tmp_path):
        pass


# ---- the page


@pytest.fixture
def results(tmp_path):
    """Return a folder with results that were made up."""
    found = synthetic(accuracy_of=lambda cells, seed: cells / 1e7 + 0.01 * (seed % 3), power=0.9)
    folder = tmp_path / "results"
    folder.mkdir()
    parts = (found.networks, found.parallel, found.boxes, found.planes, found.boundaries)
    for name, records in zip(TABLES, parts, strict=True):
        table = Results(folder / name)
        for record in records:
            table.add(record)
    return folder


def test_the_page_has_the_numbers_of_the_results(results, tmp_path):
    """Numbers that the page holds are computed from the file's lines in another way."""
    text = write_findings(results, tmp_path).read_text(encoding="utf-8")
    assert not re.search(r"\b(nan|inf|None)\b", text)
    records = [json.loads(line) for line in (results / NETWORKS).read_text().splitlines()]
    cells = np.array([each["cells"] for each in records])
    assert f"{cells.sum():,} cells in all" in text
    assert f"{len(records)} classifiers" in text
    rho = scipy_stats.spearmanr(cells, [each["test_accuracy"] for each in records]).statistic
    assert f"over all networks ρ = {decimals(rho)} [" in text
    wide = cells[[each["hidden"] == [6, 6] for each in records]]
    deep = cells[[each["hidden"] == [4, 4, 4] for each in records]]
    ratio = scipy_stats.gmean(deep) / scipy_stats.gmean(wide)
    row = next(line for line in text.splitlines() if "| 6-6 (100) |" in line)
    assert f"| {scipy_stats.gmean(wide):,.0f} |" in row
    assert f"| {decimals(ratio)} [" in row
    for name in set(re.findall(r"\(figures/(\w+\.svg)\)", text)):
        assert (tmp_path / "figures" / name).read_bytes().startswith(b"<?xml")


def test_equal_results_give_equal_pages(results, tmp_path):
    for name in "ab":
        write_findings(results, tmp_path / name)
    files = [sorted((tmp_path / name).rglob("*.*")) for name in "ab"]
    assert len(files[0]) > 5
    assert [a.read_bytes() for a in files[0]] == [b.read_bytes() for b in files[1]]


def test_other_numbers_give_other_words():
    """What the page says about a claim depends on the results."""
    rising = synthetic(accuracy_of=lambda cells, _: cells / 1e7, power=1.0)
    falling = synthetic(accuracy_of=lambda cells, _: 1 - cells / 1e7, power=0.5)
    neither = synthetic(accuracy_of=lambda _, seed: 0.9 + 0.01 * abs(seed - 5.5), power=0.0)
    verdicts = [
        {section.title: section.verdict for section in (make(found) for make in SECTIONS)}
        for found in (rising, falling, neither)
    ]
    assert [each["Time against cells"] for each in verdicts] == [
        "agrees",
        "agrees in part",
        "cannot tell",  # the start-up may be all of it
    ]
    assert [each["Accuracy against cells"] for each in verdicts] == [
        "agrees",
        "does not agree",
        "cannot tell",
    ]
    assert verdicts[0]["Depth against cells"] == "more cells"
    assert [each["Skip connections"] for each in verdicts] == [
        "agrees",
        "agrees",
        "cannot tell",  # as many cells, of equal ranks
    ]
    along, maps, shape = (
        verdicts[0][title]
        for title in (
            "Convolutions and pooling, along training",
            "Affine maps and linear regions against cells",
            "Topology of the decision boundary",
        )
    )
    assert along == "agrees"
    assert maps == "does not agree"
    assert shape == "agrees in part"  # the moons' boundary is no closed curve
    assert all(each["Sub-cells against rank"] == "agrees" for each in verdicts)


def synthetic(accuracy_of, power: float) -> Found:
    """Make results of networks of which later seeds have more cells, in a time of this power."""
    generator = np.random.default_rng(4)
    networks = []
    for size, hidden in ((1, (6, 6)), (3, (4, 4, 4)), (9, (8, 8))):
        for seed in range(12):
            cells = size * (40_000 + 2_000 * seed + int(generator.integers(1000)))
            layer = {
                str(rank): {"cells": 50, "mean": 2.0**rank, "max": 2**rank, "bound": 2**rank}
                for rank in range(4)
            }
            networks.append(
                {
                    "name": f"pixels_{'-'.join(map(str, hidden))}_{seed}",
                    "data": "pixels",
                    "hidden": list(hidden),
                    "seed": seed,
                    "epochs": 200,
                    "inputs": 64,
                    "inputs_that_vary": 61,
                    "parameters": 100 * size,
                    "test_accuracy": accuracy_of(cells, seed),
                    "cells": cells,
                    "exact_cells": 0,
                    "processor_seconds": 0.1 + cells**power * generator.uniform(0.99, 1.01),
                    "largest_subtree": cells // 10,
                    "sub_cells_by_rank": [layer] * (len(hidden) - 1),
                    "explained": [{"rank": 0.7, "active": 0.6}] * (len(hidden) - 1),
                }
            )
    rows = [{"workers": 2**k, "speed_up": min(2.0**k, 100.0), "efficiency": 1.0} for k in range(13)]
    parallel = {
        "name": networks[0]["name"],
        "cells": 10**6,
        "tasks": 100,
        "seconds_of_one": 2.0,
        "seconds_of_two": 1.1,
        "seconds_side_by_side": 2.0,
        "replayed": rows,
    }
    return Found(networks, [parallel], boxes(power), planes(), boundaries())


def boxes(power: float) -> list[dict]:
    """Make trainings in which skip connections make more cells the larger ``power`` is."""
    found = []
    for kind in (PLAIN, SKIP):
        for seed in range(3):
            cells = round((100 + seed) * (2**power if kind == SKIP else 1.0) * (1 + 0.01 * seed))
            full = cells // 2 if kind == PLAIN else round(cells * (0.5 + 0.2 * power))
            moment = {
                "test_accuracy": 0.5,
                "cells": cells,
                "cells_by_rank": [{"1": cells - full, "2": full}],
                "distinct_maps": cells - 1,
                "linear_regions": cells - 1,
                "boundary_cells": 3,
            }
            found.append(
                training("components-4", kind, (2, 2, 2), seed)
                | {"inputs": 4, "moments": [{"epochs": at} | moment for at in (0, 200)]}
            )
    return found


def planes() -> list[dict]:
    """Make trainings in which cells and boundary cells grow, twofold and threefold or so."""
    found = []
    for kind in (MAX_POOLING, AVERAGE_POOLING, STRIDES, MAX_FIRST):
        for seed in range(3):
            moments = [
                {
                    "epochs": at,
                    "test_accuracy": 0.1,
                    "planes": [
                        {
                            "cells": (100 + seed) * 2**at + seed * at,
                            "boundary_cells": (10 - seed) * 3**at + seed * at,
                            "distinct_maps": 50,
                        }
                    ],
                }
                for at in (0, 1, 2)
            ]
            found.append(training(PIXELS, kind, (4, 16), seed) | {"moments": moments})
    return found


def boundaries() -> list[dict]:
    """Make trainings that end with a closed curve, a moment after a boundary of two pieces."""
    found = []
    for data in (CIRCLES, MOONS):
        moments = [
            {
                "epochs": at,
                "test_accuracy": accuracy,
                "cells": 10,
                "parts": 12,
                "classes": {
                    "0": {"betti": [1, 1, 0], "euler": 0},
                    "1": {"betti": [1, 0, 0], "euler": 1},
                },
                "boundary": {"betti": betti, "euler": betti[0] - betti[1]},
                "drawn": [[[0.0, 0.5], [0.5, 0.0]]],
            }
            for at, accuracy, betti in ((0, 0.5, [2, 0]), (5, 1.0, [1, 1]))
        ]
        found.append(training(data, PLAIN, (3, 3), 0) | {"moments": moments})
    return found


def training(data, kind, hidden, seed) -> dict:
    return {
        "name": f"{data}_{kind}_{seed}",
        "data": data,
        "kind": kind,
        "hidden": list(hidden),
        "seed": seed,
        "parameters": 20,
        "processor_seconds": 1.5,
    }


def test_a_page_without_numbers_is_refused():
    found = synthetic(accuracy_of=lambda cells, _: cells / 1e7, power=1.0)
    sections = [make(found) for make in SECTIONS]
    empty = type(sections[0])("Nothing", "", "", "", "no number here")
    with pytest.raises(InputError, match="Nothing"):
        page(found, [*sections, empty])


def test_the_committed_page_is_that_of_the_committed_results(tmp_path):
    results, docs = ROOT / "experiments" / "results", ROOT / "docs"
    written = write_findings(results, tmp_path).read_text(encoding="utf-8")
    assert written == (docs / "findings.md").read_text(encoding="utf-8")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names <= {path.name for path in (docs / "figures").iterdir()}
    assert len(names) == written.count("![") <= 10
    assert written.startswith("# What the cells tell\n\n")
    assert re.findall("^## (.*)", written, re.MULTILINE)[0] == "In short"
    found, plan = Found.read(results), full()
    for records, planned in (
        (found.networks, plan.networks),
        (found.boxes, plan.boxes),
        (found.planes, plan.planes),
        (found.boundaries, plan.boundaries),
    ):
        assert [each["name"] for each in records] == [each.name for each in planned]
    for each in (*found.boxes, *found.planes, *found.boundaries):
        planned = next(
            one for one in (*plan.boxes, *plan.planes, *plan.boundaries) if one.name == each["name"]
        )
        assert tuple(moment["epochs"] for moment in each["moments"]) == planned.moments
