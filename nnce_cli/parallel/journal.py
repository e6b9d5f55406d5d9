"""The journal of a run: an SQLite database of its tasks. One transaction commits what is done.

The journal is in write-ahead mode: a transaction that `commit` returned from survives the end of
all processes, one that was cut off leaves no trace. The disk is waited for once in a second, so
that a power cut takes back the last second of commits at most, and a short run never waits.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from nnce_cli.base.errors import InputError
from nnce_cli.base.files import sync_file, sync_folder
from nnce_cli.enumeration import Place, Subtree, pack_subtrees, place, unpack_subtrees
from nnce_cli.parallel.task import Outcome, Task

FORMAT = 1
WAITING, DONE, GIVEN_UP = range(3)
SECONDS_AT_RISK = 1.0  # of work, when the power fails

SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tasks (
    number INTEGER PRIMARY KEY,
    parent INTEGER,             -- the task that left these subtrees over
    generation INTEGER NOT NULL,
    signs BLOB NOT NULL,        -- (signs, length): the place in the table's order
    length INTEGER NOT NULL,
    roots BLOB,                 -- the subtrees; NULL once they are done
    state INTEGER NOT NULL,     -- 0 waiting, 1 done, 2 given up
    attempts INTEGER NOT NULL DEFAULT 0,
    trouble TEXT,               -- why the last attempt failed
    nodes INTEGER, cells INTEGER, seconds REAL, finished REAL,
    row_count INTEGER NOT NULL DEFAULT 0, first_row BLOB, last_row BLOB,
    proof INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX places ON tasks (state, signs, length);
"""


@dataclass
class Totals:
    """Sums over all finished tasks, and how many tasks there are."""

    layer_cells: list[int] = field(default_factory=list)
    nodes: int = 0
    share: float = 0.0
    decisions: dict[str, int] = field(default_factory=dict)
    worked: float = 0.0  # seconds, over all workers
    waiting: int = 0
    done: int = 0
    given_up: int = 0
    retries: int = 0
    memory: int = 0  # bytes: the peak of the largest worker
    moved: float = 0.0  # time of the last commit, seconds since 1970

    @property
    def cells(self) -> int:
        """Number of cells found."""
        return self.layer_cells[-1]

    def check(self) -> None:
        """Refuse values that no run has written; raises ValueError."""
        counts = [self.nodes, self.waiting, self.done, self.given_up, self.retries, self.memory]
        counts += [*self.layer_cells, *self.decisions.values()]
        if not self.layer_cells or not all(isinstance(n, int) and n >= 0 for n in counts):
            raise ValueError("its totals are no counts")
        if not all(isinstance(x, int | float) for x in (self.share, self.worked, self.moved)):
            raise ValueError("its totals are no numbers")

    def add(self, outcome: Outcome) -> None:
        """Count a finished task."""
        self.layer_cells = [
            a + b for a, b in zip(self.layer_cells, outcome.layer_cells, strict=True)
        ]
        self.nodes += outcome.nodes
        self.share += outcome.share
        for name, count in outcome.decisions.items():
            self.decisions[name] = self.decisions.get(name, 0) + count
        self.worked += outcome.seconds
        self.memory = max(self.memory, outcome.memory)
        self.waiting += len(outcome.tasks) - 1
        self.done += 1


@dataclass(frozen=True)
class Part:
    """A finished task that has rows, or decisions, in part files."""

    number: int
    rows: int
    first: bytes
    last: bytes
    proof: bool
    place: Place


# Before all others.
NO_PLACE = (b"", -1)


class Journal:
    """A journal open for reading and, with ``write``, for writing; close it after use.

    ``about`` says what the run is about (`RunFolder` compares it), ``totals`` what is done.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        """Open a journal.

        Raises:
            InputError: there is none, or it is damaged, or of another version.
        """
        self._path = path
        self._synced = time.monotonic()
        self._waits = True  # whether a transaction waits for the disk: as SQLite begins
        with self._reporting("read"):
            mode = "rw" if write else "ro"
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                timeout=10,
            )
            try:
                self._read()
            except BaseException:
                self._db.close()
                raise

    @classmethod
    def create(cls, path: Path, about: dict[str, Any], layers: int) -> None:
        """Make the journal of a new run: the whole domain is its only task.

        The file appears whole or not at all. ``layers`` is the number L of hidden layers.

        Raises:
            InputError: it cannot be written.
        """
        totals = Totals(layer_cells=[0] * layers, waiting=1, moved=time.time())
        new = path.with_name(f"{path.name}.new")
        with _reporting(path, "create"):
            for old in (new, path):
                for suffix in ("", "-wal", "-shm"):
                    old.with_name(old.name + suffix).unlink(missing_ok=True)
            database = sqlite3.connect(new, isolation_level=None)
            try:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = OFF")  # the whole file is synced below
                database.executescript(f"BEGIN; {SCHEMA}")
                database.execute(f"PRAGMA user_version = {FORMAT}")
                _put(database, "about", about)
                _put(database, "totals", vars(totals))
                _insert(database, None, 0, [Subtree()])
                database.execute("COMMIT")
            finally:
                database.close()
            sync_file(new)
            os.replace(new, path)
            sync_folder(path.parent)

    def _read(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            raise InputError(
                f"{self._path} is a journal of version {version} and this nnce reads version "
                f"{FORMAT}; start again with --force"
            )
        try:
            self.about: dict[str, Any] = self._get("about")
            self.totals = Totals(**self._get("totals"))
            self.totals.check()
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{self._path} is damaged ({error}); start again with --force"
            ) from error

    def _get(self, name: str) -> dict[str, Any]:
        row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        value = json.loads(row[0]) if row else None
        if not isinstance(value, dict):
            raise ValueError(f"it does not say what it is {name}")
        return value

    def waiting(self, count: int, besides: Collection[int]) -> list[Task]:
        """Return the first ``count`` waiting tasks in table order, without those ``besides``."""
        with self._reporting("read"):
            found = self._db.execute(
                "SELECT number, generation, roots FROM tasks WHERE state = ? "
                "ORDER BY signs, length LIMIT ?",
                (WAITING, count + len(besides)),
            )
            tasks = [
                Task(number, generation, unpack_subtrees(roots))
                for number, generation, roots in found
                if number not in besides
            ]
        return tasks[:count]

    def commit(self, outcomes: Sequence[Outcome]) -> None:
        """Record finished tasks, whose parts are on the disk, and the tasks that they left.

        Raises:
            InputError: the disk is full, for instance; then nothing is recorded.
        """
        totals = dataclasses.replace(self.totals, decisions=dict(self.totals.decisions))
        for outcome in outcomes:
            totals.add(outcome)
        with self._transaction(totals):
            for outcome in outcomes:
                number = outcome.task.number
                self._db.execute(
                    "UPDATE tasks SET state = ?, roots = NULL, trouble = NULL, nodes = ?, "
                    "cells = ?, seconds = ?, finished = ?, row_count = ?, first_row = ?, "
                    "last_row = ?, proof = ? WHERE number = ?",
                    (
                        DONE, outcome.nodes, outcome.cells, outcome.seconds, time.time(),
                        outcome.rows, outcome.first, outcome.last, outcome.proof, number,
                    ),
                )  # fmt: skip
                for roots in outcome.tasks:
                    _insert(self._db, number, outcome.task.generation + 1, roots)

    def note_failure(self, task: Task, trouble: str, most: int) -> bool:
        """Count a failed attempt; after ``most`` of them the task is given up: return whether."""
        totals = dataclasses.replace(self.totals, retries=self.totals.retries + 1)
        with self._reporting("read"):
            attempts = "SELECT attempts FROM tasks WHERE number = ?"
            give_up = self._db.execute(attempts, (task.number,)).fetchone()[0] + 1 >= most
        if give_up:
            totals.waiting -= 1
            totals.given_up += 1
        with self._transaction(totals):
            self._db.execute(
                "UPDATE tasks SET attempts = attempts + 1, trouble = ?, state = ? WHERE number = ?",
                (trouble, GIVEN_UP if give_up else WAITING, task.number),
            )
        return bool(give_up)

    def try_again(self) -> None:
        """Let tasks that were given up wait again, with as many attempts as new ones."""
        totals = dataclasses.replace(
            self.totals, waiting=self.totals.waiting + self.totals.given_up, given_up=0
        )
        with self._transaction(totals):
            self._db.execute(
                "UPDATE tasks SET attempts = 0, state = ? WHERE state != ?", (WAITING, DONE)
            )

    def set_about(self, name: str, value: Any) -> None:
        """Change what the journal says of the run."""
        about = self.about | {name: value}
        with self._transaction(dataclasses.replace(self.totals), lasting=True):
            _put(self._db, "about", about)
        self.about = about

    def troubles(self) -> list[tuple[int, str]]:
        """Return the numbers of the tasks that were given up, and why."""
        with self._reporting("read"):
            return self._db.execute(
                "SELECT number, trouble FROM tasks WHERE state = ?", (GIVEN_UP,)
            ).fetchall()

    def parts(self, after: Place = NO_PLACE, before: Place | None = None) -> Iterator[Part]:
        """Iterate over the finished tasks that have part files, in table order.

        Only those whose place is after the one and, if given, before the other.
        """
        query = (
            "SELECT number, row_count, first_row, last_row, proof, signs, length FROM tasks "
            "WHERE state = ? AND (row_count > 0 OR proof) AND (signs, length) > (?, ?) "
        )
        limits = [DONE, *after]
        if before is not None:
            query += "AND (signs, length) < (?, ?) "
            limits += before
        with self._reporting("read"):
            for row in self._db.execute(f"{query} ORDER BY signs, length", limits):
                number, rows, first, last, proof, *place = row
                yield Part(number, rows, first, last, bool(proof), tuple(place))

    def front(self) -> Place | None:
        """Return the place of the first task that is not done; None if all are."""
        places = []
        with self._reporting("read"):
            for state in (WAITING, GIVEN_UP):
                query = "SELECT signs, length FROM tasks WHERE state = ? ORDER BY 1, 2 LIMIT 1"
                places += self._db.execute(query, (state,)).fetchall()
        return min(places, default=None)

    def rows_in_front(self) -> int:
        """Return how many rows of the table come before the first task that is not done."""
        return sum(part.rows for part in self.parts(before=self.front()))

    def close(self, *, forget: bool = False) -> None:
        """Close the journal, on the disk unless it is to be forgotten."""
        if forget:
            self._db.execute("PRAGMA synchronous = OFF")
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self, totals: Totals, *, lasting: bool = False) -> Iterator[None]:
        """Write in one transaction, with the new totals; where it fails nothing has changed.

        It waits for the disk if it is ``lasting``, or if none has for a while.
        """
        totals.moved = time.time()
        now = time.monotonic()
        waits = lasting or now - self._synced >= SECONDS_AT_RISK
        with self._reporting("write"):
            if waits != self._waits:
                self._db.execute(f"PRAGMA synchronous = {'FULL' if waits else 'NORMAL'}")
                self._waits = waits
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                _put(self._db, "totals", vars(totals))
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        self.totals = totals
        if waits:
            self._synced = now

    @contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        with _reporting(self._path, verb):
            yield


def _put(database: sqlite3.Connection, name: str, value: dict[str, Any]) -> None:
    database.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, json.dumps(value)))


def _insert(
    database: sqlite3.Connection, parent: int | None, generation: int, roots: Sequence[Subtree]
) -> None:
    signs, length = place(roots[0])
    database.execute(
        "INSERT INTO tasks (parent, generation, signs, length, roots, state) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (parent, generation, signs, length, pack_subtrees(roots), WAITING),
    )


@contextmanager
def _reporting(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as error:
        raise InputError(
            f"cannot {verb} the journal {path}: {error}; what it holds so far is safe"
        ) from error
