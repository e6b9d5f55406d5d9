"""``nnce inspect`` as a program."""

from __future__ import annotations

import json

import numpy as np

from tests.command import assert_refused, nnce, save_network, tent


def test_json(tmp_path):
    model = tent(tmp_path / "tent.onnx", 2)
    result = nnce("inspect", model, "--json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert found["widths"] == [1, 2, 2]
    assert found["input_shape"] == [1, 1]
    assert found["neurons"] == 4
    # 2 + 2 weights and biases, then 4 + 2, then 2 + 1.
    assert found["parameters"] == 13
    shapes = [(la["inputs"], la["outputs"], la["parameters"], la["relu"]) for la in found["layers"]]
    assert shapes == [(1, 2, 4, True), (2, 2, 6, True), (2, 1, 3, False)]
    assert all("Gemm" in la["nodes"][0] for la in found["layers"])
    # By hand in test_bounds.py.
    assert found["bounds"] == {"sign_vectors": 16, "montufar": 9, "serra": 9}


def test_for_people(tmp_path):
    model = tent(tmp_path / "tent.onnx", 2)
    lines = nnce("inspect", model, cwd=tmp_path).stdout.splitlines()
    assert "widths       1-2-2" in lines
    assert "input shape  1x1" in lines
    assert lines[-3].split() == ["2^4", "16"]
    assert lines[-2].split()[-1] == lines[-1].split()[-1] == "9"


def test_bounds_with_many_digits(tmp_path):
    wide = save_network(
        tmp_path / "wide.onnx",
        [(np.ones((20_000, 1)), np.ones(20_000)), (np.ones((1, 20_000)), [0])],
    )
    result = nnce("inspect", wide, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    digits = result.stdout.split('"sign_vectors": ')[1].split(",")[0]
    assert len(digits) == 6021  # log10(2^20000) = 6020.6
    shown = nnce("inspect", wide, cwd=tmp_path).stdout
    assert "3.98e+6020" in shown  # 10^0.5999 = 3.98
    assert "20,001" in shown  # 20,000 points cut a line into 20,001 intervals


def test_bad_models(tmp_path):
    (tmp_path / "text.onnx").write_text("hello\n")
    for name in ("text.onnx", "absent.onnx"):
        assert_refused(nnce("inspect", name, cwd=tmp_path), name)
