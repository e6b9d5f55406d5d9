"""Footers of Parquet files that say what no writer says: none ends the process or is believed."""

from __future__ import annotations

import struct

import pytest

from nnce_cli.atlas import read_graph
from nnce_cli.base.errors import InputError
from nnce_cli.table import CellTableReader, find_rows
from nnce_cli.table.footer import (
    BINARY,
    END,
    I32,
    I64,
    LIST,
    STRUCT,
    TRUE,
    List,
    Struct,
    footer_bytes,
    footer_start,
    read_footer,
)
from nnce_cli.verify.proof_file import ProofReader
from tests.command import four_lines, nnce_inside

# Field numbers of parquet.thrift.
META, PATH, VALUES, PACKED, DICTIONARY, STATISTICS, SIZES = 3, 3, 5, 7, 11, 12, 16


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A table, its certificate, and its dual graph."""
    folder = tmp_path_factory.mktemp("files")
    model = four_lines(folder / "m.onnx")
    for command in (
        ("enumerate", model, "-o", "t", "--proof", "p", "-j", "1", "-q"),
        ("graph", "t", model, "-o", "g"),
    ):
        assert nnce_inside(*command, cwd=folder).returncode == 0
    return folder


def first_column(footer: Struct) -> Struct:
    [group, *_] = footer.get(4).items
    return group.get(1).items[0].get(META)


def with_footer(source, target, change):
    """Write a file with a change to what its footer says of its first column."""
    content = source.read_bytes()
    start = footer_start(content[-END:], len(content))
    footer = read_footer(content[start:-END])
    change(first_column(footer))
    target.write_bytes(content[:start] + footer_bytes(footer))
    return target


def other_sizes(column):
    """Histograms of three levels, where there is one: Arrow throws, and nothing catches it."""
    levels = (LIST, List(I64, [1, 1, 1]))
    column.fields[SIZES] = (STRUCT, Struct({2: levels, 3: levels}))


def short_ends(column):
    column.fields[STATISTICS] = (STRUCT, Struct({5: (BINARY, b""), 6: (BINARY, b"")}))


def many_values(column):
    column.set(VALUES, 2**40)


def many_values_of_another(column):
    column.set(VALUES, 2**40)
    column.set(PATH, List(BINARY, [b"x"]))


def other_type(column):
    column.fields[VALUES] = (I32, column.get(VALUES))


def offset_of_another_type(column):
    """Arrow goes over it, as if there were no dictionary."""
    column.fields[DICTIONARY] = (I32, 4)


def negative(column):
    column.set(PACKED, -1)


def beyond_64_bits(column):
    column.set(PACKED, column.get(PACKED) + 2**64)


CHANGES = [
    other_sizes,
    short_ends,
    many_values,
    many_values_of_another,
    other_type,
    offset_of_another_type,
    negative,
    beyond_64_bits,
]


def read_table(path):
    with CellTableReader(path) as reader:
        codes = reader.codes(0)
        assert find_rows(reader, codes).tolist() == list(range(11))
        return sum(len(rows.signs[0]) for rows in reader.batches())


def read_proof(path):
    with ProofReader(path) as reader:
        return len(list(reader.decisions(10)))


READERS = {"t": read_table, "p": read_proof, "g": lambda path: len(read_graph(path).edges.row)}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", READERS)
def test_a_footer_that_lies_is_refused_or_does_no_harm(files, tmp_path, name, change):
    read = READERS[name]
    whole = read(files / name)
    assert whole > 0
    path = with_footer(files / name, tmp_path / name, change)
    try:
        found = read(path)
    except InputError:
        return
    assert change is short_ends, "nothing was noticed"  # which are not used
    assert found == whole


def test_nothing_ends_the_process(files, tmp_path):
    """At the command line, where a verifier reads what somebody else made."""
    for name in ("t", "p"):
        with_footer(files / name, tmp_path / name, other_sizes)
    for table, proof in ((files / "t", "p"), ("t", files / "p")):
        command = ("verify", table, files / "m.onnx", "--proof", proof)
        result = nnce_inside(*command, cwd=tmp_path)
        assert result.returncode == 2
        assert "damaged" in result.stderr


def test_a_field_of_a_later_version_changes_nothing(files, tmp_path):
    """A truth value, say, whose value is in its type."""
    content = (files / "t").read_bytes()
    start = footer_start(content[-END:], len(content))
    footer = read_footer(content[start:-END])
    footer.fields[2000] = (TRUE, True)
    footer.fields[3000] = (LIST, List(TRUE, [True, False]))
    (tmp_path / "t").write_bytes(content[:start] + footer_bytes(footer))
    assert read_table(tmp_path / "t") == 11


def test_a_field_that_is_there_twice(files, tmp_path):
    """Readers differ in which of the two they believe."""
    content = (files / "t").read_bytes()
    start = footer_start(content[-END:], len(content))
    footer = content[start:-END]
    assert footer[-1] == 0  # the end of the structure
    [last] = [max(read_footer(footer).fields)]
    rows_again = bytes([I64, (3 << 1), 0])  # no step, but a number: field 3, and zero rows
    assert last > 3
    twice = footer[:-1] + rows_again + b"\0"
    (tmp_path / "t").write_bytes(
        content[:start] + twice + struct.pack("<I4s", len(twice), content[-4:])
    )
    with pytest.raises(InputError):
        read_table(tmp_path / "t")
    with pytest.raises(ValueError, match="twice"):
        read_footer(twice)
