"""The command ``nnce help``."""

from __future__ import annotations

from typing import Annotated

import typer


def show_help(
    context: typer.Context,
    command: Annotated[
        str | None, typer.Argument(metavar="[COMMAND]", help="A command.", show_default=False)
    ] = None,
) -> None:
    """Show the help of a command, as its option --help does; without one that of nnce.

    \b
    nnce help
    nnce help enumerate
    """  # noqa: D301
    root = context.find_root()
    if command is None:
        print(root.get_help())
        return
    group: typer.core.TyperGroup = root.command  # type: ignore[assignment]
    name, found, _ = group.resolve_command(root, [command])
    assert found is not None
    found.make_context(name, ["--help"], parent=root)
