"""The examples of the README and of the documentation work as they are printed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.command import shell

ROOT = Path(__file__).parents[1]


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Return the commands of the README's console blocks, each with what it prints."""
    found = []
    for block in blocks("README.md", "console"):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = example.partition("\n")
            found.append((command, output))
    return found


def looks_like(printed: str, expected: str) -> bool:
    """Compare, where … stands for anything."""
    pattern = ".*?".join(map(re.escape, expected.split("…")))
    return re.fullmatch(pattern, printed, flags=re.DOTALL) is not None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the sample models, in which the README's commands were run in order."""
    path = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "sample_models", path / "sample_models")
    return path


@pytest.fixture(scope="module")
def results(folder):
    return {
        command: shell(f"set -eo pipefail; {{ {command}; }} 2>&1", folder, COLUMNS="80")
        for command, _ in examples()
    }


@pytest.mark.parametrize(("command", "expected"), examples())
def test_example(command, expected, results):
    result = results[command]
    assert result.returncode == 0, result
    assert looks_like(result.stdout, expected), result.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/cell-table.md", "docs/python.md"])
def test_python_blocks(page, results, folder):
    """One after the other, as they are read."""
    code = "\n".join(blocks(page, "python"))
    result = shell("python - <<'END'\n" + code + "END\n", folder)
    assert result.returncode == 0, result.stderr


def test_every_command_is_shown():
    shown = " ".join(command for command, _ in examples())
    names = {line.split()[1] for line in examples_of_help() if line.startswith("nnce ")}
    assert len(names) > 9
    assert {name for name in names if f"nnce {name}" not in shown} == set()


def examples_of_help() -> list[str]:
    """Return the lines of `nnce --help` that show a command."""
    return [line.strip() for line in shell("nnce --help", ROOT).stdout.splitlines()]


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([a-z-]+)`", text)) | set(
        re.findall(r"^make ([a-z-]+)$", text, flags=re.MULTILINE)
    ):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_links_lead_somewhere():
    for page in [
        "README.md",
        "CHANGELOG.md",
        *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")),
    ]:
        text = (ROOT / page).read_text(encoding="utf-8")
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (ROOT / page).parent.joinpath(link).exists(), link


def test_files_that_the_readme_speaks_of():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in set(re.findall(r"`(sample_models|tests|benchmarks|docs|nnce_cli/\w+)`", text)):
        assert (ROOT / name).is_dir(), name
