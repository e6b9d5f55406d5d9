"""Two tables side by side, against sets of sign vectors."""

from __future__ import annotations

import dataclasses
import json
import tracemalloc
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis import compare
from nnce_cli.base.errors import InputError
from nnce_cli.base.layout import Layout
from nnce_cli.table import Rows
from tests.command import assert_refused, nnce, shell
from tests.strategies import examples
from tests.tables import described, forge, metadata_of, part, rows_of, tables, write

WIDTHS = [2, 3, 9]
LAYOUT = Layout.of_widths(WIDTHS[1:])
CELLS = [
    ((0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0, 0)),
    ((0, 0, 1), (0, 0, 0, 0, 0, 0, 0, 0, 1)),
    ((0, 1, 1), (0, 1, 0, 0, 0, 0, 0, 1, 0)),
    ((0, 1, 1), (1, 0, 0, 0, 0, 0, 0, 0, 0)),
    ((1, 1, 1), (0, 0, 0, 0, 0, 0, 0, 0, 0)),
]


def pieces(rows: Rows, cuts: list[int]) -> list[Rows]:
    """Cut rows into batches at these places; some of them may be empty."""
    edges = [0, *sorted(min(c, len(rows.active)) for c in cuts), len(rows.active)]
    return [part(rows, a, b) for a, b in pairwise(edges)]


def text(cell) -> tuple[str, ...]:
    return tuple("".join(map(str, signs)) for signs in cell)


@examples(300)
@given(st.data())
def test_differences_are_those_of_the_sets(data):
    widths, cells = data.draw(tables())
    keep = st.lists(st.booleans(), min_size=len(cells), max_size=len(cells))
    one = [c for c, kept in zip(cells, data.draw(keep), strict=True) if kept]
    other = [c for c, kept in zip(cells, data.draw(keep), strict=True) if kept]
    first, second = rows_of(one, widths), rows_of(other, widths)
    common = sorted(set(one) & set(other))
    altered = data.draw(st.lists(st.sampled_from(common), unique=True)) if common else []
    for cell in altered:
        column = second.ranks if data.draw(st.booleans()) else second.active
        column[other.index(cell), data.draw(st.integers(0, len(widths) - 2))] += 1
    cuts = st.lists(st.integers(0, len(cells)), max_size=5)
    show = data.draw(st.integers(0, 40))
    batches = pieces(first, data.draw(cuts)), pieces(second, data.draw(cuts))
    result = compare(*batches, Layout.of_widths(widths[1:]), show=show)
    for k in range(1, len(widths)):
        a, b = {c[:k] for c in one}, {c[:k] for c in other}
        assert result.first_cells[k - 1] == len(a)
        assert result.second_cells[k - 1] == len(b)
        assert result.only_first[k - 1] == len(a - b)
        assert result.only_second[k - 1] == len(b - a)
    assert result.changed == len(altered)
    expected = [(c, "first") for c in set(one) - set(other)]
    expected += [(c, "second") for c in set(other) - set(one)]
    expected += [(c, "both") for c in altered]
    found = [(d.signs, d.table) for d in result.differences]
    assert found == [(text(c), table) for c, table in sorted(expected)][:show]
    assert result.same_cells == (one == other)
    assert result.same == (not expected)


def test_the_numbers_that_differ_are_shown():
    first, second = rows_of(CELLS, WIDTHS), rows_of(CELLS, WIDTHS)
    second.ranks[3, 1] = 7
    (difference,) = compare([first], [second], LAYOUT).differences
    assert difference.to_dict() == {
        "table": "both",
        "signs": ["011", "100000000"],
        "active": [[2, 1], [2, 1]],
        "ranks": [[2, 1], [2, 7]],
    }


def test_cells_that_are_bounded_in_one_table_only():
    first, second = (rows_of(CELLS, WIDTHS, bounded=True) for _ in range(2))
    second.bounded[3] = not second.bounded[3]
    result = compare([first], [second], LAYOUT)
    assert (result.changed, result.same_cells, result.same) == (1, True, False)
    (difference,) = result.differences
    assert difference.signs == text(CELLS[3])
    assert difference.bounded == (True, False)
    assert difference.to_dict()["bounded"] == [True, False]
    other = rows_of(CELLS, WIDTHS)  # of a box: it says nothing
    assert compare([first], [other], LAYOUT).same


def test_rows_out_of_order_and_rows_twice_are_refused():
    rows = rows_of(CELLS, WIDTHS)
    turned = [part(rows, 2, 5), part(rows, 0, 2)]
    for bad in (turned, [rows, rows], [part(rows, 0, 2), part(rows, 1, 3)]):
        with pytest.raises(InputError, match="first table is not sorted"):
            compare(bad, [rows], LAYOUT)
        with pytest.raises(InputError, match="second table is not sorted"):
            compare([rows], bad, LAYOUT)


def test_bits_of_neurons_that_do_not_exist_are_refused():
    rows = rows_of(CELLS, WIDTHS)
    rows.signs[0][1, 0] |= 1  # of layer 1, three neurons in the highest bits
    with pytest.raises(InputError, match="more neurons"):
        compare([rows_of(CELLS, WIDTHS)], [rows], LAYOUT)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows():
    """A table is made up on the fly: 4,000 layer-1 cells, in each 500 rows."""

    def batches(missing: int):
        for k in range(4000):
            signs = np.full((500, 2), (k >> 8, k & 255), np.uint8)
            inner = np.arange(500, dtype=">u2").view(np.uint8).reshape(500, 2)
            kept = np.arange(500) != (missing if k % 1000 == 7 else -1)
            numbers = np.zeros((int(kept.sum()), 2), np.uint16)
            yield Rows([signs[kept], inner[kept]], numbers, numbers)

    tracemalloc.start()
    result = compare(batches(499), batches(0), Layout.of_widths([16, 16]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (result.only_first, result.only_second) == ([0, 4], [0, 4])
    sign_bytes = 4 * result.first_cells[1]
    assert peak < sign_bytes / 10


# The command.


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "a", rows_of(CELLS, WIDTHS), WIDTHS)
    write(tmp_path / "b", rows_of(CELLS[:2] + CELLS[3:], WIDTHS), WIDTHS, cuts=[2])
    return tmp_path


def whole_table(path) -> pa.Table:
    """Read a table with its metadata."""
    described = {b"nnce": pq.read_metadata(path).metadata[b"nnce"]}
    return pq.read_table(path).replace_schema_metadata(described)


def test_equal_tables(folder):
    rows = rows_of(CELLS, WIDTHS)
    rows.witness[:] += 1  # a cell has many witnesses
    write(folder / "other", rows, WIDTHS)
    write(folder / "none", rows_of(CELLS, WIDTHS, witness=False), WIDTHS)
    for other in ("a", "other", "none"):
        result = nnce("compare", "a", other, cwd=folder)
        assert (result.returncode, result.stderr) == (0, "")
        assert "verdict  the same cells\n" in result.stdout


def test_different_tables(folder):
    result = nnce("compare", "a", "b", cwd=folder)
    assert (result.returncode, result.stderr) == (1, "")
    assert "verdict  different cells\n" in result.stdout
    assert "\n  011 010000010  only in the first\n" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["only", "in", "the", "first", "0", "1"] in lines
    assert ["only", "in", "the", "second", "0", "0"] in lines
    quiet = nnce("compare", "b", "a", "--quiet", cwd=folder)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (1, "", "")
    fewer = nnce("compare", "a", "b", "--show", "0", cwd=folder)
    assert "011" not in fewer.stdout


def test_json(folder):
    result = nnce("compare", "a", "b", "--json", cwd=folder)
    assert result.returncode == 1
    assert json.loads(result.stdout) == {
        "first": "a",
        "second": "b",
        "same": False,
        "same_cells": False,
        "first_layer_cells": [4, 5],
        "second_layer_cells": [4, 4],
        "only_first": [0, 1],
        "only_second": [0, 0],
        "changed": 0,
        "differences": [{"table": "first", "signs": ["011", "010000010"]}],
        "notes": [],
    }


def test_changed_numbers_differ(folder):
    rows = rows_of(CELLS, WIDTHS)
    rows.ranks[2, 1] += 1
    write(folder / "c", rows, WIDTHS)
    result = nnce("compare", "a", "c", cwd=folder)
    assert result.returncode == 1
    assert "the same cells, with different ranks" in result.stdout
    assert "011 010000010  numbers differ: ranks [2, 2] and [2, 3]" in result.stdout


def test_bounded_cells_and_domains(tmp_path):
    first, second = (rows_of(CELLS, WIDTHS, bounded=True) for _ in range(2))
    second.bounded[0] = False
    write(tmp_path / "a", first, WIDTHS)
    write(tmp_path / "b", second, WIDTHS)
    write(tmp_path / "c", rows_of(CELLS, WIDTHS), WIDTHS)
    result = nnce("compare", "a", "b", cwd=tmp_path)
    assert result.returncode == 1
    assert "different ranks or numbers of active neurons, or bounded in one only" in result.stdout
    assert "numbers differ: bounded yes and no" in result.stdout
    assert "note" not in result.stdout
    result = nnce("compare", "a", "c", cwd=tmp_path)
    assert result.returncode == 0
    words = "different domains: x0 in [-1, inf), x1 in [-1, 1], and [-1, 1]^2"
    assert words in result.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"halfspaces": ((1.0, 2.0, 3.0),)}, ": the polygon of 1 half-space in [-1, 1]^2, and"),
        ({"points": ((0.0,) * 3,) * 3}, ": [-1, 1]^2 on the plane through 3 points of R^3, and"),
        ({"upper": (0.0, 1.0)}, ""),
    ],
)
def test_other_domains_are_noted(change, words):
    from nnce_cli.cli.compare import _notes

    metadata = dataclasses.replace(metadata_of(WIDTHS), complete=True, certified=True)
    assert _notes(metadata, metadata) == []
    (note,) = _notes(dataclasses.replace(metadata, **change), metadata)
    assert note.startswith(f"the tables are of different domains{words}")
    assert bool(words) == (":" in note)


def test_other_networks_and_parts_are_noted(folder):
    described = json.loads(pq.read_metadata(folder / "a").metadata[b"nnce"])
    described |= {"model": "cd" * 32, "complete": False, "certified": False}
    described["domain"]["upper"] = [1.0, 2.0]
    table = pq.read_table(folder / "a").replace_schema_metadata({"nnce": json.dumps(described)})
    pq.write_table(table, folder / "c")
    result = nnce("compare", "a", "c", "--json", cwd=folder)
    assert result.returncode == 0
    notes = json.loads(result.stdout)["notes"]
    words = ["different networks", "different domains", "incomplete", "not certified"]
    assert all(word in note for word, note in zip(words, notes, strict=True))
    assert (
        "note: the tables are of different networks" in nnce("compare", "a", "c", cwd=folder).stdout
    )


def test_a_table_that_was_changed_is_told(folder):
    about = described(folder / "a") | {"layer_cells": [4, 5]}
    forge(folder / "cut", whole_table(folder / "a").slice(0, 3), about)
    result = nnce("compare", "cut", "cut", cwd=folder)
    assert result.returncode == 1
    assert "cut says that it has [4, 3] cells" in result.stderr


def test_different_widths_are_refused(folder):
    write(folder / "c", rows_of([((0, 1), (1,))], [2, 2, 1]), [2, 2, 1])
    assert_refused(nnce("compare", "a", "c", cwd=folder), "2-3-9", "2-2-1")


def test_standard_input(folder):
    assert shell("nnce compare a - < a", folder).returncode == 0
    assert shell("cat b | nnce compare - a", folder).returncode == 1
    assert_refused(shell("nnce compare - - < a", folder), "standard input")


def test_what_is_not_a_table_is_refused(folder):
    pq.write_table(pa.table({"layer_1": [1]}), folder / "foreign")
    (folder / "half").write_bytes((folder / "a").read_bytes()[:700])
    for name in ("foreign", "half", "absent", "."):
        assert_refused(nnce("compare", "a", name, cwd=folder), name)
        assert_refused(nnce("compare", name, "a", cwd=folder), name)
    whole = whole_table(folder / "a")
    turned = pa.concat_tables([whole.slice(2), whole.slice(0, 2)])
    pq.write_table(turned, folder / "turned")
    assert_refused(nnce("compare", "turned", "a", cwd=folder), "turned is damaged")
    forge(folder / "turned", turned, described(folder / "a"))
    assert_refused(nnce("compare", "turned", "a", cwd=folder), "first table is not sorted")
    assert_refused(nnce("compare", "a", cwd=folder), "SECOND")
