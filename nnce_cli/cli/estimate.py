"""The command ``nnce estimate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.text import duration
from nnce_cli.cli.domain_options import DEFAULT_DOMAIN, DomainOptions, takes_domain
from nnce_cli.cli.jobs import JobsOption, processes
from nnce_cli.cli.loading import OutputNameOption, load, output_names
from nnce_cli.cli.options import (
    NetworkArgument,
    count_option,
    json_option,
    quiet_option,
    time_option,
)
from nnce_cli.cli.report import json_text, number, print_fields
from nnce_cli.cli.say import say
from nnce_cli.table import has_witness

if TYPE_CHECKING:
    from nnce_cli.analysis import Forecast, Quantity


@takes_domain
def estimate_cells(
    model: NetworkArgument,
    where: DomainOptions = DEFAULT_DOMAIN,
    output_name: OutputNameOption = None,
    jobs: JobsOption = None,
    time_limit: Annotated[
        float | None, time_option("How long to look. [default: 10, without --probes only]")
    ] = None,
    probes: Annotated[
        int | None,
        count_option(
            "Follow about N paths down the tree, however long it takes: the same numbers on every "
            "machine, but for times."
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Seed of the random choices. [default: 0]", show_default=False
        ),
    ] = 0,
    json: Annotated[bool, json_option("Print the forecast as JSON.")] = False,
    quiet: Annotated[bool, quiet_option()] = False,
) -> None:
    """Forecast nnce enumerate: the number of cells, the time, the size of the table.

    The domain is the box [-1, 1]^n, or the one that options name.

    Walks at random through a part of the tree that nnce enumerate would walk. Each number comes
    with an interval that holds the truth nine times out of ten. A network with few cells is
    enumerated whole, and the numbers are exact. The time is that of the whole command, from its
    start, with --jobs processes. Where the probes vary too much, nothing is said, and null in JSON;
    more time or more probes help.

    \b
    nnce estimate model.onnx
    nnce estimate model.onnx --box 0,1 -j 16
    nnce estimate model.onnx --time-limit 60 --json
    nnce estimate model.onnx --probes 10000 --seed 1
    """  # noqa: D301
    outputs = output_names(output_name)
    stack, domain = load(model, where, outputs, quiet=quiet)
    from nnce_cli.run import measured_start

    starting = measured_start(model, stack, domain)  # before more is loaded than a run needs
    from nnce_cli.analysis import forecast

    result = forecast(
        stack,
        domain,
        seconds=time_limit,
        probes=probes,
        seed=seed,
        jobs=processes(jobs),
        starting=starting,
    )
    if json:
        from nnce_cli.table import Metadata

        head: dict[str, Any] = {"model": str(model), "digest": stack.digest}
        head |= stack.sizes.to_values()
        head |= {"domain": Metadata.of(stack, domain, witness=False).domain}
        print(json_text(head | result.to_dict()))
    else:
        _print_for_people(model, stack.widths, result)
    if not quiet and result.cells.reason is not None:
        say(f"the number of cells is not known: {result.cells.reason}")


def _print_for_people(model: Path, widths: list[int], result: Forecast) -> None:
    """Print the forecast, a line for each number."""
    layers, default = result.layer_cells, has_witness(widths[0])
    sizes = {True: result.table_bytes, False: result.table_bytes_no_witness}
    fields = {"model": str(model), "widths": "-".join(map(str, widths))}
    fields |= {"cells": _range(result.cells, _count)}
    fields |= {f"layer {k}": _range(cells, _count) for k, cells in enumerate(layers[:-1], start=1)}
    workers = f"-j {result.jobs}"
    fields |= {
        f"time, {workers}": _range(result.table_seconds, duration),
        "counting only": _range(result.count_seconds, duration),
        "to start": duration(result.starting.table),
        "table": _range(sizes[default], _bytes),
        "--no-witness" if default else "--witness": _range(sizes[not default], _bytes),
        "looked at": f"{number(result.met)} cells in {result.seconds:.1f} s"
        + (", which are all" if result.complete else ""),
    }
    print_fields(fields)


def _range(quantity: Quantity, write: Any) -> str:
    """Write an estimate and its interval."""
    if quantity.estimate is None:
        return "not known"
    if quantity.is_exact:
        return f"{write(quantity.estimate)} (exact)"
    return f"{write(quantity.estimate)}  ({write(quantity.low)} to {write(quantity.high)})"


def _count(value: float) -> str:
    return number(round(value))


def _bytes(value: float) -> str:
    """Write a number of bytes with three digits."""
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} EB"
