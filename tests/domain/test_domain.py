"""Boxes from the command line, bounds files and VNNLIB properties; fixed inputs."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, fix_inputs, parse_box, read_bounds, read_vnnlib
from nnce_cli.network import AffineMap, LayerStack, load_network, weights_digest
from tests.networks import mlp_model, save

REAL = Path(__file__).parents[2] / ".." / "shared" / "cases" / "real"
needs_cases = pytest.mark.skipif(not REAL.is_dir(), reason="the folder of known cases is absent")


@pytest.fixture
def usual_digits():
    """Python's own limit of digits, which commands that other tests ran here may have lifted."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(sys.int_info.default_max_str_digits)
    yield
    sys.set_int_max_str_digits(before)


def pairs(box: Box) -> list[tuple[float, float]]:
    return list(zip(box.lower.tolist(), box.upper.tolist(), strict=True))


# --- the command line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-1,1", (-1, 1)),
        (" 0 , 0.1 ", (0, 0.1)),
        ("-.5,1e-3", (-0.5, 0.001)),
        ("2,2", (2, 2)),
        ("+1.,3.", (1, 3)),
    ],
)
def test_parse_box(text, expected):
    assert pairs(parse_box(text, 2)) == [expected] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1", "not two numbers LO,HI: write for example -1,1"),
        ("1,2,3", "not two numbers"),
        ("", "not two numbers"),
        ("a,1", "'a' is not a number"),
        ("0,", "'' is not a number"),
        ("nan,1", "'nan' is not a number"),
        ("-inf,inf", "'-inf' is not a number"),
        ("0,1_0", "'1_0' is not a number"),
        ("0,١", "is not a number"),
        ("0,1e999", "out of the range"),
        ("0,1e99999999", "is not a number"),
        ("1,0", "is empty"),
    ],
)
def test_parse_box_refuses(text, message):
    with pytest.raises(InputError, match=message):
        parse_box(text, 3)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_the_way_to_text_and_back(x):
    assert parse_box(f"{x!r},{x!r}", 1).lower[0] == x


# --- bounds files


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.csv", "0,1\n-2,3.5\n"),
        ("b.csv", "lo,hi\r\n0,1\r\n-2,3.5"),
        ("b.csv", '\ufeffLower, Upper\n 0 , 1\n\n-2,"3.5"\n\n'),
        ("b", "0,1\n-2,3.5\n"),
        ("b.json", "[[0, 1], [-2, 3.5]]"),
        ("b.txt", ' {"lower": [0, -2], "upper": [1, 3.5]}'),
    ],
)
def test_read_bounds(name, content, tmp_path):
    assert pairs(read_bounds(write(tmp_path, name, content), 2)) == [(0, 1), (-2, 3.5)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("b.csv", "0,1\n", "bounds 1 inputs and the network has 2"),
        ("b.csv", "0,1\n0,1\n0,1\n", "bounds 3 inputs and the network has 2"),
        ("b.csv", "", "bounds 0 inputs"),
        ("b.csv", "0,1\n0,1,2\n", "line 2 has 3 columns"),
        ("b.csv", "0,1\nlo,hi\n", "line 2: 'lo' is not a number"),
        ("b.csv", "x,y\n0,1\n0,1\n", "line 1: 'x' is not a number"),
        ("b.csv", "0,1\n0,nan\n", "line 2: 'nan' is not a number"),
        ("b.csv", "0,1\n2,1\n", "input 1 has lower 2.0 > upper 1.0"),
        ("b.csv", b"PAR1\x00\xff\xfe", "not a text file"),
        ("b.csv", "0,1\n\x00,1\n", "line 2: "),
        ("b.json", "[[0, 1], [0, 1]", "not valid JSON"),
        ("b.json", "[" * 100000, "not valid JSON: nested too deeply"),
        ("b.json", "[[0, 1], [0]]", "entry 1 is not a pair"),
        ("b.json", '[[0, 1], [0, "1"]]', "entry 1 is not a pair"),
        ("b.json", "[[0, 1], [false, true]]", "entry 1 is not a pair"),
        ("b.json", "[[0, 1], [0, NaN]]", "input 1 has bounds"),
        ("b.json", "[[0, 1], [0, 1e999]]", "input 1 has bounds"),
        ("b.json", f"[[0, 1], [0, 1{'0' * 400}]]", "out of the range"),
        ("b.json", f"[[0, 1], [0, 1{'0' * 5000}]]", "not valid JSON"),
        ("b.json", "3", "not a list of pairs"),
        ("b.json", '{"lower": [0, 0], "upper": [1]}', "equal lengths"),
        ("b.json", '{"lower": 0, "upper": 1}', "equal lengths"),
        ("b.json", '{"lo": [0], "hi": [1]}', "equal lengths"),
    ],
)
@pytest.mark.usefixtures("usual_digits")
def test_read_bounds_refuses(name, content, message, tmp_path):
    path = write(tmp_path, name, content)
    with pytest.raises(InputError, match=message) as caught:
        read_bounds(path, 2)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", [read_bounds, read_vnnlib])
def test_files_that_are_not_there(read, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "absent", 2)
    with pytest.raises(InputError, match="not a file"):
        read(tmp_path, 2)


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0, 1e9)), min_size=1, max_size=5))
def test_csv_and_json_agree(tmp_path_factory, rows):
    bounds = [(lo, lo + width) for lo, width in rows]
    folder = tmp_path_factory.mktemp("bounds")
    text = "\n".join(f"{lo!r},{hi!r}" for lo, hi in bounds)
    assert pairs(read_bounds(write(folder, "b.csv", text), len(bounds))) == bounds
    assert pairs(read_bounds(write(folder, "b.json", json.dumps(bounds)), len(bounds))) == bounds


# --- VNNLIB


def vnnlib(folder: Path, text: str, n: int = 2) -> list[tuple[float, float]]:
    [domain], _ = read_vnnlib(write(folder, "p.vnnlib", text), n)
    return pairs(domain)


BOX = "(assert (<= X_0 1)) (assert (>= X_0 -1)) (assert (<= X_1 2)) (assert (>= X_1 0))"
EXPECTED = [(-1.0, 1.0), (0.0, 2.0)]


@pytest.mark.parametrize(
    "text",
    [
        BOX,
        f"; comment ) with (parentheses\n(declare-const X_0 Real)\r\n(declare-const X_1 Real)\r\n"
        f"(declare-const Y_0 Real)\r\n{BOX}\r\n(assert (<= Y_0 Y_1))\r\n",
        "(assert (<= -1 X_0)) (assert (>= 1 X_0)) (assert (and (<= 0 X_1) (and (<= X_1 2.0))))",
        "(assert (<= -1.0 X_0 1e0)) (assert (>= 2 X_1 0.))",
        "(assert (or (and (<= X_0 1) (>= X_0 -1) (<= X_1 2) (>= X_1 0) (>= Y_0 100))))",
        "(assert (or (and (<= X_0 1) (>= X_0 -1) (>= Y_0 1)) (and (>= X_0 -1.0) (<= X_0 1)"
        " (<= Y_0 0)))) (assert (<= X_1 2)) (assert (>= X_1 0))",
        f"{BOX} (assert (or (<= Y_0 1) (and (>= (* 2 Y_1) (+ Y_0 3)) (not (= Y_0 4)))))",
        f"{BOX} (assert (<= X_0 7)) (assert (>= X_1 (- 3)))",
        "(assert (<= X_0 (/ 3 3))) (assert (>= X_0 (- 1))) (assert (<= X_1 (- 4 2)))"
        "(assert (>= X_1 (/ 0 5)))",
        f"(set-logic QF_LRA)(declare-fun X_0 () Real)(declare-fun X_1 () Real){BOX}(check-sat)",
    ],
)
def test_read_vnnlib(text, tmp_path):
    assert vnnlib(tmp_path, text) == EXPECTED


def test_vnnlib_numbers_are_the_nearest_floats(tmp_path):
    text = "(assert (<= X_0 0.679857769)) (assert (>= X_0 (/ -1 3)))"
    assert vnnlib(tmp_path, text, 1) == [(-1 / 3, 0.679857769)]
    text = "(assert (<= X_0 1e-3)) (assert (>= X_0 (- .5)))"
    assert vnnlib(tmp_path, text, 1) == [(-0.5, 0.001)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOX + "(assert (<= X_2 1))", "bounds X_2, and the network has 2 inputs"),
        ("(declare-const X_0 Real)" + BOX, r"declares 1 inputs X_i, up to X_0, .* has 2"),
        (BOX + "(assert (<= X_0 -2))", "bounds of X_0 leave no value"),
        (BOX + "(assert X_0)", "something else than and, or"),
        (BOX + "(assert ((X_0)))", "something else than and, or"),
        (BOX + "(assert (or))", "something else than and, or"),
        (BOX + "(assert (<= X_0))", "something else than and, or"),
        (BOX + "(assert (=> (<= X_0 1) (<= X_0 0)))", "something else than and, or"),
        (BOX + "(assert (or (<= X_0 -2) (>= X_0 2)))", "leaves no value"),
        (BOX + "(assert (<= (* X_0 X_1) 1))", "product of variables"),
        (BOX + "(assert (<= (/ 1 X_0) 1))", "divides by a variable"),
        (BOX + "(assert (<= (^ X_0 2) 1))", "is not a number, a variable"),
        (BOX + "(assert (<= X_0 (/ 1 0)))", "is not a number"),
        (BOX + "(assert (<= X_0 one))", "'one' is not a number"),
        (BOX + "(assert (<= X_0 1e400))", None),
        (BOX + "(assert (<= X_0 1e999999999))", "is not a number"),
        ("(assert (<= X_0 1e400)) (assert (>= X_0 0))" + BOX[40:], "out of the range"),
        (BOX + "\n\n(assert (<= X_0 1)", "opened in line 3 is never closed"),
        (BOX + "\n)", "line 2: a closing parenthesis"),
        ('(assert "no end', "a quotation or a bracket is never closed"),
        ("(" * 10**6, "nested more than 64 deep"),
        ("(assert " + "(- " * 10**5 + "X_0" + ")" * 10**5 + ")", "nested more than 64 deep"),
        ("(vnnlib-version <3.0>)", "nnce reads VNNLIB <1.0> and <2.0>"),
        ("(declare-const Z Real)", "declares no input"),
        ("(declare-const (X_0) Real)", "declares no input"),
        ("()", "not a command"),
        ("assert", "not a command"),
        ("((assert))", "not a command"),
        (b"\x80\x00", "not a text file"),
    ],
)
def test_read_vnnlib_refuses(text, message, tmp_path):
    path = write(tmp_path, "p.vnnlib", text)
    if message is None:  # a bound that another one makes superfluous
        assert vnnlib(tmp_path, text) == EXPECTED
        return
    with pytest.raises(InputError, match=message) as caught:
        read_vnnlib(path, 2)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@given(st.text(alphabet='()<=>-/ ;\n"|.1e9XY_0assertndor', max_size=60))
def test_any_text_is_a_box_or_an_input_error(tmp_path_factory, text):
    path = write(tmp_path_factory.getbasetemp(), "any.vnnlib", text + BOX + text)
    with contextlib.suppress(InputError):
        domains, _ = read_vnnlib(path, 2)
        assert {domain.n_inputs for domain in domains} == {2}


@needs_cases
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "acasxu_prop_4",
            [
                (-0.303531156, -0.298552812),
                (-0.009549297, 0.009549297),
                (0.0, 0.0),
                (0.318181818, 0.5),
                (0.083333333, 0.166666667),
            ],
        ),
        ("vdp_0", [(-2.5, 2.5), (-2.5, 2.5), (0.0, 5.0)]),
        ("tll_N8_0", [(-2.0, 2.0)] * 2),
        ("test_nano", [(-1.0, 1.0)]),
        ("test_small", [(-1.0, 1.0)]),
    ],
)
def test_real_properties(name, expected):
    [domain], _ = read_vnnlib(REAL / f"{name}.vnnlib", len(expected))
    assert pairs(domain) == expected


# --- fixed inputs


def exact(matrix) -> list[Fraction]:
    return [Fraction(int(x.p), int(x.q)) for x in matrix.entries()]


def test_free_inputs_stay_as_they_are(tmp_path):
    stack = load_network(save(mlp_model([(np.eye(2), [0, 0])], ends_in_relu=True), tmp_path / "m"))
    box = Box(np.zeros(2), np.ones(2))
    reduced, reduced_box, free = fix_inputs(stack, box)
    assert reduced is stack
    assert reduced_box is box
    assert free.tolist() == [True, True]


def test_a_fixed_input_becomes_a_bias_by_hand():
    # z = (x + 2y + 3t + 4, 5x - y + 1) at y = 0.5: (x + 3t + 5, 5x + 0.5)
    hidden = (AffineMap(np.array([[1.0, 2.0, 3.0], [5.0, -1.0, 0.0]]), np.array([4.0, 1.0])),)
    stack = LayerStack(hidden, None, (1, 3), weights_digest(hidden, None))
    box = Box(np.array([-1.0, 0.5, 0.0]), np.array([1.0, 0.5, 7.0]))
    reduced, reduced_box, free = fix_inputs(stack, box)
    assert free.tolist() == [True, False, True]
    assert pairs(reduced_box) == [(-1.0, 1.0), (0.0, 7.0)]
    [layer] = reduced.hidden
    assert layer.weight.tolist() == [[1, 3], [5, 0]]
    assert layer.bias.tolist() == [5, 0.5]
    assert layer.exact is None
    assert reduced.widths == [2, 2]
    assert reduced.input_shape == (2,)
    assert reduced.digest == weights_digest(reduced.hidden, None) != stack.digest
    np.testing.assert_array_equal(
        reduced.forward(np.array([[0.25, 2.0]])), stack.forward(np.array([[0.25, 0.5, 2.0]]))
    )


FLOATS = st.one_of(st.integers(-4, 4).map(float), st.floats(-100, 100))


@given(st.lists(st.tuples(FLOATS, FLOATS, st.booleans()), min_size=1, max_size=6), FLOATS)
def test_fixed_inputs_are_folded_without_rounding(inputs, b):
    weights, points, fixed = zip(*inputs, strict=True)
    hidden = (AffineMap(np.array([weights]), np.array([b])),)
    lower = np.array(points)
    upper = np.where(fixed, lower, lower + 1)
    stack = LayerStack(hidden, None, (1, len(inputs)), weights_digest(hidden, None))
    reduced, _, free = fix_inputs(stack, Box(lower, upper))
    assert free.tolist() == [not f for f in fixed]
    [layer] = reduced.hidden
    bias = Fraction(b) + sum(Fraction(w) * Fraction(x) for w, x, f in inputs if f)
    assert layer.n_in == reduced.n_inputs == fixed.count(False)
    assert exact(layer.rational[0]) == [Fraction(w) for w, _, f in inputs if not f]
    assert exact(layer.rational[1]) == [bias]
    assert layer.bias[0] == float(bias)
    assert (layer.exact is None) == (Fraction(float(bias)) == bias)


def test_fixing_twice_is_exact_where_a_bias_is_no_float():
    hidden = (AffineMap(np.array([[0.1, 0.3, 1.0]]), np.array([0.7])),)
    stack = LayerStack(hidden, None, (1, 3), weights_digest(hidden, None))
    once, *_ = fix_inputs(stack, Box(np.array([0.9, 0.7, 0.0]), np.array([0.9, 0.7, 1.0])))
    first, box, _ = fix_inputs(stack, Box(np.array([0.9, 0.7, 0.0]), np.array([0.9, 0.8, 1.0])))
    twice, *_ = fix_inputs(first, Box(box.lower, np.array([0.7, 1.0])))
    assert once.hidden[0].exact is not None
    assert exact(once.hidden[0].rational[1]) == exact(twice.hidden[0].rational[1])
    assert once.digest == twice.digest


def test_all_inputs_fixed():
    hidden = (AffineMap(np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([1.0, 0.0])),)
    output = AffineMap(np.array([[1.0, 1.0]]), np.zeros(1))
    stack = LayerStack(hidden, output, (1, 2), weights_digest(hidden, output))
    reduced, box, free = fix_inputs(stack, Box(np.array([1.0, 2.0]), np.array([1.0, 2.0])))
    assert not free.any()
    assert box.n_inputs == 0
    assert reduced.widths == [0, 2]
    assert reduced.hidden[0].weight.shape == (2, 0)
    assert (reduced.hidden[0].rational[0].nrows(), reduced.hidden[0].rational[0].ncols()) == (2, 0)
    np.testing.assert_array_equal(reduced.forward(np.zeros((3, 0))), np.full((3, 1), 6.0))


def test_a_box_is_finite_and_ordered():
    for lower, upper, message in (
        (math.nan, 1.0, "input 1 has bounds"),
        (-math.inf, 1.0, "not bounded: input 1"),
        (2.0, 1.0, "empty: input 1"),
    ):
        with pytest.raises(InputError, match=message):
            Box(np.array([0.0, lower]), np.array([1.0, upper]))
