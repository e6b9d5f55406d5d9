"""The arguments and options that commands have in common, and how numbers are written in them."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from nnce_cli.base.errors import InputError

CellsArgument = Annotated[
    str, typer.Argument(metavar="CELLS", help="A cell table; - is standard input.")
]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="The network that it is the table of.")
]
NetworkArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A piecewise linear network in an ONNX file.")
]


def model_argument(text: str) -> Any:
    """Return the argument MODEL of a command that can do without it."""
    return typer.Argument(metavar="[MODEL]", help=f"The network that it is the table of{text}")


def takes_model(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command with such a parameter ``model`` take it from ``--model``, too.

    Which is where it was before it had its place behind the table.
    """
    hints = get_type_hints(command, include_extras=True)
    given = inspect.signature(command).parameters.values()
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [p.replace(annotation=hints[p.name], kind=kind) for p in given]
    option = inspect.Parameter(
        "model_option",
        kind,
        default=None,
        annotation=Annotated[Path | None, typer.Option("--model", metavar="MODEL", hidden=True)],
    )

    @wraps(command)
    def expanded(*, model: Path | None, model_option: Path | None, **others: Any) -> None:
        if model is not None and model_option is not None:
            raise InputError("the model is given twice, behind the table and behind --model")
        command(model=model or model_option, **others)

    expanded.__signature__ = inspect.Signature([*parameters, option])  # type: ignore[attr-defined]
    expanded.__annotations__ = {p.name: p.annotation for p in (*parameters, option)}
    return expanded


def json_option(text: str) -> Any:
    """Return the option ``--json`` with its help text."""
    return typer.Option("--json", help=text)


def quiet_option(text: str = "No remarks on standard error; errors are shown.") -> Any:
    """Return the option ``--quiet`` with its help text."""
    return typer.Option("--quiet", "-q", help=text)


def force_option(text: str = "Replace the output file if it exists.") -> Any:
    """Return the option ``--force`` with its help text."""
    return typer.Option("--force", help=text)


def count_option(text: str, *, least: int = 1) -> Any:
    """Return an option for a number of things, such as 1000000, 1,000,000, 1e6 or 1M."""

    def parse(value: str | int) -> int:
        return value if isinstance(value, int) else count_of(value, least)

    return typer.Option(metavar="N", help=text, parser=parse)


def time_option(text: str) -> Any:
    """Return an option for a time: seconds, or with a unit, such as 90m or 1h30m."""
    return typer.Option(metavar="SECONDS", help=text, parser=seconds_of)


_GROUPED = re.compile(r"\d{1,3}(?:[,_ ]\d{3})+|\d+(?:_\d+)*")
_SCALED = re.compile(r"(\d+(?:\.\d+)?)(?:[eE]\+?(\d{1,3})|([kKMG]))")
_THOUSANDS = {"k": 1, "K": 1, "M": 2, "G": 3}
_TIME = re.compile(r"(\d+(?:\.\d*)?(?:[eE]\+?\d{1,3})?|\.\d+)(s|min|m|h|d)?")
_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def count_of(text: str, least: int = 0) -> int:
    """Return the whole number that people write as 1000000, 1,000,000, 1e6 or 1M.

    Raises:
        typer.BadParameter: it is none, or below the least.
    """
    number = _count(text.strip())
    if number is None:
        raise typer.BadParameter(f"{text!r} is not a whole number, such as 1000, 1e6 or 2M")
    if number < least:
        raise typer.BadParameter(f"{text} is less than {least}")
    return number


def _count(text: str) -> int | None:
    if _GROUPED.fullmatch(text) and len(text) <= 40:
        return int(re.sub(r"[,_ ]", "", text))
    scaled = _SCALED.fullmatch(text)
    if scaled is None or len(text) > 20:
        return None
    digits, exponent, letter = scaled.groups()
    zeros = 3 * _THOUSANDS[letter] if letter else int(exponent)
    whole, _, rest = digits.partition(".")
    if zeros > 18 or len(rest.rstrip("0")) > zeros:
        return None
    return int(whole + rest.rstrip("0").ljust(zeros, "0"))


def seconds_of(text: str | float) -> float:
    """Return the seconds that people write as 90, 90s, 1.5h, 90m or 1h30m.

    Raises:
        typer.BadParameter: it is no time, or none that ends after it began.
    """
    if not isinstance(text, str):
        return text
    total, rest = 0.0, text.strip().replace(" ", "")
    parts = _TIME.findall(rest)
    is_time = rest and "".join(map("".join, parts)) == rest
    if len(parts) > 1:  # 1h30m, each with its unit and the largest first
        sizes = [_UNITS[unit] if unit else 0 for _, unit in parts]
        is_time = is_time and all(sizes) and sizes == sorted(set(sizes), reverse=True)
    if not is_time:
        raise typer.BadParameter(f"{text!r} is not a time: write seconds, or 90m, 1.5h, 2d")
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 0 < total < math.inf:
        raise typer.BadParameter(f"{text} is not a positive number of seconds")
    return total
