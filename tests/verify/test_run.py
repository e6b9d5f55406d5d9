"""The checker on honest tables, and on tables from which a cell was taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given

from nnce_cli.domain import Box
from tests.cases import FOLDER, cube, known_cases, needs_cases
from tests.command import four_lines, nnce
from tests.networks import mlp_model, save
from tests.oracles.hand_counted import CASES
from tests.strategies import SHAPES, boxes, examples, networks, stack_from
from tests.verify_tables import (
    CLOSURE,
    OUTPUTS,
    SAMPLES,
    VOLUMES,
    WITNESSES,
    Tampered,
    by_name,
    failing,
    model_of,
    run_verify,
    write_exact_table,
)

ROOT = Path(__file__).parents[2]
SMALL = [shape for shape in SHAPES if len(shape) < 4]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_tables_from_exact_polyhedra(case, tmp_path):
    """The whole table passes; without any one of its cells it does not."""
    stack, box, layer_cells = case()
    model = model_of(tmp_path / "m.onnx", stack)
    cells = write_exact_table(tmp_path / "t", model, box)
    assert cells == layer_cells[-1]
    report = run_verify(tmp_path / "t", model)
    assert failing(report) == set()
    assert report.proved
    assert by_name(report)[VOLUMES].status == ("passed" if box.n_inputs <= 3 else "not done")
    assert by_name(report)[OUTPUTS].status == "not done"
    for row in range(0, cells, 1 + cells // 8):
        table = Tampered.read(tmp_path / "t")
        table.remove(row)
        table.recount()
        broken = run_verify(table.write(tmp_path / "broken"), model, samples=100)
        assert CLOSURE in failing(broken)
        assert by_name(broken)[WITNESSES].status == "passed"
        if box.n_inputs <= 3 and cells > 1:
            assert VOLUMES in failing(broken)


@given(layers=networks(SMALL), data=boxes(4, fixed=True))
@examples(40)
def test_degenerate_networks(layers, data, tmp_path_factory):
    """Related, zero and nearly equal rows: the exact table passes, one cell less does not."""
    stack = stack_from(layers)
    assume(all(layer.exact is None for layer in stack.hidden))  # an ONNX file can hold it
    box = Box(data.lower[-stack.n_inputs :], data.upper[-stack.n_inputs :])
    folder = tmp_path_factory.mktemp("verify")
    model = model_of(folder / "m.onnx", stack)
    cells = write_exact_table(folder / "t", model, box)
    report = run_verify(folder / "t", model, samples=200)
    assert failing(report) == set(), by_name(report)
    table = Tampered.read(folder / "t")
    table.remove(cells // 2)
    table.recount()
    broken = run_verify(table.write(folder / "broken"), model, samples=200)
    assert CLOSURE in failing(broken)


@pytest.mark.parametrize("name", ["toy-2d", "hand-made", "digits-pca"])
def test_enumerated_sample_models(name, tmp_path):
    model = ROOT / "sample_models" / f"{name}.onnx"
    arguments = ("enumerate", model, "-o", "t", "--proof", "p", "--quiet")
    assert nnce(*arguments, cwd=tmp_path).returncode == 0
    report = run_verify(tmp_path / "t", model, proof=tmp_path / "p")
    assert failing(report) == set()
    assert report.proved


@needs_cases
@pytest.mark.parametrize("name", sorted(known_cases("degenerate")))
def test_enumerated_degenerate_networks(name, tmp_path):
    entry = known_cases("degenerate")[name]
    model = FOLDER / "degenerate" / f"{name.removesuffix('.onnx')}.onnx"
    box = ",".join(map(str, entry["box"]))
    arguments = ("enumerate", model, "--box", box, "-o", "t", "--proof", "p", "--quiet")
    assert nnce(*arguments, cwd=tmp_path).returncode == 0
    report = run_verify(tmp_path / "t", model, proof=tmp_path / "p")
    assert failing(report) == set()
    assert report.proved


@needs_cases
@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "prop"),
    [("tll_n2_N8", "tll_N8_0"), ("ACASXU_run2a_3_3", "acasxu_prop_4"), ("vdp", "vdp_0")],
)
def test_enumerated_real_networks(model, prop, tmp_path):
    path = FOLDER / "real" / f"{model}.onnx"
    box = FOLDER / "real" / f"{prop}.vnnlib"
    arguments = ("enumerate", path, "--vnnlib", box, "-o", "t", "--quiet")
    assert nnce(*arguments, cwd=tmp_path).returncode == 0
    report = run_verify(tmp_path / "t", path, samples=10_000, closure=1500)
    assert failing(report) == set()


def test_samples_on_hyperplanes_are_left_out(tmp_path):
    """On the box [0, 2^-1073]^2 every second float64 point has x = y, where the neuron is zero."""
    tiny = 2.0**-1073
    weights = [([[1, -1]], [0]), ([[1]], [0])]
    model = save(mlp_model(weights, dtype=np.float64), tmp_path / "m.onnx")
    box = cube(2, 0, tiny)
    assert write_exact_table(tmp_path / "t", model, box) == 2
    report = run_verify(tmp_path / "t", model, samples=500)
    assert failing(report) == set()
    result = by_name(report)[SAMPLES]
    assert result.details["on a hyperplane"] > 50
    assert result.checked + result.details["on a hyperplane"] == 500


def test_the_seed_chooses_the_sample(tmp_path):
    model = four_lines(tmp_path / "m.onnx")
    write_exact_table(tmp_path / "t", model, cube(2, -1, 1))
    table = Tampered.read(tmp_path / "t")
    table.remove(0)
    table.recount()
    table.write(tmp_path / "t")
    found = {
        seed: run_verify(tmp_path / "t", model, samples=0, closure=3, seed=seed)
        for seed in range(8)
    }
    failed = {seed: by_name(report)[CLOSURE].failed for seed, report in found.items()}
    assert len(set(failed.values())) > 1  # some samples meet the hole, some do not
    again = run_verify(tmp_path / "t", model, samples=0, closure=3, seed=0)
    assert by_name(again)[CLOSURE].to_dict() == by_name(found[0])[CLOSURE].to_dict()


def test_nothing_is_shared_with_the_enumeration(tmp_path):
    model = four_lines(tmp_path / "m.onnx")
    write_exact_table(tmp_path / "t", model, cube(2, -1, 1))
    code = (
        "import sys; from pathlib import Path; from nnce_cli.verify import Options, verify\n"
        f"report = verify({str(tmp_path / 't')!r}, Path({str(model)!r}), Options(), print)\n"
        "assert report.proved\n"
        "bad = [m for m in sys.modules if m.startswith(('nnce_cli._core', 'nnce_cli.exact', "
        "'nnce_cli.enumeration', 'highspy', 'cvxpy', 'scipy'))]\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
