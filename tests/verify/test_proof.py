"""Completeness certificates: made by hand, made by the enumeration, and tampered with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nnce_cli.base.errors import InputError
from nnce_cli.verify.proof_file import ProofReader
from tests.cases import FOLDER, cube, known_cases, needs_cases
from tests.command import assert_refused, nnce
from tests.networks import mlp_model, save
from tests.verify_tables import Tampered, by_name, failing, run_verify, write_exact_table

MODEL = Path(__file__).parents[2] / "sample_models" / "toy-2d.onnx"
PROOF = "certificate"

INACTIVE, ACTIVE, ZERO, SPLIT, CELL, NOTHING = range(6)

SCHEMA = pa.schema(
    {
        "neuron": pa.uint32(),
        "decision": pa.uint8(),
        "slacks": pa.list_(pa.uint32()),
        "inputs": pa.list_(pa.uint32()),
    }
)

# On [-1, 1]: layer 1 is (x, x - 2), layer 2 is (a_0 - 1/2, a_0 + 1, a_0, 3/4 - a_0).
HAND_MADE = [([[1], [1]], [0, -2]), ([[1, 0], [1, 0], [1, 0], [-1, 0]], [-0.5, 1, 0, 0.75])]
HAND_PROOF = [
    (1, INACTIVE, [], []),  # x - 2 <= -1 on the box
    (0, SPLIT, [], []),
    # x < 0: layer 2 is constant, and a_0 is identically zero.
    (2, INACTIVE, [], []),
    (3, ACTIVE, [], []),
    (4, ZERO, [], []),
    (5, ACTIVE, [], []),
    (0, CELL, [], []),
    # x > 0: its last two neurons in the other order.
    (2, SPLIT, [], []),
    # x < 1/2
    (5, ACTIVE, [2], [0]),  # 3/4 - x = (1/2 - x) + 1/4
    (3, ACTIVE, [], []),
    (4, ACTIVE, [0], [0]),  # x = x
    (0, CELL, [], []),
    # x > 1/2
    (5, SPLIT, [], []),
    (3, ACTIVE, [2], [0]),  # x + 1 = (x - 1/2) + 3/2
    (4, ACTIVE, [5], [0]),  # x = (x - 3/4) + 3/4
    (0, CELL, [], []),
    (4, ACTIVE, [0], [0]),
    (3, ACTIVE, [0], [0]),
    (0, CELL, [], []),
]


def write_proof(path, rows, about):
    columns = dict(zip(SCHEMA.names, map(list, zip(*rows, strict=True)), strict=True))
    table = pa.Table.from_pydict(columns, schema=SCHEMA)
    table = table.replace_schema_metadata({b"nnce-proof": json.dumps(about)})
    pq.write_table(table, path)
    return path


def about_table(path):
    """The metadata of a whole certificate for a table."""
    said = Tampered.read(path).about
    return {"format": 1, "complete": True} | {
        key: said[key] for key in ("model", "widths", "domain", "cells")
    }


@pytest.fixture
def by_hand(tmp_path):
    """A model, its table, and the metadata of a certificate."""
    weights = [*HAND_MADE, (np.ones((1, 4)), [0])]
    model = save(mlp_model(weights, dtype=np.float64), tmp_path / "m.onnx")
    assert write_exact_table(tmp_path / "t", model, cube(1, -1, 1)) == 4
    return model, tmp_path / "t", about_table(tmp_path / "t")


def replayed(by_hand, rows, **changes):
    """Replay decisions; return the result of the check."""
    model, table, about = by_hand
    proof = write_proof(table.with_name("p"), rows, about | changes)
    report = run_verify(table, model, samples=10, closure=0, proof=proof)
    result = by_name(report)[PROOF]
    assert failing(report) <= {PROOF}
    assert report.proved == (not result.failed)
    return result


def without(k):
    return [*HAND_PROOF[:k], *HAND_PROOF[k + 1 :]]


def changed(k, *row):
    return [*HAND_PROOF[:k], row, *HAND_PROOF[k + 1 :]]


def test_by_hand(by_hand):
    result = replayed(by_hand, HAND_PROOF)
    assert result.status == "passed"
    assert result.checked == len(HAND_PROOF)
    assert result.details["cells"] == 4
    assert result.details["splits"] == 3
    assert result.details["proved by linear programs"] == 0


@pytest.mark.parametrize("k", range(len(HAND_PROOF)))
def test_no_decision_can_be_left_out(by_hand, k):
    assert replayed(by_hand, without(k)).failed


@pytest.mark.parametrize("k", range(len(HAND_PROOF)))
def test_no_decision_can_be_another(by_hand, k):
    neuron, decision, *basis = HAND_PROOF[k]
    right = {decision, INACTIVE} if decision == ZERO else {decision}
    for other in {*range(7)} - right:
        assert replayed(by_hand, changed(k, neuron, other, *basis)).failed, other


def test_a_sign_that_a_neuron_has_nowhere_on_the_node(by_hand):
    """The hyperplane of x - 2 does not cut the box, all of which is on its other side."""
    result = replayed(by_hand, changed(0, 1, ACTIVE, [], []))
    assert result.checked == 0
    assert "decision 0: neuron 1 of layer 1 is not positive on the whole node" in result.failures[0]


def test_a_basis_that_proves_nothing_is_replaced(by_hand):
    """The decision is right all the same: an exact linear program proves it, and is counted."""
    row = (5, ACTIVE, [0], [0])  # 3/4 - x is no multiple of x plus something >= 0 on the box
    result = replayed(by_hand, changed(8, *row))
    assert result.status == "passed"
    assert result.details["proved by linear programs"] == 1


@pytest.mark.parametrize(
    ("k", "row", "words"),
    [
        (0, (6, INACTIVE, [], []), "there is no neuron 6"),
        (0, (2**32 - 1, INACTIVE, [], []), "there is no neuron"),
        (0, (2, INACTIVE, [], []), "before the end of the layer before it"),
        (2, (0, INACTIVE, [], []), "is decided already"),
        (8, (5, ACTIVE, [3], [0]), "which was not split on here"),
        (8, (5, ACTIVE, [2], [1]), "names input 1"),
        (8, (5, ACTIVE, [2], []), "a basis of 1 slacks and 0 inputs"),
        (4, (4, SPLIT, [], []), "cannot be split on"),
        (4, (4, ACTIVE, [], []), "identically zero here, so it is inactive"),
        (7, (2, ACTIVE, [], []), "is not positive on the whole node"),
        (7, (2, INACTIVE, [0], [0]), "is not negative on the whole node"),
        (1, (0, CELL, [], []), "a cell before all neurons are decided"),
        (1, (0, NOTHING, [], []), "said to have no interior has one"),
        (6, (0, NOTHING, [], []), "said to have no interior has one"),
        (3, (3, 200, [], []), "no kind of decision"),
    ],
)
def test_what_is_wrong_is_said(by_hand, k, row, words):
    result = replayed(by_hand, changed(k, *row))
    assert result.failed == 1
    assert result.failures[0].startswith(f"decision {k}: ")
    assert words in result.failures[0]


def test_an_empty_node(by_hand):
    """Splitting on 3/4 - x where x < 1/2 leaves nothing on one side, which may be said."""
    split = [(5, SPLIT, [], []), (3, ACTIVE, [], []), (4, ACTIVE, [0], [0])]
    more = [*split, (0, NOTHING, [], []), (3, ACTIVE, [], []), (4, ACTIVE, [0], [0])]
    result = replayed(by_hand, [*HAND_PROOF[:8], *more, *HAND_PROOF[11:]])
    assert result.status == "passed"
    assert result.details["nodes without interior"] == 1
    early = [*split[:1], (0, NOTHING, [], []), (3, ACTIVE, [], []), (4, ACTIVE, [0], [0])]
    result = replayed(by_hand, [*HAND_PROOF[:8], *early, *HAND_PROOF[11:]])
    assert result.status == "passed"


def test_more_decisions_than_the_tree_has(by_hand):
    result = replayed(by_hand, [*HAND_PROOF, (0, CELL, [], [])])
    assert "the tree was whole before it" in result.failures[0]


def test_a_tree_of_nothing(by_hand):
    assert "said to have no interior" in replayed(by_hand, [(0, NOTHING, [], [])]).failures[0]
    assert replayed(by_hand, [(0, SPLIT, [], [])]).failed


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "0" * 64},
        {"widths": [1, 2, 5]},
        {"cells": 5},
        {"complete": False},
        {"complete": 1.5},
        {"domain": {"kind": "box", "lower": [-1.0], "upper": [2.0]}},
        {"domain": None},
    ],
)
def test_a_certificate_of_another_table(by_hand, changes):
    result = replayed(by_hand, HAND_PROOF, **changes)
    assert result.failed == 1
    assert f"its {next(iter(changes))} is " in result.failures[0]


def test_a_row_of_the_table_is_missing(by_hand):
    """The certificate has a cell that the table has not."""
    model, path, about = by_hand
    table = Tampered.read(path)
    table.remove(1)
    table.recount()
    table.write(path)
    proof = write_proof(path.with_name("p"), HAND_PROOF, about | {"cells": 3})
    result = by_name(run_verify(path, model, proof=proof))[PROOF]
    assert "row 1 of the table is 10 1110" in result.failures[0]


@pytest.fixture(scope="module")
def enumerated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("enumerated")
    arguments = ("enumerate", MODEL, "-o", "t", "--proof", "p", "--quiet")
    assert nnce(*arguments, cwd=folder).returncode == 0
    return folder


def replay_changed(folder, tmp_path, rows):
    about = json.loads(pq.read_metadata(folder / "p").metadata[b"nnce-proof"])
    proof = write_proof(tmp_path / "p", rows, about)
    report = run_verify(folder / "t", MODEL, samples=10, closure=0, proof=proof)
    return by_name(report)[PROOF]


def test_tampered_certificates_of_a_network(enumerated, tmp_path):
    """Decisions left out, doubled or reversed at random places."""
    found = pq.read_table(enumerated / "p").to_pydict()
    rows = list(zip(*(found[name] for name in SCHEMA.names), strict=True))
    assert replay_changed(enumerated, tmp_path, rows).status == "passed"
    random = np.random.default_rng(1)
    for k in random.choice(len(rows), 12, replace=False).tolist():
        neuron, decision, slacks, inputs = rows[k]
        assert replay_changed(enumerated, tmp_path, [*rows[:k], *rows[k + 1 :]]).failed
        assert replay_changed(enumerated, tmp_path, [*rows[:k], rows[k], *rows[k:]]).failed
        other = [ACTIVE, INACTIVE, SPLIT, ACTIVE, NOTHING, CELL][decision]
        new = (neuron, other, slacks, inputs)
        assert replay_changed(enumerated, tmp_path, [*rows[:k], new, *rows[k + 1 :]]).failed
    assert replay_changed(enumerated, tmp_path, rows[: len(rows) // 2]).failed


def test_bases_do_not_matter_for_the_truth(enumerated, tmp_path):
    """Without its bases a certificate still holds; linear programs take their place."""
    found = pq.read_table(enumerated / "p").to_pydict()
    rows = [
        (neuron, decision, [], [])
        for neuron, decision in zip(found["neuron"], found["decision"], strict=True)
    ]
    result = replay_changed(enumerated, tmp_path, rows)
    assert result.status == "passed"
    assert result.details["proved by linear programs"] > 0


@needs_cases
@pytest.mark.slow
def test_size_and_replay_of_a_random_network(tmp_path):
    model = FOLDER / "random" / "random-8-12-12.onnx"
    box = ",".join(map(str, known_cases("random")["random-8-12-12"]["box"]))
    arguments = ("enumerate", model, "--box", box, "-o", "t", "--proof", "p", "--quiet")
    assert nnce(*arguments, cwd=tmp_path).returncode == 0
    report = run_verify(tmp_path / "t", model, closure=100, proof=tmp_path / "p")
    assert report.proved
    cells = by_name(report)[PROOF].details["cells"]
    assert (tmp_path / "p").stat().st_size <= 100 * cells


def bad_files(folder):
    whole = (folder / "p").read_bytes()
    return {
        "missing": None,
        "truncated": whole[:-50],
        "half": whole[: len(whole) // 2],
        "text": b"neuron,decision\n",
        "empty": b"",
    }


@pytest.mark.parametrize("name", ["missing", "truncated", "half", "text", "empty"])
def test_files_that_are_no_certificates(enumerated, tmp_path, name):
    data = bad_files(enumerated)[name]
    if data is not None:
        (tmp_path / "bad").write_bytes(data)
    result = nnce("verify", enumerated / "t", MODEL, "--proof", "bad", cwd=tmp_path)
    assert_refused(result, "bad")


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "not a certificate"),
        ({b"nnce-proof": b"["}, "no JSON object"),
        ({b"nnce-proof": b"[" * 100_000}, "no JSON object"),
        ({b"nnce-proof": b"3"}, "no JSON object"),
        ({b"nnce-proof": b'{"format": 2}'}, "format version is 2"),
    ],
)
def test_metadata_that_is_no_certificate(enumerated, tmp_path, metadata, words):
    table = pa.Table.from_pydict({name: [] for name in SCHEMA.names}, schema=SCHEMA)
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "bad")
    with pytest.raises(InputError, match=words):
        run_verify(enumerated / "t", MODEL, proof=tmp_path / "bad")


def test_the_table_is_no_certificate(enumerated):
    with pytest.raises(InputError, match="not a certificate"):
        run_verify(enumerated / "t", MODEL, proof=enumerated / "t")


def test_other_columns_and_nulls(enumerated, tmp_path):
    about = json.loads(pq.read_metadata(enumerated / "p").metadata[b"nnce-proof"])
    described = {b"nnce-proof": json.dumps(about)}
    table = pq.read_table(enumerated / "p").replace_schema_metadata(described)
    pq.write_table(table.drop_columns(["inputs"]), tmp_path / "bad")
    with pytest.raises(InputError, match="its columns are"):
        run_verify(enumerated / "t", MODEL, proof=tmp_path / "bad")
    rows = [(None, INACTIVE, [], [])]
    with pytest.raises(InputError, match="nulls"):
        run_verify(enumerated / "t", MODEL, proof=write_proof(tmp_path / "bad", rows, about))
    rows = [(0, INACTIVE, [None], [0])]
    with pytest.raises(InputError, match="nulls"):
        run_verify(enumerated / "t", MODEL, proof=write_proof(tmp_path / "bad", rows, about))
    rows = [(0, INACTIVE, [0] * 100_000, [0] * 100_000)]
    with pytest.raises(InputError, match="more than 2 slacks"):
        run_verify(enumerated / "t", MODEL, proof=write_proof(tmp_path / "bad", rows, about))


def test_pages_that_unpack_to_too_much(tmp_path, monkeypatch):
    """They are refused before there is room made for them."""
    rows = [(0, INACTIVE, [], [])] * 5000
    path = write_proof(tmp_path / "p", rows, {"format": 1})
    with ProofReader(path) as reader:
        assert sum(1 for _ in reader.decisions(2)) == 5000
    monkeypatch.setattr("nnce_cli.table.pages.PAGE_BYTES", 4)
    with ProofReader(path) as reader, pytest.raises(InputError, match="unpacks to"):
        next(reader.decisions(2))
