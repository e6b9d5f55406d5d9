"""The command ``nnce verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.cli import exit_codes
from nnce_cli.cli.domain_options import DEFAULT_DOMAIN, DomainOptions, takes_domain
from nnce_cli.cli.jobs import JobsOption, processes
from nnce_cli.cli.loading import named_place
from nnce_cli.cli.options import (
    CellsArgument,
    ModelArgument,
    count_option,
    json_option,
    quiet_option,
)
from nnce_cli.cli.progress import check_progress
from nnce_cli.cli.report import json_text, number, print_fields, print_table, show

if TYPE_CHECKING:
    from nnce_cli.verify import CheckResult, Report

SHOWN_INPUTS = 4


@takes_domain
def verify_cells(
    cells: CellsArgument,
    model: ModelArgument,
    where: DomainOptions = DEFAULT_DOMAIN,
    proof: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also replay the certificate that nnce enumerate --proof wrote."
        ),
    ] = None,
    samples: Annotated[int, count_option("How many random points to look up.", least=0)] = 100_000,
    closure: Annotated[
        int,
        count_option(
            "Cross the facets of a random sample of N cells, of all if there are no more.", least=0
        ),
    ] = 100_000,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Of the random points and the random sample.")
    ] = 0,
    jobs: JobsOption = None,
    json: Annotated[bool, json_option("Print the results as JSON on standard output.")] = False,
    quiet: Annotated[bool, quiet_option("Print nothing but failures; see the exit code.")] = False,
) -> None:
    """Check a cell table against its model.

    The checker shares no code with the enumeration. It checks that every row is a cell, by its
    witness and in exact arithmetic; that no cell is missing, by random points, by crossing every
    facet of every cell, and by volumes in up to three dimensions; that each cell's affine map
    gives the outputs of onnxruntime; and that the layers that the model was read as are the graph
    of its file, computed node by node in rational arithmetic. Exit code 1 if a check fails.

    What is proved is said of the domain that the table names, which is printed. With options that
    name a domain, as for nnce enumerate, a table of any other fails; they have no default here.

    \b
    nnce verify model.cells.parquet model.onnx
    nnce verify model.cells.parquet model.onnx --box 0,1
    nnce verify model.cells.parquet model.onnx --closure 1000000 -j 8
    nnce verify model.cells.parquet model.onnx --proof proof.parquet --json
    nnce enumerate model.onnx -o - | nnce verify - model.onnx
    """  # noqa: D301
    from nnce_cli.verify import Options, verify

    options = Options(
        samples=samples,
        closure=closure,
        seed=seed,
        proof=proof,
        domain=lambda n_inputs: named_place(n_inputs, where),
        jobs=processes(jobs),
    )
    with check_progress(not quiet) as watch:
        report = verify(cells, model, options, watch)
    if json:
        print(json_text(_values(cells, model, report)))
    elif report.another:
        show(f"{cells} is NOT the table of {model}: {report.another}")
    elif quiet:
        _print_failures(report)
    else:
        _print_for_people(cells, model, report)
    if not report.passed:
        raise typer.Exit(exit_codes.UNCERTIFIED)


def _values(cells: str, model: Path, report: Report) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "table": cells,
        "model": str(model),
        "model_digest": report.table.model,
        "domain": report.table.domain,
        "method": _method(report),
        "passed": report.passed,
        "proved": report.proved,
        "checks": [check.to_dict() for check in report.checks],
    }


def _print_for_people(cells: str, model: Path, report: Report) -> None:
    print_fields(
        {
            "table": cells,
            "model": f"{model}, SHA-256 {report.table.model}",
            "domain": _domain(report),
            "method": _method(report) or "not said",
        }
    )
    print_table(
        "Checks",
        ["check", "result", "checked", "failed", "details"],
        [
            (
                check.name,
                check.status,
                f"{number(check.checked)} {check.unit}" if check.done else "",
                number(check.failed) if check.done else "",
                _details(check),
            )
            for check in report.checks
        ],
        words=("check", "result", "details"),
    )
    _print_failures(report)
    show("", _verdict(report))


def _domain(report: Report) -> str:
    """Write the table's domain: a box as a product of intervals, a long one shortened."""
    if not report.table.is_of_a_box:
        from nnce_cli.table import domain_words

        return domain_words(report.table)
    sides = list(zip(report.table.lower, report.table.upper, strict=True))
    if len(sides) > 1 and len(set(sides)) == 1:
        return f"[{sides[0][0]}, {sides[0][1]}]^{len(sides)}"
    shown = " x ".join(f"[{lo}, {hi}]" for lo, hi in sides[:SHOWN_INPUTS])
    more = len(sides) - SHOWN_INPUTS
    return shown if more <= 0 else f"{shown} and {number(more)} more"


def _method(report: Report) -> str | None:
    """Return the name of the method that made the table, None where the table does not say it."""
    made = report.table.made
    return None if made is None else made.method


def _details(check: CheckResult) -> str:
    counts = [f"{number(count)} {what}" for what, count in check.details.items() if count]
    return "; ".join([*counts, *([check.note] if check.note else [])])


def _print_failures(report: Report) -> None:
    for check in report.checks:
        if check.failed:
            show("", f"{check.name}: {number(check.failed)} failed")
            for what in check.failures:
                show(f"  {what}")
            if check.failed > len(check.failures):
                show(f"  … and {number(check.failed - len(check.failures))} more")


def _verdict(report: Report) -> str:
    if not report.passed:
        return "The table is NOT right."
    if report.proved:
        return "Proved: every row is a cell of the model on this domain, and no cell is missing."
    return "All checks that were made passed; they do not prove that no cell is missing."
