"""Networks with known cells: counted by theory, by hand, and by earlier programs."""

from __future__ import annotations

import numpy as np
import pytest

from nnce_cli.domain import Box, read_vnnlib
from nnce_cli.network import load_network
from tests.cases import FOLDER, cube, known_cases, needs_cases
from tests.collect import check_rows, count, enumerate_all
from tests.oracles import hand_counted, zaslavsky
from tests.oracles.naive import stack_of
from tests.oracles.ppl import exact_cells

SAMPLE = 40  # rows of a large table that are held to exact arithmetic


def parameters(folder, *, sliver):
    """Return a pytest parameter for each known network; the large ones are marked slow."""
    return [
        pytest.param(
            folder,
            name,
            id=name,
            marks=[pytest.mark.slow] * (case["cells"] > 30_000 or case["widths"][0] >= 784),
        )
        for name, case in known_cases(folder).items()
        if ("sliver" in name) == sliver
    ]


def check_known_case(folder, name):
    case = known_cases(folder)[name]
    stack = load_network(FOLDER / folder / f"{name}.onnx")
    assert stack.widths == case["widths"]
    box = cube(stack.n_inputs, *case["box"])
    table = enumerate_all(stack, box)
    assert table.walk.layer_cells == case["layer_cells"]
    check_rows(table, SAMPLE)
    if case["cells"] <= 30_000:
        assert count(stack, box) == case["layer_cells"]


@needs_cases
@pytest.mark.parametrize(
    ("folder", "name"),
    parameters("random", sliver=False)
    + parameters("degenerate", sliver=False)
    + parameters("hard", sliver=False),
)
def test_known_network(folder, name):
    check_known_case(folder, name)


@needs_cases
@pytest.mark.parametrize(("folder", "name"), parameters("degenerate", sliver=True))
def test_known_network_with_slivers(folder, name):
    check_known_case(folder, name)


@needs_cases
@pytest.mark.parametrize(
    ("network", "domain", "layer_cells"),
    [
        ("ACASXU_run2a_3_3", "acasxu_prop_4", [2, 16, 49, 304, 520, 1201]),
        pytest.param(
            "ACASXU_run2a_3_3",
            "acasxu_prop_3",
            [13, 123, 583, 2065, 5830, 7935],
            marks=pytest.mark.slow,
        ),
        ("vdp", "vdp_0", [2745, 21019]),
        ("cartpole", "cartpole_safe_14", [4, 7]),
        ("marabou_fc1", None, [25, 43, 71]),
        ("tll_n2_N8", "tll_N8_0", [163, 290, 413, 422, 433, 433]),
        ("tll_n2_N16", "tll_N16_0", [1509, 2713, 3306, 3498, 3498, 3513, 3513, 3522]),
        pytest.param(
            "nnenum_issue7",
            "nnenum_issue7",
            [536, 4773, 29577, 94270, 402495, 813111],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_real_network(network, domain, layer_cells):
    stack = load_network(FOLDER / "real" / f"{network}.onnx")
    box = cube(stack.n_inputs, -1, 1)
    if domain:
        [box], _ = read_vnnlib(FOLDER / "real" / f"{domain}.vnnlib", stack.n_inputs)
    table = enumerate_all(stack, box)
    assert table.walk.layer_cells == layer_cells
    check_rows(table, SAMPLE)


@needs_cases
@pytest.mark.parametrize(("name", "cells"), [("test_nano", 2), ("test_tiny", 2), ("test_small", 1)])
def test_network_with_one_input(name, cells):
    stack = load_network(FOLDER / "real" / f"{name}.onnx")
    [box], _ = read_vnnlib(FOLDER / "real" / f"{name}.vnnlib", 1)
    table = enumerate_all(stack, box)
    assert table.walk.cells == cells
    check_rows(table)


@pytest.mark.parametrize("case", hand_counted.CASES)
def test_hand_counted_network(case):
    stack, box, layer_cells = case()
    table = enumerate_all(stack, box)
    assert table.walk.layer_cells == layer_cells
    check_rows(table)
    cells = exact_cells(stack, box)
    assert table.signs() == cells.signs
    assert list(map(tuple, table.ranks.tolist())) == cells.ranks
    assert count(stack, box) == layer_cells


@pytest.mark.parametrize(
    ("m", "d"), [(12, 1), (3, 3), (3, 5), (20, 2), (14, 3), (12, 4), (11, 5), (10, 8)]
)
def test_generic_arrangement(m, d):
    """Buck's formula; m <= d too, where all 2^m sign vectors occur."""
    arrangement, half_width = zaslavsky.generic_arrangement(m, d, seed=m + d)
    table = enumerate_all(zaslavsky.network(arrangement), cube(d, -half_width, half_width))
    assert table.walk.cells == zaslavsky.generic_cells(m, d)
    check_rows(table, SAMPLE)


@pytest.mark.parametrize(("m", "d"), [(9, 2), (9, 3), (8, 4), (7, 6)])
def test_central_arrangement(m, d):
    """Hyperplanes through the origin, any d of their normals independent."""
    rng = np.random.default_rng(m)
    while True:
        normals = rng.integers(-9, 10, size=(m, d)).tolist()
        shifted = [(normal, int(rng.integers(1, 1000))) for normal in normals]
        if zaslavsky.is_generic_inside(shifted, 10**9):
            break
    table = enumerate_all(stack_of((normals, [0] * m)), cube(d, -1, 1))
    assert table.walk.cells == zaslavsky.central_cells(m, d)
    check_rows(table, SAMPLE)


@pytest.mark.parametrize(
    ("arrangement", "expected"),
    [
        (zaslavsky.difference_arrangement(5, [0]), zaslavsky.braid_cells(5)),
        (zaslavsky.difference_arrangement(4, [0, 1]), zaslavsky.shi_cells(4)),
        (zaslavsky.difference_arrangement(4, [-1, 0, 1]), zaslavsky.catalan_cells(4)),
        (zaslavsky.reflection_arrangement(4), zaslavsky.reflection_cells(4)),
    ],
    ids=["braid", "Shi", "Catalan", "B"],
)
def test_famous_arrangement(arrangement, expected):
    """Arrangements with many coincident intersections: 120, 125, 336 and 384 cells."""
    stack = zaslavsky.network(arrangement)
    table = enumerate_all(stack, cube(stack.n_inputs, -9, 9))
    assert table.walk.cells == expected
    check_rows(table, SAMPLE)


def test_fixed_inputs_are_dropped():
    """On [-1, 1] x {1/2} the lines x + y = 0, y = 0 and y = 1/2 leave a cut at x = -1/2."""
    stack = stack_of(([[1, 1], [0, 1], [0, 1]], [0, 0, -0.5]))
    table = enumerate_all(stack, Box(np.array([-1.0, 0.5]), np.array([1.0, 0.5])))
    assert table.signs() == [(0, 1, 0), (1, 1, 0)]
    assert table.ranks.tolist() == [[0], [1]]
    assert table.witness[:, 1].tolist() == [0.5, 0.5]
    check_rows(table)


def test_a_point_is_one_cell_of_rank_zero():
    """At (1, -1) the neurons are 2, 0, -1; a neuron that is zero everywhere is inactive."""
    stack = stack_of(([[1, -1], [1, 1], [0, 1]], [0, 0, 0]), ([[1, 0, 0]], [-1]))
    point = np.array([1.0, -1.0])
    table = enumerate_all(stack, Box(point, point))
    assert table.signs() == [(1, 0, 0, 1)]
    assert table.ranks.tolist() == [[0, 0]]
    assert table.witness.tolist() == [[1.0, -1.0]]
