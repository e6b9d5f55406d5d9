"""``nnce witness`` as a program, and tables that have no witnesses."""

from __future__ import annotations

import json
import os
import shutil
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

from nnce_cli.network import load_network
from tests.cases import FOLDER, needs_cases
from tests.command import assert_refused, four_lines, nnce, save_network, shell, tent
from tests.oracles.naive import cell_at
from tests.verify_tables import Tampered

WIDE = 100  # inputs: more than tables have witnesses for by default


def random_network(path, *sizes):
    """Save a seeded network whose last layer has one output."""
    rng = np.random.default_rng(sizes)
    return save_network(
        path,
        [(rng.normal(size=(n, m)) / m**0.5, rng.normal(size=n) / 4) for m, n in pairwise(sizes)],
    )


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A folder with a network of many inputs, its table, and its table with witnesses."""
    folder = tmp_path_factory.mktemp("wide")
    random_network(folder / "m.onnx", WIDE, 5, 5, 1)
    for options in (["-o", "default"], ["-o", "full", "--witness"]):
        assert nnce("enumerate", "m.onnx", "-q", *options, cwd=folder).returncode == 0
    return folder


def said(path):
    return json.loads(pq.read_metadata(path).metadata[b"nnce"])


def signs_of(path, row):
    """The sign vectors of a row, a text of zeros and ones a layer."""
    widths, values = said(path)["widths"][1:], pq.read_table(path).slice(row, 1).to_pydict()
    packed = [np.frombuffer(values[f"layer_{k}"][0], np.uint8) for k in range(1, len(widths) + 1)]
    unpacked = [np.unpackbits(p, count=n) for p, n in zip(packed, widths, strict=True)]
    return ["".join(map(str, bits.tolist())) for bits in unpacked]


def assert_inside(model, path, row, point):
    """Hold a point against exact arithmetic that the enumeration has no part in."""
    stack, domain = load_network(model), said(path)["domain"]
    assert all(
        lo < x < hi for x, lo, hi in zip(point, domain["lower"], domain["upper"], strict=True)
    )
    cell = cell_at(stack, point)
    assert cell is not None
    assert "".join(map(str, cell.signs)) == "".join(signs_of(path, row))


def test_the_column_is_left_out_above_64_inputs_by_default(wide, tmp_path):
    assert "witness" not in pq.read_schema(wide / "default").names
    assert said(wide / "default")["options"] == {"witness": False}
    assert "witness" in pq.read_schema(wide / "full").names
    for inputs, names in ((64, True), (65, False)):
        random_network(tmp_path / "m.onnx", inputs, 2, 1)
        nnce("enumerate", "m.onnx", "-q", "--force", "-o", "t", cwd=tmp_path)
        assert ("witness" in pq.read_schema(tmp_path / "t").names) is names


def test_fixed_inputs_count(tmp_path):
    """What counts is how long a witness is, not how many of its entries vary."""
    random_network(tmp_path / "m.onnx", 65, 2, 1)
    bounds = [[-1, 1]] + [[0, 0]] * 64
    (tmp_path / "b.json").write_text(json.dumps(bounds))
    nnce("enumerate", "m.onnx", "-q", "--bounds", "b.json", "-o", "t", cwd=tmp_path)
    assert "witness" not in pq.read_schema(tmp_path / "t").names


def test_witnesses_are_those_of_the_column(wide):
    """Also where the table does not have the column."""
    column = pq.read_table(wide / "full")["witness"].to_pylist()
    rows = [0, 3, len(column) - 1, 1]
    chosen = [text for row in rows for text in ("--row", str(row))]
    for table in ("full", "default"):
        plain = nnce("witness", table, "m.onnx", *chosen, cwd=wide)
        assert (plain.returncode, plain.stderr) == (0, "")
        points = [list(map(float, line.split(" "))) for line in plain.stdout.splitlines()]
        assert points == [column[row] for row in rows]
        found = nnce("witness", table, "m.onnx", *chosen, "--json", cwd=wide).stdout
        for row, line in zip(rows, found.splitlines(), strict=True):
            assert json.loads(line) == {
                "row": row,
                "signs": signs_of(wide / table, row),
                "witness": column[row],
                "exact_witness": None,
            }
    assert_inside(wide / "m.onnx", wide / "full", rows[1], points[1])


@pytest.mark.slow
@needs_cases
def test_images_of_784_pixels(tmp_path):
    model = FOLDER / "random" / "random-784-8-8.onnx"
    run = nnce("enumerate", model, "-q", "--max-cells", "300", "-o", "t", cwd=tmp_path)
    assert run.returncode == 3
    assert os.path.getsize(tmp_path / "t") < 50_000
    for row in (0, 123, 299):
        line = nnce("witness", "t", model, "--row", str(row), cwd=tmp_path).stdout
        assert_inside(model, tmp_path / "t", row, list(map(float, line.split())))


@pytest.mark.parametrize("method", ["auto", "dictionary", "incremental"])
def test_few_inputs_and_any_method(method, tmp_path):
    model = random_network(tmp_path / "m.onnx", 3, 6, 5, 1)
    nnce("enumerate", model, "-q", "--method", method, "-o", "t", cwd=tmp_path)
    column = pq.read_table(tmp_path / "t")["witness"].to_pylist()
    rows = list(range(0, len(column), 7))
    chosen = [text for row in rows for text in ("--row", str(row))]
    lines = nnce("witness", "t", model, *chosen, cwd=tmp_path).stdout.splitlines()
    for row, line in zip(rows, lines, strict=True):
        assert_inside(model, tmp_path / "t", row, list(map(float, line.split())))
        if method == "auto":
            assert line == " ".join(map(str, column[row]))


def test_pipes(tmp_path):
    four_lines(tmp_path / "m.onnx")
    script = "nnce enumerate m.onnx -q -o - | nnce witness - m.onnx --row 10 | wc -w"
    assert shell(script, tmp_path).stdout.strip() == "2"


def test_a_cell_that_holds_no_float_gets_fractions(tmp_path):
    """The middle cell of [0, 1] x {1} is where 1 < 3x < 1 + 2^-80."""
    weight = np.array([[3.0, 0.0], [-3.0, 2.0**-80]])
    model = save_network(
        tmp_path / "m.onnx", [(weight, np.array([-1.0, 1.0])), (np.ones((1, 2)), np.zeros(1))]
    )
    (tmp_path / "b.json").write_text("[[0, 1], [1, 1]]")
    nnce("enumerate", model, "-q", "--bounds", "b.json", "-o", "t", cwd=tmp_path)
    assert [signs_of(tmp_path / "t", row) for row in range(3)] == [["01"], ["10"], ["11"]]
    x, one = nnce("witness", "t", model, "--row", "2", cwd=tmp_path).stdout.split()
    assert 1 < 3 * Fraction(x) < 1 + Fraction(1, 2**80)
    assert one == "1"
    found = json.loads(nnce("witness", "t", model, "--row", "2", "--json", cwd=tmp_path).stdout)
    assert found["exact_witness"] == [x, "1"]
    assert found["witness"] == [float(Fraction(x)), 1.0]


def test_what_is_refused(wide, tmp_path):
    model = tent(tmp_path / "tent.onnx", 3)
    nnce("enumerate", model, "-q", "--box", "0,1", "-o", "t", cwd=tmp_path)

    def refused(*arguments, words):
        assert_refused(nnce("witness", *arguments, cwd=tmp_path), *words)

    refused("t", model, "--row", "8", words=["no row 8", "0 to 7"])
    refused("t", model, "--row", "3", "--row", "999999999999999999999", words=["no row 999"])
    refused("t", model, "--row", "-1", words=["--row"])
    refused("t", model, words=["--row"])
    refused("t", wide / "m.onnx", "--row", "0", words=["digests differ"])
    refused(model, model, "--row", "0", words=["not a cell table"])
    refused("absent", model, "--row", "0", words=["absent"])
    refused("t", "absent.onnx", "--row", "0", words=["absent.onnx"])
    counted = nnce("enumerate", model, "--count-only", "--witness", cwd=tmp_path)
    assert_refused(counted, "--count-only", "--witness")


def test_a_row_that_is_no_cell_is_refused(tmp_path):
    model = tent(tmp_path / "m.onnx", 2)
    nnce("enumerate", model, "-q", "--box", "0,1", "-o", "t", cwd=tmp_path)
    table = Tampered.read(tmp_path / "t")
    table.set_bits(2, 1, [0, 1])  # 4x > 2 and not 2x > 0
    table.write(tmp_path / "t")
    refused = nnce("witness", "t", model, "--row", "2", cwd=tmp_path)
    assert_refused(refused, "row 2", "nnce verify")
    assert nnce("witness", "t", model, "--row", "1", cwd=tmp_path).returncode == 0


@pytest.mark.slow
def test_going_on_with_a_run_keeps_its_choice(wide, tmp_path):
    """The choice that was made is recorded, whoever made it: a default, or an option."""
    model = shutil.copy(wide / "m.onnx", tmp_path)
    for first, same, other in (
        ([], ["--no-witness"], ["--witness"]),
        (["--witness"], ["--witness"], []),
    ):
        stop = nnce("enumerate", model, *first, "--max-cells", "5", "-o", "t", "-q", cwd=tmp_path)
        assert stop.returncode == 3
        refused = nnce("enumerate", model, *other, "--resume", "-o", "t", cwd=tmp_path)
        assert_refused(refused, "another choice of --witness")
        done = nnce("enumerate", model, *same, "--resume", "-q", "-o", "t", cwd=tmp_path)
        assert done.returncode == 0
        whole = wide / ("full" if first else "default")
        assert (tmp_path / "t").read_bytes() == whole.read_bytes()
        again = nnce("enumerate", model, *other, "--resume", "-o", "t", cwd=tmp_path)
        assert_refused(again, "exists already")
        os.unlink(tmp_path / "t")


@pytest.mark.slow
def test_all_commands_read_tables_without_witnesses(wide, tmp_path):
    """Their results are those of the table that has them, but for what needs the points."""

    def both(*arguments):
        results = [nnce(*(t if a == "TABLE" else a for a in arguments), cwd=wide)
                   for t in ("full", "default")]  # fmt: skip
        assert [r.returncode for r in results] == [0, 0], results
        return [r.stdout for r in results]

    full, bare = both("stats", "TABLE")
    assert full == bare
    networks = [json.loads(text)["network"] for text in both("stats", "TABLE", "--model", "m.onnx",
                                                             "--json")]  # fmt: skip
    assert networks[0] == networks[1]
    assert json.loads(both("compare", "TABLE", "full", "--json")[1])["same"] is True
    few = ("--samples", "1000", "--closure", "20")
    full, bare = map(json.loads, both("verify", "TABLE", "m.onnx", "--json", *few))
    assert full["passed"]
    assert bare["passed"]
    [outputs] = [check for check in bare["checks"] if check["name"] == "outputs"]
    assert outputs["status"] == "not done"
    assert "--witness" in outputs["note"]
    assert all(
        check["status"] != "not done" for check in full["checks"] if check["name"] == "outputs"
    )
    pytest.importorskip("matplotlib")
    pictures = both("plot", "TABLE", "--kind", "layers", "--format", "svg", "-o", "-")
    assert all(picture.startswith("<?xml") for picture in pictures)
    for table, option in (("full", " --witness"), ("default", "")):
        made = nnce("report", table, "m.onnx", "-o", tmp_path / table, cwd=wide)
        assert made.returncode == 0, made
        assert (
            f"--box=-1.0,1.0{option} --method dictionary -o {table}\n"
            in (tmp_path / table).read_text()
        )
