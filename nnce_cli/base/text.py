"""Text that came from elsewhere (names in files, paths, messages of libraries), on a terminal.

A name may hold what moves the cursor, begins a line that looks like ours, or turns the order of
letters round. Whatever shows such text shows `visible`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

_UNDECODED = range(0xDC80, 0xDD00)  # how Python keeps bytes of a name that are not UTF-8


def visible(text: str) -> str:
    r"""Return the text on one line, with an escape such as \x1b for what is not printed itself.

    Escaped are control characters and line ends, what changes the direction of writing or takes
    no room, and lone surrogates; spaces other than the common one too.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def message_line(text: str) -> str:
    """Return a message of several lines as one, visibly."""
    return visible(" ".join(text.split()))


def duration(seconds: float) -> str:
    """Write a time with about two digits, in the unit that suits it."""
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.2g} {name}" if seconds < 1 else f"{seconds / unit:.3g} {name}"
    days = seconds / 86_400
    return f"{days:.3g} days" if days < 730 else f"{days / 365.25:.3g} years"


def shell_command(words: Iterable[str]) -> str:
    """Return a command that a shell reads as these words, and that is printed as it is."""
    return " ".join(map(_quoted, words))


def _escape(character: str) -> str:
    code = ord(character)
    if code in _UNDECODED:
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _quoted(word: str) -> str:
    r"""Quote a word; one that cannot be printed as $'…' with bytes such as \x1b."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_in_quotes, word))}'"


def _in_quotes(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
