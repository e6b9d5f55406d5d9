"""Columns beside a table: against exact polyhedra and maps made of exact values; counts by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from nnce_cli.analysis import Column, Geometry, output_map, task_of
from nnce_cli.analysis.geometry import run, same_maps
from nnce_cli.analysis.geometry.modular import MapsModulo, primes, residues
from nnce_cli.analysis.geometry.regions import regions_of
from nnce_cli.atlas import Cell, CellSpace, cell_of_row
from nnce_cli.cli.app import app
from nnce_cli.domain import Box, Polyhedron
from nnce_cli.table import Output
from tests.atlas.cells import codes_of, table_of
from tests.atlas.test_cell import exact_generators
from tests.cases import cube
from tests.command import save_network
from tests.enumeration.test_unit_kinds import layers
from tests.network_tables import network_of
from tests.oracles.units import cell_polyhedra, stack_of, values_at
from tests.strategies import boxes, examples
from tests.unit_stacks import zoo

ENDS_PLAIN = [  # the outputs are those of the last units
    [(3, 0, (), 0), (2, 0, (), 0)],
    [(2, 1, (3,), 0), (2, 0, (), 0)],
    [(0, 2, (4,), 1), (3, 0, (), 0)],
    [(4, 0, (), 1), (1, 0, (), 0)],
]
EVERY = list(Column)


def geometry_of(reader, stack, folder, columns=EVERY, jobs=1):
    """Return the columns as lists, and the summary."""
    task = task_of(output_map(stack).n_out, "")
    path = folder / "geometry.parquet"
    with Output(str(path), force=True) as output:
        own = replace(stack, digest=reader.metadata.model)
        summary = Geometry(reader, own, task, columns, jobs).write(output)
        output.commit()
    return pq.read_table(path).to_pydict(), summary


def exact_map(drawn, vertices):
    """The outputs on a cell, from their values at corners of it: rows of constant, coefficients."""
    d = len(vertices[0])
    corners = fmpq_mat(len(vertices), d + 1, [fmpq(*x.as_integer_ratio()) for v in vertices
                                              for x in [Fraction(1), *v]])  # fmt: skip
    values = [values_at(drawn, v) for v in vertices]
    chosen, rank = [], 0
    for k in range(len(vertices)):
        rows = [[corners[i, j] for j in range(d + 1)] for i in [*chosen, k]]
        if fmpq_mat(rows).rank() > rank:
            chosen, rank = [*chosen, k], rank + 1
    square = fmpq_mat([[corners[i, j] for j in range(d + 1)] for i in chosen])
    right = fmpq_mat([[fmpq(*x.as_integer_ratio()) for x in values[i]] for i in chosen])
    return [tuple(row) for row in square.solve(right).transpose().tolist()]


@examples(8)
@given(st.data())
def test_columns_are_those_of_exact_polyhedra(tmp_path_factory, data):
    n, drawn = data.draw(layers(ENDS_PLAIN, most_inputs=3))
    domain = data.draw(boxes(n))
    stack, folder = stack_of(drawn), tmp_path_factory.mktemp("geometry")
    expected = cell_polyhedra(drawn, domain)
    if len(expected) > 60:
        return
    with table_of(folder / "cells.parquet", stack, domain) as reader:
        codes = [codes_of(stack, reader.codes(0)[row]) for row in range(reader.rows)]
        found, summary = geometry_of(reader, stack, folder)
    polyhedra = [expected[code] for code in codes]
    corners = [exact_generators(polyhedron)[0] for polyhedron in polyhedra]
    maps = [exact_map(drawn, vertices) for vertices in corners]
    check_maps(found, summary, maps, polyhedra)
    for row, (polyhedron, vertices) in enumerate(zip(polyhedra, corners, strict=True)):
        walls = [c for c in polyhedron.minimized_constraints() if c.is_inequality()]
        assert found["facets"][row] == len(walls)
        check_ball(found, row, walls)
        check_classes(found, row, drawn, vertices)
        check_volume(found["volume"][row], vertices)
    sides = zip(domain.lower.tolist(), domain.upper.tolist(), strict=True)
    whole = math.prod(high - low for low, high in sides)
    assert math.fsum(found["volume"]) == pytest.approx(whole, rel=1e-14)


def check_maps(found, summary, maps, polyhedra):
    firsts = {}
    assert found["map_id"] == [firsts.setdefault(tuple(m), row) for row, m in enumerate(maps)]
    assert summary.distinct_maps == len(firsts)
    region = list(range(len(maps)))
    for one in range(len(maps)):
        for other in range(one):
            if maps[one] == maps[other] and region[one] != region[other]:
                common = type(polyhedra[one])(polyhedra[one])
                common.intersection_assign(polyhedra[other])
                if common.affine_dimension() == common.space_dimension() - 1:
                    ends = sorted((region[one], region[other]))
                    region = [ends[0] if r == ends[1] else r for r in region]
    assert found["region"] == region
    assert summary.linear_regions == len(set(region))
    for row, exact in enumerate(maps):
        linear = fmpq_mat([list(r[1:]) for r in exact])
        assert found["rank"][row] == linear.rank()
        floats = np.array([[float(Fraction(int(x.p), int(x.q))) for x in r[1:]] for r in exact])
        norms = {"spectral_norm": np.linalg.norm(floats, 2)}
        norms["infinity_norm"] = np.abs(floats).sum(axis=1).max()
        for name, norm in norms.items():
            assert abs(found[name][row] - norm) <= found[f"{name}_error"][row] + 1e-12 * norm


def check_ball(found, row, walls):
    """The ball is inside, and linear programming finds none that is larger."""
    from scipy.optimize import linprog

    centre = found["centre"][row]
    rows = np.array([[*map(float, map(int, c.coefficients()))] for c in walls])
    constants = np.array([float(int(c.inhomogeneous_term())) for c in walls])
    if centre is not None:
        for wall in walls:  # exactly
            terms = zip(wall.coefficients(), centre, strict=True)
            value = sum((int(a) * Fraction(x) for a, x in terms), Fraction(0))
            assert value + int(wall.inhomogeneous_term()) > 0
    size = np.sqrt((rows**2).sum(axis=1))
    best = linprog(
        [*np.zeros(rows.shape[1]), -1.0],
        A_ub=np.column_stack([-rows, size]),
        b_ub=constants,
        bounds=[*[(None, None)] * rows.shape[1], (0, None)],
    )
    low, high = found["inradius"][row], found["inradius_at_most"][row]
    assert low * (1 - 1e-7) <= -best.fun <= high * (1 + 1e-7)
    assert low <= high <= low * (1 + 1e-7)


def check_classes(found, row, drawn, vertices):
    """On a cell the scores are affine: one is the largest if it is at all vertices."""
    at = [values_at(drawn, vertex) for vertex in vertices]
    scores = [[Fraction(0), *f] if len(f) == 1 else f for f in at]
    is_largest = [all(f[j] == max(f) for f in scores) for j in range(len(scores[0]))]
    assert found["crossed"][row] == (not any(is_largest))
    centre = found["centre"][row]
    if centre is not None:
        here = values_at(drawn, [Fraction(x) for x in centre])
        here = [Fraction(0), *here] if len(here) == 1 else here
        assert found["class"][row] == here.index(max(here))


def check_volume(volume, vertices):
    if len(vertices[0]) == 1:
        assert volume == float(max(vertices)[0] - min(vertices)[0])
        return
    from scipy.spatial import ConvexHull

    hull = ConvexHull(np.array(vertices, dtype=np.float64))
    assert volume == pytest.approx(hull.volume, rel=1e-9)


F = Fraction
ABS = [[[F(1), F(0)], [F(-1), F(0)]]]
HAND_COUNTED = {  # hidden layers, output, cells, distinct maps, linear regions on [-1, 1]
    "absolute value": (ABS, [[F(1), F(1), F(0)]], 2, 2, 2),
    "the identity from two active sets": (ABS, [[F(1), F(-1), F(0)]], 2, 1, 1),
    "a dead unit": ([[[F(1), F(0)], [F(1), F(-2)]]], [[F(1), F(1), F(0)]], 2, 2, 2),
    "no outgoing weight": ([[[F(1), F(0)], [F(1), F(-1, 2)]]], [[F(1), F(0), F(0)]], 3, 2, 2),
    "a hat: zero on both sides": (
        [[[F(1), F(1, 2)], [F(1), F(0)], [F(1), F(-1, 2)]]],
        [[F(1), F(-2), F(1), F(0)]], 4, 3, 4,
    ),
    "nothing at all": ([[[F(1), F(0)], [F(1), F(1, 2)]]], [[F(0), F(0), F(3)]], 3, 1, 1),
    "slopes 2^-70 apart": (
        [[[F(1), F(2)], [F(1), F(0)]]], [[F(1), F(1, 2**70), F(0)]], 2, 2, 2,
    ),
    "one third of three": (
        [[[F(1), F(0)], [F(-1), F(0)]]], [[F(1, 3), F(-1, 3), F(1, 7)]], 2, 1, 1,
    ),
    "behind a layer that is off": (
        [ABS[0], [[F(1), F(1), F(-1, 2)], [F(-1), F(-1), F(-1)]]], [[F(1), F(1), F(0)]], 4, 3, 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HAND_COUNTED)
def test_counts_by_hand(tmp_path, name):
    hidden, output, *counts = HAND_COUNTED[name]
    stack = network_of(hidden, output)
    with table_of(tmp_path / "cells.parquet", stack, cube(1, -1, 1)) as reader:
        _, summary = geometry_of(reader, stack, tmp_path, [Column.map_id, Column.region])
    assert [summary.cells, summary.distinct_maps, summary.linear_regions] == counts


@pytest.mark.parametrize("name", HAND_COUNTED)
def test_keys_are_not_believed(tmp_path, monkeypatch, name):
    """All cells get the same key: the proof tells their maps apart."""
    hidden, output, _, distinct, _ = HAND_COUNTED[name]
    stack = network_of(hidden, output)
    monkeypatch.setattr(
        same_maps.MapKeys, "of", lambda self, codes: np.zeros(len(codes), np.uint64)
    )
    with table_of(tmp_path / "cells.parquet", stack, cube(1, -1, 1)) as reader:
        found, summary = geometry_of(reader, stack, tmp_path, [Column.map_id])
    assert summary.distinct_maps == distinct
    monkeypatch.undo()
    with table_of(tmp_path / "cells.parquet", stack, cube(1, -1, 1)) as reader:
        assert geometry_of(reader, stack, tmp_path, [Column.map_id])[0] == found


@pytest.mark.parametrize("name", zoo())
def test_residues_are_those_of_exact_maps(tmp_path, name):
    stack = zoo()[name]
    prime = next(primes())
    output = output_map(stack)
    maps = MapsModulo(stack, output, prime)
    bits = same_maps._bits(stack, output)
    denominators = math.prod(
        math.lcm(*(int(x.q) for m in layer.rational for x in m.entries()))
        for layer in (*stack.hidden, output)
    ) * math.prod(
        math.lcm(1, *(Fraction(s).denominator for s in units.slopes.tolist()))
        for units in stack.units
    )
    with table_of(tmp_path / "cells.parquet", stack, cube(2, -1, 1)) as reader:
        space = CellSpace(stack, cube(2, -1, 1))
        rows = range(0, reader.rows, max(1, reader.rows // 25))
        joined = reader.codes(0)[list(rows)]
        found = maps.on(joined, np.eye(3), np.eye(output.n_out))
        for residue, row in zip(found, rows, strict=True):
            forms = np.array(cell_of_row(space, reader, row).outputs.forms, dtype=object)
            assert (residue == residues(forms, prime)).all()
            largest = max(abs(x) for x in forms.ravel()) * denominators
            assert largest.q == 1
            assert 2 * int(largest.p) < 2**bits


def test_primes_and_residues():
    found = [p for p, _ in zip(primes(), range(2000), strict=False)]
    assert found == sorted(set(found), reverse=True)
    assert all(pow(a, p - 1, p) == 1 for p in found[::50] for a in (2, 3, 5, 7))
    assert found[:3] == [16777213, 16777199, 16777183]
    p = found[0]
    values = np.array([0.0, -1.0, 0.1, -5e-324, 1.7e308, 2.0**-60])
    exact = [Fraction(x) for x in values.tolist()]
    expected = [x.numerator * pow(x.denominator, -1, p) % p for x in exact]
    assert residues(values, p).tolist() == expected


def test_regions_join_through_edges():
    maps = np.array([0, 1, 0, 0, 1, 0])
    edges = [(np.array([0, 1]), np.array([2, 4])), (np.array([0, 2]), np.array([1, 5]))]
    assert regions_of(maps, iter(edges)).tolist() == [0, 1, 0, 3, 1, 0]
    assert regions_of(maps, iter([])).tolist() == [0, 1, 2, 3, 4, 5]


def test_processes_and_parts_make_no_difference(tmp_path, monkeypatch):
    stack, domain = zoo()[next(iter(zoo()))], cube(2, -1, 1)
    monkeypatch.setattr(run, "SMALL", 0)
    written = []
    for jobs, rows, grouped in ((1, 1 << 13, 1 << 22), (2, 5, 3)):
        monkeypatch.setattr(run, "ROWS", rows)
        monkeypatch.setattr(same_maps, "GROUPED", grouped)
        with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
            geometry_of(reader, stack, tmp_path, EVERY, jobs)
        written.append((tmp_path / "geometry.parquet").read_bytes())
    assert written[0] == written[1]


def test_cells_without_bounds_and_thin_ones(tmp_path):
    stack = network_of([[[F(1), F(0), F(0)]]], [[F(1), F(1)]])
    with table_of(tmp_path / "cells.parquet", stack, Polyhedron.space(2)) as reader:
        found, _ = geometry_of(reader, stack, tmp_path)
    assert found["volume"] == [None, None]
    assert found["inradius"] == found["inradius_at_most"] == [math.inf, math.inf]
    assert found["facets"] == [1, 1]
    thin = F(1, 2**80)
    stack = network_of([[[F(1), F(1)], [F(1), 1 + thin]]], [[F(1), F(1), F(0)]])
    with table_of(tmp_path / "cells.parquet", stack, cube(1, -2, 2)) as reader:
        found, _ = geometry_of(reader, stack, tmp_path)
        [place] = [k for k in range(3) if found["volume"][k] < 1e-20]
        assert Cell(CellSpace(stack, cube(1, -2, 2)), reader, reader.codes(0)[place], place).volume
    assert found["volume"][place] == 2.0**-80
    assert found["inradius"][place] <= 2.0**-81 <= found["inradius_at_most"][place]
    assert found["centre"][place] is None


def test_without_units_there_is_one_cell(tmp_path):
    stack, domain = zoo()["no hidden layer"], cube(2, -1, 1)
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        found, summary = geometry_of(reader, stack, tmp_path)
    assert (summary.distinct_maps, summary.linear_regions) == (1, 1)
    assert (found["facets"], found["volume"]) == ([4], [4.0])


def test_fixed_inputs_are_no_dimensions(tmp_path):
    domain = Box(np.array([0.5, -1.0]), np.array([0.5, 1.0]))
    stack = network_of([[[F(1), F(2), F(0)], [F(-1), F(1), F(1)]]], [[F(1), F(1), F(0)]])
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        found, _ = geometry_of(reader, stack, tmp_path)
    assert math.fsum(found["volume"]) == 2.0
    assert set(found["facets"]) == {2}
    assert all(centre[0] == 0.5 for centre in found["centre"])


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """A table, its model, and how to run the command on them."""
    folder = tmp_path_factory.mktemp("command")
    rng = np.random.default_rng(1)
    shapes = ((5, 2), (3, 5))
    save_network(folder / "m.onnx", [(rng.normal(size=s), rng.normal(size=s[0])) for s in shapes])
    cells = str(folder / "m.parquet")
    done = CliRunner().invoke(app, ["enumerate", str(folder / "m.onnx"), "-o", cells, "-j", "1"])
    assert done.exit_code == 0

    def geometry(*arguments):
        target = ["-o", str(folder / "more.parquet"), "-j", "1"]
        return CliRunner().invoke(
            app, ["geometry", cells, str(folder / "m.onnx"), *target, *arguments]
        )

    return geometry, folder


def test_the_command(command):
    geometry, folder = command
    done = geometry("--json", "--force")
    assert done.exit_code == 0, done
    said = json.loads(done.stdout)
    table = pq.read_table(folder / "more.parquet")
    assert said["cells"] == len(table) == sum(said["facets"].values())
    assert said["distinct_maps"] == len(set(table["map_id"].to_pylist()))
    assert said["linear_regions"] == len(set(table["region"].to_pylist()))
    assert said["volume"] == pytest.approx(4.0, rel=1e-15)
    assert said["boundary_cells"] == sum(table["crossed"].to_pylist())
    about = json.loads(pq.ParquetFile(folder / "more.parquet").metadata.metadata[b"nnce-geometry"])
    assert (about["cells"], about["columns"]) == (len(table), said["columns"])
    text = geometry("--force").stdout
    assert f"linear regions                  {said['linear_regions']}" in text
    few = geometry("--force", "--columns", "norms, facets")
    assert few.exit_code == 0
    names = pq.read_schema(folder / "more.parquet").names
    assert names[0] == "facets"
    assert "map_id" not in names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--force"),
        (("--force", "--columns", "facet"), "no column 'facet'"),
        (("--force", "--columns", "class", "--task", "regression"), "no classes"),
    ],
)
def test_wrong_requests_are_refused(command, arguments, words):
    geometry, folder = command
    (folder / "more.parquet").touch()
    before = (folder / "more.parquet").read_bytes()
    done = geometry(*arguments)
    assert done.exit_code != 0
    assert words in str(done.exception)
    assert (folder / "more.parquet").read_bytes() == before
