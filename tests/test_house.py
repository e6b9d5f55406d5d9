"""The order of the house: which rooms use which, and what a command loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nnce_cli

HOUSE = Path(nnce_cli.__file__).parent
PACKAGE = HOUSE.name
# From the foundations up: a room uses those before it only.
ROOMS = (
    "base", "network", "domain", "exact", "_core", "enumeration", "table", "parallel", "run",
    "atlas", "analysis", "verify", "plotting", "api", "cli",
)  # fmt: skip
USED_BY_VERIFY = {"base", "network", "domain", "table", "verify"}  # or it would check itself
FILES = sorted(HOUSE.rglob("*.py"))


def room_of(path: Path) -> str:
    """Return the room of a file, empty for the few files that stand in front of the house."""
    parts = path.relative_to(HOUSE).parts
    return parts[0] if len(parts) > 1 else ""


def imports_of(path: Path) -> list[tuple[str, str]]:
    """Return the modules of this package that a file imports, and the names out of each."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found += [(node.module or "", alias.name) for alias in node.names]
    return [(module, name) for module, name in found if module.split(".")[0] == PACKAGE]


def ours(path: Path) -> list[tuple[str, list[str], str]]:
    """Return the rooms that a file imports from, the modules inside them, and the names."""
    result = []
    for module, name in imports_of(path):
        _, *parts = module.split(".")
        if name.startswith("__"):  # what stands in front of the house: __version__
            continue
        place = [*parts, name] if name else parts
        result.append((place[0], place[1:-1], place[-1]))
    return result


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_rooms_use_only_those_that_they_stand_on(path):
    room = room_of(path)
    if not room:
        return
    assert room in ROOMS, f"{room} is not a room of the design"
    allowed = USED_BY_VERIFY if room == "verify" else set(ROOMS[: ROOMS.index(room) + 1])
    for other, _, _ in ours(path):
        assert other in allowed, f"{path.relative_to(HOUSE)} in {room}/ uses {other}/"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_rooms_use_the_faces_of_others(path):
    """Of another room what its ``__init__`` names; base/ is a cupboard without a face."""
    room = room_of(path)
    for other, inside, name in ours(path):
        if other in (room, "base"):
            continue
        place = ".".join((other, *inside, name))
        assert not inside, f"{path.relative_to(HOUSE)} goes past the face of {other}/ to {place}"


def test_faces_name_what_they_have():
    """Names that are loaded when they are used are found, and ``__all__`` has no others."""
    code = """
import importlib, sys
for room in sys.argv[1:]:
    face = importlib.import_module(f"nnce_cli.{room}")
    for name in getattr(face, '__all__', ()):
        getattr(face, name)
"""
    faces = [room for room in ROOMS if (HOUSE / room / "__init__.py").exists()]
    subprocess.run([sys.executable, "-c", code, *faces], check=True)


# What a command loads.

NEVER = {"cvxpy", "scipy", "matplotlib", "pandas", "highspy", "dask", "sklearn"}
NO_TABLE = NEVER | {"pyarrow"}
NO_RUNTIME = NO_TABLE | {"onnxruntime"}  # `enumerate` holds its reading of a model against it
NO_NETWORK = NO_RUNTIME | {"onnx", "flint", "numpy"}
HAND_MADE = str(HOUSE.parent / "sample_models" / "hand-made.onnx")


def puts_text_together(call: ast.Call) -> bool:
    """Tell whether a call prints an f-string: a name in it may hold what moves the cursor."""
    strings = (node for part in call.args for node in ast.walk(part))
    return any(isinstance(node, ast.JoinedStr) for node in strings)


@pytest.mark.parametrize("path", sorted((HOUSE / "cli").glob("*.py")), ids=lambda path: path.name)
def test_text_is_shown_in_one_place(path):
    """Names in models and of files reach no terminal raw: `show` and `say` are there for them."""
    if path.stem in {"report", "say"}:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    raw = [
        call.lineno
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "print" and puts_text_together(call)
    ]
    assert not raw, f"print with an f-string, in place of show: lines {raw}"


def loaded(*arguments: str) -> set[str]:
    """Return the top-level modules that a command loads, in its own process."""
    code = """
import atexit, sys
from nnce_cli.cli import main

def tell():
    roots = {name.partition(".")[0] for name, module in sys.modules.items() if module is not None}
    print(*sorted(roots), file=sys.stderr)

atexit.register(tell)
sys.argv = ["nnce", *sys.argv[1:]]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split("\n")[-2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["enumerate", "--help"], ["--version"]])
def test_help_loads_no_numbers(arguments):
    assert sorted(loaded(*arguments) & NO_NETWORK) == []


def test_reading_loads_no_table_no_solver_and_no_runtime():
    assert sorted(loaded("inspect", HAND_MADE) & NO_RUNTIME) == []


@pytest.mark.parametrize("method", ["auto", "dictionary"])
def test_counting_loads_no_table_and_no_solver(method, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    command = ["enumerate", HAND_MADE, "--count-only", "-q", "-j", "1", "--method", method]
    assert sorted(loaded(*command) & NO_TABLE) == []


def test_tables_are_written_read_and_checked_without_solvers_and_pictures(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    table = str(tmp_path / "cells.parquet")
    for arguments in (
        ["enumerate", HAND_MADE, "-o", table, "-q", "-j", "1"],
        ["stats", table],
        ["verify", table, HAND_MADE, "-q"],
    ):
        assert sorted(loaded(*arguments) & NEVER) == [], arguments[0]
