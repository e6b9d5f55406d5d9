"""``nnce stats`` as a program."""

from __future__ import annotations

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command import assert_refused, nnce, save_network, shell
from tests.tables import (
    described,
    digests_of,
    forge,
    naive_bounded,
    naive_statistics,
    rows_of,
    write,
)

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
    both = lines.index("Layer-1 cells by active neurons and rank")
    assert [line.split() for line in lines[both + 1 : both + 6]] == [
        ["active", "rank", "0", "rank", "1", "rank", "2"],
        ["0", "1", "0", "0"],
        ["1", "0", "1", "0"],
        ["2", "0", "0", "1"],
        ["3", "0", "0", "1"],
    ]
    # Those of rank 2 hold 1 and 3 cells; two lines cut a plane into four regions at most.
    numbers = ["1", "2", "2", "2.000", "1", "1.50", "2.00", "2.50", "3", "4"]
    assert lines[-1].split() == numbers
    assert all(line.isascii() and line == line.rstrip() for line in lines)


def test_bounded_and_unbounded_cells(tmp_path):
    rows = rows_of(CELLS, WIDTHS, bounded=True)
    write(tmp_path / "t.parquet", rows, WIDTHS)
    found = json.loads(nnce("stats", "t.parquet", "--json", cwd=tmp_path).stdout)
    bounded = naive_bounded(CELLS, rows.bounded.tolist())
    expected = json.loads(json.dumps(naive_statistics(CELLS, WIDTHS)))
    assert found == expected | bounded | {"complete": True, "certified": True}
    lines = nnce("stats", "t.parquet", cwd=tmp_path).stdout.splitlines()
    assert lines[:5] == [
        "widths     2-3-2",
        "domain     x0 in [-1, inf), x1 in [-1, 1]",
        "cells      7",
        "bounded    3",
        "unbounded  4",
    ]
    table = lines.index("Layer-k cells")
    assert [line.split() for line in lines[table + 2 : table + 5]] == [
        ["all", "4", "7"],
        ["bounded", "2", "3"],
        ["unbounded", "2", "4"],
    ]


def test_from_standard_input(table, tmp_path):
    expected = nnce("stats", table, cwd=tmp_path).stdout
    assert shell("nnce stats - < t.parquet", tmp_path).stdout == expected
    assert shell("cat t.parquet | nnce stats -", tmp_path).stdout == expected


def test_a_partial_table_says_so(tmp_path):
    write(tmp_path / "t", rows_of(CELLS, WIDTHS), WIDTHS, complete=False)
    result = nnce("stats", "t", cwd=tmp_path)
    assert result.returncode == 0
    assert "complete   no" in result.stdout


def test_the_table_of_layer_cells(table, tmp_path):
    result = nnce("stats", table, "--by-layer", "layers", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == nnce("stats", table, cwd=tmp_path).stdout
    layers = pq.read_table(tmp_path / "layers").to_pylist()
    assert [row["subcells"] for row in layers if row["layer"] == 1] == [1, 2, 1, 3]
    assert [row["parent"] for row in layers if row["layer"] == 2] == [0, 1, 1, 2, 3, 3, 3]
    assert_refused(nnce("stats", table, "--by-layer", "layers", cwd=tmp_path), "--force")
    first = (tmp_path / "layers").read_bytes()
    piped = shell("nnce stats - --by-layer layers --force < t.parquet", tmp_path)
    assert piped.returncode == 0
    assert (tmp_path / "layers").read_bytes() == first


def test_by_layer_writes_whole_files_or_none(table, tmp_path):
    broken = pq.read_table(table)
    turned = pa.concat_tables([broken.slice(4), broken.slice(0, 4)])
    forge(tmp_path / "turned", turned, described(table))
    before = sorted(tmp_path.iterdir())
    assert_refused(nnce("stats", "turned", "--by-layer", "layers", cwd=tmp_path), "not sorted")
    assert_refused(nnce("stats", table, "--by-layer", "-", cwd=tmp_path), "--by-layer")
    for name in (table, "t.parquet", "./t.parquet"):
        again = nnce("stats", table, "--by-layer", name, "--force", cwd=tmp_path)
        assert_refused(again, "is also an input")
    assert_refused(nnce("stats", table, "--by-layer", "no/layers", cwd=tmp_path), "no")
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture
def square(tmp_path):
    """Four quadrants of a square; classes by |x| + |y| against 1, and a fourth output below."""
    corners = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    output = np.array([[1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0], [-1, -1, -1, -1]])
    model = save_network(tmp_path / "m.onnx", [(corners, np.zeros(4)), (output, [0, 1, 1, 0.5])])
    assert nnce("enumerate", model, "-q", "-o", "cells", cwd=tmp_path).returncode == 0
    return model


def test_with_the_model(square, tmp_path):
    plain = json.loads(nnce("stats", "cells", "--json", cwd=tmp_path).stdout)
    result = nnce("stats", "cells", "--model", square, "--json", cwd=tmp_path)
    assert result.returncode == 0
    found = json.loads(result.stdout)
    network = found.pop("network")
    assert found == plain
    assert network["outputs"] == 4
    assert network["boundary_cells"] == 4
    assert sum(network["classes"].values()) == 4
    assert set(network["classes"]) <= {"0", "1"}
    # On each quadrant the linear part is the row (±1, ±1), twice: norms 2 and 2.
    for norm, value in (("spectral_norm", 2), ("infinity_norm", 2)):
        assert network[norm]["largest"] == pytest.approx(value, rel=1e-14)
        assert network[norm]["mean"] == pytest.approx(value, rel=1e-14)
        assert 0 < network[norm]["relative_error"] < 1e-12
        assert network[norm]["row"] in range(4)
    people = nnce("stats", "cells", "--model", square, cwd=tmp_path).stdout
    assert "cells on the decision boundary  4 (100.0%)" in people.splitlines()
    assert people.startswith(nnce("stats", "cells", cwd=tmp_path).stdout)
    piped = shell("nnce stats - --model m.onnx --json < cells", tmp_path)
    assert json.loads(piped.stdout)["network"] == network | {"model": "m.onnx"}


def test_a_regression_has_no_boundary(square, tmp_path):
    command = ("stats", "cells", "--model", square, "--task", "regression")
    shown = nnce(*command, cwd=tmp_path).stdout
    assert "boundary" not in shown
    assert "Euclidean" in shown
    network = json.loads(nnce(*command, "--json", cwd=tmp_path).stdout)["network"]
    assert (network["task"], network["classes"], network["boundary_cells"]) == (
        "regression", {}, None,
    )  # fmt: skip
    result = nnce(*command[:-1], "sign", cwd=tmp_path)
    assert_refused(result, "--task sign is for a single output, and the model has")
    assert_refused(nnce("stats", "cells", "--task", "argmin", cwd=tmp_path), "MODEL")
    assert nnce(*command[:-1], "guess", cwd=tmp_path).returncode == 2


def test_the_class_of_the_least_output(square, tmp_path):
    command = ("stats", "cells", "--model", square, "--task", "argmin", "--json")
    network = json.loads(nnce(*command, cwd=tmp_path).stdout)["network"]
    # The fourth output is 1/2 - |x| - |y|, the others are |x| + |y|, 1 and 1.
    assert network["boundary_cells"] == 4
    assert set(network["classes"]) <= {"0", "3"}


def test_without_witnesses(square, tmp_path):
    assert nnce("enumerate", square, "-q", "--no-witness", cwd=tmp_path).returncode == 0
    result = nnce("stats", "m.cells.parquet", "--model", square, "--json", cwd=tmp_path)
    assert json.loads(result.stdout)["network"]["boundary_cells"] == 4


def test_a_model_that_is_not_the_tables(square, table, tmp_path):
    other = nnce("stats", table, "--model", square, cwd=tmp_path)
    assert_refused(other, "digests differ", "give the model that nnce enumerate read")
    (tmp_path / "text").write_text("hello")
    assert_refused(nnce("stats", "cells", "--model", "text", cwd=tmp_path), "text")
    assert_refused(nnce("stats", "cells", "--model", "absent", cwd=tmp_path), "absent")
    over = nnce("stats", "cells", "--model", square, "--by-layer", square, "--force", cwd=tmp_path)
    assert_refused(over, "is also an input")


def test_maxima_of_thousands_of_digits(tmp_path):
    widths = [6000, 6000, 20000]
    cells = [((1,) * 6000, (0,) * 20000)]
    write(tmp_path / "t", rows_of(cells, widths, witness=False), widths)
    for options in ([], ["--json"]):
        result = nnce("stats", "t", *options, cwd=tmp_path)
        assert result.returncode == 0
    bound = json.loads(result.stdout, parse_int=str)["sub_cells_by_rank"][0]["6000"]["bound"]
    assert len(bound) > 4300


def our_metadata(table) -> dict[bytes, bytes]:
    return {b"nnce": pq.read_metadata(table).metadata[b"nnce"]}


def test_a_changed_table(table, tmp_path):
    found = pq.read_table(table)
    forge(tmp_path / "cut", found.slice(0, 5), described(table) | {"layer_cells": [5, 7]})
    result = nnce("stats", "cut", "--json", cwd=tmp_path)
    assert result.returncode == 1
    assert json.loads(result.stdout)["cells"] == 5
    assert "[5, 5]" in result.stderr
    assert "[4, 5]" in result.stderr
    turned = pa.concat_tables([found.slice(4), found.slice(0, 4)])
    forge(tmp_path / "turned", turned, described(table))
    assert_refused(nnce("stats", "turned", cwd=tmp_path), "not sorted")
    metadata = our_metadata(table)
    for name, other in (("cut", found.slice(0, 5)), ("turned", turned)):
        pq.write_table(other.replace_schema_metadata(metadata), tmp_path / name)
        assert_refused(nnce("stats", name, cwd=tmp_path), "is damaged")


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


@pytest.mark.slow
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
    assert_refused(shell(script, tmp_path), "it says that it has 7 cells, and has 20,000,000 rows")
    digests = digests_of(million)
    digests = {
        "block_rows": digests["block_rows"] * 20,
        "sha256": {name: column * 20 for name, column in digests["sha256"].items()},
    }
    about = described(table) | {"cells": rows, "layer_cells": [1, rows], "digests": digests}
    with pq.ParquetWriter(tmp_path / "bomb", schema, compression="zstd") as writer:
        for _ in range(rows // 10**6):
            writer.write_table(million, row_group_size=10**6)
        writer.add_key_value_metadata({"nnce": json.dumps(about)})
    assert_refused(shell(script, tmp_path), "not sorted")


def test_broken_pipe_and_full_disk(table, tmp_path):
    result = shell('nnce stats t.parquet | true; echo "${PIPESTATUS[*]}"', tmp_path)
    assert (result.stdout, result.stderr) == ("0 0\n", "")
    if os.path.exists("/dev/full"):
        assert_refused(shell("nnce stats t.parquet > /dev/full", tmp_path), "No space left")


def test_workers_do_not_change_what_is_said_of_a_network(tmp_path):
    rng = np.random.default_rng(4)
    maps = [(rng.normal(size=(n, m)), rng.normal(size=n)) for m, n in ((3, 6), (6, 6), (6, 3))]
    save_network(tmp_path / "m.onnx", maps)
    made = nnce("enumerate", "m.onnx", "--box=-1,1", "-o", "m.parquet", cwd=tmp_path)
    assert made.returncode == 0
    one, two = (
        nnce("stats", "m.parquet", "--model", "m.onnx", "--json", "--jobs", jobs, cwd=tmp_path)
        for jobs in ("1", "2")
    )
    assert (one.returncode, one.stderr) == (0, "")
    assert one.stdout == two.stdout
    network = json.loads(one.stdout)["network"]
    assert sum(network["classes"].values()) == json.loads(one.stdout)["cells"]
    assert network["boundary_cells"] > 0
