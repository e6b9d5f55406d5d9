"""The options that say on which domain a command works: the same for every command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from nnce_cli.base.errors import InputError


@dataclass(frozen=True)
class DomainOptions:
    """What a command line says of the domain; each field is an option, its definition with it."""

    box: Annotated[
        str | None,
        typer.Option(
            metavar="LO,HI",
            help="The domain: the same interval for all inputs, such as -1,1.",
        ),
    ] = None
    bounds: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="The domain: a CSV or JSON file with a row lo,hi for each input; may be given "
            "several times, for several boxes.",
        ),
    ] = None
    vnnlib: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The domain: the inputs of a VNNLIB property."),
    ] = None
    halfspaces: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Half-spaces a.x <= b, beside a box or alone: a CSV or JSON file with a row "
            "a_1, ..., a_n, b for each, or .ine or .ext of lrslib and cdd.",
        ),
    ] = None
    linf: Annotated[
        str | None,
        typer.Option(
            metavar="FILE,R",
            help="The box of inputs that are within R of the one in a file, in every coordinate.",
        ),
    ] = None
    ball1: Annotated[
        str | None,
        typer.Option(
            metavar="FILE,R",
            help="The inputs whose coordinates differ from those of the one in a file by R or less "
            "in total; up to 12 inputs.",
        ),
    ] = None
    unbounded: Annotated[
        bool, typer.Option("--unbounded", help="All of space; with --slice the whole plane.")
    ] = False
    slice_of: Annotated[
        Path | None,
        typer.Option(
            "--slice",
            metavar="FILE",
            help="Cells on the line, plane or space through points of the input space: a CSV or "
            "JSON file with a point a row, or .npy; the first one is the corner.",
        ),
    ] = None
    slice_box: Annotated[
        str | None,
        typer.Option(
            metavar="LO,HI",
            help="With --slice, the interval of all its coordinates. [default: 0,1]",
        ),
    ] = None
    margin: Annotated[
        str | None,
        typer.Option(
            metavar="M", help="With --slice, how far its coordinates go beyond that interval."
        ),
    ] = None
    centre: Annotated[
        bool,
        typer.Option(
            "--centre",
            help="With --slice, the first point is the centre: coordinates go from -1 to 1.",
        ),
    ] = False

    def __post_init__(self) -> None:
        """Refuse options that contradict each other, or that would have no effect.

        Raises:
            InputError: naming them.
        """
        whole = self._named("box", "bounds", "vnnlib")
        limits = self._named("halfspaces", "linf", "ball1")
        of_slices = self._named("slice_box", "margin", "centre")
        if len(whole) > 1:
            raise InputError("--box, --bounds and --vnnlib each give the domain; use one of them")
        if self.slice_of is None and of_slices:
            raise InputError(f"{of_slices[0]} is about a slice: add --slice FILE")
        if self.slice_of is not None and (whole or limits):
            raise InputError("--slice has a domain of its own: use --slice-box LO,HI")
        if self.unbounded and (others := (*whole, *limits, *of_slices)):
            raise InputError(f"--unbounded leaves nothing out, and {others[0]} does; use one")

    def _named(self, *names: str) -> list[str]:
        """Return those of some options that are given, as they are written."""
        given = (name for name in names if getattr(self, name) not in (None, False, []))
        return [f"--{name.replace('_', '-')}" for name in given]

    @property
    def files(self) -> tuple[Path | None, ...]:
        """The files that it is read from, and None for those that are not given."""
        around = (text and Path(text.rpartition(",")[0]) for text in (self.linf, self.ball1))
        named = (*(self.bounds or ()), self.vnnlib, self.halfspaces, self.slice_of)
        return (*named, *(path or None for path in around))

    @property
    def is_given(self) -> bool:
        """Whether the command line says anything of the domain."""
        return any(getattr(self, field.name) not in (None, False, []) for field in fields(self))


DEFAULT_DOMAIN = DomainOptions()


def takes_domain(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command whose parameter ``where`` is a `DomainOptions` take all of its options.

    Typer sees a parameter for each of them in the place of that one.
    """
    hints = get_type_hints(command, include_extras=True)
    options = _option_parameters()
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name == "where":
            parameters += options
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))

    @wraps(command)
    def expanded(**given: Any) -> None:
        where = DomainOptions(**{option.name: given.pop(option.name) for option in options})
        command(**given, where=where)

    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {p.name: p.annotation for p in parameters}
    return expanded


def _option_parameters() -> list[inspect.Parameter]:
    hints = get_type_hints(DomainOptions, include_extras=True)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [
        inspect.Parameter(field.name, kind, default=field.default, annotation=hints[field.name])
        for field in fields(DomainOptions)
    ]
