"""Certificates of properties: they are replayed, and what is changed in them is found."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.atlas import check, refuse_unprovable, write_proof
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Case, Inequality, Polyhedron, Property
from nnce_cli.verify import replay
from tests.atlas.test_check import network, questions
from tests.cases import cube
from tests.oracles.units import DrawnLayer, stack_of
from tests.strategies import boxes, examples


@st.composite
def boxes_with_halfspaces(draw, n):
    box = draw(boxes(n, fixed=True))
    random = draw(st.randoms(use_true_random=True))
    rows = [[*random.choices([-1, 0, 1], k=n), random.randint(0, 2)] for _ in range(2)]
    return Polyhedron(box.lower, box.upper, np.array(rows, dtype=np.float64))


def written(path, stack, prop):
    verdict = check(stack, prop)
    write_proof(path, stack, verdict)
    return verdict


@examples(36)
@given(questions(boxes_with_halfspaces))
def test_what_is_decided_is_proved(tmp_path_factory, drawn):
    layers, cases = drawn
    if any(layer.maxima for layer in layers):
        return
    path, stack = tmp_path_factory.mktemp("proof") / "proof.jsonl", network(layers)
    prop = Property(tuple(cases))
    verdict = written(path, stack, prop)
    found = replay(path, stack, prop)
    assert found.failure == ""
    assert found.holds == verdict.holds


def hat():
    """Return layers of y = max(0, 1 - 2 max(0, x) - 2 max(0, -x)): a hat, whose tip is 1."""
    one, zero = Fraction(1), Fraction(0)
    sides = DrawnLayer([([one, zero], zero), ([-one, zero], zero)])
    tip = DrawnLayer([([-2 * one, -2 * one, one], zero)])
    return [sides, tip, DrawnLayer([], passed=[[one, zero]])]


def over(threshold, *, is_strict=False):
    """Return the property that the hat is below a threshold from 1/4 on, where it is 1/2."""
    right = Inequality({0: Fraction(-1)}, {}, Fraction(1, 4))
    above = Inequality({}, {0: Fraction(-1)}, Fraction(threshold), is_strict)
    return Property((Case(cube(1, -1, 1), (right, above)),))


HOLDING = [over("51/100"), over("1/2", is_strict=True)]


@pytest.fixture(params=range(len(HOLDING)))
def certificate(request, tmp_path):
    """A property of the hat that holds, and its certificate."""
    path, prop = tmp_path / "proof.jsonl", HOLDING[request.param]
    assert written(path, network(hat()), prop).holds
    return path, prop


def changed(path, change):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert change(lines) is not False
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_certificate_that_holds_is_proved(certificate):
    path, prop = certificate
    found = replay(path, network(hat()), prop)
    assert (found.holds, found.failure) == (True, "")
    assert found.steps > 1


def test_a_certificate_does_not_prove_a_stronger_property(certificate):
    path, _ = certificate
    for stronger in (over("1/2"), over("49/100")):
        assert replay(path, network(hat()), stronger).failure


def test_a_certificate_does_not_prove_it_of_another_network(certificate):
    path, prop = certificate
    layers = hat()
    layers[1].plain[0][0][-1] += 1
    found = replay(path, network(layers), prop)
    assert found.failure


def regions(lines):
    return lines[2:]


def ends(lines):
    return [region for region in regions(lines) if "neuron" not in region]


def test_a_reason_that_is_left_out_is_missed(certificate):
    path, prop = certificate
    n = len(ends([None, None, *map(json.loads, path.read_text().splitlines()[2:])]))
    original = path.read_text()
    for k in range(n):
        path.write_text(original)
        changed(path, lambda lines, k=k: ends(lines)[k].pop("closed"))
        assert "left open" in replay(path, network(hat()), prop).failure


def test_smaller_multipliers_prove_nothing(certificate):
    path, prop = certificate

    def nothing(lines):
        for region in ends(lines):
            for _, combination in region["closed"]:
                for term in combination:
                    term[1] = "0" if isinstance(term[1], str) else 0.0

    changed(path, nothing)
    assert "not closed" in replay(path, network(hat()), prop).failure


def test_a_part_is_not_taken_for_the_other(certificate):
    path, prop = certificate

    def twice(lines):
        for region in regions(lines):
            if "neuron" in region:
                region["parts"] = [region["parts"][0]] * 2

    changed(path, twice)
    assert replay(path, network(hat()), prop).failure


def test_a_cut_has_to_be_proved(certificate):
    path, prop = certificate

    def cut(lines):
        regions(lines)[0]["cuts"] = [[0, 1, 0.5, []]]

    changed(path, cut)
    assert "cut is not proved" in replay(path, network(hat()), prop).failure


def test_all_cases_are_asked_for(certificate):
    path, prop = certificate
    more = Property((*prop.cases, *over("3/4").cases))
    assert "all cases" in replay(path, network(hat()), more).failure


def test_a_counterexample_is_evaluated(tmp_path):
    path, stack, prop = tmp_path / "proof.jsonl", network(hat()), over("1/2")
    assert written(path, stack, prop).holds is False
    assert replay(path, stack, prop).failure == ""
    assert "does not hold" in replay(path, stack, over("1/2", is_strict=True)).failure
    for point in ("0", "251/1000"):
        changed(path, lambda lines, point=point: lines[0].update(input=[point]))
        assert "does not hold" in replay(path, stack, prop).failure
    changed(path, lambda lines: lines[0].update(input=["3"]))
    assert "not in the domain" in replay(path, stack, prop).failure
    changed(path, lambda lines: lines[0].update(case=1))
    assert "no case 1" in replay(path, stack, prop).failure


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "null",
        '{"format": "nnce property proof 1"}',
        '{"format": "nnce property proof 1", "model": "", "verdict": "maybe"}',
        '{"format": "nnce property proof 1", "model": "", "verdict": "violated", "case": 0, '
        '"input": ["1/0"]}',
        '{"format": "nnce property proof 1", "model": "", "verdict": "holds"}\n{"cases": [0]}',
        '{"format": "nnce property proof 1", "model": "", "verdict": "holds"}\n'
        '{"cases": [0], "regions": 5}\n{}',
        '{"format": "nnce property proof 1", "model": "", "verdict": "holds"}\n'
        '{"cases": [0], "regions": 1}\n{"closed": [[0, [[["g", 0], -1.0]]]]}',
        '{"format": "nnce property proof 1", "model": "", "verdict": "holds"}\n'
        '{"cases": [0], "regions": 1}\n{"cuts": [[0, 1, NaN, []]]}',
    ],
)
def test_what_is_no_certificate_is_refused(tmp_path, text):
    path = tmp_path / "proof.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match="certificate"):
        replay(path, network(hat()), over(1))


def test_what_certificates_do_not_know_is_refused():
    case = Case(Polyhedron.space(1), ())
    with pytest.raises(InputError, match="bound every input"):
        refuse_unprovable(network(hat()), Property((case,)))
    rows = [[Fraction(k), Fraction(0)] for k in range(3)]
    with pytest.raises(InputError, match="winner"):
        refuse_unprovable(stack_of([DrawnLayer([], maxima=[rows])]), Property(()))
