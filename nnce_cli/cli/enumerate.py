"""The command ``nnce enumerate``."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.cli import exit_codes
from nnce_cli.cli.memory import peak_memory_bytes
from nnce_cli.cli.progress import progress
from nnce_cli.cli.report import json_text, number, print_fields, size
from nnce_cli.cli.signals import stop_on_signals
from nnce_cli.errors import InputError

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.enumeration import CellBatch, Enumeration
    from nnce_cli.network import LayerStack
    from nnce_cli.table import Output


def enumerate_cells(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A ReLU network in an ONNX file.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where the table goes; - is standard output. "
            "[default: the model's stem + .cells.parquet, in this folder]",
        ),
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="LO,HI", help="The domain: the same interval for all inputs. [default: -1,1]"
        ),
    ] = None,
    bounds: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The domain: a CSV or JSON file with a row lo,hi for each input."
        ),
    ] = None,
    vnnlib: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The domain: the input box of a VNNLIB 1.0 property."),
    ] = None,
    count_only: Annotated[
        bool,
        typer.Option(
            "--count-only", help="Print the number of cells and write no table: the fastest way."
        ),
    ] = False,
    no_witness: Annotated[
        bool,
        typer.Option("--no-witness", help="Leave the witness column out: a far smaller table."),
    ] = False,
    proof: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Also write every decision with its proof, for nnce verify --proof.",
        ),
    ] = None,
    no_certify: Annotated[
        bool,
        typer.Option(
            "--no-certify", help="Leave the proofs out, to see what they cost; exit code 1."
        ),
    ] = False,
    max_cells: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Stop after the first N cells of the table."),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Stop after this time, with the cells found so far."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the output file if it exists.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON on standard output.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no summary; errors are shown.")
    ] = False,
) -> None:
    """Enumerate all cells of a network on a box.

    Writes a table (Parquet). A row of it is a cell: for each hidden layer the sign vector, the
    number of active neurons and the rank, and then a witness, which is a point strictly inside
    the cell. The rows are sorted by sign vector. Interrupted, or stopped by a limit, nnce writes
    what it has found so far, marks the table as incomplete and exits with code 3.

    \b
    nnce enumerate model.onnx
    nnce enumerate model.onnx --box 0,1 -o cells.parquet
    nnce enumerate model.onnx --vnnlib property.vnnlib --json
    nnce enumerate model.onnx --count-only
    nnce enumerate model.onnx --proof proof.parquet
    nnce enumerate model.onnx -o - | nnce stats -
    """  # noqa: D301
    target = _output_name(model, output, count_only=count_only, json=json)
    if sum(domain is not None for domain in (box, bounds, vnnlib)) > 1:
        raise InputError("--box, --bounds and --vnnlib each give the domain; use one of them")
    if time_limit is not None and not time_limit > 0:
        raise InputError(f"--time-limit {time_limit} is not a positive number of seconds")
    _refuse_overwriting_inputs(target, (model, bounds, vnnlib))

    _refuse_useless_proof(proof, target, certify=not no_certify)

    with _open_output(target, force=force) as out, _open_output(proof, force=force) as proof_out:
        stack, domain = _load(model, box, bounds, vnnlib)
        _compile_once(quiet=quiet)
        task = Task(stack, domain, Limits(max_cells, time_limit), not no_certify, quiet)
        if out is None:
            result = _count(task)
        else:
            result = _write_table(task, out, proof_out, witness=not no_witness)
            out.commit()
            if proof_out is not None:
                proof_out.commit()

    summary = _summary(model, stack, domain, result, target)
    if json:
        print(json_text(summary))
    elif count_only:
        print(result.cells)
    if not quiet:
        _print_summary(summary, result)
    if not result.complete:
        raise typer.Exit(exit_codes.INCOMPLETE)
    if not result.certified:
        raise typer.Exit(exit_codes.UNCERTIFIED)


@dataclass(frozen=True)
class Limits:
    """Where to stop before the end: a number of cells, a number of seconds."""

    max_cells: int | None
    seconds: float | None


@dataclass(frozen=True)
class Task:
    """What is to be enumerated, and how."""

    stack: LayerStack
    domain: Box
    limits: Limits
    certify: bool
    quiet: bool


@dataclass(frozen=True)
class Result:
    """What a run found; ``stopped_by`` is None where it came to its end."""

    layer_cells: list[int]
    stopped_by: str | None
    certified: bool
    decisions: dict[str, int]
    seconds: float

    @property
    def cells(self) -> int:
        """Number of cells found."""
        return self.layer_cells[-1]

    @property
    def complete(self) -> bool:
        """Whether these are all cells."""
        return self.stopped_by is None


def _output_name(model: Path, output: str | None, *, count_only: bool, json: bool) -> str | None:
    """Return the output's name, None where no table is written; refuse options at odds."""
    if count_only:
        if output is not None:
            raise InputError("--count-only writes no table; leave out --output")
        return None
    if output == "-" and json:
        raise InputError(
            "the table and the summary cannot both go to standard output; "
            "give --output a file name or leave out --json"
        )
    return output if output is not None else f"{model.stem}.cells.parquet"


def _refuse_overwriting_inputs(target: str | None, inputs: tuple[Path | None, ...]) -> None:
    if target is None or target == "-" or not Path(target).exists():
        return
    for path in inputs:
        if path is not None and path.exists() and path.samefile(target):
            raise InputError(f"the output {target} is also an input; choose another --output")


def _refuse_useless_proof(proof: str | None, target: str | None, *, certify: bool) -> None:
    if proof is None:
        return
    if target is None:
        raise InputError("--proof certifies a table; leave out --count-only")
    if not certify:
        raise InputError("--proof needs the proofs that --no-certify leaves out")
    if proof == target or Path(proof).resolve() == Path(target).resolve():
        raise InputError("--proof and --output need different files")


def _open_output(target: str | None, *, force: bool) -> Output | nullcontext[None]:
    """Open the output before any slow work, so that what is wrong with it shows at once."""
    if target is None:
        return nullcontext()
    from nnce_cli.table import Output

    return Output(target, force=force)


def _load(
    model: Path, box: str | None, bounds: Path | None, vnnlib: Path | None
) -> tuple[LayerStack, Box]:
    """Read the network and its domain; check them against onnxruntime."""
    from nnce_cli.domain import parse_box, read_bounds, read_vnnlib
    from nnce_cli.network import check_against_onnxruntime, load_network

    stack = load_network(model)
    if bounds is not None:
        domain = read_bounds(bounds, stack.n_inputs)
    elif vnnlib is not None:
        domain = read_vnnlib(vnnlib, stack.n_inputs)
    else:
        domain = parse_box(box if box is not None else "-1,1", stack.n_inputs)
    check_against_onnxruntime(stack, model, domain.lower, domain.upper)
    return stack, domain


def _compile_once(*, quiet: bool) -> None:
    from nnce_cli.enumeration import are_kernels_compiled, compile_kernels

    if not are_kernels_compiled():
        if not quiet:
            print(
                "nnce: compiling the kernels (once; about a minute)…", file=sys.stderr, flush=True
            )
        compile_kernels()


def _count(task: Task) -> Result:
    """Enumerate and keep nothing but the counts."""
    from nnce_cli.enumeration import Enumeration
    from nnce_cli.table import LayerCounter

    # The first N cells and their layers are known from rows alone.
    rows = task.limits.max_cells is not None
    run = Enumeration(task.stack, task.domain, rows=rows, witness=False, certify=task.certify)
    counter = LayerCounter(len(task.stack.hidden)) if rows else None
    started = time.perf_counter()
    stopped_by = _walk(run, counter.add if counter else None, task)
    seconds = time.perf_counter() - started
    layer_cells = counter.layer_cells if counter else list(run.layer_cells)
    return Result(layer_cells, stopped_by, run.certified, dict(run.decisions), seconds)


def _write_table(task: Task, out: Output, proof_out: Output | None, *, witness: bool) -> Result:
    """Enumerate into a table, and a certificate; the outputs are left to be committed."""
    from nnce_cli.enumeration import Enumeration
    from nnce_cli.table import CellTableWriter, Metadata, ProofWriter

    stack, domain = task.stack, task.domain
    metadata = Metadata.of(stack, domain, witness=witness)
    writer = CellTableWriter(out, metadata)
    proof = None if proof_out is None else ProofWriter(proof_out, metadata)
    log = proof is not None
    run = Enumeration(stack, domain, witness=witness, certify=task.certify, log=log)

    def take(batch: CellBatch) -> None:
        writer.write(batch)
        if proof is not None and batch.log is not None:
            proof.write(batch.log)

    started = time.perf_counter()
    stopped_by = _walk(run, take, task)
    complete = stopped_by is None
    if complete and writer.layer_cells != list(run.layer_cells):
        raise RuntimeError(f"{writer.layer_cells} written, {run.layer_cells} enumerated")
    decisions = dict(run.decisions)
    writer.close(
        complete=complete,
        certified=run.certified,
        decisions=decisions,
        exact_witnesses=run.exact_witnesses if witness else None,
    )
    if proof is not None:
        proof.close(cells=writer.cells, complete=complete)
    seconds = time.perf_counter() - started
    return Result(writer.layer_cells, stopped_by, run.certified, decisions, seconds)


def _walk(run: Enumeration, take: Callable[[CellBatch], object] | None, task: Task) -> str | None:
    """Give all batches to ``take``; return what stopped the run, None where it came to its end.

    With a limit of N cells the walk goes on until it meets another cell or its end, so that a
    network of N cells is known to be complete.
    """
    rows, limits = 0, task.limits
    deadline = math.inf if limits.seconds is None else time.perf_counter() + limits.seconds
    with stop_on_signals() as stop, progress(not task.quiet) as show:
        for batch in run.batches():
            room = math.inf if limits.max_cells is None else limits.max_cells - rows
            count = len(batch.active)
            if take is not None:
                take(batch if count <= room else batch.take(int(room)))
            if count > room:
                return "--max-cells"
            rows += count
            show(run.cells, run.share)
            if run.complete:
                break
            if stop.requested:
                return "a signal"
            if time.perf_counter() >= deadline:
                return "--time-limit"
    return None


def _summary(
    model: Path, stack: LayerStack, domain: Box, result: Result, target: str | None
) -> dict[str, Any]:
    """Return the summary as JSON values."""
    return {
        "model": str(model),
        "digest": stack.digest,
        "widths": stack.widths,
        "domain": {
            "kind": "box",
            "lower": domain.lower.tolist(),
            "upper": domain.upper.tolist(),
        },
        "cells": result.cells,
        "layer_cells": result.layer_cells,
        "complete": result.complete,
        "certified": result.certified,
        "decisions": result.decisions,
        "seconds": round(result.seconds, 6),
        "cells_per_second": round(result.cells / max(result.seconds, 1e-9), 1),
        "peak_memory_bytes": peak_memory_bytes(),
        "output": target,
    }


def _print_summary(summary: dict[str, Any], result: Result) -> None:
    """Tell a person what was found, on standard error."""
    complete = f"no: stopped by {result.stopped_by}" if result.stopped_by else "yes"
    fields = {
        "model": summary["model"],
        "widths": "-".join(map(str, summary["widths"])),
        "cells": number(result.cells),
        "by layer": ", ".join(map(number, result.layer_cells)),
        "complete": complete,
        "certified": "yes" if result.certified else "no",
        "time": f"{result.seconds:.2f} s, {summary['cells_per_second']:,.0f} cells/s",
        "peak memory": size(summary["peak_memory_bytes"]),
    }
    if summary["output"] is not None:
        fields["table"] = "standard output" if summary["output"] == "-" else summary["output"]
    print_fields(fields, file=sys.stderr)
