"""What ``nnce`` says beside its data: a line on standard error."""

from __future__ import annotations

import sys

from nnce_cli.base.text import visible


def say(message: str) -> None:
    """Say something in one line; names in it may hold anything."""
    print(f"nnce: {visible(message)}", file=sys.stderr, flush=True)
