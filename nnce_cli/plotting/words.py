"""Text that comes from files, as it can be shown."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text without what cannot be printed: names may come from anywhere."""
    return "".join(c if c.isprintable() else "?" for c in text)
