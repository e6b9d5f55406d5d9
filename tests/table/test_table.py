"""Cell tables: what is in the file, and what is refused."""

from __future__ import annotations

import base64
import dataclasses
import errno
import hashlib
import json
import os
import random
import stat
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnce_cli.base.errors import InputError
from nnce_cli.base.sizes import Sizes
from nnce_cli.domain import Polyhedron
from nnce_cli.table import (
    CellTableReader,
    CellTableWriter,
    Digests,
    Made,
    Metadata,
    Output,
    PartWriter,
    Rows,
    TableJoin,
    TablePart,
    domain_of,
)
from nnce_cli.table.schema import ROW_GROUP_ROWS, rows_per_group
from tests.command import four_lines, nnce_inside
from tests.oracles.naive import stack_of
from tests.tables import described, digests_of, metadata_of, part, rows_of, tables, write

WIDTHS = [2, 9, 3]
CELLS = [
    ((0, 0, 0, 0, 0, 0, 0, 0, 1), (0, 0, 0)),
    ((0, 0, 0, 0, 0, 0, 0, 0, 1), (1, 0, 0)),
    ((1, 0, 1, 0, 0, 0, 0, 0, 0), (0, 1, 1)),
]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.parquet"
    write(path, rows_of(CELLS, WIDTHS), WIDTHS)
    return path


def test_columns_as_any_parquet_reader_sees_them(table):
    found = pq.read_table(table)
    assert found.schema.names == [
        *("layer_1", "layer_2", "active_1", "active_2", "rank_1", "rank_2", "witness"),
    ]
    assert found.schema.field("layer_1").type == pa.binary(2)
    assert found.schema.field("rank_2").type == pa.uint16()
    assert found.schema.field("witness").type.list_size == 2
    # Bit 0 is the most significant bit of the first byte.
    assert found["layer_1"].to_pylist() == [b"\x00\x80", b"\x00\x80", b"\xa0\x00"]
    assert found["layer_2"].to_pylist() == [b"\x00", b"\x80", b"\x60"]
    assert found["active_1"].to_pylist() == [1, 1, 2]
    assert found["rank_2"].to_pylist() == [0, 1, 2]
    assert found["witness"].to_pylist() == [[0, 1 / 7], [2 / 7, 3 / 7], [4 / 7, 5 / 7]]


def test_parquet_metadata(table):
    described = pq.read_metadata(table)
    column = described.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert (column.statistics.min, column.statistics.max) == (b"\x00\x80", b"\xa0\x00")
    assert [c.column_index for c in described.row_group(0).sorting_columns] == [0, 1]


def test_documented_metadata(table):
    assert json.loads(pq.read_metadata(table).metadata[b"nnce"]) == {
        "format": 2,
        "made": None,
        "stopped_by": None,
        "exact_witnesses": [],
        "model": "ab" * 32,
        "widths": [2, 9, 3],
        "domain": {"kind": "box", "lower": [-1.0, -1.0], "upper": [1.0, 1.0]},
        "options": {"witness": True},
        "bit_order": "most significant first",
        "cells": 3,
        "layer_cells": [2, 3],
        "complete": True,
        "certified": True,
        "decisions": {"float": 3},
        "digests": {
            "block_rows": [3],
            "sha256": {name: [by_hand(table, name)] for name in pq.read_schema(table).names},
        },
    }


def by_hand(table, name: str) -> str:
    """The SHA-256 of the values of a column, one after the other, as the documentation has it."""
    values = pq.read_table(table)[name].to_pylist()
    if not name.startswith("layer"):
        number = {"witness": "<d", "bounded": "u1"}.get(name, "<u2")
        values = [np.array(value, dtype=number).tobytes() for value in values]
    return hashlib.sha256(b"".join(values)).hexdigest()


@settings(max_examples=30, deadline=None)
@given(tables(), st.booleans(), st.booleans(), st.data())
def test_round_trip(tmp_path_factory, table, witness, bounded, data):
    widths, cells = table
    rows = rows_of(cells, widths, witness=witness, bounded=bounded)
    path = tmp_path_factory.mktemp("t") / "t.parquet"
    cuts = data.draw(st.lists(st.integers(0, len(cells)), max_size=4))
    written = write(path, rows, widths, cuts=cuts, complete=False)
    with CellTableReader(path) as reader:
        assert reader.metadata == written
        assert reader.rows == reader.metadata.cells == len(cells)
        batches = list(reader.batches())
    for layer, signs in enumerate(rows.signs):
        np.testing.assert_array_equal(np.concatenate([b.signs[layer] for b in batches]), signs)
    np.testing.assert_array_equal(np.concatenate([b.active for b in batches]), rows.active)
    np.testing.assert_array_equal(np.concatenate([b.ranks for b in batches]), rows.ranks)
    if witness:
        np.testing.assert_array_equal(np.concatenate([b.witness for b in batches]), rows.witness)
    else:
        assert all(batch.witness is None for batch in batches)
    if bounded:
        np.testing.assert_array_equal(np.concatenate([b.bounded for b in batches]), rows.bounded)
    else:
        assert all(batch.bounded is None for batch in batches)


def many_cells(count: int) -> list:
    """Cells of one layer of 20 neurons: 0, 1, 2, … in binary."""
    return [(tuple(int(bit) for bit in f"{i:020b}"),) for i in range(count)]


def test_bytes_do_not_depend_on_batches_or_on_the_path(tmp_path):
    widths, count = [1, 20], ROW_GROUP_ROWS + 5000
    rows = rows_of(many_cells(count), widths)
    (tmp_path / "folder").mkdir()
    one, other = tmp_path / "one.parquet", tmp_path / "folder" / "other.parquet"
    write(one, rows, widths)
    write(other, rows, widths, cuts=[0, 1, 17, 17, 4096, ROW_GROUP_ROWS, ROW_GROUP_ROWS + 1])
    assert one.read_bytes() == other.read_bytes()
    described = pq.read_metadata(one)
    groups = [described.row_group(i).num_rows for i in range(described.num_row_groups)]
    assert groups == [ROW_GROUP_ROWS, 5000]
    with CellTableReader(one) as reader:
        np.testing.assert_array_equal(
            np.concatenate([batch.witness for batch in reader.batches()]), rows.witness
        )


@pytest.mark.parametrize("widths", [[784, 256, 256], [2, 4], [100_000, 3], [3, 65535]])
def test_a_row_group_takes_little_memory(widths):
    row_bytes = 8 * widths[0] + sum((n + 7) // 8 + 4 for n in widths[1:])
    assert 1 <= rows_per_group(Sizes.of_widths(widths), witness=True) * row_bytes <= 20e6


def test_a_table_without_rows(tmp_path):
    write(tmp_path / "t.parquet", rows_of([], [2, 3]), [2, 3])
    with CellTableReader(tmp_path / "t.parquet") as reader:
        assert reader.metadata.cells == 0
        assert list(reader.batches()) == []


def test_rows_out_of_order_are_not_written(tmp_path):
    rows = rows_of([CELLS[2], CELLS[0]], WIDTHS)
    with pytest.raises(ValueError, match="row 1 is out of order"):
        write(tmp_path / "t.parquet", rows, WIDTHS)
    assert os.listdir(tmp_path) == []


def test_a_layer_too_wide(tmp_path):
    with Output(str(tmp_path / "t")) as output, pytest.raises(InputError, match="65535"):
        CellTableWriter(output, metadata_of([1, 65536]))


# Domains that are no boxes


@pytest.fixture
def of_a_half_line(tmp_path):
    path = tmp_path / "half-line.parquet"
    write(path, rows_of(CELLS, WIDTHS, bounded=True), WIDTHS)
    return path


def test_a_domain_that_is_unbounded_has_a_column_more(of_a_half_line):
    found = pq.read_table(of_a_half_line)
    assert found.schema.names[-3:] == ["rank_2", "bounded", "witness"]
    assert found.schema.field("bounded") == pa.field("bounded", pa.bool_(), nullable=False)
    assert found["bounded"].to_pylist() == [True, False, False]
    column = pq.read_metadata(of_a_half_line).row_group(0).column(6).statistics
    assert (column.min, column.max) == (False, True)
    about = described(of_a_half_line)
    assert about["domain"] == {
        "kind": "polyhedron", "lower": [-1.0, -1.0], "upper": [None, 1.0], "halfspaces": [],
    }  # fmt: skip
    assert about["digests"]["sha256"]["bounded"] == [by_hand(of_a_half_line, "bounded")]


@pytest.mark.parametrize(("witness", "bounded"), [(True, True), (False, True), (True, False)])
def test_parts_with_the_column_are_joined(tmp_path, witness, bounded):
    """Large parts are copied, small ones are written anew; either way the table is the same."""
    widths, count = [1, 20], ROW_GROUP_ROWS // 4
    rows = rows_of(many_cells(count), widths, witness=witness, bounded=bounded)
    metadata = metadata_of(widths, witness=witness, bounded=bounded)
    with Output(str(tmp_path / "t")) as output:
        join = TableJoin(output, metadata, count - 2)
        for number, (start, stop) in enumerate(pairwise([0, 3, 17, count - 40, count - 30, count])):
            writer = PartWriter(tmp_path / f"{number}", None, metadata)
            writer.write(batch_of(part(rows, start, stop)))
            writer.commit({}, {})
            join.add(TablePart(tmp_path / f"{number}", stop - start, writer.first, writer.last))
        join.close(stopped_by="--max-cells", certified=True, decisions={})
        output.commit()
    with CellTableReader(tmp_path / "t") as reader:
        batches = list(reader.batches())
        assert reader.row(4).bounded == (rows.bounded[[4]] if bounded else None)
    for name in ("bounded", "witness"):
        found, written = [getattr(b, name) for b in batches], getattr(rows, name)
        if written is None:
            assert found == [None] * len(batches)
        else:
            assert np.array_equal(np.concatenate(found), written[:-2])


def batch_of(rows: Rows) -> SimpleNamespace:
    return SimpleNamespace(**vars(rows), log=None)


def test_the_column_is_there_exactly_where_the_domain_lacks_a_bound(of_a_half_line, table):
    """Whichever of the two lies, the table is refused."""
    box = described(table)["domain"]
    half_line = described(of_a_half_line)["domain"]
    for path, other in ((table, half_line), (of_a_half_line, box)):
        said = described(path) | {"domain": other}
        message = refused(with_metadata(path, json.dumps(said)))
        assert "cannot be read as a cell table" in message


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "box"},
        {"kind": "cone"},
        {"upper": [None, None, None]},
        {"lower": [None, "0"]},
        {"halfspaces": None},
        {"halfspaces": [[1.0, 2.0]]},
        {"halfspaces": [[1.0, 2.0, None]]},
        {"halfspaces": [[1.0, 2.0, 1e400]]},
        {"halfspaces": {"0": [1.0, 2.0, 3.0]}},
    ],
)
def test_polyhedra_that_lie(of_a_half_line, change):
    said = described(of_a_half_line)
    said["domain"] |= change
    assert "its metadata has" in refused(with_metadata(of_a_half_line, json.dumps(said)))


def test_a_polygon_has_no_column(tmp_path):
    metadata = dataclasses.replace(metadata_of(WIDTHS), halfspaces=((1.0, 1.0, 0.5),))
    with Output(str(tmp_path / "t")) as output:
        writer = CellTableWriter(output, metadata)
        writer.write(rows_of(CELLS, WIDTHS))
        writer.close(complete=True, certified=True, decisions={})
        output.commit()
    about = described(tmp_path / "t")["domain"]
    assert about["kind"] == "polyhedron"
    assert about["halfspaces"] == [[1.0, 1.0, 0.5]]
    with CellTableReader(tmp_path / "t") as reader:
        assert [batch.bounded for batch in reader.batches()] == [None]
        domain = domain_of(reader.metadata)
    assert domain.halfspaces.tolist() == [[1.0, 1.0, 0.5]]
    about = described(tmp_path / "t")
    about["domain"]["halfspaces"] = []
    assert "another kind" in refused(with_metadata(tmp_path / "t", json.dumps(about)))


@pytest.mark.parametrize(
    "domain",
    [Polyhedron.space(2), Polyhedron(np.zeros(2), np.array([np.inf, 3]), np.ones((2, 3)))],
)
def test_domains_survive_the_metadata(domain):
    metadata = Metadata.of(stack_of(([[1.0, 2.0]], [0.5])), domain, witness=True)
    assert metadata.tells_bounded
    read = domain_of(Metadata.from_json(dataclasses.replace(metadata, layer_cells=(0,)).to_json()))
    for name in ("lower", "upper", "halfspaces"):
        assert np.array_equal(getattr(read, name), getattr(domain, name))


# The output


def test_nothing_is_seen_before_the_table_is_whole(tmp_path):
    path = tmp_path / "t.parquet"
    with Output(str(path)) as output:
        writer = CellTableWriter(output, metadata_of(WIDTHS))
        writer.write(rows_of(CELLS, WIDTHS))
        writer.close(complete=True, certified=True, decisions={})
        assert not path.exists()
        output.commit()
        assert path.exists()
    assert os.listdir(tmp_path) == ["t.parquet"]


@pytest.mark.parametrize("trouble", [RuntimeError, KeyboardInterrupt])
def test_nothing_stays_behind_after_trouble(tmp_path, trouble):
    def fail():
        with Output(str(tmp_path / "t.parquet")) as output:
            CellTableWriter(output, metadata_of(WIDTHS)).write(rows_of(CELLS, WIDTHS))
            raise trouble

    with pytest.raises(trouble):
        fail()
    assert os.listdir(tmp_path) == []


def test_an_existing_file_is_replaced_by_force_only(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("precious")
    with pytest.raises(InputError, match="exists already; use --force"):
        write(path, rows_of(CELLS, WIDTHS), WIDTHS)
    assert path.read_text() == "precious"
    write(path, rows_of(CELLS, WIDTHS), WIDTHS, force=True)
    with CellTableReader(path) as reader:
        assert reader.rows == 3
    assert os.listdir(tmp_path) == ["t.parquet"]


def test_a_file_that_appears_during_the_run_is_kept(tmp_path):
    path = tmp_path / "t.parquet"
    with Output(str(path)) as output:
        output.write(b"new")
        path.write_text("precious")
        with pytest.raises(InputError, match="exists already"):
            output.commit()
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["t.parquet"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link", rows_of(CELLS, WIDTHS), WIDTHS, force=True)
    assert (tmp_path / "link").is_symlink()
    assert pq.read_metadata(tmp_path / "target").num_rows == 3


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "t", rows_of(CELLS, WIDTHS), WIDTHS)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere/t.parquet", "nowhere does not exist; make it first"),
        ("/dev/full", "not an ordinary file"),
        (".", "not an ordinary file"),
        ("file/t.parquet", "does not exist"),
        ("x" * 300, "File name too long"),
    ],
)
def test_outputs_that_cannot_be(tmp_path, monkeypatch, target, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=message) as caught:
        Output(target, force=True)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        Output(str(tmp_path / "t.parquet"))


def test_a_full_disk(tmp_path, monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self):
            pass

    with Output(str(tmp_path / "t.parquet")) as output:
        writer = CellTableWriter(output, metadata_of(WIDTHS))
        writer.write(rows_of(CELLS, WIDTHS))
        monkeypatch.setattr(output, "_file", Full())
        with pytest.raises(InputError, match=r"cannot write .*t\.parquet: No space left on device"):
            writer.close(complete=True, certified=True, decisions={})
    assert os.listdir(tmp_path) == []


# Files that are not cell tables


def refused(path) -> str:
    """Read a file to its end and return the one line that refuses it."""
    with pytest.raises(InputError) as caught, CellTableReader(path) as reader:
        list(reader.batches())
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_no_such_file(tmp_path):
    assert "No such file" in refused(tmp_path / "absent")
    assert "Is a directory" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1", b"x" * 100, b"PAR1" + b"\xff" * 99])
def test_not_parquet(tmp_path, content):
    (tmp_path / "t").write_bytes(content)
    assert "is not a cell table" in refused(tmp_path / "t")


def test_truncated_anywhere(table):
    content = table.read_bytes()
    for length in range(0, len(content), 97):
        table.write_bytes(content[:length])
        assert "is not a cell table, or only a part of one" in refused(table)


def test_foreign_parquet(tmp_path):
    pq.write_table(pa.table({"layer_1": [1, 2]}), tmp_path / "t")
    assert "is a Parquet file but not a cell table" in refused(tmp_path / "t")


def with_metadata(table, text: str | bytes):
    """Replace the metadata of a table."""
    found = pq.read_table(table)
    pq.write_table(found.replace_schema_metadata({"nnce": text}), table)
    return table


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 1),
        ("made", {}),
        ("made", {"method": "\x1b[31m", "lp": None, "proof": False, "nnce": "1"}),
        ("made", {"method": "vertex", "lp": 3, "proof": False, "nnce": "1"}),
        ("stopped_by", "whim"),
        ("digests", None),
        ("digests", {"block_rows": [3]}),
        ("digests", {"block_rows": [2], "sha256": {}}),
        ("digests", {"block_rows": [3], "sha256": {"layer_1": ["00" * 32]}}),
        ("digests", {"block_rows": ["3"], "sha256": {}}),
        ("digests", {"block_rows": [4, -1], "sha256": {}}),
        ("format", None),
        ("widths", [2, 9, 12]),
        ("widths", [2]),
        ("widths", [2, 70_000]),
        ("widths", [2, -9, 3]),
        ("widths", [2, True, 3]),
        ("widths", "2-9-3"),
        ("widths", [10**30, 9, 3]),
        ("domain", None),
        ("domain", {"kind": "ball"}),
        ("domain", {"kind": "box", "lower": [0.0], "upper": [1.0]}),
        ("domain", {"kind": "box", "lower": [0, 0], "upper": [1, float("nan")]}),
        ("domain", {"kind": "box", "lower": [0, 0], "upper": [1, "1"]}),
        ("domain", {"kind": "box", "lower": [0, 0], "upper": [1, 10**400]}),
        ("exact_witnesses", {}),
        ("exact_witnesses", [{"row": -1, "witness": ["0", "0"]}]),
        ("exact_witnesses", [{"row": 0, "witness": ["1/0", "0"]}]),
        ("exact_witnesses", [{"row": 0, "witness": ["1/3"]}]),
        ("options", {}),
        ("options", {"witness": False}),
        ("bit_order", "least significant first"),
        ("cells", 4),
        ("layer_cells", [3]),
        ("layer_cells", [2.0, 3.0]),
        ("complete", "yes"),
        ("certified", 1),
        ("decisions", []),
        ("decisions", {"float": "many"}),
        ("model", None),
    ],
)
def test_metadata_that_lies(table, key, value):
    data = json.loads(pq.read_metadata(table).metadata[b"nnce"]) | {key: value}
    assert "cannot be read as a cell table" in refused(with_metadata(table, json.dumps(data)))
    del data[key]
    assert "cannot be read as a cell table" in refused(with_metadata(table, json.dumps(data)))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1" * 9999, "[" * 100_000, b"\xff\xfe"])
def test_metadata_that_is_not_ours(table, text):
    assert "cannot be read as a cell table" in refused(with_metadata(table, text))


def test_metadata_survives_json():
    metadata = metadata_of([3, 4])
    names = ["layer_1", "active_1", "rank_1", "witness"]
    digests = Digests([2, 3], {name: ["00" * 32, "5f" * 32] for name in names})
    changes = {"layer_cells": (5,), "lower": (0.1, 5e-324, -0.0), "digests": digests}
    changes |= {"made": Made("incremental", "cvxpy:CLARABEL", proof=False), "stopped_by": "trouble"}
    one = Metadata(**{**vars(metadata), **changes})
    assert Metadata.from_json(one.to_json()) == one


def test_damage_is_seen_wherever_it_is(tmp_path):
    """No flipped bit gives a traceback or, thanks to the checksums of the pages, other rows."""
    path = tmp_path / "t.parquet"
    rows = rows_of(many_cells(500), [1, 20])
    write(path, rows, [1, 20])
    content = path.read_bytes()
    generator = random.Random(0)
    refusals = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        try:
            with CellTableReader(path) as reader:
                batches = list(reader.batches())
        except InputError:
            refusals += 1
            continue
        if sum(len(batch.active) for batch in batches) == 500:
            np.testing.assert_array_equal(np.concatenate([b.active for b in batches]), rows.active)
    assert refusals > 200


def refused_when_read(path) -> str:
    with pytest.raises(InputError) as caught, CellTableReader(path) as reader:
        list(reader.batches())
    return str(caught.value)


def test_damage_is_seen_where_only_some_rows_are_read(tmp_path):
    """Digests are of whole blocks: here the checksums of the pages are what tells."""
    model = four_lines(tmp_path / "m.onnx")
    assert nnce_inside("enumerate", model, "-o", "t", "-j", "1", "-q", cwd=tmp_path).returncode == 0
    content = (tmp_path / "t").read_bytes()
    with CellTableReader(tmp_path / "t") as reader:
        codes = reader.codes(0)
    refused = 0
    for place in range(4, 104):  # the pages of the codes
        (tmp_path / "d").write_bytes(
            content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]
        )
        try:
            with CellTableReader(tmp_path / "d") as reader:
                assert (reader.codes(0) == codes).all(), place
        except InputError:
            refused += 1
    assert refused > 5


def test_a_digest_for_each_column_of_each_block(tmp_path):
    """Page checksums say nothing of a page that is another one: digests do, column by column."""
    path = tmp_path / "t.parquet"
    count = ROW_GROUP_ROWS + 300
    write(path, rows_of(many_cells(count), [1, 20], bounded=True), [1, 20])
    about, table = described(path), pq.read_table(path)
    assert about["digests"]["block_rows"] == [ROW_GROUP_ROWS, 300]
    for name in table.schema.names:
        values = table[name].to_pylist()
        values[-1] = values[-2]
        changed = pa.array(values, type=table.schema.field(name).type)
        index = table.schema.get_field_index(name)
        other = table.set_column(index, table.schema.field(name), changed)
        other = other.replace_schema_metadata({"nnce": json.dumps(about)})
        # Another program may choose row groups of its own; blocks are blocks of rows.
        pq.write_table(other, path, row_group_size=1000)
        if table[name].to_pylist() == values:
            assert sum(len(b.active) for b in reader_of(path)) == count
        else:
            assert f"its column {name} has not the values" in refused_when_read(path)
        if name == "witness":
            assert sum(len(b.active) for b in reader_of(path, witness=False)) == count


def reader_of(path, **options):
    with CellTableReader(path) as reader:
        return list(reader.batches(**options))


# Files that claim to be large


def small_file(path, table: pa.Table, about: dict, **options) -> None:
    about = about | {"digests": digests_of(table), "cells": len(table), "layer_cells": [len(table)]}
    schema = table.schema.with_metadata({"nnce": json.dumps(about)})
    with pq.ParquetWriter(path, schema, compression="zstd", **options) as writer:
        writer.write_table(table.cast(schema), row_group_size=len(table))
    assert path.stat().st_size < 1e6


def test_a_page_that_unpacks_to_far_more_than_the_file(tmp_path):
    path, widths = tmp_path / "t", [1, 65535]
    write(path, rows_of([((0,) * 65535,)], widths), widths)
    about, one = described(path), pq.read_table(path)
    table = pa.concat_tables([one] * 20_000).combine_chunks()
    options = {"use_dictionary": False, "data_page_size": 2**30, "write_batch_size": 20_000}
    small_file(path, table, about, **options)
    del table
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    assert "says that it unpacks to 163,840,000" in refused_when_read(path)
    assert pool.bytes_allocated() <= before + 2**20


def test_a_row_group_of_far_more_rows_than_ours(tmp_path):
    path, widths = tmp_path / "t", [1, 3]
    write(path, rows_of([((0, 0, 1),)], widths), widths)
    about, one = described(path), pq.read_table(path)
    table = pa.concat_tables([one] * 1_200_000).combine_chunks()
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table, row_group_size=1_100_000)
        said = about | {
            "digests": digests_of(table),
            "cells": 1_200_000,
            "layer_cells": [1_200_000],
        }
        writer.add_key_value_metadata({"nnce": json.dumps(said)})
    described_groups = pq.read_metadata(path)
    if described_groups.row_group(0).num_rows > 2**20:
        assert "says that it has 1,100,000 rows" in refused_when_read(path)
    else:
        assert list(reader_of(path))


def test_a_witness_of_millions_of_coordinates(tmp_path):
    """The type says that it has one; the values, which a few bytes stand for, are others."""
    path, widths = tmp_path / "t", [1, 3]
    write(path, rows_of([((0, 0, 1),), ((0, 1, 1),)], widths), widths)
    about, honest = described(path), pq.read_table(path)
    long = pa.array([[0.0] * 3_000_000, [0.0]], pa.list_(pa.field("element", pa.float64(), False)))
    table = honest.set_column(3, pa.field("witness", long.type, nullable=False), long)
    schema = base64.b64encode(honest.schema.serialize().to_pybytes())
    said = {"ARROW:schema": schema, "nnce": json.dumps(about)}
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(said)
    assert path.stat().st_size < 1e5
    assert "a column does not fit" in refused_when_read(path)
