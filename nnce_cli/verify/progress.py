"""How a long check tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with how much is done and how much there is to do."""

    def __call__(self, done: int, total: int) -> None: ...
