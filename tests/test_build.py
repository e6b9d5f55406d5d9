"""The builds of the core: this processor's, a wheel, and one by a compiler from PyPI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nnce_cli import _core
from tests.command import assert_refused, environment, nnce

ROOT = Path(__file__).resolve().parents[1]
COMPILER = re.compile(r"(.*-)?(cc|c\+\+|gcc|g\+\+|cpp|clang|clang\+\+|zig)(-[\d.]+)?")


@pytest.mark.parametrize("build", _core.BUILDS)
def test_a_build_that_is_asked_for_is_loaded(build):
    script = "from nnce_cli import _core; print(_core.BUILD)"
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(NNCE_CPU=build),
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.split() == [build]


@pytest.mark.parametrize("method", ["dictionary", "vertex"])
def test_builds_agree(method, tmp_path):
    first, *others = (table(build, method, tmp_path) for build in _core.BUILDS)
    assert len(first) > 1
    assert all(other.equals(first) for other in others)


def test_a_build_for_another_processor_is_refused(tmp_path):
    count = ("enumerate", ROOT / "sample_models" / "hand-made.onnx", "--count-only")
    refused = nnce(*count, cwd=tmp_path, env=environment(NNCE_CPU="z80"))
    assert_refused(refused, "NNCE_CPU=z80", *_core.BUILDS)


@pytest.mark.slow
def test_a_wheel_installs_and_runs():
    make("wheel", cwd=ROOT, path=os.environ["PATH"])


@pytest.mark.slow
def test_where_there_is_no_compiler_make_brings_one(tmp_path):
    path, copy = tmp_path / "bin", tmp_path / "copy"
    link_tools_but_compilers(path)
    copy_sources(copy)
    assert "ziglang brings one" in make("run", cwd=copy, path=path).stderr


def table(build: str, method: str, folder: Path) -> pa.Table:
    """Return the cell table that a build makes of a sample network, without witnesses.

    Their last digits depend on whether the processor can fuse a product and a sum.
    """
    model, output = ROOT / "sample_models" / "toy-2d.onnx", folder / f"{build}.cells.parquet"
    options = ("--method", method, "--no-witness", "--output", output)
    result = nnce("enumerate", model, *options, cwd=folder, env=environment(NNCE_CPU=build))
    assert result.returncode == 0, result.stderr
    return pq.read_table(output)


def make(target: str, cwd: Path, path: str | Path) -> subprocess.CompletedProcess:
    """Run make, as a shell outside of make and of the virtual environment does."""
    ours = ("MAKE", "MFLAGS", "VIRTUAL_ENV", "CC", "CXX")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    made = subprocess.run(
        ["make", target, f"PYTHON={sys.executable}"],
        cwd=cwd,
        env=env | {"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return made


def link_tools_but_compilers(folder: Path) -> None:
    """Make a folder of links to what is in PATH, without compilers."""
    folder.mkdir()
    for place in os.get_exec_path():
        for tool in Path(place).glob("*"):
            link = folder / tool.name
            if not COMPILER.fullmatch(tool.name) and not link.is_symlink():
                link.symlink_to(tool)


def copy_sources(folder: Path) -> None:
    """Copy the files that git knows or would add."""
    folder.mkdir()
    list_files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(list_files, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, names.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
        (folder / name).chmod((ROOT / name).stat().st_mode)
