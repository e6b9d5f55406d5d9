"""The options that name a domain: the same for every command, and what does not go together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nnce_cli.base.errors import InputError
from nnce_cli.cli.app import app
from nnce_cli.cli.domain_options import DomainOptions
from nnce_cli.cli.loading import load
from nnce_cli.domain import Box, Polyhedron
from tests.cases import FOLDER, needs_cases
from tests.command import assert_refused, four_lines, nnce, nnce_inside, shell

DOMAINS = FOLDER / "domains"
OPTIONS = (
    "--box", "--bounds", "--vnnlib", "--halfspaces", "--linf", "--ball1", "--unbounded", "--slice",
    "--slice-box", "--margin", "--centre",
)  # fmt: skip


@pytest.mark.parametrize("command", ["enumerate", "estimate", "verify"])
def test_every_command_shows_them(command):
    lines = CliRunner().invoke(app, [command, "--help"]).stdout.splitlines()
    shown = [line.split()[0] for line in lines if line.startswith("  --")]
    assert [word for word in shown if word in OPTIONS] == list(OPTIONS)


A, B = Path("a"), Path("b")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"box": "0,1", "bounds": [A]}, "each give the domain; use one of them"),
        ({"bounds": [A], "vnnlib": B}, "each give the domain"),
        ({"slice_box": "0,1"}, "--slice-box is about a slice"),
        ({"margin": "0.1"}, "--margin is about a slice"),
        ({"centre": True}, "--centre is about a slice"),
        ({"slice_of": A, "box": "0,1"}, "--slice has a domain of its own"),
        ({"slice_of": A, "halfspaces": B}, "--slice has a domain of its own"),
        ({"slice_of": A, "linf": "b,1"}, "--slice has a domain of its own"),
        ({"unbounded": True, "box": "0,1"}, "--unbounded leaves nothing out, and --box does"),
        ({"unbounded": True, "ball1": "a,1"}, "and --ball1 does"),
        ({"unbounded": True, "slice_of": A, "margin": "1"}, "and --margin does"),
    ],
)
def test_what_does_not_go_together_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        DomainOptions(**given)


def test_files_are_named():
    where = DomainOptions(bounds=[A, B], linf="x,y.csv,0.1", ball1="z,1")
    assert [path for path in where.files if path] == [A, B, Path("x,y.csv"), Path("z")]
    assert where.is_given
    assert not DomainOptions(bounds=[]).is_given


def domain_of(tmp_path, **given):
    return load(four_lines(tmp_path / "m.onnx"), DomainOptions(**given))[1]


def test_the_domain_is_what_all_options_have_in_common(tmp_path):
    (tmp_path / "p.csv").write_text("0.5,-0.5")
    (tmp_path / "h.csv").write_text("1,1,0.5")
    linf = f"{tmp_path / 'p.csv'},1"
    box = domain_of(tmp_path, box="-1,1", linf=linf)
    assert isinstance(box, Box)
    assert (box.lower.tolist(), box.upper.tolist()) == ([-0.5, -1], [1, 0.5])
    cut = domain_of(tmp_path, linf=linf, halfspaces=tmp_path / "h.csv")
    assert isinstance(cut, Polyhedron)
    assert cut.lower.tolist() == [-0.5, -1.5]
    assert cut.halfspaces.tolist() == [[1, 1, 0.5]]
    alone = domain_of(tmp_path, halfspaces=tmp_path / "h.csv")
    assert np.isinf(alone.lower).all()
    ball = domain_of(tmp_path, ball1=f"{tmp_path / 'p.csv'},0.25")
    assert ball.halfspaces.tolist() == [[1, 1, 0.25], [1, -1, 1.25], [-1, 1, -0.75], [-1, -1, 0.25]]
    assert ball.lower.tolist() == [0.25, -0.75]
    assert isinstance(domain_of(tmp_path), Box)


@pytest.mark.parametrize(
    ("given", "interval"),
    [
        ({}, (0, 1)),
        ({"centre": True}, (-1, 1)),
        ({"margin": "0.2"}, (-0.2, 1.2)),
        ({"centre": True, "margin": ".5"}, (-1.5, 1.5)),
        ({"slice_box": "-3,2", "margin": "1"}, (-4, 3)),
        ({"unbounded": True}, (-np.inf, np.inf)),
    ],
)
def test_coordinates_of_slices(given, interval, tmp_path):
    (tmp_path / "s.csv").write_text("0,0\n1,2\n")
    domain = domain_of(tmp_path, slice_of=tmp_path / "s.csv", **given)
    assert [(domain.lower[0], domain.upper[0])] == [interval]


def test_a_margin_is_a_number_that_is_not_negative(tmp_path):
    (tmp_path / "s.csv").write_text("0,0\n1,2\n")
    for margin, message in (("-1", "below zero"), ("wide", "'wide' is not a number")):
        with pytest.raises(InputError, match=message):
            domain_of(tmp_path, slice_of=tmp_path / "s.csv", margin=margin)


BALL = "integer-3-6-6.onnx"


@needs_cases
def test_a_ball_has_the_known_cells_and_is_verified(tmp_path):
    truth = json.loads((DOMAINS / "truth.json").read_text())
    entry = truth["integer-3-6-6.l1-ball"]
    (tmp_path / "centre.csv").write_text("0,0,0")
    radius = entry["domain"]["polytope"][0][-1]
    ball = ["--ball1", f"centre.csv,{radius}"]
    made = nnce("enumerate", DOMAINS / BALL, *ball, "-o", "t", "-j", "1", "--json", cwd=tmp_path)
    assert json.loads(made.stdout)["cells"] == entry["cells"]
    other = ["--ball1", f"centre.csv,{radius / 2}"]
    done = nnce("verify", "t", DOMAINS / BALL, *ball, "-j", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "Proved" in done.stdout
    for named, why in (
        (other, "input 0 goes through"),
        (["--box", "-1,1"], "its domain has 8 half-spaces and the one named 0"),
    ):
        done = nnce("verify", "t", DOMAINS / BALL, *named, "-j", "1", cwd=tmp_path)
        assert done.returncode == 1
        assert "is NOT the table of" in done.stdout
        assert why in done.stdout


def test_a_slice_is_held_against_the_table(tmp_path):
    model = four_lines(tmp_path / "m.onnx")
    (tmp_path / "s.csv").write_text("0,0\n1,2\n")
    (tmp_path / "other.csv").write_text("0,0\n1,3\n")
    nnce("enumerate", model, "--slice", "s.csv", "-o", "t", "-j", "1", "-q", cwd=tmp_path)
    for named, why in (
        (["--slice", "s.csv"], ""),
        (["--slice", "other.csv"], "its slice goes through another point 1"),
        (["--slice", "s.csv", "--centre"], "input 0 goes through [0.0, 1.0] in its domain"),
        (["--box", "0,1"], "its domain is a slice and the one named is none"),
    ):
        done = nnce("verify", "t", model, *named, "-j", "1", cwd=tmp_path)
        assert (done.returncode, why in done.stdout) == (1 if why else 0, True), done.stdout


PROPERTY = (
    "(assert (<= X_0 1)) (assert (>= X_0 -1)) (assert (<= X_1 1)) (assert (> X_1 -1))"
    "(assert (<= Y_0 0))"
)


def test_what_is_not_used_of_a_property_is_said(tmp_path):
    model = four_lines(tmp_path / "m.onnx")
    (tmp_path / "p.vnnlib").write_text(PROPERTY)
    command = ["enumerate", model, "--vnnlib", "p.vnnlib", "--count-only", "-j", "1"]
    loud, quiet = nnce(*command, cwd=tmp_path), nnce(*command, "-q", cwd=tmp_path)
    assert "nnce: p.vnnlib: what it says of outputs is not used (comparisons: 1)" in loud.stderr
    assert "1 strict inequalities of inputs" in loud.stderr
    assert quiet.stderr == ""
    assert loud.stdout == quiet.stdout


def test_outputs_are_not_written_over_the_files_of_a_domain(tmp_path):
    model = four_lines(tmp_path / "m.onnx")
    (tmp_path / "h.csv").write_text("1,1,0.5")
    command = ["enumerate", model, "--halfspaces", "h.csv", "-o", "h.csv", "--force"]
    assert_refused(nnce(*command, cwd=tmp_path), "is also an input")


def test_domains_come_from_pipes(tmp_path):
    """Standard input, and what the shell puts for a command."""
    four_lines(tmp_path / "m.onnx")
    count = "nnce enumerate m.onnx --count-only -q -j 1"
    done = shell(
        f"{count} --bounds - <<< $'0,1\n0,1'; {count} --bounds <(printf '0,1\n0,1')", tmp_path
    )
    assert not done.stderr
    [one, other] = done.stdout.split()
    assert one == other
    (tmp_path / "b.csv").write_text("0,1\n0,1\n")
    named = nnce_inside(*count.split()[1:], "--bounds", "b.csv", cwd=tmp_path)
    assert named.stdout.strip() == one
