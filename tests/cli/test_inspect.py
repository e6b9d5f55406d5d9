"""``nnce inspect`` as a program."""

from __future__ import annotations

import json

import numpy as np
from onnx import TensorProto
from onnx.helper import make_node, make_tensor_value_info

from tests.command import assert_refused, nnce, save_network, tent
from tests.networks import graph_model, save


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


def convolutional(path):
    """A padded convolution of two channels on a 2 x 3 image, max pooling, and two outputs."""
    nodes = [
        make_node("Conv", ["input", "W"], ["c"], "conv", pads=[1, 1, 1, 1]),
        make_node("Relu", ["c"], ["r"], "relu"),
        make_node("MaxPool", ["r"], ["p"], "pool", kernel_shape=[2, 2]),
        make_node("Flatten", ["p"], ["f"], "flat"),
        make_node("Add", ["f", "b"], ["logits"], "shift"),
        make_node("Softmax", ["logits"], ["output"], "soft"),
        make_node("ReduceSum", ["r"], ["total"], "total", keepdims=0),
    ]
    constants = {"W": np.arange(18.0).reshape(2, 1, 3, 3) - 9, "b": np.ones(4)}
    model = graph_model(nodes, constants, ["N", 1, 2, 3])
    model.graph.output.append(make_tensor_value_info("total", TensorProto.FLOAT, None))
    return save(model, path)


def test_units_have_their_places(tmp_path):
    model = convolutional(tmp_path / "conv.onnx")
    found = json.loads(nnce("inspect", model, "--json", cwd=tmp_path).stdout)
    assert found["inputs"] == [{"name": "input", "shape": [1, 1, 2, 3], "type": "float32"}]
    assert [port["name"] for port in found["outputs"]] == ["logits", "total"]
    assert (found["meaning"], found["tail"]) == ("classes by argmax", ["soft (Softmax)"])
    assert found["widths"] == [6, 12, 4]
    assert found["pieces"] == 12 * 2 + 4 * 4
    first, second, output = found["layers"]
    assert first["places"] == [
        {"node": "relu (Relu)", "column": "layer", "first": 0, "count": 12, "shape": [1, 2, 2, 3],
         "positions": []},
    ]  # fmt: skip
    assert second["places"][0]["column"] == "piece"
    assert second["places"][0]["shape"] == [1, 2, 1, 2]
    # A base of each maximum, and the sum that the second output is.
    assert second["units"] == {
        "two_pieces": 0, "slopes": [], "clips": 0, "maxima": 4, "passed_on": 5,
    }  # fmt: skip
    assert "places" not in output


def test_units_for_people(tmp_path):
    lines = nnce("inspect", convolutional(tmp_path / "conv.onnx"), cwd=tmp_path).stdout.split("\n")
    assert "left out     soft (Softmax)" in lines
    rows = [line.split() for line in lines]
    assert ["hidden", "1", "layer_1:", "0", "to", "11", "relu", "(Relu)", "1x2x2x3"] in rows
    assert ["hidden", "2", "piece_2:", "0", "to", "3", "pool", "(MaxPool)", "1x2x1x2"] in rows
    assert ["hidden", "2", "passes", "on", "5", "numbers"] in rows


def test_one_output(tmp_path):
    model = convolutional(tmp_path / "conv.onnx")
    arguments = ["inspect", model, "--json", "--output-name", "total"]
    found = json.loads(nnce(*arguments, cwd=tmp_path).stdout)
    assert found["widths"] == [6, 12]
    assert found["meaning"] == "unknown"
    refused = nnce("inspect", model, "--output-name", "nothing", cwd=tmp_path)
    assert_refused(refused, "it has no output 'nothing'; its outputs are output, total")
