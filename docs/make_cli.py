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

- A table comes before its model: `CELLS MODEL`, in every command.
- Numbers of things are written as people write them: `1000000`, `1,000,000`, `1e6`, `1M`; times in
  seconds, or with a unit: `90`, `90s`, `5m`, `1.5h`, `1h30m`, `2d`.
- `--json` prints JSON. Commands that print tables take `--format csv|json|md`, too: CSV, with a
  title in the line above where there are several tables, and Markdown.
- `nnce help COMMAND` shows the help of a command, as `nnce COMMAND --help` does, and
  `python docs/make_man.py DIR` writes man pages of all. `nnce --install-completion` lets the shell
  complete commands, options and their values.

```console
$ nnce help runs
Usage: nnce runs …
…
```
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
    shown = (item for item in command.params if not getattr(item, "hidden", False))
    items = "\n".join(map(parameter, shown))
    return f"## {title}\n\n{paragraphs(command.help)}\n\n{items}\n"


def page() -> str:
    """Return the text of the page."""
    nnce: Any = typer.main.get_command(app)
    sections = [HEAD, section("nnce", nnce)]
    sections += [section(f"nnce {name}", command) for name, command in nnce.commands.items()]
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
