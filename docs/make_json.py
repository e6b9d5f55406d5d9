"""Write docs/json.md from the schemas of what commands print: ``make docs``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("json.md")
SCHEMAS = Path(__file__).with_name("schemas")

HEAD = """# JSON

Every command that reports prints one JSON object with `--json` (`nnce witness` one a line). This
page is made from the JSON Schema of each, by `make docs`; the tests hold real output against them.
Numbers that are fractions, such as `"3/16"`, are exact, and stand beside the nearest float64. Rows,
inputs, units and classes are counted from 0, and layers from 1.

```console
$ nnce enumerate sample_models/hand-made.onnx --count-only --quiet --json
{
  "model": "sample_models/hand-made.onnx",
  …
  "cells": 28,
  "layer_cells": [4, 16, 28],
  "complete": true,
  "certified": true,
  …
}
```
"""


def page(names: list[str]) -> str:
    """Return the text of the page about commands of these names."""
    sections = (section(json.loads((SCHEMAS / f"{name}.json").read_text())) for name in names)
    return "\n".join([HEAD, *sections])


def section(schema: dict[str, Any]) -> str:
    """Return the section of a command."""
    command = schema["title"].removesuffix(" --json")
    name = command.removeprefix("nnce ")
    found = [f"## {command}", f"{schema['description']} ([schema](schemas/{name}.json))"]
    found += [table(schema)] if "properties" in schema else choices(schema["anyOf"])
    for key, part in schema.get("$defs", {}).items():
        says = part.get("description", "")
        found += [f"*{key}*{': ' if says else ''}{says}", table(part)]
    return "\n\n".join(found) + "\n"


def choices(several: list[dict[str, Any]]) -> list[str]:
    """Return a list of the forms that an object may have."""
    return ["\n".join(f"- {kind(part)}: {part['description']}" for part in several)]


def table(part: dict[str, Any]) -> str:
    """Return the table of an object's keys."""
    lines = ["| key | value | |", "|---|---|---|", *rows(part, "")]
    return "\n".join(lines)


def rows(part: dict[str, Any], within: str) -> Iterator[str]:
    """Yield a row for each key, and for those of the objects inside."""
    for key, value in part["properties"].items():
        often = "" if key in part["required"] else " (not always)"
        yield f"| `{within}{key}`{often} | {kind(value)} | {value.get('description', '')} |"
        inner, path = value, f"{within}{key}."
        if "items" in inner:
            inner, path = inner["items"], f"{within}{key}[]."
        for each in (inner, *inner.get("anyOf", [])):
            if "properties" in each:
                yield from rows(each, path)


def kind(value: dict[str, Any]) -> str:
    """Return what kind of value it is, in words."""
    if "$ref" in value:
        return f"*{value['$ref'].rpartition('/')[2]}*"
    if "enum" in value:
        return " or ".join(f"`{json.dumps(each)}`" for each in value["enum"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(kind(part) for part in value["anyOf"]))
    if "type" not in value:
        return "anything"
    types = value["type"] if isinstance(value["type"], list) else [value["type"]]
    return " or ".join(_type(each, value) for each in types)


def _type(name: str, value: dict[str, Any]) -> str:
    if name == "array":
        return f"list of {kind(value['items'])}"
    if name == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"object of {kind(value['additionalProperties'])}"
    return "fraction" if name == "string" and "[0-9]+(/" in value.get("pattern", "") else name


if __name__ == "__main__":
    from nnce_cli.cli.app import COMMANDS

    PAGE.write_text(page([name for name in COMMANDS if (SCHEMAS / f"{name}.json").exists()]))
