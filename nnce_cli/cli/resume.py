"""The command that goes on with a run that stopped."""

from __future__ import annotations

import sys

from nnce_cli.base.text import shell_command

DROPPED = ("--force", "--resume")
DROPPED_WITH_VALUE = ("--max-cells",)  # else the run would stop again where it is


def resume_command() -> str:
    """Return the present command line with ``--resume``, for the same folder."""
    command, *rest = sys.argv[1:]
    arguments, words = [], iter(rest)
    for word in words:
        if word == "--":
            arguments += ["--resume", word, *words]
        elif word in DROPPED_WITH_VALUE:
            next(words, None)
        elif word not in DROPPED and word.split("=")[0] not in DROPPED_WITH_VALUE:
            arguments.append(word)
    if "--resume" not in arguments:
        arguments.append("--resume")
    return shell_command(["nnce", command, *arguments])
