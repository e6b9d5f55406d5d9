"""Tables of networks with slopes, units of many pieces, pass-throughs, or no hidden layer."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nnce_cli.base.checksum import Checksum
from nnce_cli.base.errors import InputError
from nnce_cli.table import (
    CellTableReader,
    CellTableWriter,
    Metadata,
    Output,
    PartWriter,
    Rows,
    TableJoin,
    TablePart,
)
from tests.tables import described, digests_of, forge, part
from tests.unit_stacks import sampled, stack_of_units, zoo

STACKS = zoo()


@pytest.fixture(params=STACKS)
def cells(request):
    return sampled(STACKS[request.param])


def test_what_is_written_is_read(cells, tmp_path):
    said = cells.write(tmp_path / "t")
    with CellTableReader(tmp_path / "t") as reader:
        assert reader.metadata == said
        assert reader.metadata.sizes == cells.stack.sizes
        assert reader.rows == said.cells == len(cells.joined)
        (rows,) = reader.batches()
        for found, wrote in zip(rows.signs, cells.rows.signs, strict=True):
            assert np.array_equal(found, wrote)
        assert np.array_equal(rows.active, cells.rows.active)
        assert np.array_equal(rows.ranks, cells.rows.ranks)
        assert np.array_equal(rows.witness, cells.rows.witness)
        for row in range(min(reader.rows, 3)):
            assert [c.tolist() for c in reader.row(row).signs] == [
                c[row : row + 1].tolist() for c in cells.rows.signs
            ]
        (rows,) = reader.batches(witness=False)
        assert rows.witness is None
        assert rows.active.shape == (said.cells, len(cells.stack.hidden))


def test_columns(tmp_path):
    """A bit for each unit with two pieces; a byte for the others, the number of their piece."""
    sampled(STACKS["all kinds"]).write(tmp_path / "t")
    found = pq.read_table(tmp_path / "t")
    names = ["layer_1", "piece_1", "layer_2", "active_1", "active_2", "rank_1", "rank_2", "witness"]
    assert found.schema.names == names
    assert found.schema.field("piece_1").type == pa.binary(2)
    pieces = np.array([list(codes) for codes in found["piece_1"].to_pylist()])
    assert set(pieces[:, 0]) <= {0, 1, 2}
    assert len(set(pieces[:, 1])) > 1
    bits = np.unpackbits(
        np.array([list(b) for b in found["layer_1"].to_pylist()], np.uint8), axis=1
    )
    active = bits.sum(axis=1) + (pieces > 0).sum(axis=1)
    assert found["active_1"].to_pylist() == active.tolist()
    column = pq.read_metadata(tmp_path / "t").row_group(0).column(1)
    assert column.statistics.has_min_max
    order = pq.read_metadata(tmp_path / "t").row_group(0).sorting_columns
    assert [column.column_index for column in order] == [0, 1, 2]
    sampled(STACKS["pool"]).write(tmp_path / "pool")  # a layer of maxima alone
    assert pq.read_schema(tmp_path / "pool").names[:2] == ["layer_1", "piece_2"]


def test_layer_cells_are_told_by_all_columns_of_a_layer(cells):
    ends = np.cumsum(cells.stack.layout.layer_bytes, dtype=int).tolist()
    runs = [len(np.unique(cells.joined[:, :end], axis=0)) for end in ends]
    assert list(cells.metadata.layer_cells) == runs


def test_metadata_says_no_more_than_there_is(cells, tmp_path):
    cells.write(tmp_path / "t")
    said, stack = described(tmp_path / "t"), cells.stack
    assert said["widths"] == stack.widths
    assert ("pieces" in said) == stack.layout.has_pieces
    assert ("values" in said) != stack.is_relu
    if stack.is_relu:
        assert list(said) == [
            "format", "model", "widths", "domain", "options", "made", "bit_order", "cells",
            "layer_cells", "complete", "stopped_by", "certified", "decisions", "exact_witnesses",
            "digests",
        ]  # fmt: skip


def test_a_network_without_hidden_layers_has_one_row_and_its_witness(tmp_path):
    cells = sampled(STACKS["no hidden layer"])
    assert cells.write(tmp_path / "t").cells == 1
    found = pq.read_table(tmp_path / "t")
    assert found.schema.names == ["witness"]
    assert len(found) == 1
    without = Metadata.of(cells.stack, cells.box, witness=False)
    assert without.witness  # there is no other column
    assert described(tmp_path / "t")["layer_cells"] == []
    rows = cells.rows
    twice = Rows([], np.zeros((2, 0), np.uint16), np.zeros((2, 0), np.uint16), rows.witness[[0, 0]])
    with Output(str(tmp_path / "twice")) as output:
        writer = CellTableWriter(output, without)
        with pytest.raises(ValueError, match="row 1 is out of order"):
            writer.write(twice)
    with Output(str(tmp_path / "none")) as output:
        said = CellTableWriter(output, without).close(complete=False, certified=True, decisions={})
        output.commit()
    assert said.cells == 0
    with CellTableReader(tmp_path / "none") as reader:
        assert reader.rows == 0
        assert list(reader.batches()) == []


def test_parts_are_joined_to_the_same_table(cells, tmp_path):
    """Whole rows go through the writer of parts, and the join counts without reading them."""
    count = len(cells.joined)
    edges = sorted({0, count // 3, count // 2, count})
    with Output(str(tmp_path / "t")) as output:
        join = TableJoin(output, cells.metadata)
        for number, (start, stop) in enumerate(pairwise(edges)):
            path = tmp_path / f"{number}"
            writer = PartWriter(path, None, cells.metadata)
            rows = part(cells.rows, start, stop)
            writer.write(_Batch(rows.signs, rows.active, rows.ranks, rows.witness))
            writer.commit({"pivots": 1}, {})
            assert writer.first == cells.joined[start].tobytes()
            assert writer.last == cells.joined[stop - 1].tobytes()
            assert isinstance(writer.table, Checksum)
            join.add(TablePart(path, writer.rows, writer.first, writer.last))
        said = join.close(stopped_by=None, certified=True, decisions={})
        output.commit()
    assert said.layer_cells == cells.metadata.layer_cells
    assert said.cells == count
    with CellTableReader(tmp_path / "t") as reader:
        joined = [np.concatenate(batch.signs, axis=1) for batch in reader.batches() if batch.signs]
    assert not joined or np.array_equal(np.concatenate(joined), cells.joined)


@dataclasses.dataclass(frozen=True)
class _Batch(Rows):
    log: None = None


def ports(**sizes: int) -> tuple:
    return tuple(SimpleNamespace(name=name, size=size) for name, size in sizes.items())


def said_by(kind: str, inputs: tuple, outputs: tuple[str, ...] = ()) -> Metadata:
    """The metadata of a network of which a file says this, and a command chose outputs."""
    cells = sampled(zoo(3)["leaky"])
    said_of = {"meaning": SimpleNamespace(kind=kind), "inputs": inputs, "selected": outputs}
    for name, value in said_of.items():
        object.__setattr__(cells.stack, name, value)
    said = Metadata.of(cells.stack, cells.box, witness=True)
    return dataclasses.replace(said, layer_cells=(0, 0))


def test_what_a_model_says_is_kept():
    said = said_by("classes by argmin", ports(a=1, b=2), ("z",))
    assert said.meaning == "classes by argmin"
    assert said.inputs == (("a", 1), ("b", 2))
    assert said.outputs == ("z",)
    values = json.loads(said.to_json())
    assert values["inputs"] == [{"name": "a", "numbers": 1}, {"name": "b", "numbers": 2}]
    assert Metadata.from_json(said.to_json()) == said


def test_what_says_nothing_is_left_out():
    said = json.loads(said_by("unknown", ports(a=3)).to_json())
    assert not said.keys() & {"meaning", "inputs", "outputs"}
    assert Metadata.from_json(json.dumps(said)).meaning == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("meaning", "<script>"),
        ("meaning", 3),
        ("inputs", [{"name": "a", "numbers": 3}]),
        ("inputs", [{"name": "a", "numbers": 1}, {"name": "b", "numbers": 1}]),
        ("inputs", [{"name": 1, "numbers": 1}, {"name": "b", "numbers": 2}]),
        ("inputs", [{"numbers": 1}, {"name": "b", "numbers": 2}]),
        ("inputs", ["a", "b", "c"]),
        ("outputs", []),
        ("outputs", "z"),
        ("outputs", [1]),
    ],
)
def test_hostile_words_are_refused(key, value):
    said = said_by("sign", ports(a=1, b=2), ("z",))
    with pytest.raises(ValueError, match=f"bad {key}"):
        Metadata.from_json(json.dumps(json.loads(said.to_json()) | {key: value}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pieces", [[3, 4]]),
        ("pieces", [[3, 2], []]),
        ("pieces", [[3, 257], []]),
        ("pieces", [[3, 4, 5, 6, 7], []]),
        ("pieces", [[3, True], []]),
        ("pieces", [[], []]),
        ("pieces", "34"),
        ("values", [4]),
        ("values", [4, 1]),
        ("values", [4, 4.0]),
        ("values", 4),
        ("widths", []),
    ],
)
def test_hostile_sizes_are_refused(key, value, tmp_path):
    cells = sampled(STACKS["all kinds"])
    cells.write(tmp_path / "t")
    said = described(tmp_path / "t") | {key: value}
    with pytest.raises(ValueError, match=f"bad {key}"):
        Metadata.from_json(json.dumps(said))


def test_other_pieces_than_the_columns_have_are_refused(tmp_path):
    sampled(STACKS["clips"]).write(tmp_path / "t")
    table, said = pq.read_table(tmp_path / "t"), described(tmp_path / "t")
    forge(tmp_path / "f", table, said | {"pieces": [[3], []]})
    with pytest.raises(InputError, match="columns"):
        CellTableReader(tmp_path / "f")


def test_a_piece_that_a_unit_does_not_have_is_refused(tmp_path):
    sampled(STACKS["clips"]).write(tmp_path / "t")
    table, said = pq.read_table(tmp_path / "t"), described(tmp_path / "t")
    codes = [*table["piece_1"].to_pylist()[:-1], b"\x02\x03"]
    column = pa.array(codes, pa.binary(2))
    field = table.schema.field("piece_1")
    table = table.set_column(table.schema.get_field_index("piece_1"), field, column)
    forge(tmp_path / "f", table, said)
    with CellTableReader(tmp_path / "f") as reader, pytest.raises(InputError, match="piece"):
        list(reader.batches())


def test_a_layer_that_passes_too_much_on_is_refused(tmp_path):
    """Ranks are uint16; a narrow input bounds them, however much passes through."""
    wide = dataclasses.replace(sampled(STACKS["passing"]).metadata, values=(70_000, 3))
    with Output(str(tmp_path / "t")) as output:
        CellTableWriter(output, wide)
    lower = (0.0,) * 70_000
    wide = dataclasses.replace(
        wide, widths=(70_000, 3, 2), values=(70_000, 3), lower=lower, upper=lower
    )
    with Output(str(tmp_path / "t")) as output, pytest.raises(InputError, match="65535"):
        CellTableWriter(output, wide)


def test_digests_are_of_the_codes(tmp_path):
    cells = sampled(STACKS["all kinds"])
    cells.write(tmp_path / "t")
    table, said = pq.read_table(tmp_path / "t"), described(tmp_path / "t")
    assert digests_of(table) == said["digests"]
    assert list(said["digests"]["sha256"])[:3] == ["layer_1", "piece_1", "layer_2"]


def test_many_units_of_a_network():
    """The number of pieces of a unit is up to 256, so that its code is a byte."""
    stack = stack_of_units(1, [(STACKS["pool"].units[1], 8)], 1)
    assert stack.layout.columns == [("piece_1", 2)]
    assert stack.sizes.dimensions == [1, 1]
