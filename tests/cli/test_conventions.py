"""What all commands have in common: numbers, formats, messages, and where files stand."""

from __future__ import annotations

import csv
import io
import json

import pytest
import typer

from nnce_cli.cli.formats import Numeral, csv_text, markdown_text
from nnce_cli.cli.options import count_of, seconds_of
from nnce_cli.cli.report import number
from nnce_cli.cli.usage import near
from tests.command import assert_refused, four_lines, nnce_inside


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a network of four lines, m.onnx, its table t, and a property."""
    folder = tmp_path_factory.mktemp("conventions")
    four_lines(folder / "m.onnx")
    done = nnce_inside("enumerate", "m.onnx", "-q", "-j", "1", "-o", "t", cwd=folder)
    assert done.returncode == 0
    (folder / "p.vnnlib").write_text("; a property\n(declare-const X_0 Real)\n")
    (folder / "p.csv").write_text("0,0\n")
    return folder


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("12", 12), ("1000000", 10**6), ("1,000,000", 10**6), ("1_000_000", 10**6),
        ("1e6", 10**6), ("2.5E3", 2500), ("1.5M", 1_500_000), ("3k", 3000), ("1.50e1", 15),
        ("2G", 2 * 10**9),
    ],
)  # fmt: skip
def test_counts_as_people_write_them(text, value):
    assert count_of(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1.5", "1.5e0", "1e-3", "1,00", "1e99", "nan", "inf", "0x10", "1e6k"]
)
def test_what_is_no_count(text):
    with pytest.raises(typer.BadParameter, match="whole number"):
        count_of(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90", 90), ("0.5", 0.5), (".5", 0.5), ("90s", 90), ("90m", 5400), ("1.5h", 5400),
        ("1h30m", 5400), ("2d", 172_800), ("5min", 300), ("1h 30m 5s", 5405),
    ],
)  # fmt: skip
def test_times_as_people_write_them(text, value):
    assert seconds_of(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "m", "-1", "0", "0s", "1h30", "30m1h", "1m1m", "inf", "nan"]
)
def test_what_is_no_time(text):
    with pytest.raises(typer.BadParameter):
        seconds_of(text)


def test_limits_take_such_numbers(folder):
    command = ["enumerate", "m.onnx", "--json", "-q", "-j", "1", "-o", "some"]
    done = nnce_inside(*command, "--max-cells", "0.5e1", "--time-limit", "90m", cwd=folder)
    assert done.returncode == 3
    said = json.loads(done.stdout)
    assert said["cells"] == 5
    assert said["resume"].endswith("--time-limit 90m --resume")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("enumerate m.onnx --max-cells x", ["--max-cells: 'x'", "1e6"]),
        ("enumerate m.onnx --max-cells 0", ["less than 1"]),
        ("enumerate m.onnx --time-limit x", ["--time-limit: 'x' is not a time", "90m"]),
        ("enumerate m.onnx --time-limit 0", ["not a positive number"]),
        ("enumerate m.onnx -j 0", ["--jobs: 0", "1 at least and 4096 at most"]),
        ("cell t m.onnx --row x", ["--row: 'x' is not a whole number"]),
        ("plot t --kind klass -o p.png", ["'klass'", "partition, rank or layers"]),
        ("plot t --kind layer -o p.png", ["did you mean layers?"]),
        ("stat t", ["no command 'stat'", "did you mean stats?", "nnce --help"]),
        ("colour", ["no command 'colour'; see nnce --help"]),
        ("stats t --jsn", ["no option --jsn", "did you mean --json?", "nnce stats --help"]),
        ("stats", ["CELLS is missing"]),
        ("witness t m.onnx", ["--row is missing"]),
        ("stats t m.onnx c d", ["too many", "c d"]),
        ("enumerate m.onnx --box", ["--box needs a value"]),
        ("", ["nnce COMMAND"]),
        ("help stat", ["did you mean stats?"]),
        ("stats t --format csv --json", ["two formats"]),
        ("stats t m.onnx --model m.onnx", ["given twice"]),
        ("enumerate m.onnx -o t.csv", ["Parquet only"]),
    ],
)
def test_plain_messages(folder, command, words):
    assert_refused(nnce_inside(*command.split(), cwd=folder), *words)


def test_suggestions_are_near():
    assert near("enumrate", ["enumerate", "estimate", "stats"]) == " (did you mean enumerate?)"
    assert near("count", ["compare", "cell"]) == ""


@pytest.mark.parametrize(
    "command",
    [
        "stats m.onnx t", "witness m.onnx t --row 0",
        "locate m.onnx t p.csv", "cell m.onnx t --row 0", "neurons m.onnx t", "topology m.onnx t",
        "verify m.onnx t", "graph m.onnx t", "compare t m.onnx",
    ],
)  # fmt: skip
def test_a_model_in_the_place_of_a_table_is_noticed(folder, command):
    refused = nnce_inside(*command.split(), cwd=folder)
    assert_refused(refused, "m.onnx is not a cell table but an ONNX model")


@pytest.mark.parametrize(
    "command",
    [
        "enumerate t",
        "estimate t",
        "inspect t",
        "range t",
        "check t p.vnnlib",
        "stats t t",
    ],
)
def test_a_table_in_the_place_of_a_model_is_noticed(folder, command):
    refused = nnce_inside(*command.split(), cwd=folder)
    assert_refused(refused, "t: not an ONNX file but a Parquet file, as cell tables are")


def test_a_property_in_the_place_of_a_model_is_noticed(folder):
    assert_refused(nnce_inside("check", "p.vnnlib", "m.onnx", cwd=folder), "VNNLIB")


def test_the_model_may_stand_behind_its_old_option(folder):
    command = ["stats", "t", "-j", "1", "--json"]
    here = nnce_inside(*command, "m.onnx", cwd=folder)
    assert json.loads(here.stdout)["network"]["outputs"] == 1
    assert nnce_inside(*command, "--model", "m.onnx", cwd=folder).stdout == here.stdout


def test_numbers_in_tables_for_programs():
    assert (number(12345), number(10**20)) == ("12,345", "1.00e+20")
    assert isinstance(number(7), Numeral)
    text = csv_text(["a", "b"], [[number(12345), "x,\x1by"], [number(10**20), ""]])
    assert text == 'a,b\n12345,"x,\\x1by"\n100000000000000000000,\n'
    assert markdown_text(["a", "b"], [[number(12345), "x|y"]], [False, True]) == (
        "| a | b |\n| ---: | :--- |\n| 12,345 | x\\|y |\n"
    )


@pytest.mark.parametrize(
    "command", ["stats t", "compare t t", "neurons t m.onnx", "inspect m.onnx"]
)
def test_tables_in_all_formats(folder, command):
    """The tables that people are shown, cell by cell, but for commas in numbers."""
    text, md, as_csv = (
        nnce_inside(*command.split(), "--format", form, cwd=folder)
        for form in ("text", "md", "csv")
    )
    assert {text.returncode, md.returncode, as_csv.returncode} == {0}
    rows = [row for row in csv.reader(io.StringIO(as_csv.stdout)) if row]
    lines = [line for line in md.stdout.splitlines() if line and not line.startswith("| ---")]
    lines = [line for line in lines if not line.startswith("| :--")]
    cells = [
        [cell.replace("\\|", "|") for cell in line[2:-2].split(" | ")]
        if line.startswith("|")
        else [line.removeprefix("### ")]
        for line in lines
    ]
    assert [[c.replace(",", "").strip() for c in row] for row in cells] == [
        [c.replace(",", "").strip() for c in row] for row in rows
    ]
    for row in cells:
        for cell in row:
            assert cell in text.stdout or cell in ("name", "value")
    assert json.loads(nnce_inside(*command.split(), "--format", "json", cwd=folder).stdout)


def test_runs_are_one_csv_table(folder):
    rows = list(
        csv.DictReader(io.StringIO(nnce_inside("runs", ".", "--format", "csv", cwd=folder).stdout))
    )
    assert [(row["run"], row["cells"]) for row in rows] == [("some.run", "11")]


def test_points_are_located_in_markdown(folder):
    done = nnce_inside("locate", "t", "m.onnx", "p.csv", "--format", "md", cwd=folder)
    head, rule, line = done.stdout.splitlines()
    assert (head, rule) == ("| point | row |", "| ---: | ---: |")
    assert line.startswith("| 0 | ")


def test_help_is_that_of_the_option(folder):
    asked, option = (
        nnce_inside(*words, cwd=folder) for words in (["help", "runs"], ["runs", "-h"])
    )
    assert asked.returncode == option.returncode == 0
    assert asked.stdout == option.stdout
    assert nnce_inside("help", cwd=folder).stdout == nnce_inside("--help", cwd=folder).stdout
