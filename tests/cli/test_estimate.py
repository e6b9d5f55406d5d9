"""``nnce estimate`` as a program."""

from __future__ import annotations

import json
import os

import pytest

from tests.command import assert_refused, four_lines, large_network, nnce, tent

QUANTITIES = ["cells", "seconds", "count_seconds", "table_bytes", "table_bytes_no_witness"]


def estimated(*arguments, cwd, **options):
    """Return the JSON of a run, which must succeed."""
    result = nnce("estimate", *arguments, "--json", "--quiet", cwd=cwd, **options)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_a_small_network_is_known(tmp_path):
    found = estimated(four_lines(tmp_path / "four.onnx"), cwd=tmp_path)
    assert found["cells"] == {"estimate": 11, "low": 11, "high": 11}
    assert found["layer_cells"] == [found["cells"]]
    assert found["complete"] is True
    assert found["widths"] == [2, 4]
    for name in QUANTITIES[1:]:
        assert 0 < found[name]["low"] <= found[name]["estimate"] <= found[name]["high"]


def test_the_seconds_of_a_small_network_are_those_of_its_command(tmp_path):
    """By the clock of the processor, which what else the machine does changes little."""
    model = four_lines(tmp_path / "four.onnx")
    found = estimated(model, "-j", "1", cwd=tmp_path, timeout=300)  # in a process of its own
    before = sum(os.times()[2:4])  # of processes that this one has waited for
    nnce("enumerate", model, "-j", "1", "-q", cwd=tmp_path, timeout=300)
    assert 0.4 < (sum(os.times()[2:4]) - before) / found["seconds"]["estimate"] < 2.5
    assert found["starting_seconds"] <= found["seconds"]["estimate"]


def test_domains(tmp_path):
    model = tent(tmp_path / "tent.onnx", 6)
    assert estimated(model, "--box", "0,1", cwd=tmp_path)["cells"]["estimate"] == 64
    (tmp_path / "b.csv").write_text("0,0.5\n")
    assert estimated(model, "--bounds", "b.csv", cwd=tmp_path)["cells"]["estimate"] == 32
    (tmp_path / "p.vnnlib").write_text(
        "(declare-const X_0 Real)\n(assert (>= X_0 0.0))\n(assert (<= X_0 0.25))\n"
    )
    assert estimated(model, "--vnnlib", "p.vnnlib", cwd=tmp_path)["cells"]["estimate"] == 16


@pytest.mark.slow
def test_a_large_network_gets_intervals_or_null(tmp_path):
    model = large_network(tmp_path / "large.onnx")
    found = estimated(model, "--time-limit", "2", cwd=tmp_path)
    assert found["complete"] is False
    assert len(found["layer_cells"]) == 3
    assert found["layer_cells"][-1] == found["cells"]
    for quantity in [*found["layer_cells"], *(found[name] for name in QUANTITIES)]:
        if quantity["estimate"] is None:
            assert (quantity["low"], quantity["high"]) == (None, None)
            assert quantity["reason"]
        else:
            assert quantity["low"] <= quantity["estimate"] <= quantity["high"]
            assert quantity["low"] < quantity["high"]

    one = estimated(model, "--probes", "1", cwd=tmp_path)
    assert one["cells"]["estimate"] is None
    assert "fewer than" in one["cells"]["reason"]
    result = nnce("estimate", model, "--probes", "1", cwd=tmp_path)
    assert result.returncode == 0
    assert "not known" in result.stdout
    assert "the number of cells is not known: fewer than" in result.stderr


def test_probes_and_seed_make_the_numbers(tmp_path):
    model = large_network(tmp_path / "large.onnx")
    arguments = (model, "--probes", "200", "--seed", "3")
    first, again = (estimated(*arguments, cwd=tmp_path) for _ in range(2))
    times = {name for name in first if name.endswith("seconds")}
    assert {key: first[key] for key in first.keys() - times} == {
        key: again[key] for key in again.keys() - times
    }


def test_for_people(tmp_path):
    result = nnce("estimate", tent(tmp_path / "tent.onnx", 3), "--box", "0,1", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["cells"] == "8 (exact)"
    assert lines["table"].endswith("B)")
    assert "which are all" in result.stdout
    assert all(line.isascii() and line == line.rstrip() for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--box", "0,1", "--bounds", "b.csv"), ("use one of them",)),
        (("--time-limit", "0"), ("--time-limit", "positive")),
        (("--time-limit", "nan"), ("--time-limit", "not a time")),
        (("--probes", "0"), ("--probes",)),
        (("-j", "0"), ("--jobs",)),
        (("--seed", "-1"), ("--seed",)),
        (("--box", "1,0"), ("empty",)),
    ],
)
def test_bad_usage(arguments, words, tmp_path):
    model = four_lines(tmp_path / "four.onnx")
    assert_refused(nnce("estimate", model, *arguments, cwd=tmp_path), *words)


def test_a_missing_model(tmp_path):
    assert_refused(nnce("estimate", "nothing.onnx", cwd=tmp_path), "nothing.onnx")
