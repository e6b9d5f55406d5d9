"""The readers of hostile input as functions of bytes: what they may raise is an `InputError`.

Each target has seeds: whole files, from which a fuzzer goes on. The readers of Parquet are given
the same file with other metadata too, for a fuzzer does not find its way through Thrift to the
JSON inside.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet as pq
from onnx.parser import ParseError, parse_model
from onnx.printer import to_text

from nnce_cli.base.errors import InputError
from nnce_cli.domain import (
    read_bounds,
    read_halfspaces,
    read_point,
    read_property,
    read_slice,
    read_vnnlib,
)
from nnce_cli.enumeration import Subtree, pack_subtrees, place, unpack_subtrees
from nnce_cli.network import load_network
from nnce_cli.parallel import Journal
from nnce_cli.parallel.queue import Queue
from nnce_cli.table import PROOF_KEY, CellTableReader, Metadata
from nnce_cli.verify.proof_file import ProofReader
from tests.command import four_lines
from tests.runs import generic, stack_of

ROOT = Path(__file__).parents[2]
MODELS = sorted(
    (*(ROOT / "sample_models").glob("*.onnx"), *(ROOT / "tests/exports").glob("*.onnx")),
    key=lambda path: path.stat().st_size,
)
SEPARATOR = b"\0nnce\0"  # between the parts of one input that are changed apart


@dataclass(frozen=True)
class Target:
    """A reader: ``run`` reads some bytes, ``seeds`` makes whole files for it."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


@cache
def _folder() -> Path:
    """A folder for the life of this process, in memory where that is possible."""
    memory = Path("/dev/shm")
    where = memory if os.access(memory, os.W_OK) else None
    folder = tempfile.TemporaryDirectory(prefix="nnce-fuzz-", dir=where)
    _FOLDERS.append(folder)
    return Path(folder.name)


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def _read_onnx(data: bytes) -> None:
    """Read a model; or one in the textual form of ONNX, of which more changes leave a graph."""
    if data[:1] == b"<":
        try:
            data = parse_model(data.decode(errors="replace")).SerializeToString()
        except (ParseError, RuntimeError, ValueError, IndexError):  # of numbers, too
            return
    load_network(_file("model.onnx", data))


def _onnx_seeds() -> list[bytes]:
    texts = [to_text(onnx.load(path)).encode() for path in MODELS]
    return [*(path.read_bytes() for path in MODELS[:2]), *texts]


DOMAIN_READERS: dict[str, list[Callable[[Path], object]]] = {
    ".vnnlib": [lambda path: read_vnnlib(path, 2), lambda path: read_property(path, 2, 2)],
    ".csv": [
        lambda path: read_bounds(path, 2),
        lambda path: read_halfspaces(path, 2),
        lambda path: read_point(path, 2),
        read_slice,
    ],
    ".json": [
        lambda path: read_bounds(path, 2),
        lambda path: read_halfspaces(path, 2),
        lambda path: read_point(path, 2),
        read_slice,
    ],
    ".npy": [lambda path: read_point(path, 2), read_slice],
    ".ine": [lambda path: read_halfspaces(path, 2)],
    ".ext": [lambda path: read_halfspaces(path, 2)],
}


def _read_domain(data: bytes) -> None:
    """Read some bytes as every file that a domain, or a property, is read from."""
    read, refusals = 0, []
    for suffix, readers in DOMAIN_READERS.items():
        path = _file(f"d{suffix}", data)
        for reader in readers:
            try:
                reader(path)
                read += 1
            except InputError as error:
                refusals.append(error)
    if not read:
        raise refusals[0]


def _npy(points: list[list[float]]) -> bytes:
    out = BytesIO()
    np.save(out, np.array(points))
    return out.getvalue()


def _domain_seeds() -> list[bytes]:
    return [
        b"(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n"
        b"(assert (<= X_0 0.5))(assert (>= X_0 -1e-3))\n"
        b"(assert (or (and (<= X_1 1) (>= X_1 (- 0.5)) (<= Y_0 Y_0)) (and (>= 1 X_1 (/ -1 2)))))",
        b"lo,hi\n-1,1\n0,.5\n",
        b"[[-1, 1], [0, 0.5]]",
        b'{"lower": [-1, 0], "upper": [1, 0.5]}',
        b"(vnnlib-version <2.0>)\n(declare-network f\n(declare-input X Real [1,2])\n"
        b"(declare-output Y float32 [2]))\n(assert (and (<= X[0,1] 0.5) (> (+ X[0,0] Y[1]) 1)))"
        b"(assert (not (or (< (* 2 X[0,0]) (/ 1 3)) (== Y[0] X[0,1] 1e-3))))",
        b"a1,a2,b\n1,2,3\n-1,0,0.5\n",
        b"[[1, 2, 3], [-1, 0, 0.5]]",
        _npy([[0.0, 1.0], [2.0, 0.5]]),
        b"name\n* comment\nH-representation\nlinearity 1 2\nbegin\n3 3 rational\n1 1/3 -2\n"
        b"0 1 1\n2.5 -1 0\nend\nincidence\n",
        b"V-representation\nlinearity 1 4\nbegin\n***** 3 integer\n1 0 0\n1 2 0\n1 0 2\n0 1 1\n"
        b"end\n",
    ]


@cache
def _table() -> bytes:
    """A cell table of eleven rows."""
    from typer.testing import CliRunner

    from nnce_cli.cli.app import app

    folder = _folder()
    arguments = ["enumerate", str(four_lines(folder / "lines")), "-q", "-o", str(folder / "t")]
    if not (folder / "t").exists():
        CliRunner().invoke(app, [*arguments, "-j", "1", "--proof", str(folder / "p"), "--force"])
    return (folder / "t").read_bytes()


@cache
def _proof() -> bytes:
    _table()
    return (_folder() / "p").read_bytes()


def _with_metadata(file: bytes, key: bytes, text: bytes) -> bytes:
    """Return a Parquet file with another text under ``key``."""
    table = pq.read_table(BytesIO(file))
    out = BytesIO()
    pq.write_table(table.replace_schema_metadata({key: text}), out)
    return out.getvalue()


def _metadata_of(file: bytes, key: bytes) -> bytes:
    return pq.ParquetFile(BytesIO(file)).metadata.metadata[key]


def _read_table(data: bytes) -> None:
    """Read a table; or its metadata alone, and put into a whole table."""
    if data[:4] == b"PAR1":
        path = _file("cells.parquet", data)
    else:
        try:
            Metadata.from_json(data)
        except ValueError:
            return
        path = _file("cells.parquet", _with_metadata(_table(), b"nnce", data))
    with CellTableReader(path) as reader:
        for rows in reader.batches():
            np.stack([layer.sum() for layer in rows.signs])
        reader.row(0)


def _table_seeds() -> list[bytes]:
    return [_table(), _metadata_of(_table(), b"nnce")]


def _read_proof(data: bytes) -> None:
    """Read a certificate; or its metadata alone."""
    whole = data[:4] == b"PAR1"
    path = _file("proof", data if whole else _with_metadata(_proof(), PROOF_KEY, data))
    with ProofReader(path) as reader:
        for decision in reader.decisions(4):
            assert len(decision.slacks) <= max(4, len(decision.inputs) + 4)


def _proof_seeds() -> list[bytes]:
    return [_proof(), _metadata_of(_proof(), PROOF_KEY)]


@cache
def _journal() -> bytes:
    path = _folder() / "whole"
    Journal.create(path, {"rows": True, "ours": []}, layers=2)
    with Journal(path, write=True) as journal:
        journal.set_about("model", "0")
    return path.read_bytes()


def _read_journal(data: bytes) -> None:
    """Read a journal; or, after a separator, its texts, the roots of its task, and its trouble."""
    path = _folder() / "journal"
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(_journal_of(data) if SEPARATOR in data else data)
    with Journal(path, write=False) as journal:  # as one looks at a run from outside
        for _, text in journal.troubles():
            assert text.splitlines()
    with Journal(path, write=True) as journal:  # as a run goes on
        journal.check(stack_of(generic(2, 2, 2)))
        journal.try_again()
        list(Queue(journal).take(4))
        list(journal.parts())
        journal.rows_in_front()


def _seal_again(database: sqlite3.Connection) -> None:
    """Put the seal that fits: else nothing but that is looked at."""
    from nnce_cli.parallel.schema import seal, sum_of_tasks

    texts, tasks = dict(database.execute("SELECT name, value FROM about")), sum_of_tasks(database)
    fitting = {"tasks": f"{tasks % 2**256:x}", "seal": seal(texts["about"], texts["totals"], tasks)}
    database.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", fitting.items())


def _journal_of(data: bytes) -> bytes:
    about, totals, roots, trouble = (*data.split(SEPARATOR), b"", b"", b"")[:4]
    path = _folder() / "edited"
    path.write_bytes(_journal())
    with sqlite3.connect(path) as database:
        for name, text in (("about", about), ("totals", totals)):
            value = text.decode(errors="replace")
            database.execute("UPDATE about SET value = ? WHERE name = ?", (value, name))
        with suppress(ValueError, IndexError):  # what is no subtree has no place
            first = place(unpack_subtrees(roots)[0])
            database.execute("UPDATE tasks SET signs = ?, length = ?", first)
        database.execute("UPDATE tasks SET roots = ?", (roots,))
        if trouble:
            text = None if trouble == b"0" else trouble.decode(errors="replace")
            database.execute("UPDATE tasks SET state = 2, trouble = ?", (text,))
        _seal_again(database)
        database.commit()
        database.execute("PRAGMA journal_mode = DELETE")
    database.close()
    return path.read_bytes()


def _journal_seeds() -> list[bytes]:
    about = json.dumps({"rows": True, "ours": []}).encode()
    totals = json.dumps({"layer_cells": [1, 2], "waiting": 1, "share": 0.5}).encode()
    roots = pack_subtrees([Subtree((1, 0, 1), 1)])
    assert unpack_subtrees(roots)
    return [_journal(), SEPARATOR.join([about, totals, roots, b"died"])]


TARGETS = {
    "onnx": Target(_read_onnx, _onnx_seeds),
    "domain": Target(_read_domain, _domain_seeds),
    "table": Target(_read_table, _table_seeds),
    "journal": Target(_read_journal, _journal_seeds),
    "proof": Target(_read_proof, _proof_seeds),
}


def attempt(name: str, data: bytes) -> None:
    """Read bytes; anything but success or an `InputError` comes out."""
    try:
        TARGETS[name].run(data)
    except InputError:
        return
