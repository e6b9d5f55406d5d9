"""The command ``nnce check``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.base.signals import stop_on_signals
from nnce_cli.base.text import duration
from nnce_cli.cli import exit_codes
from nnce_cli.cli.options import NetworkArgument, json_option, quiet_option, time_option
from nnce_cli.cli.progress import check_progress
from nnce_cli.cli.report import json_text, number, print_fields, show
from nnce_cli.cli.say import say

if TYPE_CHECKING:
    from nnce_cli.atlas import (
        AllViolations,
        Counterexample,
        Evaluation,
        Progress,
        Verdict,
        Violations,
    )
    from nnce_cli.domain import Property
    from nnce_cli.network import LayerStack

WORDS = {True: "holds", False: "violated", None: "not decided"}


def check_property(
    model: NetworkArgument,
    prop: Annotated[
        Path, typer.Argument(metavar="PROPERTY", help="What must not happen, in VNNLIB.")
    ],
    every: Annotated[
        bool, typer.Option("--all", help="Find every cell in which the property is violated.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="With --all, a Parquet table of these."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Replace the output if it exists.")
    ] = False,
    proof: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a certificate of the verdict, which --replay checks."
        ),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Decide nothing: check the certificate that --proof wrote."
        ),
    ] = None,
    time_limit: Annotated[
        float | None, time_option("Stop after so long. [default: no limit]")
    ] = None,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="Exit code 1 where the property is violated, as of diff."),
    ] = False,
    json: Annotated[bool, json_option("Print the verdict as JSON.")] = False,
    quiet: Annotated[bool, quiet_option()] = False,
) -> None:
    """Decide exactly whether a property holds: whether what it describes occurs nowhere.

    A VNNLIB file describes inputs and outputs that must not occur together. The property holds
    where they do not, and is violated where they do, at the counterexample that is printed: an
    exact input at which the exact outputs satisfy all that the file asserts, whatever rounding
    does. It is evaluated by onnxruntime, too. Nothing is decided by a tolerance, also where a
    threshold is only just attained.

    With --all the search does not end at the first counterexample: it finds all cells of the domain
    in which the property is violated, and says how many they are, of how many, and up to six
    inputs that vary the exact share of the volume of the domain on which it is violated.

    A certificate (--proof) is checked by code that has nothing in common with the search: of a
    property that holds it has the regions into which the domain was divided, and a proof for each.
    Exit code 1 where it does not prove the verdict.

    The exit code is 0 where the property was decided, with --exit-code 1 where it is violated; 3
    where the time was not enough.

    \b
    nnce check model.onnx property.vnnlib
    nnce check model.onnx property.vnnlib --exit-code -q && echo safe
    nnce check model.onnx property.vnnlib --time-limit 60 --json
    nnce check model.onnx property.vnnlib --all -o violated.parquet
    nnce check model.onnx property.vnnlib --proof proof.jsonl
    nnce check model.onnx property.vnnlib --replay proof.jsonl
    """  # noqa: D301
    limit = TimeLimit(time_limit)
    if sum((every, proof is not None, replay is not None)) > 1:
        raise InputError("--all, --proof and --replay do different things; use one of them")
    if output is not None and not every:
        raise InputError("--output is for the cells that --all finds: add --all")
    from nnce_cli.atlas import check, evaluate, refuse_unprovable, write_proof, write_violations
    from nnce_cli.domain import read_property
    from nnce_cli.network import load_network

    stack = load_network(model)
    refuse_tail(stack)
    asked = read_property(prop, stack.n_inputs, stack.n_outputs)
    _hold_against_onnxruntime(stack, model, asked)
    if not quiet:
        for note in asked.notes:
            say(note)
    if every:
        found_all = _all(stack, asked, limit, quiet=quiet)
        if output is not None:
            write_violations(output, stack, found_all, force=force)
        if json:
            print(json_text(_values_of_all(model, prop, stack, found_all)))
        else:
            _print_all(model, prop, found_all)
        if not found_all.complete:
            raise typer.Exit(exit_codes.INCOMPLETE)
        if exit_code and any(violations.found for violations in found_all.domains):
            raise typer.Exit(1)
        return
    if replay is not None:
        _replay(replay, stack, asked, json=json, quiet=quiet)
        return
    if proof is not None:
        refuse_unprovable(stack, asked)
    with check_progress(not quiet) as watch, stop_on_signals() as stop:

        def is_over() -> bool:
            return limit.is_over or stop.requested

        verdict = check(stack, asked, is_over, _shown(watch), walks=proof is None)
    found, evaluation = verdict.counterexample, None
    if found is not None:
        evaluation = evaluate(stack, model, asked.cases[found.case], found.point)
    if proof is not None and verdict.holds is not None:
        write_proof(proof, stack, verdict)
    if json:
        print(json_text(_values(model, prop, stack, verdict, evaluation, list(asked.notes))))
    else:
        _print_for_people(model, prop, verdict, evaluation)
    if verdict.holds is None:
        raise typer.Exit(exit_codes.INCOMPLETE)
    if exit_code and not verdict.holds:
        raise typer.Exit(1)


def _all(stack: LayerStack, asked: Property, limit: TimeLimit, *, quiet: bool) -> AllViolations:
    from nnce_cli.atlas import violations

    with check_progress(not quiet) as watch, stop_on_signals() as stop:
        return violations(stack, asked, lambda: limit.is_over or stop.requested, _shown(watch))


def _shares(violations: Violations) -> dict[str, Any]:
    """Return the numbers and the shares of a domain's cells, and of its volume."""
    cells = len({cell.codes.tobytes() for cell in violations.found})
    values: dict[str, Any] = {
        "cases": violations.cases,
        "violated_cells": cells,
        "cells": violations.cells,
        "share_of_cells": cells / violations.cells if violations.cells else None,
    }
    by_case = {}
    for case in violations.cases:
        parts = [cell.volume for cell in violations.found if cell.case == case]
        if violations.volume and None not in parts:
            by_case[case] = sum((x for x in parts if x), Fraction(0)) / violations.volume
    values["share_of_volume"] = {str(case): float(x) for case, x in by_case.items()}
    return values | {"exact_share_of_volume": {str(k): str(x) for k, x in by_case.items()}}


def _values_of_all(
    model: Path, prop: Path, stack: LayerStack, found: AllViolations
) -> dict[str, Any]:
    return {
        "model": str(model),
        "digest": stack.digest,
        "property": str(prop),
        "verdict": _verdict_of(found),
        "complete": found.complete,
        "domains": [_shares(violations) for violations in found.domains],
        "regions": found.regions,
        "seconds": found.seconds,
    }


def _verdict_of(found: AllViolations) -> str:
    if any(violations.found for violations in found.domains):
        return WORDS[False]
    return WORDS[True if found.complete else None]


def _print_all(model: Path, prop: Path, found: AllViolations) -> None:
    fields = {"model": str(model), "property": str(prop), "verdict": _verdict_of(found)}
    if not found.complete:
        fields["complete"] = "no: stopped; give more time (--time-limit)"
    for k, violations in enumerate(found.domains):
        values = _shares(violations)
        where = f", domain {k}" if len(found.domains) > 1 else ""
        of = "" if violations.cells is None else f" of {number(violations.cells)}"
        fields[f"violated cells{where}"] = f"{number(values['violated_cells'])}{of}"
        for case, share in values["share_of_volume"].items():
            fields[f"share of the volume, case {case}"] = f"{share:.6g}"
    fields["looked at"] = f"{number(found.regions)} regions in {duration(found.seconds)}"
    print_fields(fields)


def _replay(proof: Path, stack: LayerStack, asked: Property, *, json: bool, quiet: bool) -> None:
    """Check a certificate, and say what it proves."""
    from nnce_cli.verify import replay

    with check_progress(not quiet) as watch:
        found = replay(proof, stack, asked, partial(watch, "regions"))
    verdict, proved = WORDS[found.holds], not found.failure
    if json:
        values = {"proof": str(proof), "verdict": verdict, "proved": proved}
        print(json_text(values | {"steps": found.steps, "failure": found.failure or None}))
    else:
        said = "proved" if proved else f"NOT proved: {found.failure}"
        steps = f"{number(found.steps)} steps"
        print_fields({"certificate": str(proof), "verdict": f"{verdict}: {said}", "checked": steps})
    if not proved:
        raise typer.Exit(exit_codes.UNCERTIFIED)


class TimeLimit:
    """The end of the time that a command line gives."""

    def __init__(self, seconds: float | None) -> None:
        """Begin."""
        self._end = math.inf if seconds is None else time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self._end


def _hold_against_onnxruntime(stack: LayerStack, model: Path, asked: Property) -> None:
    """Check what was read at points of the first case's domain, where that is in a box.

    Raises:
        InputError: onnxruntime finds other numbers.
    """
    import numpy as np

    from nnce_cli.network import check_against_onnxruntime

    for case in asked.cases[:1]:
        lower, upper = case.domain.lower, case.domain.upper
        if np.isfinite(lower).all() and np.isfinite(upper).all():
            check_against_onnxruntime(stack, model, lower, upper)


def refuse_tail(stack: LayerStack) -> None:
    """Refuse a network whose outputs are computed by nodes that were left out.

    Raises:
        InputError: naming some of them.
    """
    if stack.meaning.tail:
        names = ", ".join(stack.meaning.tail[:3])
        raise InputError(
            f"the outputs of the model are not piecewise linear: they are computed by {names}; "
            "export the model without these nodes, and ask about what enters them"
        )


def _shown(watch: Callable[[str, int, int | None], None]) -> Callable[[Progress], None]:
    """Show how far a check is: regions looked at."""

    def show(progress: Progress) -> None:
        name = "regions"
        if progress.domains > 1:
            name += f", domain {progress.domain + 1} of {progress.domains}"
        watch(name, progress.regions, None)

    return show


def _values(
    model: Path,
    prop: Path,
    stack: LayerStack,
    verdict: Verdict,
    evaluation: Evaluation | None,
    notes: list[str],
) -> dict[str, Any]:
    """Return the verdict as JSON values."""
    values: dict[str, Any] = {
        "model": str(model),
        "digest": stack.digest,
        "property": str(prop),
        "verdict": WORDS[verdict.holds],
    }
    found = verdict.counterexample
    if found is None or evaluation is None:
        values["counterexample"] = None
    else:
        values["counterexample"] = {
            "case": found.case,
            "exact_input": list(map(str, found.point)),
            "exact_outputs": list(map(str, found.outputs)),
            "input": list(map(float, found.point)),
            "outputs": list(map(float, found.outputs)),
            "onnxruntime": {
                "input": evaluation.point,
                "outputs": evaluation.outputs,
                "agrees": evaluation.agrees,
            },
        }
    values |= {"regions": verdict.regions, "cells": verdict.cells, "seconds": verdict.seconds}
    return values | {"notes": notes}


def _print_for_people(
    model: Path, prop: Path, verdict: Verdict, evaluation: Evaluation | None
) -> None:
    fields = {"model": str(model), "property": str(prop), "verdict": WORDS[verdict.holds]}
    if verdict.holds is None:
        fields["verdict"] += ": stopped; give more time (--time-limit)"
    walked = f" and {number(verdict.cells)} cells" if verdict.cells else ""
    regions = f"{number(verdict.regions)} regions{walked}"
    fields["looked at"] = f"{regions} in {duration(verdict.seconds)}"
    print_fields(fields)
    if verdict.counterexample is not None and evaluation is not None:
        _print_counterexample(verdict.counterexample, evaluation)


def _print_counterexample(found: Counterexample, evaluation: Evaluation) -> None:
    show("", f"Counterexample (case {found.case} of the property)")
    print_fields(
        {
            "input": _joined(map(float, found.point)),
            "outputs": _joined(map(float, found.outputs)),
            "onnxruntime": _joined(evaluation.outputs),
        }
    )
    if not evaluation.agrees:
        print(
            "note: rounded to the model's types, the input leaves the domain or onnxruntime's "
            "outputs do not violate the property; the exact ones do"
        )


def _joined(numbers: Any) -> str:
    return " ".join(map(str, numbers))
