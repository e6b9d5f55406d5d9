"""What a file is, by its first bytes, where another kind of file is wanted."""

from __future__ import annotations

HEAD = 16  # bytes that are looked at
_PARQUET = b"PAR1"
_IR_VERSION = 0x08  # the tag of the first field of an ONNX file, whose value is a small number
_NEXT_FIELDS = b"\x12\x1a\x22\x28\x32\x3a\x42"  # names and versions, the graph, operator sets


def is_parquet(head: bytes) -> bool:
    """Tell whether a file that begins so is Parquet, as cell tables are."""
    return head.startswith(_PARQUET)


def is_onnx(head: bytes) -> bool:
    """Tell whether a file that begins so looks like an ONNX model."""
    return len(head) > 2 and head[0] == _IR_VERSION and head[1] < 0x40 and head[2] in _NEXT_FIELDS


def is_vnnlib(head: bytes) -> bool:
    """Tell whether a file that begins so looks like a VNNLIB property."""
    return head.lstrip().startswith((b";", b"("))
