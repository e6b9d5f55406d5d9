"""The footer of a Parquet file, as far as joining files needs it.

The footer is a structure in Thrift's compact protocol (parquet-format, ``parquet.thrift``;
thrift, ``doc/specs/thrift-compact-protocol.md``). It is read here into plain values that know
their types but not their names, so that whatever a writer put in comes out again unchanged.
Arrow reads footers too, but cannot write one that it did not make. A field that is there twice is
refused: readers differ in which of the two they believe.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

MAGIC = b"PAR1"
END = 8  # bytes behind a footer

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, _MAP, STRUCT = range(1, 13)
_DEEPEST = 32


@dataclass
class Struct:
    """A Thrift structure: the type and the value of each field, by the field's number."""

    fields: dict[int, tuple[int, Any]] = field(default_factory=dict)

    def get(self, number: int) -> Any:
        """Return the value of a field, None where it is absent."""
        return self.fields.get(number, (0, None))[1]

    def set(self, number: int, value: Any) -> None:
        """Change the value of a field that is there."""
        self.fields[number] = (self.fields[number][0], value)


@dataclass
class List:
    """A Thrift list: the type of its elements, and the elements."""

    kind: int
    items: list[Any]


def footer_start(end: bytes, size: int) -> int:
    """Return where the footer begins of a Parquet file with these last `END` bytes.

    Raises:
        ValueError: this is not the end of a Parquet file of so many bytes.
    """
    if len(end) < END:
        raise ValueError("too short for a Parquet file")
    length, magic = struct.unpack("<I4s", end)
    start = size - END - length
    if magic != MAGIC or start < len(MAGIC):
        raise ValueError("no Parquet footer")
    return int(start)


def read_footer(data: bytes) -> Struct:
    """Read a footer: what is between its beginning and the last `END` bytes.

    Raises:
        ValueError: it is damaged.
    """
    with _cut_off():
        return _Reader(data).structure(0)


def read_structures(data: bytes, number: int) -> Iterator[Struct]:
    """Iterate over a list of structures, the field of a footer that has this number.

    Raises:
        ValueError: the footer is damaged.
    """
    reader = _Reader(data)
    with _cut_off():
        for found, kind in reader.fields():
            if found != number:
                reader.of_field(kind, 0)
                continue
            element, count = reader.list_header()
            if (kind, element) != (LIST, STRUCT):
                raise ValueError("a damaged Parquet footer")
            for _ in range(count):
                yield reader.structure(1)


@contextmanager
def _cut_off() -> Iterator[None]:
    try:
        yield
    except IndexError as error:
        raise ValueError("a damaged Parquet footer") from error


def read_structure(data: bytes) -> tuple[Struct, int]:
    """Read a structure at the beginning of some bytes; return it and how many bytes it has.

    Raises:
        ValueError: this is no structure.
        IndexError: it goes on after these bytes.
    """
    reader = _Reader(data)
    return reader.structure(0), reader.at


def footer_bytes(footer: Struct) -> bytes:
    """Return what stands at the end of a Parquet file with this footer."""
    out = bytearray()
    _write_structure(out, footer)
    return bytes(out) + struct.pack("<I4s", len(out), MAGIC)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise ValueError("a number too long in a Parquet footer")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def structure(self, depth: int) -> Struct:
        if depth > _DEEPEST:
            raise ValueError("a Parquet footer nested too deep")
        found = Struct()
        for number, kind in self.fields():
            found.fields[number] = (kind, self.of_field(kind, depth))
        return found

    def of_field(self, kind: int, depth: int) -> Any:
        """Return the value of a field; a truth value is in its type."""
        return kind == TRUE if kind in (TRUE, FALSE) else self.value(kind, depth)

    def fields(self) -> Iterator[tuple[int, int]]:
        """Iterate over the numbers and types of fields; read the value of one before the next."""
        seen, number = set(), 0
        while header := self._byte():
            number = number + (header >> 4) if header >> 4 else self._zigzag()
            if number in seen:
                raise ValueError("a field that is twice in a Parquet footer")
            seen.add(number)
            yield number, header & 0x0F

    def list_header(self) -> tuple[int, int]:
        """Return the type of the elements of a list, and how many there are."""
        header = self._byte()
        count = header >> 4 if header >> 4 < 15 else self._varint()
        if count > len(self._data):
            raise ValueError("a damaged Parquet footer")
        return header & 0x0F, count

    def value(self, kind: int, depth: int) -> Any:
        if kind in (TRUE, FALSE):  # an element of a list
            return self._byte() == TRUE
        if kind == BYTE:
            return self._byte()
        if kind in (I16, I32, I64):
            return self._zigzag()
        if kind == DOUBLE:
            self.at += 8
            if self.at > len(self._data):
                raise IndexError("a number that is cut off")
            return struct.unpack("<d", self._data[self.at - 8 : self.at])[0]
        if kind == BINARY:
            length = self._varint()
            self.at += length
            if self.at > len(self._data):
                raise IndexError("a text that is cut off")
            return self._data[self.at - length : self.at]
        if kind in (LIST, SET):
            element, count = self.list_header()
            return List(element, [self.value(element, depth + 1) for _ in range(count)])
        if kind == STRUCT:
            return self.structure(depth + 1)
        raise ValueError(f"a value of unknown type {kind} in a Parquet footer")


def _write_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _write_zigzag(out: bytearray, value: int) -> None:
    _write_varint(out, value << 1 if value >= 0 else (-value << 1) - 1)


def _write_structure(out: bytearray, structure: Struct) -> None:
    before = 0
    for number, (read_kind, value) in sorted(structure.fields.items()):
        kind = read_kind
        if kind in (TRUE, FALSE):
            kind = TRUE if value else FALSE
        step = number - before
        if 0 < step < 16:
            out.append(step << 4 | kind)
        else:
            out.append(kind)
            _write_zigzag(out, number)
        if kind not in (TRUE, FALSE):
            _write_value(out, kind, value)
        before = number
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in (TRUE, FALSE):
        out.append(TRUE if value else FALSE)
    elif kind == BYTE:
        out.append(value)
    elif kind in (I16, I32, I64):
        _write_zigzag(out, value)
    elif kind == DOUBLE:
        out += struct.pack("<d", value)
    elif kind == BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind in (LIST, SET):
        if len(value.items) < 15:
            out.append(len(value.items) << 4 | value.kind)
        else:
            out.append(0xF0 | value.kind)
            _write_varint(out, len(value.items))
        for item in value.items:
            _write_value(out, value.kind, item)
    else:
        _write_structure(out, value)
