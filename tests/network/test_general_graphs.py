"""Networks beyond chains of ReLU layers, as files have them, against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest

from nnce_cli.network import check_against_onnxruntime, load_network
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
