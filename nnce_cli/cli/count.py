"""The command ``nnce count``."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.base.signals import Stop, stop_on_signals
from nnce_cli.base.text import message_line
from nnce_cli.cli import exit_codes
from nnce_cli.cli.domain_options import DEFAULT_DOMAIN, DomainOptions, takes_domain
from nnce_cli.cli.formats import csv_text, markdown_text
from nnce_cli.cli.jobs import JobsOption, processes
from nnce_cli.cli.loading import OutputNameOption, load_several, output_names
from nnce_cli.cli.options import force_option, json_option, quiet_option, time_option
from nnce_cli.cli.progress import Verbosity, run_progress
from nnce_cli.cli.report import json_text, number, print_table
from nnce_cli.cli.say import say
from nnce_cli.cli.table_and_model import refuse_bad_output

if TYPE_CHECKING:
    from nnce_cli.run import Request


class Format(StrEnum):
    """What the table is written as."""

    text = "text"
    csv = "csv"
    json = "json"
    md = "md"
    parquet = "parquet"


@dataclass(frozen=True)
class Row:
    """A model on a domain, and its cells; a model that cannot be read has an error instead."""

    model: str
    widths: list[int] | None = None
    domain: str | None = None
    cells: int | None = None
    layer_cells: list[int] | None = None
    complete: bool = False
    certified: bool = False
    seconds: float | None = None
    error: str | None = None


WORDS = ("model", "widths", "domain", "layer_cells", "complete", "certified", "error")


@takes_domain
def count_cells(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL...", help="Piecewise linear networks in ONNX files."),
    ],
    where: DomainOptions = DEFAULT_DOMAIN,
    output_name: OutputNameOption = None,
    time_limit: Annotated[
        float | None, time_option("Stop each model after this time, with the cells found so far.")
    ] = None,
    jobs: JobsOption = None,
    output_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="text|csv|json|md|parquet",
            help="What the table is written as. [default: as the name of --output ends, else text]",
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where the table goes; - is standard output."
        ),
    ] = "-",
    force: Annotated[bool, force_option()] = False,
    json: Annotated[bool, json_option("The same as --format json.")] = False,
    quiet: Annotated[bool, quiet_option("No progress and no remarks; errors are shown.")] = False,
) -> None:
    """Count the cells of many networks: one table, with a row for each.

    All are enumerated on the same domain, the box [-1, 1]^n or the one that options name, one
    after the other, as nnce enumerate --count-only does. A row has the file, the widths, the
    domain, the number of cells and of layer-k cells, whether these are all and certified, and the
    seconds that it took. Where there are several domains a model has a row for each.

    A model that cannot be read, or not on this domain, has a row with the error, and the others
    are still counted. The exit code is then 2; it is 3 where a limit or a signal stopped a count.

    \b
    nnce count a.onnx b.onnx
    nnce count checkpoints/*.onnx --box 0,1 --format csv > growth.csv
    nnce count *.onnx --slice plane.csv -o counts.parquet --time-limit 60
    """  # noqa: D301
    from nnce_cli.table import Output

    form = _format(output_format, output, json=json)
    if form is Format.parquet or output != "-":
        refuse_bad_output(output, (*models, *where.files))
    counter = _Counter(where, output_names(output_name), time_limit, processes(jobs), quiet=quiet)
    if output == "-" and form is not Format.parquet:
        rows = counter.rows(models)
        if form is Format.text:
            _print(rows)
        else:
            print(_text(rows, form), end="")
    else:
        with Output(output, force=force) as file:
            rows = counter.rows(models)
            file.write(_parquet(rows) if form is Format.parquet else _text(rows, form).encode())
            file.commit()
    raise typer.Exit(_code(rows, len(models)))


def _format(given: Format | None, output: str, *, json: bool) -> Format:
    if json and given not in (None, Format.json):
        raise InputError(f"--json and --format {given} are two formats; use one of them")
    ending = Path(output).suffix.lower().removeprefix(".")
    if json:
        given = Format.json
    elif given is None and ending in tuple(Format):
        given = Format(ending)
    if output != "-" and given in (None, Format.text):
        raise InputError(
            f"what {output} is to be is not said: choose a name that ends in .csv, .json, .md or "
            ".parquet, or add --format"
        )
    return given or Format.text


class _Counter:
    """Counts the cells of models, one after the other."""

    def __init__(
        self,
        where: DomainOptions,
        outputs: Sequence[str],
        seconds: float | None,
        jobs: int,
        *,
        quiet: bool,
    ) -> None:
        self._where = where
        self._outputs = outputs
        self._seconds = seconds
        self._jobs = jobs
        self._quiet = quiet

    def rows(self, models: Sequence[Path]) -> list[Row]:
        """Return the rows of models, up to where a signal stops it."""
        found: list[Row] = []
        with stop_on_signals() as stop:
            for k, model in enumerate(models, start=1):
                if stop.requested:
                    break
                if not self._quiet:
                    say(f"{k} of {len(models)}: {model}")
                try:
                    for row in self._rows_of(model, stop):
                        found.append(row)  # noqa: PERF402 (those before an error are kept)
                except InputError as error:
                    say(f"error: {message_line(str(error))}")
                    found.append(Row(str(model), error=message_line(str(error))))
        return found

    def _rows_of(self, model: Path, stop: Stop) -> Iterator[Row]:
        """Yield a row for each domain."""
        from nnce_cli.enumeration import DICTIONARY, Problem, choose
        from nnce_cli.parallel import Limits
        from nnce_cli.run import Request

        stack, domains = load_several(model, self._where, self._outputs, quiet=self._quiet)
        for domain in domains:
            request = Request(
                model=model,
                stack=stack,
                domain=domain,
                target=None,
                proof=None,
                folder=None,
                witness=False,
                certify=True,
                method=choose(Problem.of(stack, domain))[0],
                lp=DICTIONARY,
                jobs=self._jobs,
                limits=Limits(None, self._seconds),
                force=False,
                resume=False,
            )
            yield self._counted(request, stop)
            if stop.requested:
                break

    def _counted(self, request: Request, stop: Stop) -> Row:
        from nnce_cli.run import run
        from nnce_cli.table import domain_words

        verbosity = Verbosity(quiet=self._quiet, verbose=False)
        with run_progress(verbosity, request) as observers:
            result = run(request, observers, stop.is_requested, say)
        if not result.complete:
            say(f"{request.model}: stopped by {result.stopped_by} after {result.cells:,} cells")
        return Row(
            model=str(request.model),
            widths=list(request.stack.widths),
            domain=domain_words(request.metadata),
            cells=result.cells,
            layer_cells=result.layer_cells,
            complete=result.complete,
            certified=result.certified,
            seconds=round(result.seconds, 6),
        )


def _code(rows: Sequence[Row], models: int) -> int:
    """Return the exit code: that of the worst row, or of models that were not reached."""
    if any(row.error is not None for row in rows):
        return exit_codes.BAD_INPUT
    if len({row.model for row in rows}) < models or not all(row.complete for row in rows):
        return exit_codes.INCOMPLETE
    return exit_codes.DONE if all(row.certified for row in rows) else exit_codes.UNCERTIFIED


def _print(rows: Sequence[Row]) -> None:
    """Print the table for people; what is the same in all rows is left out."""
    columns = ["model", "widths", "cells", "by layer", "state", "seconds"]
    lines = []
    for row in rows:
        if row.cells is None:
            lines.append([row.model, "", "", "", "error", ""])
            continue
        by_layer = ", ".join(map(number, row.layer_cells or ()))
        lines.append(
            [
                row.model,
                "-".join(map(str, row.widths or ())),
                number(row.cells),
                by_layer,
                "complete" if row.complete else "stopped",
                f"{row.seconds:.2f}",
            ]
        )
    domains = {row.domain for row in rows if row.domain is not None}
    if len(domains) > 1:
        columns.insert(2, "domain")
        for line, row in zip(lines, rows, strict=True):
            line.insert(2, row.domain or "")
    title = f"Cells on {domains.pop()}" if len(domains) == 1 else "Cells"
    print_table(title, columns, lines, ("model", "widths", "domain", "state"))


def _text(rows: Sequence[Row], form: Format) -> str:
    """Return the table as text for other programs."""
    if form is Format.json:
        return f"{json_text({'models': [asdict(row) for row in rows]})}\n"
    columns = [field.name for field in fields(Row)]
    lines = [[_cell(getattr(row, name)) for name in columns] for row in rows]
    if form is Format.csv:
        return csv_text(columns, lines)
    return markdown_text(columns, lines, [name in WORDS for name in columns])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _parquet(rows: Sequence[Row]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        {
            "model": pa.string(),
            "widths": pa.list_(pa.int64()),
            "domain": pa.string(),
            "cells": pa.int64(),
            "layer_cells": pa.list_(pa.int64()),
            "complete": pa.bool_(),
            "certified": pa.bool_(),
            "seconds": pa.float64(),
            "error": pa.string(),
        }
    )
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema), file)
    return file.getvalue()
