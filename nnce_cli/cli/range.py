"""The command ``nnce range``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.base.signals import stop_on_signals
from nnce_cli.cli import exit_codes
from nnce_cli.cli.check import TimeLimit, refuse_tail
from nnce_cli.cli.domain_options import DEFAULT_DOMAIN, DomainOptions, takes_domain
from nnce_cli.cli.loading import OutputNameOption, load, output_names
from nnce_cli.cli.options import NetworkArgument, json_option, quiet_option, time_option
from nnce_cli.cli.progress import check_progress
from nnce_cli.cli.report import json_text, print_fields, show
from nnce_cli.cli.say import say

if TYPE_CHECKING:
    from nnce_cli.atlas import Extreme, Range
    from nnce_cli.network import LayerStack


@takes_domain
def find_ranges(
    model: NetworkArgument,
    where: DomainOptions = DEFAULT_DOMAIN,
    of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="C",
            help="An output by its number, from 0, or a sum of outputs by all coefficients, such "
            "as 1,-1,0; may be given several times. [default: each output]",
        ),
    ] = None,
    output_name: OutputNameOption = None,
    time_limit: Annotated[
        float | None, time_option("Stop after so long. [default: no limit]")
    ] = None,
    json: Annotated[bool, json_option("Print the ranges as JSON.")] = False,
    quiet: Annotated[bool, quiet_option()] = False,
) -> None:
    """Find the exact least and largest value of each output over the domain.

    Branch and bound: no part of the domain is gone into that cannot have a smaller value. The
    values are rational numbers, attained at the inputs that are printed; with --json they are there
    as fractions, too. On a domain that is not bounded a value may be unbounded, which is said. Exit
    code 3 where the time was not enough: the values are then the best ones that were found.

    \b
    nnce range model.onnx
    nnce range model.onnx --box 0,1 --of 1,-1,0
    nnce range model.onnx --halfspaces rows.csv --of 2 --json
    """  # noqa: D301
    limit = TimeLimit(time_limit)
    from nnce_cli.atlas import range_of

    stack, domain = load(model, where, output_names(output_name), quiet=quiet)
    refuse_tail(stack)
    asked = _functions(stack, of or [str(k) for k in range(stack.n_outputs)])
    found: dict[str, Range] = {}
    with check_progress(not quiet) as watch, stop_on_signals() as stop:
        for name, coefficients in asked.items():

            def look(regions: int, _waiting: int, name: str = name) -> None:
                watch(f"regions, {name}", regions, None)

            found[name] = range_of(
                stack, domain, coefficients, lambda: limit.is_over or stop.requested, look
            )
    if json:
        head = {"model": str(model), "digest": stack.digest}
        print(json_text(head | {"ranges": [_values(name, r) for name, r in found.items()]}))
    else:
        _print_for_people(model, found)
    if not all(result.complete for result in found.values()):
        say("the time was not enough: the values are the best ones found so far")
        raise typer.Exit(exit_codes.INCOMPLETE)


def _functions(stack: LayerStack, given: list[str]) -> dict[str, Mapping[int, Fraction]]:
    """Return the functions that a command line asks for, by their names."""
    from nnce_cli.domain import parse_decimal

    found: dict[str, Mapping[int, Fraction]] = {}
    n = stack.n_outputs
    for text in given:
        if text.isdecimal() and len(text) < 9:
            found[f"output {int(text)}"] = {int(text): Fraction(1)}
            continue
        parts = text.split(",")
        if len(parts) != n:
            raise InputError(
                f"--of {text} is no number of an output and not {n} coefficients; write a number "
                f"from 0 to {n - 1}, or a coefficient for each output, such as 1,-1,0"
            )
        try:
            numbers = [parse_decimal(part.strip()) for part in parts]
        except InputError as error:
            raise InputError(f"--of {text}: {error}") from error
        found[text] = {j: a for j, a in enumerate(numbers) if a}
    return found


def _values(name: str, result: Range) -> dict[str, Any]:
    return {
        "of": name,
        "minimum": _extreme(result.minimum),
        "maximum": _extreme(result.maximum),
        "complete": result.complete,
        "regions": result.regions,
        "seconds": result.seconds,
    }


def _extreme(extreme: Extreme | None) -> dict[str, Any] | None:
    """Return JSON values of an extreme; null where there is none."""
    if extreme is None:
        return None
    return {
        "value": float(extreme.value),
        "exact_value": str(extreme.value),
        "input": list(map(float, extreme.point)),
        "exact_input": list(map(str, extreme.point)),
        "outputs": list(map(float, extreme.outputs)),
    }


def _print_for_people(model: Path, found: dict[str, Range]) -> None:
    print_fields({"model": str(model)})
    for name, result in found.items():
        ends = {"minimum": result.minimum, "maximum": result.maximum}
        show("", name)
        for end, extreme in ends.items():
            print_fields({f"  {end}": _said(extreme)})


def _said(extreme: Extreme | None) -> str:
    if extreme is None:
        return "none: the values are not bounded"
    point = " ".join(map(str, map(float, extreme.point)))
    return f"{_float(extreme.value)} at {point}"


def _float(value: Fraction) -> str:
    try:
        return str(float(value))
    except OverflowError:
        return str(math.copysign(math.inf, value))
