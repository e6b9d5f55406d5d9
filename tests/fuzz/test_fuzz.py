"""The targets of `make fuzz`, for a moment each, without coverage and so without atheris."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing

import pytest

from nnce_cli.base.errors import InputError
from nnce_cli.parallel import Journal
from nnce_cli.parallel.queue import Queue
from tests.fuzz.targets import TARGETS, attempt
from tests.runs import generic, stack_of

SECONDS = 1.0


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name):
    """A target whose seeds are refused would look at nothing but the refusal."""
    for seed in TARGETS[name].seeds():
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_seeds_are_read_or_refused(name):
    generator = random.Random(0)
    seeds = TARGETS[name].seeds()
    end, tries = time.monotonic() + SECONDS, 0
    while time.monotonic() < end or tries < 10:
        attempt(name, damaged(generator.choice(seeds), generator))
        tries += 1


FOUND = [
    ("journal", lambda seed: seed.replace(b"died", b"0")),  # given up, and no word why
    ("journal", lambda seed: seed.replace(b"died", b" ")),
    ("domain", lambda seed: seed.replace(b"(2, 2)", b"(0, 2)")),  # no points, each of two numbers
]


@pytest.mark.parametrize(("name", "change"), FOUND)
def test_what_fuzzing_found(name, change):
    """Each was an error of another kind than `InputError` once."""
    changed = [other for seed in TARGETS[name].seeds() if (other := change(seed)) != seed]
    assert changed
    for other in changed:
        attempt(name, other)


def test_an_index_that_has_more_than_its_table(tmp_path):
    """A page of a journal that is another one: SQLite itself goes by the index alone."""
    path = tmp_path / "journal.sqlite"
    stack = stack_of(generic(2, 2, 2))
    Journal.create(path, {"rows": True}, layers=2)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        index = "SELECT * FROM sqlite_master WHERE name = 'places'"
        (entry,) = database.execute(index).fetchall()
        database.execute("DELETE FROM sqlite_master WHERE name = 'places'")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DELETE FROM tasks")
        database.execute("PRAGMA writable_schema = ON")
        database.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", entry)
    with Journal(path, write=True) as journal:
        with pytest.raises(InputError, match="its tasks are not those that were written"):
            journal.check(stack)
        with pytest.raises(InputError, match="task 1 is missing"):
            list(Queue(journal).take(1))


def damaged(data: bytes, generator: random.Random) -> bytes:
    """Return the bytes with a few of them changed, left out, or doubled."""
    changed = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 4, 16))):
        start = generator.randrange(len(changed) + 1)
        end = min(len(changed), start + generator.choice((1, 1, 2, 8, 64)))
        changed[start:end] = generator.choice(
            (
                generator.randbytes(end - start),
                b"",
                changed[start:end] * 2,
                bytes(x ^ 1 << generator.randrange(8) for x in changed[start:end]),
                generator.choice((b"0", b"-1", b"1e999", b'"a"', b"null", b"(", b"\xff" * 9)),
            )
        )
    return bytes(changed)
