"""Commands on tables of networks with units of any kind, or without hidden layers."""

from __future__ import annotations

import json

import pytest

from tests.command import assert_refused, nnce
from tests.unit_stacks import sampled, zoo

STACKS = zoo()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("units")
    for name, stack in STACKS.items():
        sampled(stack).write(path / name)
    return path


@pytest.mark.parametrize("name", ["all kinds", "relu", "no hidden layer"])
def test_statistics(name, folder):
    stack, result = STACKS[name], nnce("stats", name, cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["widths", "-".join(map(str, stack.widths))]
    noun = "neurons" if stack.is_relu else "units"
    has_layers = bool(stack.hidden)
    assert (f"Layer-1 cells by active {noun} and rank" in lines) == has_layers
    said = json.loads(nnce("stats", name, "--json", cwd=folder).stdout)
    cells = sampled(stack)
    assert said["cells"] == len(cells.joined)
    assert said["layer_cells"] == list(cells.metadata.layer_cells)
    assert said.get("pieces", []) == [list(p) for p in stack.layout.pieces if any(
        stack.layout.pieces
    )]  # fmt: skip


def test_comparisons(folder):
    for name, stack in STACKS.items():
        result = nnce("compare", name, name, cwd=folder)
        assert result.returncode == 0
        assert "verdict  the same cells" in result.stdout.splitlines()
        assert ("layer 1" in result.stdout) == bool(stack.hidden)
    assert_refused(nnce("compare", "all kinds", "relu", cwd=folder), "different widths")
    # Three units and three, of two pieces each or with two clips of three.
    assert_refused(nnce("compare", "leaky", "clips", cwd=folder), "different")


def test_pictures_of_statistics(folder):
    pytest.importorskip("matplotlib")
    for kind in ("rank", "layers"):
        for name in ("all kinds", "no hidden layer"):
            drawn = nnce("plot", name, "--kind", kind, "-o", "a.png", "--force", cwd=folder)
            if (kind, name) == ("rank", "no hidden layer"):
                assert_refused(drawn, "--kind layers")
            else:
                assert drawn.returncode == 0, drawn
