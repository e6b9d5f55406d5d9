"""The command ``nnce enumerate``."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.base.files import real_path
from nnce_cli.base.memory import is_out_of_memory, peak_memory_bytes
from nnce_cli.base.signals import stop_on_signals
from nnce_cli.cli import exit_codes
from nnce_cli.cli.domain_options import DEFAULT_DOMAIN, DomainOptions, takes_domain
from nnce_cli.cli.history import LoadHistory
from nnce_cli.cli.jobs import JobsOption, processes
from nnce_cli.cli.loading import OutputNameOption, load_several, output_names
from nnce_cli.cli.options import (
    NetworkArgument,
    count_option,
    force_option,
    json_option,
    quiet_option,
    time_option,
)
from nnce_cli.cli.progress import Verbosity, run_progress
from nnce_cli.cli.report import json_text, number, print_fields, size
from nnce_cli.cli.resume import resume_command
from nnce_cli.cli.say import say
from nnce_cli.cli.several import RunFiles, cells_of_union
from nnce_cli.enumeration import AUTO, DICTIONARY, METHOD_NAMES
from nnce_cli.run import (
    STDOUT,
    Request,
    Result,
    SavedError,
    check_outputs,
    default_folder,
    finished_before,
    run,
)
from nnce_cli.table import WITNESS_INPUTS, has_witness

if TYPE_CHECKING:
    from nnce_cli.domain import Domain
    from nnce_cli.network import LayerStack
    from nnce_cli.run import Observer, Progress
    from nnce_cli.table import Metadata


OTHER_TABLES = (".csv", ".tsv", ".json", ".xlsx")  # names of files that it does not write


@takes_domain
def enumerate_cells(
    model: NetworkArgument,
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
    where: DomainOptions = DEFAULT_DOMAIN,
    output_name: OutputNameOption = None,
    count_only: Annotated[
        bool,
        typer.Option(
            "--count-only", help="Print the number of cells and write no table: the fastest way."
        ),
    ] = False,
    witness: Annotated[
        bool | None,
        typer.Option(
            "--witness/--no-witness",
            help="Write the witness column, or leave it out: a far smaller table. "
            f"[default: written for up to {WITNESS_INPUTS} inputs]",
        ),
    ] = None,
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
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"How cells are found: {', '.join(METHOD_NAMES)}. All give the same cells; "
            "see nnce methods.",
        ),
    ] = AUTO,
    lp: Annotated[
        str,
        typer.Option(
            metavar="SOLVER",
            help="Linear programming back end of the layer-wise methods: dictionary, highs, or "
            "cvxpy:SOLVER; see nnce methods.",
        ),
    ] = DICTIONARY,
    jobs: JobsOption = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="CLUSTER",
            help="Work on a Dask cluster: the address of its scheduler (tcp://HOST:8786), the file "
            "that it wrote, or local:N for N worker processes here. See docs/cluster.md.",
        ),
    ] = None,
    max_cells: Annotated[
        int | None, count_option("Stop after the first N cells of the table.")
    ] = None,
    time_limit: Annotated[
        float | None, time_option("Stop after this time, with the cells found so far.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a run that stopped, or that was killed."),
    ] = False,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder of the run's journal and parts, removed at its end. "
            "[default: the output's name + .run]",
        ),
    ] = None,
    load_history: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write busy workers and waiting tasks over time, as Parquet or .csv.",
        ),
    ] = None,
    force: Annotated[
        bool, force_option("Replace the output file, or an unfinished run, if it exists.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show what each worker is doing.")
    ] = False,
    json: Annotated[bool, json_option("Print a summary as JSON on standard output.")] = False,
    quiet: Annotated[bool, quiet_option("No progress and no summary; errors are shown.")] = False,
) -> None:
    """Enumerate all cells of a network: on the box [-1, 1]^n, or the domain that options name.

    Writes a table (Parquet). A row of it is a cell: for each hidden layer the sign vector (and the
    pieces of units that have more than two), the number of active neurons and the rank, and then a
    witness, which is a point strictly inside the cell (with many inputs it is left out; nnce
    witness computes it). The rows are sorted by sign vector, and the file is the same for any
    number of workers; a short run needs one only.

    Nothing is lost: interrupted, killed, or stopped by a limit, a run goes on with --resume and
    ends with the same file. What stops it cleanly (exit code 3) prints the command for that. A
    limit also leaves a table of the cells found so far, marked as incomplete.

    Several domains (a VNNLIB property with several boxes, --bounds given again) are enumerated one
    after the other, each into files with its number (cells.1.parquet), with the limits for each;
    then the cells of their union are counted.

    \b
    nnce enumerate model.onnx
    nnce enumerate model.onnx --box 0,1 -o cells.parquet
    nnce enumerate model.onnx --vnnlib property.vnnlib --json
    nnce enumerate model.onnx --slice three-images.npy --margin 0.2
    nnce enumerate model.onnx --halfspaces rows.csv --box 0,1
    nnce enumerate model.onnx --unbounded
    nnce enumerate model.onnx --count-only -j 4
    nnce enumerate model.onnx --dask tcp://10.0.0.1:8786
    nnce enumerate model.onnx --time-limit 3600
    nnce enumerate model.onnx --resume
    nnce enumerate model.onnx --method reverse-search --lp highs
    nnce enumerate model.onnx --proof proof.parquet
    nnce enumerate model.onnx -o - | nnce stats -
    """  # noqa: D301
    target = _output_name(model, output, count_only=count_only, json=json)
    if force and resume:
        raise InputError("--force starts again and --resume goes on; use one of them")
    if target == STDOUT and resume and run_dir is None:
        raise InputError("a table on standard output can be resumed with --run-dir only")
    history = None if load_history is None else str(load_history)
    folder = run_dir if run_dir is not None else default_folder(model, target)
    files = RunFiles(target, proof, history, folder)
    _refuse_bad_names(files, (model, *where.files))
    _refuse_useless_proof(proof, target, certify=not no_certify)
    if witness and target is None:
        raise InputError("--count-only writes no table; leave out --witness")
    if dask is not None and jobs is not None:
        raise InputError("--jobs is for processes of this machine; leave it out with --dask")

    outputs = output_names(output_name)
    stack, domains = load_several(model, where, outputs, quiet=quiet)
    from nnce_cli.parallel import Limits

    files_of_each = files.of_each(len(domains))
    requests = [
        Request(
            model=model,
            stack=stack,
            domain=domain,
            target=names.target,
            proof=names.proof,
            folder=names.folder,
            witness=has_witness(stack.n_inputs) if witness is None else witness,
            certify=not no_certify,
            method=_method(method, lp, stack, domain, proof=proof is not None, verbose=verbose),
            lp=lp,
            jobs=processes(jobs),
            limits=Limits(max_cells, time_limit),
            force=force,
            resume=resume,
        )
        for domain, names in zip(domains, files_of_each, strict=True)
    ]
    verbosity = Verbosity(quiet=quiet, verbose=verbose)
    if len(domains) == 1:
        [(request, result)] = _results(requests, files_of_each, dask, verbosity)
        _report(request, result, json=json, quiet=quiet)
        raise typer.Exit(_code(result.complete, result.certified))
    for names in files_of_each:
        _refuse_bad_names(names, (model, *where.files))
    results = _results(requests, files_of_each, dask, verbosity)
    raise typer.Exit(_tell_of_several(requests, results, verbosity, json=json))


def _results(
    requests: Sequence[Request], files: Sequence[RunFiles], dask: str | None, verbosity: Verbosity
) -> Iterator[tuple[Request, Result]]:
    """Yield each run and what it found, or an earlier call of this command."""
    before = [finished_before(request) for request in requests]
    for request, said in zip(requests, before, strict=True):
        if said is None:
            check_outputs(request)
    with ExitStack() as stack:
        cluster: dict[str, Any] = {}
        if dask is not None and None in before:
            cluster = _cluster(dask, stack, verbosity)
        for request, names, said in zip(requests, files, before, strict=True):
            if said is not None:
                yield request, _result_before(said)
            else:
                there = dataclasses.replace(request, **cluster)
                history = None if names.history is None else Path(names.history)
                yield there, _run(there, history, verbosity)


def _cluster(where: str, stack: ExitStack, verbosity: Verbosity) -> dict[str, Any]:
    """Connect to a cluster until ``stack`` is left; return what that means for a request."""
    from nnce_cli.parallel import connected

    client: Any = stack.enter_context(connected(where))
    if verbosity.verbose:
        say(f"the dashboard of Dask: {client.dashboard_link}")
    return {"engine": client, "jobs": max(1, sum(client.nthreads().values()))}


def _tell_of_several(
    requests: Sequence[Request],
    runs: Iterator[tuple[Request, Result]],
    verbosity: Verbosity,
    *,
    json: bool,
) -> int:
    """Enumerate one domain after the other, tell of each and of the union; return the exit code."""
    results: list[Result] = []
    for request, result in runs:
        results.append(result)
        if not verbosity.quiet:
            say(f"domain {len(results)} of {len(requests)}:")
        if not json and request.target is None and result.complete:
            print(result.cells, flush=True)
        _tell(request, result, json=json, quiet=verbosity.quiet)
        if result.stopped_by == "a signal":
            break
    union = cells_of_union(requests, results)
    if json:
        summaries = [_summary(*pair) for pair in zip(requests, results, strict=False)]
        print(json_text({"domains": summaries, "union_layer_cells": union}))
    elif union is not None and not verbosity.quiet:
        by_layer = ", ".join(map(number, union))
        print_fields({"union": f"{number(union[-1])} cells", "by layer": by_layer}, file=sys.stderr)
    complete = len(results) == len(requests) and all(result.complete for result in results)
    return _code(complete, all(result.certified for result in results))


def _method(
    name: str, lp: str, stack: LayerStack, domain: Domain, *, proof: bool, verbose: bool
) -> str:
    """Choose the method, and say why; refuse names that are none, and what does not go together."""
    from nnce_cli.enumeration import Problem, choose, walk_factory

    if name == AUTO:
        name, reason = choose(Problem.of(stack, domain), log=proof)
        if verbose:
            say(f"method {name}: {reason}")
    walk_factory(name, lp)
    return name


def _run(request: Request, load_history: Path | None, verbosity: Verbosity) -> Result:
    may_replace = request.force or request.resume
    history = None if load_history is None else LoadHistory(load_history, force=may_replace)
    watch = _Watch()
    observers: list[Observer] = [watch.look, *([history.note] if history else [])]
    try:
        with run_progress(verbosity, request) as shown, stop_on_signals() as stop:
            return run(request, [*observers, *shown], stop.is_requested, say)
    except KeyboardInterrupt:
        if _is_saved(request):
            say(f"go on with: {resume_command()}")
        raise
    except SavedError as error:
        raise InputError(f"{error}; the run is saved: go on with {resume_command()}") from error
    except BrokenPipeError as error:  # nobody reads the table any more, which is no error
        raise typer.Exit(_code(watch.has_seen_the_end, request.certify)) from error
    except (MemoryError, OSError, ImportError) as error:
        if not is_out_of_memory(error) or not _is_saved(request):
            raise
        say(f"error: out of memory; the run is saved: go on with {resume_command()}")
        raise typer.Exit(exit_codes.INCOMPLETE) from error
    finally:
        if history is not None:
            history.write()


class _Watch:
    """Knows whether all cells of a run are found, where its output is not read to its end."""

    def __init__(self) -> None:
        self.has_seen_the_end = False

    def look(self, progress: Progress) -> None:
        """Look at the run, for the first time or again."""
        self.has_seen_the_end = progress.is_over


def _is_saved(request: Request) -> bool:
    from nnce_cli.parallel import is_run

    return request.folder is not None and is_run(request.folder)


def _code(complete: bool, certified: bool) -> int:
    """Return the exit code of a run."""
    if not complete:
        return exit_codes.INCOMPLETE
    return exit_codes.DONE if certified else exit_codes.UNCERTIFIED


def _report(request: Request, result: Result, *, json: bool, quiet: bool) -> None:
    """Tell what was found, to programs and to people, and how to go on."""
    if json:
        print(json_text(_summary(request, result)))
    elif request.target is None and result.complete:
        print(result.cells)
    _tell(request, result, json=json, quiet=quiet)


def _tell(request: Request, result: Result, *, json: bool, quiet: bool) -> None:
    """Tell people what was found, and how to go on."""
    summary = _summary(request, result)
    if not quiet:
        _print_summary(summary, result)
    only_answer = request.target is None and not json  # which is not one, and has to be told
    if quiet and result.stopped_by != "a signal" and not only_answer:
        return
    found = f" after {number(result.cells)} cells" if only_answer else ""
    if summary["resume"] is not None:
        say(f"stopped by {result.stopped_by}{found}; go on with: {summary['resume']}")
    elif not result.complete:
        say(
            f"stopped by {result.stopped_by}{found}; nothing is kept of this run, but with "
            "--run-dir it would be"
        )


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


def _refuse_bad_names(files: RunFiles, inputs: tuple[Path | None, ...]) -> None:
    outputs = (files.target, files.proof, files.history)
    _refuse_mixed_up_files(outputs, inputs, files.folder)
    if files.target is not None and Path(files.target).suffix.lower() in OTHER_TABLES:
        raise InputError(
            f"tables are written as Parquet only, and {files.target} would not be what its name "
            "says: give a name that ends in .parquet, and see docs/tables.md for the way from "
            "there to CSV"
        )
    _refuse_undecodable_names(*outputs, files.folder)


def _refuse_mixed_up_files(
    outputs: tuple[str | None, str | None, str | None],
    inputs: tuple[Path | None, ...],
    folder: Path | None,
) -> None:
    """Refuse outputs that are inputs, each other, or inside the run folder, which is removed."""
    if outputs[2] == STDOUT:
        raise InputError("--load-history needs a file; standard output is for the table")
    files = [real_path(name) for name in outputs if name is not None and name != STDOUT]
    if len(set(files)) < len(files):
        raise InputError("--output, --proof and --load-history need different files")
    for file in files:
        for path in inputs:
            if path is not None and path.exists() and file.exists() and path.samefile(file):
                raise InputError(f"the output {file} is also an input; choose another file")
        if folder is not None and file.is_relative_to(real_path(folder)):
            raise InputError(
                f"the output {file} is inside the run folder {folder}, which is removed at the "
                "end; choose another --run-dir"
            )


def _refuse_undecodable_names(*names: str | Path | None) -> None:
    """Refuse names for new files that are not UTF-8, which the libraries of tables cannot take."""
    for name in names:
        try:
            str(name).encode()
        except UnicodeEncodeError:
            raise InputError(
                f"the name {name} is not UTF-8; choose others with --output and --run-dir"
            ) from None


def _refuse_useless_proof(proof: str | None, target: str | None, *, certify: bool) -> None:
    if proof is None:
        return
    if target is None:
        raise InputError("--proof certifies a table; leave out --count-only")
    if not certify:
        raise InputError("--proof needs the proofs that --no-certify leaves out")


def _result_before(said: Metadata) -> Result:
    """Return what an earlier call has found and written."""
    return Result(
        cells=said.cells,
        layer_cells=list(said.layer_cells),
        stopped_by=None,
        certified=said.certified,
        decisions=said.decisions,
        found=0,
        seconds=0.0,
        memory=peak_memory_bytes(),
        written=True,
    )


def _summary(request: Request, result: Result) -> dict[str, Any]:
    """Return the summary as JSON values."""
    return {
        "model": str(request.model),
        "digest": request.stack.digest,
        **request.stack.sizes.to_values(),
        "domain": request.metadata.domain,
        "cells": result.cells,
        "layer_cells": result.layer_cells,
        "complete": result.complete,
        "certified": result.certified,
        "decisions": result.decisions,
        "method": request.method,
        "jobs": request.jobs,
        "seconds": round(result.seconds, 6),
        "cells_per_second": round(result.found / max(result.seconds, 1e-9), 1),
        "peak_memory_bytes": result.memory,
        "output": request.target if result.written else None,
        "resume": None if result.complete or request.folder is None else resume_command(),
    }


def _print_summary(summary: dict[str, Any], result: Result) -> None:
    """Tell a person what was found, on standard error."""
    complete = f"no: stopped by {result.stopped_by}" if result.stopped_by else "yes"
    fields = {
        "model": summary["model"],
        "widths": "-".join(map(str, summary["widths"])),
        "cells": number(result.cells),
        "by layer": ", ".join(map(number, result.layer_cells)) or "no hidden layers",
        "complete": complete,
        "certified": "yes" if result.certified else "no",
        "time": f"{result.seconds:.2f} s, {summary['cells_per_second']:,.0f} cells/s",
        "peak memory": size(summary["peak_memory_bytes"]),
    }
    if summary["output"] is not None:
        fields["table"] = "standard output" if summary["output"] == "-" else summary["output"]
    print_fields(fields, file=sys.stderr)
