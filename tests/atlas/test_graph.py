"""The dual graph of a table against exact polyhedra, counts from theory, and damaged tables."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ppl import C_Polyhedron, Linear_Expression, Variable

from nnce_cli.atlas import (
    CellSpace,
    cell_of_row,
    cells_without_bounded_facet,
    dual_graph,
    read_graph,
)
from nnce_cli.atlas.borders import first_difference
from nnce_cli.atlas.graph_run import GraphRun, never, silent
from nnce_cli.base.errors import InputError
from nnce_cli.base.layout import Layout
from nnce_cli.domain import Polyhedron
from nnce_cli.exact import evaluate
from nnce_cli.table import CellTableReader, Metadata
from tests.atlas.cells import codes_of, table_of, write_table
from tests.cases import cube
from tests.enumeration.test_polyhedra import is_flat, polyhedra
from tests.enumeration.test_unit_kinds import layers
from tests.oracles.units import cell_polyhedra, stack_of
from tests.strategies import boxes, examples, networks, stack_from
from tests.unit_stacks import zoo

MOST_CELLS = 25  # of an example, all pairs of which are intersected


@examples(7)
@given(st.data())
def test_edges_are_common_facets_of_exact_polyhedra(tmp_path_factory, data):
    n, drawn = data.draw(layers(most_inputs=3))
    domain = data.draw(st.one_of(boxes(n, fixed=True), polyhedra(n)))
    if is_flat(domain):
        return
    expected = cell_polyhedra(drawn, domain)
    if len(expected) > MOST_CELLS:
        return
    check(tmp_path_factory, stack_of(drawn), domain, expected)


@pytest.mark.slow
@examples(100)
@given(st.data())
def test_more_edges_are_common_facets_of_exact_polyhedra(tmp_path_factory, data):
    n, drawn = data.draw(layers())
    domain = data.draw(st.one_of(boxes(n, fixed=True), polyhedra(n)))
    if not is_flat(domain):
        expected = cell_polyhedra(drawn, domain)
        if len(expected) <= 4 * MOST_CELLS:
            check(tmp_path_factory, stack_of(drawn), domain, expected)


def check(factory, stack, domain, expected):
    """Hold the graph of a table against intersections of the closed cells."""
    path = factory.mktemp("graph") / "cells.parquet"
    with table_of(path, stack, domain) as reader:
        rows = next(reader.batches()) if reader.rows else None
        codes = np.concatenate([np.zeros((reader.rows, 0), np.uint8), *rows.signs], axis=1)
    cells = [expected[codes_of(stack, code)] for code in codes]
    free = int((domain.lower < domain.upper).sum())
    graph = dual_graph(path, replace(stack, digest="ab" * 32))
    assert set(edges_of(graph)) == {
        (a, b) for (a, one), (b, other) in combinations(enumerate(cells), 2)
        if meets(one, other, free - 1)
    }  # fmt: skip
    facets = sum(sum(c.is_inequality() for c in cell.minimized_constraints()) for cell in cells)
    assert graph.about["facets_of_domain"] == facets - 2 * len(graph.edges.row)
    assert graph.about["certified"]
    with CellTableReader(path) as reader:
        found = cells_without_bounded_facet(graph, reader, stack, 1, silent)
    assert found == sum(not any(facet.is_bounded() for facet in facets_of(c)) for c in cells)


def facets_of(cell):
    """The facets of an exact polyhedron."""
    found = []
    for wall in cell.minimized_constraints():
        if wall.is_inequality():
            facet = C_Polyhedron(cell)
            facet.add_constraint(sum(
                (c * Variable(i) for i, c in enumerate(wall.coefficients())),
                Linear_Expression(wall.inhomogeneous_term()),
            ) == 0)  # fmt: skip
            found.append(facet)
    return found


def edges_of(graph):
    return list(zip(graph.edges.row.tolist(), graph.edges.neighbour.tolist(), strict=True))


def meets(one, other, dimension):
    """Tell whether two closed cells have a piece of this dimension in common."""
    common = C_Polyhedron(one)
    common.intersection_assign(other)
    return not common.is_empty() and common.affine_dimension() == dimension


@pytest.mark.parametrize("name", zoo())
def test_graphs_are_those_of_the_cells_one_by_one(tmp_path, name):
    """In rational arithmetic; the maps of neighbours agree on their facet, and on no more."""
    stack, domain = zoo()[name], cube(2, -1, 1)
    path = tmp_path / "cells.parquet"
    with table_of(path, stack, domain) as reader:
        graph = dual_graph(path, replace(stack, digest="ab" * 32))
        space = CellSpace(stack, domain)
        found = {edge: (layer, unit) for edge, layer, unit in zip(
            edges_of(graph), graph.edges.layer.tolist(), graph.edges.unit.tolist(), strict=True
        )}  # fmt: skip
        step = max(1, reader.rows // 4)
        cells = [cell_of_row(space, reader, row) for row in range(0, reader.rows, step)]
        for cell in cells:
            neighbours = [n for n in cell.neighbours if n.row is not None]
            around = {edge for edge in found if cell.row in edge}
            assert around == {tuple(sorted((cell.row, n.row))) for n in neighbours}
            for neighbour in neighbours:
                facet = cell.facets[neighbour.facet]
                origins = [cell.halfspaces[k].origin for k in facet.halfspaces]
                edge = tuple(sorted((cell.row, neighbour.row)))
                assert found[edge] in [(o.layer, o.index) for o in origins]
                there = cell_of_row(space, reader, neighbour.row).outputs.forms
                values = [evaluate(form, facet.point) for form in cell.outputs.forms]
                assert values == [evaluate(form, facet.point) for form in there]


@examples(2)
@given(networks([(2, 4, 3), (3, 4, 3), (2, 3, 3, 2)]), st.integers(6, 30))
def test_nothing_depends_on_pieces_and_processes(tmp_path_factory, drawn, rows):
    stack = stack_from(drawn)
    path = tmp_path_factory.mktemp("graph") / "cells.parquet"
    write_table(path, stack, cube(stack.n_inputs, -1, 1))
    stack = replace(stack, digest="ab" * 32)
    whole = dual_graph(path, stack)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnce_cli.atlas.graph_run.ROWS", rows)
        found = dual_graph(path, stack, jobs=1 + rows % 2)
    assert all((a == b).all() for a, b in zip(whole.edges, found.edges, strict=True))
    assert whole.about == found.about


def arrangement(n, m, seed=0):
    """A layer of m neurons over n inputs in general position, near the origin."""
    rng = np.random.default_rng(seed)
    rows = np.column_stack([rng.normal(size=(m, n)), rng.normal(size=m) / 8])
    return stack_from([rows.tolist()])


@pytest.mark.parametrize(("n", "m"), [(1, 5), (2, 6), (3, 5), (4, 5)])
def test_generic_arrangements_have_as_many_facets_as_theory_says(tmp_path, n, m):
    """Each hyperplane is cut by the others into the cells of m - 1 in one dimension less (Buck)."""
    path = tmp_path / "cells.parquet"
    stack = arrangement(n, m)
    write_table(path, stack, Polyhedron.space(n))
    graph = dual_graph(path, replace(stack, digest="ab" * 32))
    assert graph.cells == sum(comb(m, i) for i in range(n + 1))
    assert len(graph.edges.row) == m * sum(comb(m - 1, i) for i in range(n))
    assert graph.about["facets_of_domain"] == 0
    assert Counter(graph.edges.unit.tolist()) == dict.fromkeys(
        range(m), sum(comb(m - 1, i) for i in range(n))
    )
    # Each crossing passes one hyperplane, and there are opposite cells.
    least, most = graph.diameter
    assert least == m <= most
    assert graph.components == 1


def test_distances_are_the_numbers_of_hyperplanes_between_cells(tmp_path):
    path = tmp_path / "cells.parquet"
    stack = arrangement(3, 6)
    with table_of(path, stack, Polyhedron.space(3)) as reader:
        signs = np.unpackbits(next(reader.batches()).signs[0], axis=1)
    graph = dual_graph(path, replace(stack, digest="ab" * 32))
    for row in range(0, graph.cells, 7):
        assert (graph.distances(row) == (signs != signs[row]).sum(axis=1)).all()


def test_the_graph_is_a_matrix_and_a_networkx_graph(tmp_path):
    networkx = pytest.importorskip("networkx")
    path = tmp_path / "cells.parquet"
    stack = arrangement(2, 5)
    write_table(path, stack, cube(2, -1, 1))
    graph = dual_graph(path, replace(stack, digest="ab" * 32))
    matrix = graph.matrix.toarray()
    assert matrix.dtype == bool
    assert (matrix == matrix.T).all()
    drawn = graph.to_networkx()
    assert sorted(drawn.edges) == sorted(edges_of(graph))
    assert (networkx.to_numpy_array(drawn).astype(bool) == matrix).all()
    layer, unit = drawn.edges[edges_of(graph)[0]].values()
    assert (layer, unit) == (graph.edges.layer[0], graph.edges.unit[0])
    least, most = graph.diameter
    assert least <= networkx.diameter(drawn) <= most


def test_first_differences_are_those_of_the_codes():
    layout = Layout(bits=(3, 9, 0), pieces=((), (3, 4), (3,)))
    code = np.zeros((1, layout.row_bytes), np.uint8)
    changes = [(1, 0), (1, 2), (2, 0), (2, 7), (2, 8), (2, 9), (2, 10), (3, 0)]
    for layer, unit in changes:
        parts = layout.split_layers(code.copy())
        bits = layout.bits[layer - 1]
        is_piece = unit >= bits
        parts[layer - 1][is_piece][0, unit - is_piece * bits] = 1 + is_piece
        if layer < 3:
            parts[2][1][0, 0] = 1  # what comes later does not count
        found = first_difference(layout, code, layout.join_layers(parts))
        assert (found[0][0], found[1][0]) == (layer, unit)


def without_row(path, stack, domain, lost):
    """Write the table of all cells but one, which says that it is complete."""
    from nnce_cli.enumeration import Problem, batches, walk_factory
    from nnce_cli.table import CellTableWriter, Output, Rows

    walk = walk_factory("dictionary")(Problem.of(stack, domain))
    [batch] = [b for b in batches(walk) if len(b)]
    keep = np.arange(len(batch)) != lost
    rows = Rows([s[keep] for s in batch.signs], batch.active[keep], batch.ranks[keep],
                batch.witness[keep])  # fmt: skip
    with Output(str(path), force=True) as output:
        writer = CellTableWriter(
            output, Metadata.of(replace(stack, digest="ab" * 32), domain, witness=True)
        )
        writer.write(rows)
        writer.close(complete=True, certified=True, decisions={})
        output.commit()


@pytest.mark.parametrize("lost", [0, 7, 11])
def test_a_missing_row_is_noticed_by_all_its_neighbours(tmp_path, lost):
    first = [[1, 0, 0.25], [0, 1, 0.5], [1, 1, 0.125], [1, -2, 0.25]]
    second = [[1, -1, 1, 2, -0.5], [1, 1, -1, 1, -0.25]]
    stack, domain = stack_from([first, second]), cube(2, -1, 1)
    write_table(tmp_path / "all.parquet", stack, domain)
    named = replace(stack, digest="ab" * 32)
    whole = dual_graph(tmp_path / "all.parquet", named)
    around = {a + b - lost for a, b in edges_of(whole) if lost in (a, b)}
    without_row(tmp_path / "cells.parquet", stack, domain, lost)
    with (
        CellTableReader(tmp_path / "cells.parquet") as reader,
        GraphRun(tmp_path / "run", reader, named) as run,
    ):
        assert run.work(1, never, silent)
        assert {gap.row + (gap.row >= lost) for gap in run.totals.some_gaps} == around
        assert run.totals.gaps == len(around)
        assert run.totals.is_symmetric
        assert not run.about["certified"]
        assert run.totals.edges == len(whole.edges.row) - len(around)


def test_a_row_that_is_no_cell_is_refused(tmp_path):
    stack, domain = arrangement(2, 4), cube(2, -1, 1)
    path = tmp_path / "cells.parquet"
    write_table(path, stack, domain)
    other = replace(arrangement(2, 4, seed=1), digest="ab" * 32)
    with pytest.raises(InputError, match=r"row [0-9]+ of the table is not a cell of the model"):
        dual_graph(path, other)


def test_an_interrupted_run_goes_on_with_what_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr("nnce_cli.atlas.graph_run.ROWS", 5)
    stack = replace(arrangement(2, 6), digest="ab" * 32)
    path = tmp_path / "cells.parquet"
    write_table(path, stack, cube(2, -1, 1))
    whole = dual_graph(path, stack)
    seen = []
    with CellTableReader(path) as reader:
        with GraphRun(tmp_path / "run", reader, stack) as run:
            assert not run.work(1, lambda: len(seen) == 2, lambda *progress: seen.append(progress))
        with pytest.raises(InputError, match="unfinished run; add --resume"):
            GraphRun(tmp_path / "run", reader, stack)
        kept = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "run" / "pieces").iterdir()}
        assert len(kept) == 2
        with GraphRun(tmp_path / "run", reader, stack, resume=True) as run:
            assert run.work(2, never, silent)
            run.write(str(tmp_path / "graph.parquet"), "parquet", force=False)
            there = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "run" / "pieces").iterdir()}
            assert kept.items() <= there.items()
            run.remove()
    assert not (tmp_path / "run").exists()
    found = read_graph(tmp_path / "graph.parquet")
    assert edges_of(found) == edges_of(whole)
    assert found.about == whole.about


def test_runs_of_other_tables_and_damaged_pieces_are_refused(tmp_path):
    stack = replace(arrangement(2, 6), digest="ab" * 32)
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    write_table(one, stack, cube(2, -1, 1))
    write_table(other, stack, cube(2, -2, 1))
    with CellTableReader(one) as reader, GraphRun(tmp_path / "run", reader, stack) as run:
        run.work(1, never, silent)
        with CellTableReader(other) as second, pytest.raises(InputError, match="another table"):
            GraphRun(tmp_path / "run", second, stack, resume=True)
        piece = tmp_path / "run" / "pieces" / "0.parquet"
        piece.write_bytes(piece.read_bytes()[:-40])
        with pytest.raises(InputError, match="is damaged; start again with --force"):
            run.totals  # noqa: B018
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "mine").touch()
    with CellTableReader(one) as reader, pytest.raises(InputError, match="move it away"):
        GraphRun(strange, reader, stack, force=True)


@pytest.mark.parametrize("damage", ["rows", "order", "count", "key", "nothing", "bytes"])
def test_damaged_graphs_are_refused(tmp_path, damage):
    import pyarrow as pa
    import pyarrow.parquet as pq

    stack = replace(arrangement(2, 5), digest="ab" * 32)
    path, graph = tmp_path / "cells.parquet", tmp_path / "graph.parquet"
    write_table(path, stack, cube(2, -1, 1))
    with CellTableReader(path) as reader, GraphRun(tmp_path / "run", reader, stack) as run:
        run.work(1, never, silent)
        run.write(str(graph), "parquet", force=False)
    table = pq.read_table(graph)
    about = json.loads(pq.read_metadata(graph).metadata[b"nnce-graph"])
    if damage == "rows":
        table = table.set_column(1, table.schema.field(1), pa.array([10**9] * len(table)))
    elif damage == "order":
        table = table.take(list(range(len(table)))[::-1])
    elif damage == "count":
        about["edges"] += 1
    elif damage == "key":
        about["cells"] = -1
    written = {b"other" if damage == "nothing" else b"nnce-graph": json.dumps(about).encode()}
    with pq.ParquetWriter(graph, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(written)
    if damage == "bytes":
        graph.write_bytes(graph.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"dual graph|damaged"):
        read_graph(graph)
