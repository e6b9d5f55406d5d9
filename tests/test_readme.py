"""README and documentation: their code works as printed, they show what there is, links lead on."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys

import pytest

import nnce_cli
from tests import test_house
from tests.command import environment, shell
from tests.page import ROOT, blocks, commands, looks_like

# Pages whose code is not run here, and why.
ELSEWHERE = {
    "docs/models.md": "needs PyTorch and other exporters; tests/exports/test_models_page.py",
    "docs/cluster.md": "needs a cluster",
    "docs/findings.md": "has no code; made by `make study`",
}
PAGES = ["README.md", "CONTRIBUTING.md", "sample_models/README.md"]
PAGES += sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
PAGES = [name for name in PAGES if name not in ELSEWHERE]
RUN = {"console", "python", "sql"}
NOT_CODE = {"text", "json", "sh", "toml"}  # `sh`: to be typed with names of one's own


def is_run(name: str) -> bool:
    """Whether a page has code that is run."""
    return any(block.language in RUN for block in blocks(ROOT / name))


@pytest.mark.parametrize("name", [name for name in PAGES if is_run(name)])
def test_code(name, tmp_path):
    """Each page in a folder of its own, which has the sample models."""
    shutil.copytree(ROOT / "sample_models", tmp_path / "sample_models")
    options = environment(COLUMNS="80", PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1")
    result = subprocess.run(
        [sys.executable, "-m", "tests.page", name],
        check=False,
        cwd=tmp_path,
        env=options,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    for made in tmp_path.glob("*.svg"):
        shown = ROOT / "docs" / "figures" / made.name
        if shown.exists():
            assert_drawn_alike(made.read_text(encoding="utf-8"), shown.read_text(encoding="utf-8"))


def assert_drawn_alike(one: str, other: str) -> None:
    """The same words and lines; outlines of letters differ from machine to machine."""
    words = re.compile(r"<!-- (.*?) -->", re.DOTALL)
    assert words.findall(one) == words.findall(other), "draw the picture in docs/figures anew"
    lines = [len(re.findall(r"^[ML] ", text, re.MULTILINE)) for text in (one, other)]
    assert lines[0] == pytest.approx(lines[1], rel=1e-3)


@pytest.mark.parametrize("name", PAGES)
def test_code_says_its_language(name):
    unknown = {block.language for block in blocks(ROOT / name)} - RUN - NOT_CODE
    assert not unknown, "console, python and sql are run; text, json and sh are not"


@pytest.mark.parametrize(
    ("printed", "expected", "same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\nb\n", "a\n", False),
        ("a 17 b\n", "a … b\n", True),
        ("a\nb\n", "…", True),
        ("a.b\n", "axb\n", False),
    ],
)
def test_what_is_printed_is_compared(printed, expected, same):
    assert looks_like(printed, expected) is same


def test_every_command_is_shown():
    """In README or in the documentation, by an example that is run."""
    shown = " ".join(
        command
        for name in PAGES
        for block in blocks(ROOT / name)
        if block.language == "console"
        for command, _ in commands(block)
    )
    names = {line.split()[1] for line in help_lines() if line.startswith("nnce ")}
    assert len(names) > 9
    assert {name for name in names if f"nnce {name} " not in shown} == set()


def help_lines() -> list[str]:
    """Return the lines of `nnce --help`."""
    return [line.strip() for line in shell("nnce --help", ROOT).stdout.splitlines()]


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in set(re.findall(r"`make ([a-z-]+)`", text)) | set(
            re.findall(r"^make ([a-z-]+)", text, flags=re.MULTILINE)
        ):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), (name, target)


@pytest.mark.parametrize("name", [*PAGES, "CHANGELOG.md", "experiments/README.md"])
def test_links_lead_somewhere(name):
    """Where the pages are read as files; `make docs` sees to those of the site."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / name).parent.joinpath(link).exists(), link


def test_all_names_for_python_are_in_the_reference():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    shown = {name.split(".")[-1] for name in re.findall(r"^::: (\S+)$", page, re.MULTILINE)}
    assert shown == set(nnce_cli.__all__)


def test_a_version_is_the_same_everywhere():
    """In the package, its metadata, the citation, and first in the list of changes."""
    texts = {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in ("pyproject.toml", "CITATION.cff", "CHANGELOG.md")
    }
    assert f'version = "{nnce_cli.__version__}"' in texts["pyproject.toml"]
    assert f"\nversion: {nnce_cli.__version__}\n" in texts["CITATION.cff"]
    first = re.search(r"^## (\S+)", texts["CHANGELOG.md"], flags=re.MULTILINE)
    assert first
    assert first[1] == nnce_cli.__version__


def test_the_picture_of_the_house():
    """Rooms stand above those that they may use, and the green ones are the checker's."""
    spec = importlib.util.spec_from_file_location("make_rooms", ROOT / "docs" / "make_rooms.py")
    make_rooms = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_rooms)
    assert tuple(make_rooms.ROOMS) == tuple(reversed(test_house.ROOMS))
    assert {*make_rooms.SEEN_BY_VERIFY, "verify"} == test_house.USED_BY_VERIFY
    assert make_rooms.PICTURE.read_text(encoding="utf-8") == make_rooms.picture(), "run `make docs`"
