"""Properties in VNNLIB: what a file says at a point is what its cases say there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, Polyhedron, Property, read_property, read_vnnlib
from tests.cases import FOLDER, needs_cases

# Formulas as nested tuples: an operator with parts, or a comparison with coefficients of
# (X_0, X_1, Y_0, Y_1, 1); evaluated here by a few lines that know no cases.

SIGNS = {
    "<=": lambda v: v <= 0,
    ">=": lambda v: v >= 0,
    "<": lambda v: v < 0,
    ">": lambda v: v > 0,
    "=": lambda v: v == 0,
    "!=": lambda v: v != 0,
}
NAMES = ("X_0", "X_1", "Y_0", "Y_1")

numbers = st.integers(-3, 3)
comparisons = st.tuples(st.sampled_from(sorted(SIGNS)), st.tuples(*[numbers] * 5))
formulas = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("not"), st.tuples(inner)),
    ),
    max_leaves=6,
)
points = st.tuples(*[st.integers(-300, 300).map(lambda k: Fraction(k, 101))] * 4)


def holds(formula, point) -> bool:
    head, rest = formula
    if head in SIGNS:
        return SIGNS[head](value(rest, point))
    if head == "not":
        return not holds(rest[0], point)
    return (all if head == "and" else any)(holds(part, point) for part in rest)


def value(coefficients, point):
    *factors, constant = coefficients
    return sum(a * x for a, x in zip(factors, point, strict=True)) + constant


def comparisons_in(formula):
    head, rest = formula
    if head in SIGNS:
        yield rest
    else:
        for part in rest:
            yield from comparisons_in(part)


def written(formula, names=NAMES) -> str:
    """Write a formula, its linear forms in several ways."""
    head, rest = formula
    if head not in SIGNS:
        return f"({head} {' '.join(written(part, names) for part in rest)})"
    terms = [
        name if a == 1 else f"(* {a} {name})" if i % 2 else f"(* (+ {name} 0.0) (- {a} 0) 1e0)"
        for i, (a, name) in enumerate(zip(rest[:-1], names, strict=True))
    ]
    return f"({head} (+ {' '.join(terms)}) (/ (* 2 {-rest[-1]}) (- -1 -3)))"


def is_case(case, point) -> bool:
    """Tell whether a case occurs at a point, in exact arithmetic."""
    x, y = point[:2], point[2:]
    domain = case.domain
    bounds = zip(domain.lower.tolist(), x, domain.upper.tolist(), strict=True)
    if not all(lo <= value <= hi for lo, value, hi in bounds):
        return False
    for *row, b in domain.halfspaces.tolist():
        if sum(Fraction(a) * v for a, v in zip(row, x, strict=True)) > Fraction(b):
            return False
    for one in case.inequalities:
        total = one.constant + sum(a * x[i] for i, a in one.inputs.items())
        total += sum(a * y[j] for j, a in one.outputs.items())
        if total > 0 or (one.is_strict and total == 0):
            return False
    return True


def save(folder: Path, text: str) -> Path:
    path = folder / "p.vnnlib"
    path.write_text(text)
    return path


@given(st.lists(formulas, min_size=1, max_size=3), points)
def test_cases_say_what_the_formula_says(tmp_path_factory, parts, point):
    for formula in parts:
        for coefficients in comparisons_in(formula):
            if not any(coefficients[2:4]):  # of inputs alone: the border is another matter
                assume(value(coefficients, point) != 0)
    text = "\n".join(f"(assert {written(formula)})" for formula in parts)
    found = read_property(save(tmp_path_factory.getbasetemp(), text), 2, 2)
    expected = all(holds(formula, point) for formula in parts)
    assert any(is_case(case, point) for case in found.cases) == expected


@given(formulas, points)
def test_domains_hold_every_input_that_violates(tmp_path_factory, formula, point):
    path = save(tmp_path_factory.getbasetemp(), f"(assert {written(formula)})")
    try:
        domains, _ = read_vnnlib(path, 2)
    except InputError:
        domains = ()
    if holds(formula, point):
        assert any(is_case(_bare(domain), point) for domain in domains)


def _bare(domain):
    from nnce_cli.domain import Case

    return Case(domain, ())


HEAD = (
    "(vnnlib-version <2.0>)\n(declare-network f\n (declare-input X_ Real [1, 2])\n"
    " (declare-output out real [2])\n)\n"
)


@given(st.lists(formulas, min_size=1, max_size=2))
def test_both_versions_say_the_same(tmp_path_factory, parts):
    folder = tmp_path_factory.getbasetemp()
    first = "\n".join(f"(assert {written(formula)})" for formula in parts)
    names = ("X_[0,0]", "X_[0, 1]", "out[0]", "out [1]")
    second = HEAD + "\n".join(f"(assert {written(formula, names)})" for formula in parts)
    one, other = (read_property(save(folder, text), 2, 2) for text in (first, second))
    assert [told(case) for case in one.cases] == [told(case) for case in other.cases]


def told(case):
    domain = case.domain
    arrays = (domain.lower, domain.upper, domain.halfspaces)
    return (*(array.tolist() for array in arrays), case.inequalities)


def read(folder: Path, text: str) -> Property:
    return read_property(save(folder, text), 2, 2)


BOX = "(assert (<= X_0 1)) (assert (>= X_0 -1)) (assert (<= X_1 2)) (assert (>= X_1 0))"


def test_equal_domains_are_one_object(tmp_path):
    found = read(tmp_path, BOX + "(assert (or (<= Y_0 1) (<= X_0 7) (and (<= Y_1 1) (>= X_1 -1))))")
    assert len(found.cases) == 3
    assert len({id(case.domain) for case in found.cases}) == 1
    assert isinstance(found.cases[0].domain, Box)


def test_a_constraint_of_inputs_is_a_half_space_and_exact_in_whole_numbers(tmp_path):
    found = read(tmp_path, BOX + "(assert (<= (+ (* 0.1 X_0) (* 0.2 X_1)) 0.3))")
    [case] = found.cases
    assert isinstance(case.domain, Polyhedron)
    assert case.domain.halfspaces.tolist() == [[1, 2, 3]]
    assert found.notes == ()


def test_a_half_space_that_is_rounded_is_told(tmp_path):
    text = BOX + "(assert (<= (+ (* 0.1234567890123456789 X_0) X_1) 0.3))"
    found = read(tmp_path, text)
    assert found.cases[0].domain.halfspaces.tolist() == [[0.1234567890123456789, 1, 0.3]]
    assert "1 of 1 linear inequalities of inputs" in found.notes[0]


def test_an_equation_fixes_an_input_or_is_two_half_spaces(tmp_path):
    [case] = read(tmp_path, BOX + "(assert (= X_0 0.5)) (assert (== X_0 X_1))").cases
    assert (case.domain.lower[0], case.domain.upper[0]) == (0.5, 0.5)
    assert case.domain.halfspaces.tolist() == [[1, -1, 0], [-1, 1, 0]]


def test_strict_bounds_of_inputs_get_their_border_and_those_of_outputs_not(tmp_path):
    found = read(tmp_path, BOX + "(assert (< X_0 0.5)) (assert (> Y_0 X_1)) (assert (> Y_1 0))")
    [case] = found.cases
    assert case.domain.upper.tolist() == [0.5, 2]
    assert [one.is_strict for one in case.inequalities] == [True, True]
    assert "1 strict inequalities of inputs are taken as not strict" in found.notes[0]


def test_cases_that_cannot_occur_are_left_out_and_told(tmp_path):
    found = read(tmp_path, BOX + "(assert (or (>= X_0 3) (<= Y_0 0) (<= 1 0)))")
    assert len(found.cases) == 1
    assert "1 of 2 cases cannot occur" in found.notes[0]
    found = read(tmp_path, BOX + "(assert (>= X_0 3)) (assert (<= Y_0 0))")
    assert found.cases == ()
    assert "the bounds of X_0 leave no value for it" in found.notes[0]


def test_an_input_without_a_bound_is_told(tmp_path):
    found = read(tmp_path, "(assert (<= X_0 1)) (assert (>= X_0 0)) (assert (<= X_1 0))")
    assert found.cases[0].domain.lower.tolist() == [0, -np.inf]
    assert "the input X_1 has no lower or no upper bound" in found.notes[0]


def test_what_is_said_of_outputs_is_not_used_for_domains_and_told(tmp_path):
    text = BOX + "(assert (or (<= (* Y_0 Y_1) 3) (= (^ Y_0 2) X_0))) (assert (<= Y_0 1))"
    domains, notes = read_vnnlib(save(tmp_path, text), 2)
    assert [type(domain) for domain in domains] == [Box]
    assert "what it says of outputs is not used (comparisons: 3)" in notes[0]


def test_several_boxes_each_once_in_the_order_of_the_file(tmp_path):
    text = (
        BOX
        + "(assert (or"
        + "".join(f"(and (<= X_0 {hi}) (>= Y_{j} 0))" for hi in (0.5, 0.25, 0.5) for j in (0, 1))
        + "))"
    )
    domains, _ = read_vnnlib(save(tmp_path, text), 2)
    assert [domain.upper.tolist() for domain in domains] == [[0.5, 2], [0.25, 2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + HEAD, "not a command"),
        (HEAD + "(declare-const X_0 Real)", "not a command of VNNLIB: declare-network"),
        (HEAD + HEAD[HEAD.index("\n") :], "is a second network"),
        ("(vnnlib-version 2)", "nnce reads VNNLIB"),
        (HEAD.replace("Real [1, 2]", "Real [3]"), "its input X_ has 3 numbers"),
        (HEAD.replace("real [2]", "real [1, 3]"), "its output out has 3 numbers"),
        (HEAD + "(assert (<= X_[0] 1))", r"X_\[0\] is no element of X_"),
        (HEAD + "(assert (<= X_[0,2] 1))", "is no element of X_, whose shape"),
        (HEAD + "(assert (<= X_ 1))", "is no element of X_"),
        (HEAD + "(assert (<= X_[0,,1] 1))", "has no shape or index"),
        (HEAD + "(assert (<= X_0 1))", "'X_0' is not a number"),
        (HEAD + "(assert (<= X_[0 1))", "a bracket is never closed"),
        (HEAD.replace("out real", "X_ real"), "declares the name X_ again"),
        (HEAD.replace("(declare-output out real [2])", ""), "has not an input and an output"),
        (HEAD.replace("Real [1, 2])", "Real [2]) (declare-input Z Real [2])"), "a second input"),
        (
            HEAD.replace("(declare-output", '(declare-hidden H Real [2] "h") (declare-output'),
            "only",
        ),
        (HEAD.replace("(declare-input", "(equal-to g) (declare-input"), "one declare-output only"),
        (HEAD.replace("Real [1, 2]", "Real"), "is not a name, a type, and a shape"),
        (HEAD.replace("X_ Real", "4 Real"), "is not a name"),
        ("(assert (<= Y_2 1))", "it is about Y_2, and the network has 2 outputs"),
        ("(assert (distinct X_0 X_1 Y_0))", "more than two terms"),
        ("(assert (and " + "(or (<= Y_0 1) (<= Y_1 1)) " * 14 + "))", "more than 10000 cases"),
        ("(assert (or (<= Y_0 1) (<= Y_1 1)))" * 100, "more than 10000 cases"),
        ("(assert (<= X_0 (* " + "1e9999 " * 3 + ")))", "more than 65536 binary digits"),
    ],
)
def test_what_is_refused_by_name(text, message, tmp_path):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_types_and_names_of_version_2_are_told(tmp_path):
    text = HEAD.replace("Real [1, 2]", 'float32 [1,2] "in"') + "(assert (<= out[1] 0.5))"
    notes = read(tmp_path, text).notes
    assert "X_ of type float32 is taken for real numbers" in notes[0]
    assert 'the names "in" in the model are not looked at' in notes[1]


REAL = {
    "acasxu_prop_2": (5, 5, 1, 1),
    "acasxu_prop_3": (5, 5, 1, 1),
    "acasxu_prop_4": (5, 5, 1, 1),
    "acasxu_prop_6": (5, 5, 8, 2),
    "cartpole_safe_14": (4, 2, 1, 1),
    "lsnc_quadrotor2d_state": (8, 10, 17, 1),
    "nnenum_issue7": (5, 10, 1, 1),
    "test_nano": (1, 1, 1, 1),
    "test_small": (1, 1, 1, 1),
    "test_tiny": (1, 1, 1, 1),
    "tll_N8_0": (2, 1, 1, 1),
    "tll_N16_0": (2, 1, 1, 1),
    "vdp_0": (3, 3, 1, 1),
}


@needs_cases
@pytest.mark.parametrize("name", REAL)
def test_real_properties_have_their_cases(name):
    n_inputs, n_outputs, cases, domains = REAL[name]
    path = FOLDER / "real" / f"{name}.vnnlib"
    found = read_property(path, n_inputs, n_outputs)
    assert len(found.cases) == cases
    assert len({id(case.domain) for case in found.cases}) == domains
    assert all(isinstance(case.domain, Box) and case.inequalities for case in found.cases)
    assert len(read_vnnlib(path, n_inputs)[0]) == domains


@needs_cases
def test_property_6_by_hand():
    found = read_property(FOLDER / "real" / "acasxu_prop_6.vnnlib", 5, 5)
    firsts = [case.domain.lower.tolist()[1] for case in found.cases]
    assert firsts == [0.11140846] * 4 + [-0.499999896] * 4
    compared = [case.inequalities[0].outputs for case in found.cases]
    assert compared == [{j: 1, 0: -1} for j in (1, 2, 3, 4)] * 2
