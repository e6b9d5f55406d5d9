"""Pages of HTML from templates: one file each, which needs nothing from anywhere else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from nnce_cli.plotting.words import printable


def page_of(template: str, scripts: Sequence[str], data: dict[str, Any], **values: Any) -> str:
    """Return a page: a template, with its style, its ``data`` as JSON, and scripts that run.

    Nothing can be loaded, and no script can run but these, whatever the files hold.
    """
    script = _script(scripts) if scripts else ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )
    return (
        _environment()
        .get_template(template)
        .render(
            policy=Markup(policy),
            css=Markup(_asset("page.css")),
            script=Markup(script),
            data=_json(data),
            **values,
        )
    )


def _environment() -> Environment:
    """Return what sets the template: all that comes from files is made printable and escaped."""
    return Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )


def _finalized(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _asset(name: str) -> str:
    return files("nnce_cli.plotting").joinpath("templates", name).read_text(encoding="utf-8")


def _script(names: Sequence[str]) -> str:
    """Return the scripts as one function, whose names no other script sees."""
    parts = "\n".join(map(_asset, names))
    return f'"use strict";\n(async () => {{\n{parts}}})();\n'


def _json(values: dict[str, Any]) -> Markup:
    """Return data as JSON in which no text can end the element or begin another one."""
    content = json.dumps(values, separators=(",", ":"))
    for letter in "<>&":
        content = content.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(content)
