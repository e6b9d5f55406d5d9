"""Tables that somebody changed: each change is found, and the report says what and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from nnce_cli.network import load_network
from tests.command import assert_refused, four_lines, nnce
from tests.verify_tables import (
    CHECKS,
    CLOSURE,
    METADATA,
    ORDER,
    OUTPUTS,
    SAMPLES,
    VOLUMES,
    WITNESSES,
    Tampered,
    by_name,
    failing,
    run_verify,
)

MODEL = Path(__file__).parents[2] / "sample_models" / "toy-2d.onnx"  # 279 cells, widths 2-16-16-…
ROW = 100


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    assert nnce("enumerate", MODEL, "-o", "t", "--quiet", cwd=folder).returncode == 0
    return folder / "t"


@pytest.fixture
def table(original):
    return Tampered.read(original)


def assert_found(table, tmp_path, checks, *words, model=MODEL, recount=True):
    """Assert that exactly these checks fail, and that the first one says these words."""
    if recount:
        table.recount()
    report = run_verify(table.write(tmp_path / "tampered"), model)
    assert failing(report) == set(checks)
    assert not report.passed
    assert not report.proved
    [first] = [check for check in report.checks if check.name == checks[0]]
    for word in words:
        assert any(word in failure for failure in first.failures), first.failures
    return report


def shown(table, row):
    widths = table.about["widths"]
    return " ".join("".join(map(str, table.bits(row, k))) for k in range(1, len(widths)))


def test_the_original_passes(table, tmp_path):
    report = run_verify(table.write(tmp_path / "same"), MODEL)
    assert report.proved
    assert [check.name for check in report.checks] == list(CHECKS)
    assert all(check.checked for check in report.checks)


def test_a_row_removed(table, tmp_path):
    name = shown(table, ROW)
    table.remove(ROW)
    assert_found(table, tmp_path, (CLOSURE, VOLUMES, SAMPLES), name)


@pytest.mark.slow
def test_a_small_row_removed(table, tmp_path):
    """Random points miss a small cell; closure and volumes do not."""
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    seen = by_name(report)[SAMPLES].details["different cells"]
    assert seen < table.rows  # so there are cells that this number of points misses
    for row in range(table.rows):
        smaller = Tampered.read(tmp_path / "t")
        smaller.remove(row)
        smaller.recount()
        report = run_verify(smaller.write(tmp_path / "small"), MODEL, samples=500)
        if SAMPLES not in failing(report):
            assert failing(report) == {CLOSURE, VOLUMES}
            return
    pytest.fail("the random points meet every cell")


def test_a_row_removed_and_not_recounted(table, tmp_path):
    """Nobody has to check a table that has not the rows that it says it has."""
    table.remove(ROW)
    path = table.write(tmp_path / "tampered")
    assert_refused(nnce("verify", path, MODEL, cwd=tmp_path), "digests of more or fewer rows")


@pytest.mark.parametrize("layer", [1, 2])
def test_a_bit_flipped(table, tmp_path, layer):
    bits = table.bits(ROW, layer)
    bits[3] ^= 1
    table.set_bits(ROW, layer, bits)
    table.recount()
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert {WITNESSES, CLOSURE, VOLUMES} <= failing(report)
    result = by_name(report)[WITNESSES]
    assert result.failed == 1
    assert f"row {ROW} ({shown(table, ROW)})" in result.failures[0]
    assert f"neuron 3 of layer {layer}" in result.failures[0]


def test_an_invented_cell(table, tmp_path):
    """A sign vector without points, with the witness of the row before it."""
    listed = {shown(table, row) for row in range(table.rows)}
    table.insert(ROW + 1, table.row(ROW))
    for bit in range(16):
        flipped = table.bits(ROW, 2)
        flipped[bit] ^= 1
        table.set_bits(ROW + 1, 2, flipped)
        if shown(table, ROW + 1) not in listed:
            break
    names = list(zip(table.columns["layer_1"], table.columns["layer_2"], strict=True))
    order = sorted(range(table.rows), key=names.__getitem__)
    table.columns = {name: [column[i] for i in order] for name, column in table.columns.items()}
    table.recount()
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert WITNESSES in failing(report)
    assert ORDER not in failing(report)


def test_a_witness_in_a_neighbouring_cell(table, tmp_path):
    table.columns["witness"][ROW] = table.columns["witness"][ROW + 1]
    words = (f"row {ROW} ", "at its witness")
    report = assert_found(table, tmp_path, (WITNESSES, OUTPUTS), *words)
    assert f"row {ROW} " in by_name(report)[OUTPUTS].failures[0]


def test_a_witness_outside_of_the_domain(table, tmp_path):
    table.columns["witness"][ROW] = [7.0, 0.0]
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert by_name(report)[WITNESSES].failed == 1
    assert f"row {ROW} " in by_name(report)[WITNESSES].failures[0]
    assert "not strictly inside the domain" in by_name(report)[WITNESSES].failures[0]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_witness_that_is_no_number(table, tmp_path, value):
    table.columns["witness"][ROW][0] = value
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert by_name(report)[WITNESSES].failed == 1
    assert "not strictly inside the domain" in by_name(report)[WITNESSES].failures[0]


def test_a_witness_on_the_boundary_of_the_domain(tmp_path):
    """The point (1, 1/2) belongs to the closure of the cell, so only strictness is violated."""
    model = four_lines(tmp_path / "m.onnx")
    assert nnce("enumerate", model, "-o", "t", "--quiet", cwd=tmp_path).returncode == 0
    table = Tampered.read(tmp_path / "t")
    row = next(i for i in range(11) if table.bits(i, 1) == [1, 1, 1, 1])
    table.columns["witness"][row] = [1.0, 0.5]
    words = (f"row {row} ", "not strictly inside the domain")
    assert_found(table, tmp_path, (WITNESSES,), *words, model=model)


def test_a_witness_on_a_hyperplane(tmp_path):
    """The neuron x + 1/4 is inactive in the row, and zero at (-1/4, y)."""
    model = four_lines(tmp_path / "m.onnx")
    assert nnce("enumerate", model, "-o", "t", "--quiet", cwd=tmp_path).returncode == 0
    table = Tampered.read(tmp_path / "t")
    row = next(i for i in range(11) if table.bits(i, 1) == [0, 1, 1, 0])
    table.columns["witness"][row] = [-0.25, 0.5]
    words = (f"row {row} (0110)", "on the hyperplane of neuron 0 of layer 1")
    assert_found(table, tmp_path, (WITNESSES,), *words, model=model)


def test_an_exact_witness_is_looked_at(table, tmp_path):
    """A rational witness takes the place of the row's own; a wrong one is found."""
    row = [str(x) for x in map(_fraction, table.columns["witness"][ROW])]
    table.about["exact_witnesses"] = [{"row": ROW, "witness": row}]
    table.columns["witness"][ROW] = table.columns["witness"][ROW + 1]
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert WITNESSES not in failing(report)
    assert by_name(report)[WITNESSES].details["witnesses exactly"] == 1
    long = "1" + "0" * 5000  # more digits than Python reads by default
    table.about["exact_witnesses"] = [{"row": ROW, "witness": [f"{long}1/{long}7", "0"]}]
    assert by_name(run_verify(table.write(tmp_path / "t"), MODEL))[WITNESSES].failed == 1
    table.about["exact_witnesses"] = [{"row": ROW + 1, "witness": row}]
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert by_name(report)[WITNESSES].failed == 2
    table.about["exact_witnesses"] = [{"row": 279, "witness": row}]
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert "exact_witnesses for rows that it does not have" in str(by_name(report)[METADATA])


def _fraction(x):
    numerator, denominator = x.as_integer_ratio()
    return f"{numerator}/{denominator}"


def test_a_row_doubled(table, tmp_path):
    table.insert(ROW, table.row(ROW))
    table.about["cells"] = table.about["layer_cells"][-1] = 280
    checks = (ORDER, METADATA, VOLUMES)
    words = (f"row {ROW + 1} ", "is equal to the row before it")
    assert_found(table, tmp_path, checks, *words, recount=False)


def test_rows_swapped(table, tmp_path):
    table.insert(ROW, table.remove(ROW + 1))
    words = (f"row {ROW + 1} ", "comes after a larger row")
    assert_found(table, tmp_path, (ORDER,), *words)


def test_a_bit_after_the_last_neuron(tmp_path):
    model = four_lines(tmp_path / "m.onnx")
    assert nnce("enumerate", model, "-o", "t", "--quiet", cwd=tmp_path).returncode == 0
    table = Tampered.read(tmp_path / "t")
    value = table.columns["layer_1"][4]
    table.columns["layer_1"][4] = bytes([value[0] | 1])
    report = run_verify(table.write(tmp_path / "t"), model)
    assert "row 4: a bit after the last neuron" in by_name(report)[ORDER].failures[0]


@pytest.mark.parametrize("change", [1, -1])
def test_a_rank_changed(table, tmp_path, change):
    rank = table.columns["rank_2"][ROW]
    table.columns["rank_2"][ROW] += change
    words = (f"row {ROW} ", f"rank_2 is {rank + change} and should be {rank}")
    assert_found(table, tmp_path, (WITNESSES,), *words)


def test_an_active_count_changed(table, tmp_path):
    count = table.columns["active_1"][ROW]
    table.columns["active_1"][ROW] += 1
    words = (f"row {ROW} ", f"active_1 is {count + 1} and should be {count}")
    assert_found(table, tmp_path, (WITNESSES,), *words)


def test_counts_changed(table, tmp_path):
    table.about["layer_cells"][0] += 1
    assert_found(table, tmp_path, (METADATA,), "layer_cells", recount=False)


def test_a_larger_domain(table, tmp_path):
    table.about["domain"]["upper"] = [1.0, 1.5]
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert {CLOSURE, VOLUMES} & failing(report)


def test_a_smaller_domain(table, tmp_path):
    table.about["domain"]["upper"] = [1.0, 0.5]
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert WITNESSES in failing(report)
    assert "not strictly inside the domain" in by_name(report)[WITNESSES].failures[0]


def test_an_empty_domain(table, tmp_path):
    table.about["domain"]["upper"] = [1.0, -1.5]
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert "its domain is empty" in by_name(report)[METADATA].failures[0]
    assert by_name(report)[WITNESSES].status == "not done"


def test_marked_as_not_certified(table, tmp_path):
    table.about["certified"] = False
    assert_found(table, tmp_path, (METADATA,), "not certified")


def test_marked_as_incomplete(table, tmp_path):
    table.about["complete"] = False
    report = assert_found(table, tmp_path, (METADATA,), "marked as incomplete")
    for name in (SAMPLES, CLOSURE, VOLUMES):
        assert by_name(report)[name].status == "not done"
        assert by_name(report)[name].note == "the table is marked as incomplete"


def test_widths_of_another_network(table, tmp_path):
    table.about["widths"] = [2, 16, 15]
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert failing(report) == {METADATA}
    assert "2-16-15" in by_name(report)[METADATA].failures[0]
    assert {check.status for check in report.checks[1:]} == {"not done"}


def test_another_digest(table, tmp_path):
    table.about["model"] = "0" * 64
    assert_found(table, tmp_path, (METADATA,), "another model")


def test_another_model(table, tmp_path):
    """One weight of the first layer differs, and the forger knows the digest."""
    model = onnx.load(MODEL)
    [first] = [t for t in model.graph.initializer if numpy_helper.to_array(t).shape == (16, 2)]
    weight = numpy_helper.to_array(first).copy()
    weight[5] *= -1
    first.CopyFrom(numpy_helper.from_array(weight, first.name))
    other = tmp_path / "other.onnx"
    onnx.save(model, other)
    report = run_verify(table.write(tmp_path / "t"), other)
    assert "another model" in report.another
    assert failing(report) == {METADATA}
    assert {check.status for check in report.checks[1:]} == {"not done"}
    table.about["model"] = load_network(other).digest
    report = run_verify(table.write(tmp_path / "t"), other)
    assert METADATA not in failing(report)
    assert {WITNESSES, CLOSURE} <= failing(report)


def test_other_output_weights(table, tmp_path):
    """The cells are those of the other model too; its outputs are others."""
    model = onnx.load(MODEL)
    last = model.graph.initializer[-2]
    weight = numpy_helper.to_array(last)
    assert weight.ndim == 2
    last.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(-weight), last.name))
    other = tmp_path / "other.onnx"
    onnx.save(model, other)
    report = run_verify(table.write(tmp_path / "t"), other)
    assert failing(report) == {METADATA}


def test_a_table_without_its_last_rows(table, tmp_path):
    table.columns = {name: column[:200] for name, column in table.columns.items()}
    assert_found(table, tmp_path, (CLOSURE, VOLUMES, SAMPLES))


def test_a_table_without_rows(table, tmp_path):
    table.columns = {name: [] for name in table.columns}
    table.about |= {"cells": 0, "layer_cells": [0] * (len(table.about["widths"]) - 1)}
    report = run_verify(table.write(tmp_path / "t"), MODEL)
    assert failing(report) == {SAMPLES, CLOSURE, VOLUMES}
    assert "lists no cell" in by_name(report)[CLOSURE].failures[0]


def test_a_truncated_file(original, tmp_path):
    (tmp_path / "t").write_bytes(original.read_bytes()[:-100])
    assert_refused(nnce("verify", "t", MODEL, cwd=tmp_path), "t is not a cell table")
