"""Enumerated tables of polyhedra, all of space and slices: the known counts, proved; tampering."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nnce_cli.base.errors import InputError
from nnce_cli.domain import make_domain
from nnce_cli.verify import Place
from tests.cases import FOLDER, cube, known_cases, needs_cases
from tests.command import nnce
from tests.networks import mlp_model, save
from tests.verify_tables import (
    CLOSURE,
    METADATA,
    VOLUMES,
    WITNESSES,
    Tampered,
    by_name,
    failing,
    run_verify,
)

CASES = known_cases("domains")
QUICK = ("integer-5-6-4.slice-in-hyperplane",)


def domain_options(domain, folder):
    """Write the files that name a known case's domain, and return the options that do."""
    if "slice" in domain:
        (folder / "points.json").write_text(json.dumps(domain["slice"]))
        return ["--slice", "points.json"]
    if "unbounded" in domain:
        return ["--unbounded"]
    (folder / "rows.json").write_text(json.dumps(domain["polytope"]))
    box = ["--box", ",".join(map(str, domain["box"]))] if "box" in domain else []
    return ["--halfspaces", "rows.json", *box]


@needs_cases
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in sorted(CASES)],
)
def test_known_counts_are_proved(name, tmp_path):
    """The table has as many cells, and is proved to be whole on the domain that was named."""
    case = CASES[name]
    model = FOLDER / "domains" / case["file"]
    options = domain_options(case["domain"], tmp_path)
    made = nnce("enumerate", model, *options, "-o", "t", "--quiet", "-j", "1", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    arguments = ("verify", "t", model, *options, "--samples", "2000", "-j", "1", "--json")
    verified = nnce(*arguments, cwd=tmp_path)
    assert verified.returncode == 0, verified.stdout
    said = json.loads(verified.stdout)
    assert said["proved"]
    assert by_name_of(said)[WITNESSES]["checked"] == case["cells"]
    assert Tampered.read(tmp_path / "t").about["layer_cells"][-1] == case["cells"]


def by_name_of(said):
    return {check["name"]: check for check in said["checks"]}


TRIANGLE = [[-1, 0, 0.75], [0, -1, 0.5], [1, 1, 0.5]]
WEDGE = [[-1, 0, 0], [0, -1, 0]]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A network of two inputs with 6 + 5 neurons."""
    random = np.random.default_rng(3)
    weights = [(random.normal(size=(n, k)), random.normal(size=n)) for k, n in ((2, 6), (6, 5))]
    path = tmp_path_factory.mktemp("model") / "m.onnx"
    return save(mlp_model([*weights, (np.ones((1, 5)), np.zeros(1))], dtype=np.float64), path)


@pytest.fixture(scope="module")
def tables(model, tmp_path_factory):
    """Its tables on a triangle and on a wedge."""
    folder = tmp_path_factory.mktemp("tables")
    for name, rows in (("triangle", TRIANGLE), ("wedge", WEDGE)):
        (folder / f"{name}.json").write_text(json.dumps(rows))
        arguments = ("enumerate", model, "--halfspaces", f"{name}.json", "-o", name, "--quiet")
        assert nnce(*arguments, cwd=folder).returncode == 0
    return folder


@pytest.fixture(params=["triangle", "wedge"])
def table(request, tables):
    return Tampered.read(tables / request.param)


def verified(table, tmp_path, model, **options):
    return run_verify(table.write(tmp_path / "tampered"), model, samples=200, **options)


def test_the_originals_pass(table, tmp_path, model):
    report = verified(table, tmp_path, model)
    assert report.proved
    assert {check.status for check in report.checks} == {"passed"}
    assert 4 < sum(table.columns["bounded"]) <= table.rows


def test_a_row_removed(table, tmp_path, model):
    for row in range(0, table.rows, 1 + table.rows // 5):
        smaller = Tampered(
            {name: [*column] for name, column in table.columns.items()},
            {**table.about},
            table.schema,
        )
        smaller.remove(row)
        smaller.recount()
        assert {CLOSURE, VOLUMES} <= failing(verified(smaller, tmp_path, model))


def test_a_cell_outside_of_the_domain(tables, tmp_path, model):
    """A row of the wedge's table that the triangle has not is a cell there, and not here."""
    table, other = (Tampered.read(tables / name) for name in ("triangle", "wedge"))
    layers = [f"layer_{k}" for k in (1, 2)]
    listed = set(zip(*(table.columns[name] for name in layers), strict=True))
    foreign = next(
        row
        for row in map(other.row, range(other.rows))
        if tuple(row[name] for name in layers) not in listed
    )
    foreign["bounded"] = True
    places = sorted([*listed, tuple(foreign[name] for name in layers)])
    table.insert(places.index(tuple(foreign[name] for name in layers)), foreign)
    table.recount()
    report = verified(table, tmp_path, model)
    assert WITNESSES in failing(report)
    assert "not strictly inside the domain" in by_name(report)[WITNESSES].failures[0]
    del table.columns["witness"]
    table.schema = table.schema.remove(table.schema.get_field_index("witness"))
    table.about |= {"options": {"witness": False}}
    report = verified(table, tmp_path, model)
    assert by_name(report)[WITNESSES].failed == 1
    assert "no point of the domain has these signs" in by_name(report)[WITNESSES].failures[0]


def test_whether_a_cell_is_bounded(table, tmp_path, model):
    row = table.rows - 1
    table.columns["bounded"][row] = not table.columns["bounded"][row]
    result = by_name(verified(table, tmp_path, model))[WITNESSES]
    assert result.failed == 1
    assert f"row {row} " in result.failures[0]
    assert "bounded" in result.failures[0]


def test_half_spaces_changed(tables, tmp_path, model):
    """A larger domain has more cells; in a smaller one some witness is outside."""
    for row, checks in (([1, 1, 2.5], {CLOSURE, VOLUMES}), ([1, 1, 0.25], {WITNESSES})):
        table = Tampered.read(tables / "triangle")
        table.about["domain"]["halfspaces"][2] = row
        assert checks <= failing(verified(table, tmp_path, model))
    for row, words in (
        ([1, 1, -1.25], "its domain is flat"),
        ([1, 1, -2], "its domain is empty"),
        ([0, 0, -1], "its domain is empty"),
    ):
        table = Tampered.read(tables / "triangle")
        table.about["domain"]["halfspaces"][2] = row
        report = verified(table, tmp_path, model)
        assert failing(report) == {METADATA}
        assert words in report.another


def test_a_witness_outside(tables, tmp_path, model):
    """On the line x + y = 1/2 of the triangle, and beyond it, inside of the box around it."""
    for point in ([0.25, 0.25], [0.5, 0.5]):
        table = Tampered.read(tables / "triangle")
        table.columns["witness"][0] = point
        result = by_name(verified(table, tmp_path, model))[WITNESSES]
        assert result.failed == 1
        assert "not strictly inside the domain" in result.failures[0]


def another(path, model, *domains, points=()):
    """Verify a table against one or several domains; return what is said to differ."""
    place = Place(domains, tuple(map(tuple, points)))
    report = run_verify(path, model, samples=10, closure=0, domain=lambda n_inputs: place)
    assert failing(report) <= {METADATA}
    return report.another


def half_spaces(rows):
    return make_domain(np.full(2, -np.inf), np.full(2, np.inf), np.array(rows, dtype=np.float64))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (TRIANGLE, ""),
        (TRIANGLE[:2], "its domain has 3 half-spaces and the one named 2"),
        (
            TRIANGLE[::-1],
            "half-space 0 of its domain is (-1.0, 0.0).x <= 0.75, and of the one named "
            "(1.0, 1.0).x <= 0.5",
        ),
        ([*TRIANGLE[:2], [1, 1, 0.75]], "half-space 2 of its domain is (1.0, 1.0).x <= 0.5"),
    ],
)
def test_other_half_spaces_than_those_named(rows, words, tables, model):
    found = another(tables / "triangle", model, half_spaces(rows))
    assert words in found
    assert bool(found) == bool(words)


def test_another_kind_of_domain_than_the_one_named(tables, model):
    words = "input 0 goes through [-inf, inf] in its domain and through [-1.0, 1.0]"
    assert words in another(tables / "triangle", model, cube(2, -1, 1))
    several = (cube(2, -1, 1), half_spaces(WEDGE))
    assert "none of the 2 named" in another(tables / "triangle", model, *several)
    assert not another(tables / "triangle", model, *several, half_spaces(TRIANGLE))


def test_other_slices_than_the_one_named(tmp_path, model):
    corners = [(0.0, 0.0), (1.0, 0.5), (0.25, 1.0)]
    (tmp_path / "s.json").write_text(json.dumps(corners))
    made = nnce("enumerate", model, "--slice", "s.json", "-o", "t", "--quiet", cwd=tmp_path)
    assert made.returncode == 0
    for points, domain, words in (
        ((), cube(2, 0, 1), "its domain is a slice and the one named is none"),
        (corners[:2], cube(1, 0, 1), "goes through 3 points and the one named through 2"),
        ([*corners[:2], (0.5, 1.0)], cube(2, 0, 1), "its slice goes through another point 2"),
        (corners, cube(2, 0, 2), "input 0 goes through [0.0, 1.0]"),
        (corners, cube(2, 0, 1), ""),
    ):
        found = another(tmp_path / "t", model, domain, points=points)
        assert words in found
        assert bool(found) == bool(words)


def test_the_command_line(tables, model):
    """It compares the domain that is named, and says of which domain the proof is."""
    found = nnce("verify", "triangle", model, "--halfspaces", "triangle.json", cwd=tables)
    assert found.returncode == 0, found.stderr
    assert "polyhedron of 3 half-spaces" in found.stdout
    assert "Proved" in found.stdout
    found = nnce("verify", "triangle", model, "--halfspaces", "wedge.json", cwd=tables)
    assert found.returncode == 1
    assert "it is the table of another domain" in " ".join(found.stdout.split())


def test_there_are_no_certificates_of_polyhedra(tables, tmp_path, model):
    arguments = ("enumerate", model, "-o", "t", "--proof", "p", "--quiet")
    assert nnce(*arguments, cwd=tmp_path).returncode == 0
    with pytest.raises(InputError, match="certificates are about boxes"):
        run_verify(tables / "triangle", model, samples=0, closure=0, proof=tmp_path / "p")
