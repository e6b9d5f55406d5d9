"""What a Parquet file says of itself, where people look for it.

The file's own key-value metadata is not what ``pyarrow.parquet.read_table`` gives a table: that has
the metadata of the schema that its writer left among those entries. They are written at the end,
when all is known, so that the schema can say the same.
"""

from __future__ import annotations

from base64 import b64encode

import pyarrow as pa

ARROW_SCHEMA = b"ARROW:schema"  # as Arrow calls and writes it: an IPC message in base64


def footer_entries(schema: pa.Schema, key: bytes, text: str) -> dict[bytes, bytes]:
    """Return the entries of a footer that say ``text``: the file's, and the schema's."""
    said = text.encode()
    message = schema.with_metadata({key: said}).serialize()
    return {key: said, ARROW_SCHEMA: b64encode(message.to_pybytes())}
