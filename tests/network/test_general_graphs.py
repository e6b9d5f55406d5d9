"""Networks beyond chains of ReLU layers, as files have them, against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest

from nnce_cli.network import Runtime, check_against_onnxruntime, load_network, read_model
from tests.cases import FOLDER, known_cases, needs_cases

FILES = sorted(
    path for folder in ("general", "exports", "real") for path in (FOLDER / folder).glob("*.onnx")
)
CASES = {
    f"{folder}/{name}": entry
    for folder in ("general", "exports")
    for name, entry in known_cases(folder).items()
}


@needs_cases
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_layer_of_every_file_is_what_onnxruntime_computes(path):
    stack = load_network(path)
    box = np.full(stack.n_inputs, 2.0)
    check_against_onnxruntime(stack, path, -box, box, samples=8)


@needs_cases
@pytest.mark.parametrize("name", CASES)
def test_the_units_of_the_known_cases(name):
    entry = CASES[name]
    stack = load_network(FOLDER / name.split("/")[0] / entry["file"])
    assert stack.n_inputs == entry["inputs"]
    assert sum(stack.widths[1:]) == sum(entry["units"])


AGREEING = [path for path in FILES if path.parent.name == "real" and path.stem != "mnist-net_256x2"]


@needs_cases
@pytest.mark.parametrize("path", AGREEING, ids=lambda path: path.stem)
def test_outputs_of_real_networks_at_ten_thousand_points(path):
    stack = load_network(path)
    names = [port.name for port in stack.outputs]
    runtime = Runtime(read_model(path), stack.inputs, names)
    points = runtime.rounded(np.random.default_rng(3).uniform(-1, 1, (10_000, stack.n_inputs)))
    ours = stack.forward(points)
    sizes = [port.size for port in stack.outputs]
    theirs = np.empty_like(ours)
    for i, point in enumerate(points):
        values = runtime.at(point)
        parts = [values[name][:size] for name, size in zip(names, sizes, strict=True)]
        theirs[i] = np.concatenate(parts)
    scale = np.abs(theirs).max(axis=0)
    assert (np.abs(ours - theirs) <= 1e-4 * scale).all()
