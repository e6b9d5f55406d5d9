"""Write docs/cli.md from the help texts of the commands: ``make docs``."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import typer

from nnce_cli.cli.app import app

PAGE = Path(__file__).with_name("cli.md")

HEAD = """# The command line

This page is made from the help texts of the commands by `make docs`. Data goes to standard output
and everything else to standard error; `-` is standard input or output; `NO_COLOR` is honoured.
"""


def paragraphs(text: str) -> str:
    """Return a help text as Markdown: a paragraph whose lines are kept becomes a code block."""
    blocks = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        f"```text\n{block[2:].strip()}\n```" if block.startswith("\b") else block
        for block in blocks
    )


def parameter(item: Any) -> str:
    """Return an argument or an option as an item of a list."""
    if item.param_type_name == "argument":
        return f"- `{item.metavar}`: {item.help}"
    value = "" if item.is_flag else f" {item.metavar}"
    return f"- `{', '.join([*item.opts, *item.secondary_opts])}{value}`: {item.help}"


def section(title: str, command: Any) -> str:
    """Return the section of a command."""
    items = "\n".join(parameter(item) for item in command.params)
    return f"## {title}\n\n{paragraphs(command.help)}\n\n{items}\n"


def page() -> str:
    """Return the text of the page."""
    nnce: Any = typer.main.get_command(app)
    sections = [HEAD, section("nnce", nnce)]
    sections += [section(f"nnce {name}", command) for name, command in nnce.commands.items()]
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
