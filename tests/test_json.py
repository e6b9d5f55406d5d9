"""What commands print with ``--json`` is what docs/schemas says, no more and no less."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import jsonschema
import pytest
import typer
from typer.testing import CliRunner

from nnce_cli.cli.app import COMMANDS, app

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "docs" / "schemas"

HAND, TOY, MAX = (
    f"sample_models/{name}.onnx" for name in ("hand-made", "toy-2d", "digits-convolution")
)
SLICE = ["--slice", "sample_models/digits-3-5-8.csv"]
# Run in this order, in a folder with the sample models: each command's outputs are held against
# its schema.
EXAMPLES = [
    ["enumerate", HAND, "-o", "hand.parquet"],
    ["enumerate", TOY, "-o", "toy.parquet"],
    ["enumerate", HAND, "--unbounded", "-o", "space.parquet"],
    ["enumerate", MAX, *SLICE, "--slice-box", "0,0.1", "-o", "slice.parquet"],
    ["enumerate", HAND, "--max-cells", "5", "-o", "five.parquet"],
    ["enumerate", HAND, "--bounds", "left.csv", "--bounds", "right.csv", "-o", "both.parquet"],
    ["count", HAND, TOY, "left.csv"],
    ["estimate", HAND],
    ["estimate", MAX, *SLICE, "--probes", "1"],
    ["stats", "hand.parquet"],
    ["stats", "toy.parquet", TOY],
    ["stats", "space.parquet"],
    ["stats", "slice.parquet", MAX, "--task", "regression"],
    ["inspect", HAND],
    ["inspect", MAX],
    ["verify", "hand.parquet", HAND, "--samples", "10"],
    ["verify", "five.parquet", HAND, "--samples", "10"],
    ["check", HAND, "holds.vnnlib"],
    ["check", HAND, "violated.vnnlib"],
    ["check", HAND, "violated.vnnlib", "--all"],
    ["check", HAND, "holds.vnnlib", "--proof", "proof.jsonl"],
    ["check", HAND, "holds.vnnlib", "--replay", "proof.jsonl"],
    ["range", HAND],
    ["range", HAND, "--unbounded"],
    ["runs", "."],
    ["compare", "hand.parquet", "hand.parquet"],
    ["compare", "hand.parquet", "five.parquet"],
    ["witness", "hand.parquet", HAND, "--row", "3"],
    ["witness", "slice.parquet", MAX, "--row", "3"],
    ["locate", "hand.parquet", HAND, "points.csv"],
    ["locate", "hand.parquet", HAND, "outside.csv"],
    ["cell", "hand.parquet", HAND, "--row", "17"],
    ["cell", "five.parquet", HAND, "--row", "4"],
    ["cell", "space.parquet", HAND, "--row", "0"],
    ["neurons", "toy.parquet", TOY],
    ["neurons", "slice.parquet", MAX],
    ["graph", "hand.parquet", HAND, "-o", "graph.parquet"],
    ["graph", "five.parquet", HAND, "-o", "five.graph.parquet"],
    ["geometry", "toy.parquet", TOY, "-o", "toy.more.parquet"],
    ["topology", "toy.parquet", TOY],
    ["methods"],
]
FILES = {
    "left.csv": "-1,0\n-1,1\n",
    "right.csv": "-0.5,1\n0,1\n",
    "points.csv": "0.5,-0.7\n0,0\n2,2\n",
    "outside.csv": "2,2\n",
    "holds.vnnlib": "(assert (and (<= -1 X_0 1) (<= -1 X_1 1) (>= Y_0 2)))",
    "violated.vnnlib": "(assert (and (<= -1 X_0 1) (<= -1 X_1 1) (>= Y_0 0.25)))",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Return what the examples print, each as JSON, by command."""
    folder = tmp_path_factory.mktemp("json")
    shutil.copytree(ROOT / "sample_models", folder / "sample_models")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    found: dict[str, list] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for arguments in EXAMPLES:
            patch.setattr(sys, "argv", ["nnce", *arguments])  # what --resume is told by
            result = CliRunner().invoke(app, [*arguments, "--json"])
            assert result.stdout, (arguments, result.exception, result.stderr)
            found.setdefault(arguments[0], []).append(json.loads(result.stdout))
    return found


def schema_of(name: str) -> dict:
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


def with_json() -> set[str]:
    """Return the commands that take ``--json``."""
    commands = typer.main.get_command(app).commands
    return {
        name
        for name in COMMANDS
        if any("--json" in parameter.opts for parameter in commands[name].params)
    }


def test_every_command_has_a_schema():
    assert with_json() == {path.stem for path in SCHEMAS.glob("*.json")}


@pytest.mark.parametrize("name", sorted(path.stem for path in SCHEMAS.glob("*.json")))
def test_output_is_what_the_schema_says(name, outputs):
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for output in outputs[name]:
        validator.validate(output)
    known = set(schema.get("properties", ()))
    assert known <= {key for output in outputs[name] for key in output}, "keys that are never there"


def test_schemas_are_closed():
    """A key that no schema knows is an error, wherever it stands."""

    def objects(value):
        if isinstance(value, dict):
            if "properties" in value and "type" in value:
                yield value
            for each in value.values():
                yield from objects(each)
        elif isinstance(value, list):
            for each in value:
                yield from objects(each)

    for path in SCHEMAS.glob("*.json"):
        found = list(objects(schema_of(path.stem)))
        assert found
        for value in found:
            assert value["additionalProperties"] is False, path.name
            assert set(value["required"]) <= set(value["properties"]), path.name


def test_the_page_is_that_of_the_schemas():
    spec = importlib.util.spec_from_file_location("make_json", ROOT / "docs" / "make_json.py")
    make_json = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_json)
    names = [name for name in COMMANDS if name in with_json()]
    assert make_json.PAGE.read_text(encoding="utf-8") == make_json.page(names), "run `make docs`"
