"""``nnce`` itself: help, version, usage, bugs, and the page that documents it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nnce_cli
from nnce_cli.cli import main
from nnce_cli.cli.app import COMMANDS
from tests.command import assert_refused, environment, nnce, shell

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
    assert_refused(nnce("tally", cwd=tmp_path), "tally")
    assert_refused(nnce("--colour", cwd=tmp_path), "--colour")
    assert_refused(nnce("stats", "a", "b", "c", cwd=tmp_path), "nnce stats --help")


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


def script(name):
    """Load a script of the documentation."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_that_of_the_help_texts():
    make_cli = script("make_cli")
    assert make_cli.PAGE.read_text(encoding="utf-8") == make_cli.page(), "run `make docs`"


def test_man_pages_have_what_the_help_texts_have(tmp_path):
    """Without a warning of groff, where that is installed."""
    pages = script("make_man").write_pages(tmp_path)
    assert {path.name for path in pages} == {"nnce.1", *(f"nnce-{name}.1" for name in COMMANDS)}
    [page] = [path for path in pages if path.name == "nnce-stats.1"]
    text = page.read_text(encoding="utf-8")
    assert r"\fB\-\-by\-layer FILE\fR" in text
    assert r"\-\-model" not in text  # it is hidden
    if shutil.which("groff") is None:
        return
    command = ["groff", "-man", "-ww", "-K", "utf8", "-T", "utf8", *pages]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    assert not shown.stderr
    assert "Show the statistics of a cell table" in shown.stdout
    assert "\n.nf" not in shown.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("nnce sta", ["stats"]),
        ("nnce stats --by", ["--by-layer"]),
        ("nnce plot --kind r", ["rank"]),
    ],
)
def test_shells_complete_command_lines(words, expected, tmp_path):
    asked = {"_NNCE_COMPLETE": "complete_bash", "COMP_WORDS": words}
    asked["COMP_CWORD"] = str(len(words.split()) - 1)
    done = nnce(cwd=tmp_path, env=environment(**asked))
    assert (done.returncode, done.stdout.split()) == (0, expected)


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
