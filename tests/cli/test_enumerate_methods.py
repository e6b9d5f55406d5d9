"""``nnce enumerate --method``: the same cells by every method, with any number of workers."""

from __future__ import annotations

import json
import os

import pytest

from tests.command import assert_refused, four_lines, nnce
from tests.runs import generic, save_layers


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_layers(tmp_path_factory.mktemp("models") / "m.onnx", generic(3, 6, 5))


@pytest.mark.parametrize(
    "method",
    [
        "dictionary",
        "incremental",
        *(
            pytest.param(method, marks=pytest.mark.slow)
            for method in ("vertex", "reverse-search", "exhaustive")
        ),
    ],
)
def test_every_method_gives_the_same_cells(model, tmp_path, method):
    for name, options in {
        "auto": ("-j", "1"),
        "one": ("-j", "1", "--method", method),
        "three": ("-j", "3", "--method", method),
    }.items():
        result = nnce("enumerate", model, "-o", name, "-q", *options, cwd=tmp_path)
        assert result.returncode == 0, result
    assert (tmp_path / "one").read_bytes() == (tmp_path / "three").read_bytes()
    assert nnce("compare", "auto", "one", cwd=tmp_path).returncode == 0
    count = nnce("enumerate", model, "--count-only", "-q", "--method", method, cwd=tmp_path)
    assert (
        int(count.stdout)
        == json.loads(nnce("stats", "auto", "--json", cwd=tmp_path).stdout)["cells"]
    )


def test_a_layer_wise_run_can_be_resumed(model, tmp_path):
    command = ("enumerate", model, "-o", "t", "-q", "--method", "incremental", "--lp", "highs")
    whole = nnce(*command, cwd=tmp_path)
    assert whole.returncode == 0, whole
    expected = (tmp_path / "t").read_bytes()
    (tmp_path / "t").unlink()
    result = nnce(*command, "--max-cells", "10", "-j", "2", cwd=tmp_path)
    assert result.returncode == 3
    other = nnce(*command[:-4], "--resume", cwd=tmp_path)
    assert_refused(other, "another method")
    assert nnce(*command, "--resume", cwd=tmp_path).returncode == 0
    assert (tmp_path / "t").read_bytes() == expected


def test_the_choice_is_explained(model, tmp_path):
    result = nnce("enumerate", model, "-o", "t", "-v", cwd=tmp_path)
    assert "method vertex: the fastest method for 3 inputs" in result.stderr
    proved = nnce("enumerate", model, "-o", "u", "--proof", "p", "-v", cwd=tmp_path)
    assert "method dictionary: the method that writes proofs" in proved.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--method", "guessing"), ("no method 'guessing'", "nnce methods")),
        (("--method", "dictionary", "--lp", "highs"), ("--lp highs", "incremental")),
        (("--method", "incremental", "--lp", "guessing"), ("guessing",)),
        (("--method", "vertex", "--proof", "p"), ("proof",)),
    ],
)
def test_what_does_not_go_together(tmp_path, options, words):
    lines = four_lines(tmp_path / "lines.onnx")
    assert_refused(nnce("enumerate", lines, "-o", "t", *options, cwd=tmp_path), *words)
    assert os.listdir(tmp_path) == ["lines.onnx"]
