"""The tables of a journal, and the seal by which damage to them is seen.

SQLite has checksums for what is on its way into the database, and none for what is there. So a
journal has a seal: a digest of what it says about the run, of the totals, and of the sum of the
digests of its tasks, from which each transaction takes what it changes and to which it adds what
it changed that into. Pages of two states, a lost row, or a bit that is another one break the seal.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence

FORMAT = 3  # of the journal
WAITING, DONE, GIVEN_UP = range(3)

_TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL CHECK (typeof(value) = 'text'))"
    " WITHOUT ROWID",
    """CREATE TABLE tasks (
    number INTEGER PRIMARY KEY,
    parent INTEGER CHECK (typeof(parent) IN ('integer', 'null')), -- whose leftovers these are
    generation INTEGER NOT NULL CHECK (typeof(generation) = 'integer' AND generation >= 0),
    signs BLOB NOT NULL CHECK (typeof(signs) = 'blob'), -- with length: the place in the table
    length INTEGER NOT NULL CHECK (typeof(length) = 'integer' AND length >= 0),
    roots BLOB NOT NULL CHECK (typeof(roots) = 'blob'), -- the subtrees
    state INTEGER NOT NULL CHECK (state IN (0, 1, 2)), -- waiting, done, given up
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (typeof(attempts) = 'integer'),
    trouble TEXT CHECK (typeof(trouble) IN ('text', 'null')), -- why the last attempt failed
    nodes INTEGER, cells INTEGER, seconds REAL, finished REAL,
    row_count INTEGER NOT NULL DEFAULT 0 CHECK (typeof(row_count) = 'integer' AND row_count >= 0),
    first_row BLOB CHECK (typeof(first_row) IN ('blob', 'null')),
    last_row BLOB CHECK (typeof(last_row) IN ('blob', 'null')),
    part_bytes INTEGER CHECK (typeof(part_bytes) IN ('integer', 'null')), -- with rows only
    part_digest BLOB CHECK (typeof(part_digest) IN ('blob', 'null')), -- SHA-256
    proof_bytes INTEGER CHECK (typeof(proof_bytes) IN ('integer', 'null')), -- with --proof only
    proof_digest BLOB CHECK (typeof(proof_digest) IN ('blob', 'null'))
)""",
    "CREATE INDEX places ON tasks (state, signs, length)",
)


def create_tables(database: sqlite3.Connection) -> None:
    """Make the tables of a new journal."""
    for statement in _TABLES:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {FORMAT}")


def has_our_tables(database: sqlite3.Connection) -> bool:
    """Tell whether the tables are those that `create_tables` makes, and there is nothing else."""
    found = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    return sorted(sql for (sql,) in found) == sorted(_TABLES)


def is_whole(database: sqlite3.Connection) -> bool:
    """Tell whether SQLite finds all rows and indices in order, and values of the right types."""
    return bool(database.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)])


def sum_of_tasks(database: sqlite3.Connection, numbers: Sequence[int] | None = None) -> int:
    """Return the sum of the digests of some tasks, or of all."""
    query = "SELECT * FROM tasks"
    if numbers is None:
        return sum(map(_digest, database.execute(query)))
    query += " WHERE number IN (SELECT value FROM json_each(?))"
    return sum(map(_digest, database.execute(query, (json.dumps(numbers),))))


def seal(about: str, totals: str, tasks: int) -> str:
    """Return the seal of a journal with these texts, and this sum of the digests of its tasks."""
    text = f"{about}\n{totals}\n{tasks % 2**256:064x}"
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(row: tuple[object, ...]) -> int:
    return int.from_bytes(hashlib.sha256(repr(row).encode()).digest(), "big")
