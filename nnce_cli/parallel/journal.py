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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from nnce_cli.base.checksum import Checksum
from nnce_cli.base.errors import InputError
from nnce_cli.base.files import sync_file, sync_folder
from nnce_cli.enumeration import Place, Subtree, pack_subtrees, place, unpack_subtrees
from nnce_cli.network import LayerStack
from nnce_cli.parallel.schema import (
    DONE,
    FORMAT,
    GIVEN_UP,
    WAITING,
    create_tables,
    has_our_tables,
    is_whole,
    seal,
    sum_of_tasks,
)
from nnce_cli.parallel.task import Outcome, Task
from nnce_cli.parallel.totals import Totals

SECONDS_AT_RISK = 1.0  # of work, when the power fails
MADE_BESIDE = ("", "-wal", "-shm", "-journal")  # by SQLite, beside the file that it is given


@dataclass(frozen=True)
class Part:
    """A finished task that has rows, or decisions, in part files, and the checksums of these."""

    number: int
    rows: int
    first: bytes
    last: bytes
    table: Checksum | None
    proof: Checksum | None
    place: Place


# Before all others.
NO_PLACE = (b"", -1)

Waiting = tuple[bytes, int, int]  # a task by its place in the table (`Place`), and its number


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
                if write:
                    self._db.execute("PRAGMA journal_mode = WAL")
            except BaseException:
                self._db.close()
                raise

    @classmethod
    def create(cls, path: Path, about: dict[str, Any], layers: int) -> None:
        """Make the journal of a new run: the whole domain is its only task.

        The file appears whole or not at all, and has all that it needs in itself. ``layers`` is
        the number L of hidden layers.

        Raises:
            InputError: it cannot be written.
        """
        totals = Totals(layer_cells=[0] * layers, waiting=1, moved=time.time())
        new = path.with_name(f"{path.name}.new")
        with _reporting(path, "create"):
            remove_journal(path)
            remove_journal(new)
            try:
                _create(new, about, totals)
                sync_file(new)
                os.replace(new, path)
            except BaseException:
                remove_journal(new)
                raise
            sync_folder(path.parent)

    def _read(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            raise InputError(
                f"{self._path} is a journal of version {version} and this nnce reads version "
                f"{FORMAT}; start again with --force"
            )
        try:
            if not has_our_tables(self._db):
                raise ValueError("its tables are not those of a journal")
            texts = dict(self._db.execute("SELECT name, value FROM about"))
            self.about: dict[str, Any] = _object(texts, "about")
            self.totals = Totals(**_object(texts, "totals"))
            self.totals.check()
            self._tasks = int(texts.get("tasks", ""), 16)
            if texts.get("seal") != seal(texts["about"], texts["totals"], self._tasks):
                raise ValueError("it is not what was written")
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise self._damaged(error) from error

    def check(self, stack: LayerStack) -> None:
        """Look at everything in the journal, before a run of ``stack`` goes on from it.

        Raises:
            InputError: a task is not what was written, or is missing, or of no such network.
        """
        query = "SELECT signs, length, roots, first_row, last_row, part_bytes FROM tasks"
        with self._reporting("read"):
            if not is_whole(self._db) or sum_of_tasks(self._db) % 2**256 != self._tasks:
                raise self._damaged("its tasks are not those that were written")
            fits = len(self.totals.layer_cells) == len(stack.hidden)
            if not (fits and all(_is_task_of(stack, *row) for row in self._db.execute(query))):
                raise self._damaged("its tasks are of another network")

    def _damaged(self, why: object) -> InputError:
        return InputError(f"{self._path} is damaged ({why}); start again with --force")

    def waiting(self, count: int, after: Waiting | None = None) -> list[Waiting]:
        """Return the first ``count`` tasks that wait, in table order: of those ``after`` one."""
        signs, length = NO_PLACE if after is None else after[:2]
        with self._reporting("read"):
            return self._db.execute(  # in the index alone
                "SELECT signs, length, number FROM tasks WHERE state = ? "
                "AND (signs, length) > (?, ?) ORDER BY signs, length LIMIT ?",
                (WAITING, signs, length, count),
            ).fetchall()

    def task(self, number: int) -> Task:
        """Return a task, which may be done."""
        with self._reporting("read"):
            query = "SELECT generation, roots FROM tasks WHERE number = ?"
            row = self._db.execute(query, (number,)).fetchone()
            if row is None:  # an index that has more than its table
                raise self._damaged(f"task {number} is missing")
            generation, roots = row
            return Task(number, generation, unpack_subtrees(roots))

    def commit(self, outcomes: Sequence[Outcome]) -> list[Waiting]:
        """Record finished tasks, whose parts are on the disk, and the tasks that they left.

        Returns:
            These tasks.

        Raises:
            InputError: the disk is full, for instance; then nothing is recorded.
        """
        totals = dataclasses.replace(self.totals, decisions=dict(self.totals.decisions))
        for outcome in outcomes:
            totals.add(outcome)
        done = [outcome.task.number for outcome in outcomes]
        with self._transaction(totals, changed := list(done)):
            self._db.executemany(_SET_DONE, map(_done_values, outcomes))
            left = [
                (outcome.task.number, generation, roots)
                for outcome in outcomes
                for generation, roots in outcome.tasks
            ]
            new = _insert(self._db, left)
            changed += (number for *_, number in new)
        return new

    def note_failure(self, task: Task, trouble: str, most: int) -> bool:
        """Count a failed attempt; after ``most`` of them the task is given up: return whether."""
        totals = dataclasses.replace(self.totals, retries=self.totals.retries + 1)
        with self._reporting("read"):
            attempts = "SELECT attempts FROM tasks WHERE number = ?"
            give_up = self._db.execute(attempts, (task.number,)).fetchone()[0] + 1 >= most
        if give_up:
            totals.waiting -= 1
            totals.given_up += 1
        with self._transaction(totals, [task.number]):
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
        with self._reporting("read"):
            query = "SELECT number FROM tasks WHERE state != ? AND (state != ? OR attempts > 0)"
            tried = [number for (number,) in self._db.execute(query, (DONE, WAITING))]
        with self._transaction(totals, tried):
            update = "UPDATE tasks SET attempts = 0, state = ? WHERE number = ?"
            self._db.executemany(update, ((WAITING, number) for number in tried))

    def set_about(self, name: str, value: Any) -> None:
        """Change what the journal says of the run."""
        about = self.about | {name: value}
        with self._transaction(dataclasses.replace(self.totals), about=about, lasting=True):
            pass
        self.about = about

    def troubles(self) -> list[tuple[int, str]]:
        """Return the numbers of the tasks that were given up, and why."""
        with self._reporting("read"):
            query = "SELECT number, trouble FROM tasks WHERE state = ?"
            given_up = self._db.execute(query, (GIVEN_UP,)).fetchall()
        return [(number, (text or "").strip() or "nobody knows why") for number, text in given_up]

    def parts(self, after: Place = NO_PLACE, before: Place | None = None) -> Iterator[Part]:
        """Iterate over the finished tasks that have part files, in table order.

        Only those whose place is after the one and, if given, before the other.
        """
        query = (
            "SELECT number, row_count, first_row, last_row, part_bytes, part_digest, proof_bytes, "
            "proof_digest, signs, length FROM tasks WHERE state = ? AND "
            "(part_bytes IS NOT NULL OR proof_bytes IS NOT NULL) AND (signs, length) > (?, ?) "
        )
        limits = [DONE, *after]
        if before is not None:
            query += "AND (signs, length) < (?, ?) "
            limits += before
        with self._reporting("read"):
            for row in self._db.execute(f"{query} ORDER BY signs, length", limits):
                number, count, first, last = row[:4]
                table, proof = _checksum(*row[4:6]), _checksum(*row[6:8])
                yield Part(number, count, first, last, table, proof, place=tuple(row[8:]))

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
    def _transaction(
        self,
        totals: Totals,
        changed: Sequence[int] = (),
        *,
        about: dict[str, Any] | None = None,
        lasting: bool = False,
    ) -> Iterator[None]:
        """Write in one transaction, with the new totals; where it fails nothing has changed.

        ``changed`` has the numbers of the tasks that change, and at the end also those of new
        ones. It waits for the disk if it is ``lasting``, or if none has for a while.
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
                tasks = self._tasks - sum_of_tasks(self._db, changed)
                yield
                tasks = (tasks + sum_of_tasks(self._db, changed)) % 2**256
                _seal(self._db, self.about if about is None else about, totals, tasks)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        self.totals, self._tasks = totals, tasks
        if waits:
            self._synced = now

    @contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        with _reporting(self._path, verb):
            yield


def remove_journal(path: Path) -> None:
    """Remove a journal, and what SQLite has made beside it; raises OSError where that fails."""
    for suffix in MADE_BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _create(path: Path, about: dict[str, Any], totals: Totals) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        # No other file may be needed, and a file that is not whole is thrown away.
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        create_tables(database)
        _insert(database, [(None, 0, [Subtree()])])
        _seal(database, about, totals, sum_of_tasks(database) % 2**256)
        database.execute("COMMIT")
    finally:
        database.close()


def _seal(database: sqlite3.Connection, about: dict[str, Any], totals: Totals, tasks: int) -> None:
    """Write what a journal says about the run and its tasks together, under a seal."""
    texts = {"about": json.dumps(about), "totals": json.dumps(vars(totals)), "tasks": f"{tasks:x}"}
    texts["seal"] = seal(texts["about"], texts["totals"], tasks)
    database.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", texts.items())


def _object(texts: dict[str, str], name: str) -> dict[str, Any]:
    value = json.loads(texts.get(name, "null"))
    if not isinstance(value, dict):
        raise ValueError(f"it does not say what it is {name}")
    return value


_SET_DONE = (
    "UPDATE tasks SET state = ?, trouble = NULL, nodes = ?, cells = ?, seconds = ?, finished = ?, "
    "row_count = ?, first_row = ?, last_row = ?, part_bytes = ?, part_digest = ?, proof_bytes = ?, "
    "proof_digest = ? WHERE number = ?"
)


def _done_values(outcome: Outcome) -> tuple[Any, ...]:
    """Return the values of `_SET_DONE`."""
    return (
        DONE, outcome.nodes, outcome.cells, outcome.seconds, time.time(),
        outcome.rows, outcome.first, outcome.last, *_values(outcome.table),
        *_values(outcome.proof), outcome.task.number,
    )  # fmt: skip


def _insert(
    database: sqlite3.Connection, tasks: Sequence[tuple[int | None, int, Sequence[Subtree]]]
) -> list[Waiting]:
    """Insert tasks that wait: the parent, the generation and the roots; return them."""
    (last,) = database.execute("SELECT max(number) FROM tasks").fetchone()
    new = [(*place(roots[0]), (last or 0) + 1 + k) for k, (_, _, roots) in enumerate(tasks)]
    database.executemany(
        "INSERT INTO tasks (number, parent, generation, signs, length, roots, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (number, parent, generation, signs, length, pack_subtrees(roots), WAITING)
            for (signs, length, number), (parent, generation, roots) in zip(new, tasks, strict=True)
        ),
    )
    return new


def _is_task_of(
    stack: LayerStack,
    signs: bytes,
    length: int,
    roots: bytes,
    first: bytes | None,
    last: bytes | None,
    part_bytes: int | None,
) -> bool:
    """Tell whether a task can be one of a network: its place, its subtrees, and its rows."""
    try:
        subtrees = unpack_subtrees(roots)
    except ValueError:
        return False
    neurons, layers, row_bytes = sum(stack.rows), len(stack.hidden), stack.layout.row_bytes
    inside = all(len(s.prefix) <= neurons and s.counted <= layers for s in subtrees)
    has_ends = part_bytes is None or len(first or b"") == len(last or b"") == row_bytes
    return bool(subtrees) and inside and has_ends and place(subtrees[0]) == (signs, length)


def _values(checksum: Checksum | None) -> tuple[int | None, bytes | None]:
    return (None, None) if checksum is None else (checksum.length, checksum.digest)


def _checksum(length: int | None, digest: bytes | None) -> Checksum | None:
    return None if length is None or digest is None else Checksum(length, digest)


@contextmanager
def _reporting(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as error:
        raise InputError(
            f"cannot {verb} the journal {path}: {error}; what it holds so far is safe"
        ) from error
