"""The page about models: its table of operators is the code's, its recipes work."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from nnce_cli.network import OPERATORS, load_network

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
KINDS = {
    "linear": "linear",
    "units": "units",
    "of constants": "constants",
    "tail": "tails",
    "refused": "refused",
}
RECIPES = re.findall(r"^```python ([\w ]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_table_has_all_operators():
    rows = re.findall(r"^\| `([^`]+)` \| ([a-z ]+) \|", PAGE, re.MULTILINE)
    assert len(set(rows)) == len(rows)
    found = {kind: {name for name, k in rows if KINDS[k] == kind} for kind in OPERATORS}
    assert found == {kind: set(names) for kind, names in OPERATORS.items()}
    assert len(RECIPES) == 6


@pytest.mark.slow
@pytest.mark.parametrize(("needed", "code"), RECIPES, ids=[needed for needed, _ in RECIPES])
def test_recipe(needed, code, tmp_path, monkeypatch):
    """In an environment that has the libraries."""
    if not all(map(importlib.util.find_spec, needed.split())):
        pytest.skip(f"needs {needed}")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "recipe", "exec"), {})
    stack = load_network(tmp_path / "model.onnx")
    assert stack.widths[1:]
