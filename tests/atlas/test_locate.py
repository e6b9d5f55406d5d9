"""Where points are, against exact polyhedra: inside, on borders, outside."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ppl import C_Polyhedron, Generator_System, Linear_Expression, point

from nnce_cli.atlas import Locator
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Polyhedron
from nnce_cli.table import CellTableReader, find_rows
from tests.atlas.cells import codes_of, table_of, write_table
from tests.cases import cube
from tests.enumeration.test_polyhedra import is_flat, polyhedra
from tests.enumeration.test_unit_kinds import layers
from tests.oracles.domains import exact_domain
from tests.oracles.units import DrawnLayer, cell_polyhedra, stack_of
from tests.strategies import boxes, examples, stack_from
from tests.unit_stacks import zoo


def exact_point(x):
    """A point of float64 as an exact polyhedron."""
    numbers = [Fraction(c) for c in x]
    scale = max(c.denominator for c in numbers)
    expression = Linear_Expression([int(c * scale) for c in numbers], 0)
    system = Generator_System()
    system.insert(point(expression, scale))
    return C_Polyhedron(system)


def vertices_in_float(polyhedron):
    """The vertices whose coordinates are multiples of a small power of two."""
    for generator in polyhedron.minimized_generators():
        if generator.is_point():
            d = int(generator.divisor())
            x = [Fraction(int(c), d) for c in generator.coefficients()]
            if all(c.denominator & (c.denominator - 1) == 0 for c in x):
                yield [float(c) for c in x]


@examples(18)
@given(st.data())
def test_rows_are_those_of_the_exact_polyhedra_around(tmp_path_factory, data):
    n, drawn = data.draw(layers())
    domain = data.draw(st.one_of(boxes(n, fixed=True), polyhedra(n)))
    if is_flat(domain):
        return
    stack = stack_of(drawn)
    expected = cell_polyhedra(drawn, domain)
    rows = {codes: row for row, codes in enumerate(sorted(expected))}
    seed = data.draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    drawn_points = [rng.integers(-3, 4, n).astype(float), rng.integers(-8, 9, n) / 4]
    drawn_points += list(rng.uniform(-2, 2, (3, n)))
    corners = [x for cell in expected.values() for x in vertices_in_float(cell)]
    chosen = [corners[i] for i in rng.integers(0, len(corners), 4)] if corners else []
    near = [np.nextafter(x, np.inf) for x in chosen[:2]]
    points = np.array([np.where(domain.lower < domain.upper, x, domain.lower)
                       for x in [*drawn_points, *chosen, *near]])  # fmt: skip
    path = tmp_path_factory.mktemp("cells") / "cells.parquet"
    with table_of(path, stack, domain) as reader:
        assert reader.rows == len(expected)
        found = Locator(reader, stack, domain).locate(points)
    inside = exact_domain(domain)
    for k, x in enumerate(points):
        here = exact_point(x)
        assert found.is_outside[k] == (not inside.contains(here))
        around = sorted(rows[codes] for codes, cell in expected.items() if cell.contains(here))
        assert found.rows_of(k) == tuple(around)


@pytest.mark.parametrize("name", zoo())
def test_points_inside_are_in_the_cells_of_their_codes(tmp_path, name):
    stack, domain = zoo()[name], cube(2, -1, 1)
    points = np.random.default_rng(3).uniform(-1, 1, (500, 2))
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        found = Locator(reader, stack, domain).locate(points)
        if not stack.hidden:
            assert found.row.tolist() == [0] * 500
            return
        listed = np.concatenate([reader.codes(g) for g in range(len(reader.groups))])
    assert not found.borders
    assert found.exact == 0
    rows = stack.layout.join_layers(stack.codes(points))
    assert np.array_equal(listed[found.row], rows)
    held, counts = found.occupancy()
    assert counts.sum() == 500
    assert held.tolist() == sorted(set(found.row.tolist()))


def test_dead_units_need_no_rational_arithmetic(tmp_path):
    """Those that are zero everywhere are no borders, and floating point knows it."""
    zero = [Fraction(0)] * 3
    first = [[Fraction(1), Fraction(2), Fraction(1, 2)], zero, [Fraction(0), Fraction(0), -1]]
    second = [[Fraction(0), Fraction(1), Fraction(1), Fraction(0)], [Fraction(1), 0, 0, -1]]
    stack = stack_from([first, second])
    domain = cube(2, -1, 1)
    points = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        found = Locator(reader, stack, domain).locate(points)
    assert found.exact == 0
    assert not found.borders
    assert (found.row >= 0).all()


def test_pools_of_dead_units_need_no_rational_arithmetic(tmp_path):
    """Zeros tie there for the maximum all around, so that the first one wins for sure."""
    one, half, zero = Fraction(1), Fraction(1, 2), Fraction(0)
    first = DrawnLayer(plain=[([one, zero, -half], zero), ([one, one, -half], zero)])
    second = DrawnLayer(
        plain=[], maxima=[[[one, zero, zero], [zero, one, zero], [half, half, zero]]]
    )
    stack, domain = stack_of([first, second]), cube(2, -1, 1)
    points = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        found = Locator(reader, stack, domain).locate(points)
        again = Locator(reader, stack, domain).locate(np.array([[-0.5, -0.5]]))
    assert (found.exact, again.exact) == (0, 0)
    assert (found.row >= 0).all()
    assert not found.borders


def test_a_point_where_many_planes_meet_is_in_all_cells(tmp_path):
    """More units are zero at the origin than codes are tried: the table is read."""
    rng = np.random.default_rng(4)
    rows = [[Fraction(int(x)) for x in [*rng.integers(-9, 10, 2), 0]] for _ in range(12)]
    stack = stack_from([rows, [[Fraction(1)] * 12 + [Fraction(-1)]]])
    domain = Polyhedron.space(2)
    points = np.array([[0.0, 0.0], [-0.0, 0.0], [0.3, 0.1]])
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        found = Locator(reader, stack, domain).locate(points)
        codes = np.concatenate([reader.codes(g) for g in range(len(reader.groups))])
    last_off = [row for row, code in enumerate(codes) if codes_of(stack, code)[-1] == 0]
    assert found.rows_of(0) == found.rows_of(1) == tuple(last_off)
    assert len(found.rows_of(2)) == 1


def test_wrong_points_are_refused(tmp_path):
    stack, domain = zoo()["relu"], cube(2, -1, 1)
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        locator = Locator(reader, stack, domain)
        for points in (np.zeros((3, 1)), np.zeros((0, 3)), np.array([[0.0, np.nan]])):
            with pytest.raises(InputError):
                locator.locate(points)
        assert len(locator.locate(np.zeros((0, 2))).row) == 0


@pytest.mark.parametrize("statistics", [True, False])
def test_codes_are_found_in_many_row_groups(tmp_path, statistics, monkeypatch):
    """And few of them ask for few groups."""
    stack, domain = zoo()["all kinds"], cube(2, -1, 1)
    path, other = tmp_path / "cells.parquet", tmp_path / "groups.parquet"
    write_table(path, stack, domain)
    file = pq.ParquetFile(path)
    table = file.read().replace_schema_metadata({b"nnce": file.metadata.metadata[b"nnce"]})
    pq.write_table(table, other, row_group_size=1, write_statistics=statistics)
    with CellTableReader(other) as reader:
        groups = len(reader.groups)
        assert groups > 8
        codes = np.concatenate([reader.codes(g) for g in range(groups)])
        order = np.random.default_rng(0).permutation(len(codes))
        assert find_rows(reader, codes[order]).tolist() == order.tolist()
        listed = {row.tobytes() for row in codes}
        changed = codes.copy()
        changed[:, -1] ^= 1 << 7
        wanted = [k if row.tobytes() in listed else -1 for k, row in enumerate(changed)]
        found = find_rows(reader, changed)
        assert [-1 if k < 0 else 0 for k in found] == [min(k, 0) for k in wanted]
        read = []
        whole = reader.codes
        monkeypatch.setattr(reader, "codes", lambda group: read.append(group) or whole(group))
        assert find_rows(reader, codes[7:8]).tolist() == [7]
        assert len(read) <= np.ceil(np.log2(groups + 1))
