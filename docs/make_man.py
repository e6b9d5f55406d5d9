"""Write man pages from the help texts of the commands: ``python docs/make_man.py DIR``.

DIR/man1/nnce.1 is that of ``nnce``, and DIR/man1/nnce-enumerate.1 that of ``nnce enumerate``; with
DIR in MANPATH, ``man nnce-enumerate`` shows it.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import typer

from nnce_cli import __version__
from nnce_cli.cli.app import app


def escaped(text: str) -> str:
    """Return text that roff prints as it is."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    lines = text.split("\n")
    return "\n".join(rf"\&{line}" if line.startswith((".", "'")) else line for line in lines)


def description(text: str) -> list[str]:
    """Return the paragraphs of a help text; one whose lines are kept is set as it is."""
    found = []
    for block in inspect.cleandoc(text).split("\n\n"):
        if block.startswith("\b"):
            found += [".PP", ".nf", escaped(block[2:].strip("\n")), ".fi"]
        else:
            found += [".PP", escaped(block)]
    return found


def parameter(item: Any) -> list[str]:
    """Return an argument or an option, and what it is for."""
    if item.param_type_name == "argument":
        name = item.metavar
    else:
        value = "" if item.is_flag else f" {item.metavar}"
        name = f"{', '.join([*item.opts, *item.secondary_opts])}{value}"
    return [".TP", rf"\fB{escaped(name)}\fR", escaped(item.help or "")]


def man_page(name: str, command: Any) -> str:
    """Return the page of a command, whose name on the command line it is given."""
    context = typer.Context(command, info_name=name)
    shown = [item for item in command.params if not getattr(item, "hidden", False)]
    summary = inspect.cleandoc(command.help).split("\n\n")[0].replace("\n", " ").rstrip(".")
    usage = " ".join(command.collect_usage_pieces(context))
    page = name.replace(" ", "-")
    lines = [
        f'.TH "{page.upper()}" "1" "" "nnce {__version__}" "nnce"',
        ".SH NAME",
        escaped(f"{page} - {summary}"),
        ".SH SYNOPSIS",
        rf"\fB{escaped(name)}\fR {escaped(usage)}",
        ".SH DESCRIPTION",
        *description(command.help)[1:],
        ".SH OPTIONS",
        *(line for item in shown for line in parameter(item)),
    ]
    return "\n".join(lines) + "\n"


def write_pages(folder: Path) -> list[Path]:
    """Write all pages; return where they are."""
    nnce: Any = typer.main.get_command(app)
    pages = {"nnce": nnce} | {f"nnce {name}": found for name, found in nnce.commands.items()}
    section = folder / "man1"
    section.mkdir(parents=True, exist_ok=True)
    written = []
    for name, command in pages.items():
        path = section / f"{name.replace(' ', '-')}.1"
        path.write_text(man_page(name, command), encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/make_man.py DIR")
    write_pages(Path(sys.argv[1]))
