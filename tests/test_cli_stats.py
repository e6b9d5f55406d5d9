"""``nnce stats`` as a program."""

from __future__ import annotations

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command import assert_refused, nnce, shell
from tests.tables import naive_statistics, rows_of, write

WIDTHS = [2, 3, 2]
CELLS = [
    ((0, 0, 0), (0, 1)),
    ((0, 0, 1), (0, 0)),
    ((0, 0, 1), (1, 0)),
    ((1, 0, 1), (0, 1)),
    ((1, 1, 1), (0, 0)),
    ((1, 1, 1), (1, 0)),
    ((1, 1, 1), (1, 1)),
]


@pytest.fixture
def table(tmp_path):
    write(tmp_path / "t.parquet", rows_of(CELLS, WIDTHS), WIDTHS)
    return tmp_path / "t.parquet"


def test_json(table, tmp_path):
    result = nnce("stats", table, "--json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    expected = json.loads(json.dumps(naive_statistics(CELLS, WIDTHS)))
    assert json.loads(result.stdout) == expected | {"complete": True, "certified": True}


def test_for_people(table, tmp_path):
    result = nnce("stats", table, cwd=tmp_path)
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == ["widths     2-3-2", "cells      7"]
    assert "complete   yes" in lines
    # Layer-1 cells 000, 001, 101, 111 have 0, 1, 2, 3 active neurons and ranks 0, 1, 2, 2.
    ranks = lines.index("Layer-k cells by rank")
    assert [line.split() for line in lines[ranks + 2 : ranks + 5]] == [
        ["0", "1", "3"],
        ["1", "1", "3"],
        ["2", "2", "1"],
    ]
    # Those of rank 2 hold 1 and 3 cells.
    assert lines[-1].split() == ["1", "2", "2", "2.000", "1", "3"]
    assert all(line.isascii() and line == line.rstrip() for line in lines)


def test_from_standard_input(table, tmp_path):
    expected = nnce("stats", table, cwd=tmp_path).stdout
    assert shell("nnce stats - < t.parquet", tmp_path).stdout == expected
    assert shell("cat t.parquet | nnce stats -", tmp_path).stdout == expected


def test_a_partial_table_says_so(tmp_path):
    write(tmp_path / "t", rows_of(CELLS, WIDTHS), WIDTHS, complete=False)
    result = nnce("stats", "t", cwd=tmp_path)
    assert result.returncode == 0
    assert "complete   no" in result.stdout


def our_metadata(table) -> dict[bytes, bytes]:
    return {b"nnce": pq.read_metadata(table).metadata[b"nnce"]}


def test_a_changed_table(table, tmp_path):
    found = pq.read_table(table).replace_schema_metadata(our_metadata(table))
    pq.write_table(found.slice(0, 5), tmp_path / "cut")
    result = nnce("stats", "cut", "--json", cwd=tmp_path)
    assert result.returncode == 1
    assert json.loads(result.stdout)["cells"] == 5
    assert "[4, 7]" in result.stderr
    assert "[4, 5]" in result.stderr
    pq.write_table(pa.concat_tables([found.slice(4), found.slice(0, 4)]), tmp_path / "turned")
    assert_refused(nnce("stats", "turned", cwd=tmp_path), "not sorted")


def test_what_is_not_a_table(table, tmp_path):
    pq.write_table(pa.table({"layer_1": [1]}), tmp_path / "foreign")
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "half").write_bytes(table.read_bytes()[: table.stat().st_size // 2])
    (tmp_path / "empty").touch()
    for name in ("foreign", "text", "half", "empty", "absent", "."):
        assert_refused(nnce("stats", name, cwd=tmp_path), name)
        if os.path.isfile(tmp_path / name):
            piped = shell(f"cat {name} | nnce stats -", tmp_path)
            assert_refused(piped, "standard input")
    assert_refused(nnce("stats", cwd=tmp_path), "CELLS")


def test_a_small_file_that_claims_many_rows(table, tmp_path):
    schema = pq.read_schema(table).with_metadata(our_metadata(table))
    rows = 20_000_000
    one = pq.read_table(table).slice(0, 1).replace_schema_metadata(schema.metadata)
    with pq.ParquetWriter(tmp_path / "bomb", schema, compression="zstd") as writer:
        million = pa.concat_tables([one] * 1000).combine_chunks()
        million = pa.concat_tables([million] * 1000)
        for _ in range(rows // 10**6):
            writer.write_table(million, row_group_size=10**6)
    assert (tmp_path / "bomb").stat().st_size < rows
    script = "ulimit -v 3000000; nnce stats bomb"
    assert_refused(shell(script, tmp_path), "not sorted")


def test_broken_pipe_and_full_disk(table, tmp_path):
    result = shell('nnce stats t.parquet | true; echo "${PIPESTATUS[*]}"', tmp_path)
    assert (result.stdout, result.stderr) == ("0 0\n", "")
    if os.path.exists("/dev/full"):
        assert_refused(shell("nnce stats t.parquet > /dev/full", tmp_path), "No space left")
