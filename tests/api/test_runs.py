"""Runs from Python: what they tell, how they stop, and how they go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import warnings
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import nnce_cli as nnce
from tests.api.test_python import TOY
from tests.networks import mlp_model


@pytest.fixture(scope="module")
def network():
    return nnce.load(TOY)


@pytest.fixture(scope="module")
def large():
    """A network of millions of cells."""
    random = np.random.default_rng(5)
    sizes = [(20, 7), (20, 20), (1, 20)]
    weights = [(random.normal(size=s) * 0.4, random.normal(size=s[0]) * 0.3) for s in sizes]
    return nnce.load(mlp_model(weights))


def test_progress_is_plain_values_that_grow(network):
    seen = []
    atlas = nnce.enumerate(network, jobs=1, watch=seen.append)
    assert all(isinstance(each, nnce.Progress) for each in seen)
    cells = [each.cells for each in seen]
    assert cells == sorted(cells)
    last = seen[-1]
    assert last.cells == last.kept == atlas.cells
    assert (last.is_over, last.waiting, last.retries) == (True, 0, 0)
    assert last.share == pytest.approx(1)
    assert not seen[0].is_over
    with pytest.raises(FrozenInstanceError):
        last.cells = 0


def test_a_line_says_how_far_a_long_run_is(large, network, capsys):
    nnce.enumerate(large, jobs=1, progress=True, seconds=0.6)
    line = capsys.readouterr().err
    assert line.startswith("\r")
    assert line.endswith("\n")
    assert "% of the domain" in line
    nnce.enumerate(network, jobs=1)
    assert capsys.readouterr().err == ""


def interrupt_once():
    """Return a watcher that interrupts this process when the first cells of a run are kept."""
    told = []

    def watch(progress):
        if progress.kept and not told:
            told.append(progress)
            os.kill(os.getpid(), signal.SIGINT)

    return watch


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_a_run_that_can_be_resumed(large, tmp_path, jobs):
    """As in a notebook: the interrupt comes to whoever called, and the next cell goes on."""
    path = tmp_path / "cells.parquet"
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=r"go on with to='.*cells.parquet', resume=True"):
        nnce.enumerate(large, to=path, jobs=jobs, watch=interrupt_once())
    assert signal.getsignal(signal.SIGINT) is before
    assert not path.exists()
    assert (tmp_path / "cells.parquet.run").is_dir()
    with pytest.raises(nnce.InputError, match="resume"):
        nnce.enumerate(large, to=path, jobs=jobs)
    first = []
    atlas = nnce.enumerate(large, to=path, jobs=jobs, resume=True, seconds=1, watch=first.append)
    assert first[0].kept > 0
    assert atlas.metadata.stopped_by in (None, "--time-limit")


def test_ctrl_c_without_a_file_leaves_nothing(large):
    with pytest.raises(KeyboardInterrupt, match=r"^stopped after [\d,]+ cells$"):
        nnce.enumerate(large, jobs=1, watch=interrupt_once())


def test_another_thread_runs_too(network):
    found = []
    thread = threading.Thread(target=lambda: found.append(nnce.enumerate(network, jobs=1).cells))
    thread.start()
    thread.join()
    assert found == [nnce.enumerate(network, jobs=1).cells]


def test_an_exception_of_a_callback_leaves_a_run(network, tmp_path):
    path = tmp_path / "cells.parquet"

    def fail(progress):
        if progress.done:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        nnce.enumerate(network, to=path, jobs=1, watch=fail)
    assert nnce.enumerate(network, to=path, jobs=1, resume=True).complete
    assert nnce.enumerate(network, to=path, jobs=1, resume=True).complete  # it is finished


def test_what_is_done_again_is_a_warning(network, tmp_path):
    """A part that was damaged between two runs."""
    path = tmp_path / "cells.parquet"

    def stop(progress):
        if progress.done > 3:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        nnce.enumerate(network, to=path, jobs=1, watch=stop)
    parts = sorted((tmp_path / "cells.parquet.run" / "parts").iterdir())
    parts[0].write_bytes(b"damaged")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        atlas = nnce.enumerate(network, to=path, jobs=1, resume=True)
    assert any("again" in str(each.message) for each in told)
    assert atlas.cells == 279


def test_an_unfinished_script_says_how_to_go_on(tmp_path):
    """Whose only thread is interrupted: exit code 130 of Python, one traceback, and a run."""
    code = f"""
import os, signal
import nnce_cli as nnce
net = nnce.load({str(TOY)!r})
told = []
def stop(progress):
    if not told:
        told.append(progress)
        os.kill(os.getpid(), signal.SIGINT)
nnce.enumerate(net, to="cells.parquet", jobs=1, watch=stop)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGINT
    assert "KeyboardInterrupt: stopped after" in done.stderr
    assert (tmp_path / "cells.parquet.run" / "journal.sqlite").exists()
