"""The commands ``nnce check`` and ``nnce range``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cases import FOLDER, needs_cases
from tests.command import nnce

MODEL = Path(__file__).parents[2] / "sample_models" / "hand-made.onnx"  # its output is in [0, 1/2]
REAL = FOLDER / "real"


def run(*arguments):
    return nnce(*arguments, cwd=MODEL.parent)


@pytest.fixture
def prop(tmp_path):
    """Write a property: the output is never at least so large."""

    def write(threshold):
        path = tmp_path / f"{threshold}.vnnlib"
        bounds = "".join(f"(assert (>= X_{i} -1))(assert (<= X_{i} 1))" for i in range(2))
        names = "".join(f"(declare-const {name} Real)" for name in ("X_0", "X_1", "Y_0"))
        path.write_text(f"{names}{bounds}(assert (>= Y_0 {threshold}))")
        return str(path)

    return write


def test_a_property_that_holds(prop):
    done = run("check", str(MODEL), prop("0.5000001"), "--exit-code")
    assert done.returncode == 0
    assert "holds" in done.stdout


def test_a_property_that_is_violated_at_one_point_only(prop):
    done = run("check", str(MODEL), prop("0.5"), "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert said["verdict"] == "violated"
    found = said["counterexample"]
    assert found["exact_outputs"] == ["1/2"]
    assert found["onnxruntime"]["outputs"] == [0.5]
    assert found["onnxruntime"]["agrees"] is True
    assert run("check", str(MODEL), prop("0.5"), "--exit-code", "-q").returncode == 1


def test_certificates(prop, tmp_path):
    proof = str(tmp_path / "proof.jsonl")
    for threshold in ("0.5", "0.6"):
        assert run("check", str(MODEL), prop(threshold), "--proof", proof).returncode == 0
        done = run("check", str(MODEL), prop(threshold), "--replay", proof)
        assert done.returncode == 0
        assert "proved" in done.stdout
    done = run("check", str(MODEL), prop("0.4"), "--replay", proof, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["proved"] is False


def test_all_cells(prop, tmp_path):
    table = tmp_path / "violated.parquet"
    done = run("check", str(MODEL), prop("0"), "--all", "-o", str(table), "--json")
    assert done.returncode == 0
    [domain] = json.loads(done.stdout)["domains"]
    assert domain["violated_cells"] == domain["cells"]
    assert domain["exact_share_of_volume"] == {"0": "1"}
    assert table.is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--time-limit", "-1"], "--time-limit"),
        (["--all", "--proof", "p"], "use one of them"),
        (["-o", "t.parquet"], "add --all"),
    ],
)
def test_bad_usage(prop, options, message):
    done = run("check", str(MODEL), prop("1"), *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_ranges():
    done = run("range", str(MODEL), "--json")
    assert done.returncode == 0
    [found] = json.loads(done.stdout)["ranges"]
    assert (found["minimum"]["exact_value"], found["maximum"]["exact_value"]) == ("0", "1/2")
    done = run("range", str(MODEL), "--of=-2", "--box", "0,1")
    assert done.returncode == 0
    assert "maximum" in done.stdout
    for wrong in ("1", "1,2", "x"):
        assert run("range", str(MODEL), "--of", wrong).returncode == 2


@needs_cases
@pytest.mark.parametrize("number", [3, 4])
def test_acas_xu(number, tmp_path):
    """Katz et al. 2017: these hold for this network."""
    model, proof = str(REAL / "ACASXU_run2a_3_3.onnx"), str(tmp_path / "proof.jsonl")
    asked = str(REAL / f"acasxu_prop_{number}.vnnlib")
    done = run("check", model, asked, "--json", "--proof", proof)
    assert json.loads(done.stdout)["verdict"] == "holds"
    done = run("check", model, asked, "--json", "--replay", proof)
    assert json.loads(done.stdout)["proved"] is True


@needs_cases
def test_a_graph_that_is_not_piecewise_linear_is_refused():
    name = "lsnc_quadrotor2d_state"
    done = run("check", str(REAL / f"{name}.onnx"), str(REAL / f"{name}.vnnlib"))
    assert done.returncode == 2
    assert "not piecewise linear" in done.stderr
