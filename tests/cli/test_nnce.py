"""``nnce`` itself: help, version, usage, bugs, and the page that documents it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import nnce_cli
from nnce_cli.cli import main
from tests.command import assert_refused, nnce, shell

ROOT = Path(__file__).parents[2]
HEAVY = {
    "cvxpy",
    "onnx",
    "onnxruntime",
    "pyarrow",
    "numpy",
    "flint",
    "multiprocess",
    "matplotlib",
}


def test_help_imports_nothing_heavy(tmp_path):
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "nnce_cli", "--help"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert result.returncode == 0
    imported = {line.split("|")[-1].strip().split(".")[0] for line in result.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & (HEAVY | {"rich"})
    assert all(name in result.stdout for name in ("enumerate", "estimate", "stats", "inspect"))


def test_version(tmp_path):
    result = nnce("--version", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, f"nnce {nnce_cli.__version__}\n")


def test_bad_usage(tmp_path):
    assert_refused(nnce(cwd=tmp_path), "--help")
    assert_refused(nnce("count", cwd=tmp_path), "count")
    assert_refused(nnce("--colour", cwd=tmp_path), "--colour")
    assert_refused(nnce("stats", "a", "b", cwd=tmp_path), "nnce stats --help")


def test_a_bug_is_reported_as_one(tmp_path):
    script = (
        "import sys, nnce_cli.cli.stats as m; from nnce_cli.cli import main;"
        "import nnce_cli.table as t; t.CellTableReader = None; sys.argv = ['nnce', 'stats', 'x'];"
        "main()"
    )
    for variable, traceback in (("", False), ("NNCE_TRACEBACK=1 ", True)):
        result = shell(f'{variable}python -c "{script}"', tmp_path)
        assert result.returncode == 101
        assert "internal error: TypeError" in result.stderr
        assert "please report" in result.stderr
        assert ("Traceback" in result.stderr) is traceback


def test_the_page_is_that_of_the_help_texts():
    spec = importlib.util.spec_from_file_location("make_cli", ROOT / "docs" / "make_cli.py")
    make_cli = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_cli)
    assert make_cli.PAGE.read_text(encoding="utf-8") == make_cli.page(), "run `make docs`"


@pytest.mark.parametrize(
    "command",
    ["enumerate", "estimate", "stats", "inspect", "runs", "plot", "report", "compare", "methods"],
)
def test_every_option_has_a_help_text(command, tmp_path):
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    shown = nnce(command, "--help", cwd=tmp_path).stdout
    options = {word.strip(",") for word in shown.split() if word.startswith("--")}
    section = page.split(f"## nnce {command}\n")[1].split("\n## ")[0]
    assert {option for option in options if option not in section} <= {"--help"}


def test_the_entry_point_exits(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["nnce", "--version"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0


def test_terminal_codes_in_names_do_not_reach_the_terminal(tmp_path):
    result = nnce("inspect", "\x1b[31mred.onnx", cwd=tmp_path)
    assert_refused(result, r"\x1b[31mred.onnx")
    assert "\x1b" not in result.stderr
