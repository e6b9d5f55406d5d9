"""The command ``nnce check``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli import exit_codes
from nnce_cli.cli.progress import check_progress
from nnce_cli.cli.report import duration, json_text, number, print_fields
from nnce_cli.cli.say import say
from nnce_cli.cli.signals import stop_on_signals

if TYPE_CHECKING:
    from nnce_cli.atlas import Counterexample, Evaluation, Progress, Verdict
    from nnce_cli.network import LayerStack

WORDS = {True: "holds", False: "violated", None: "not decided"}


def check_property(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A piecewise linear network in an ONNX file.")
    ],
    prop: Annotated[
        Path, typer.Argument(metavar="PROPERTY", help="What must not happen, in VNNLIB.")
    ],
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Stop after so long. [default: no limit]"),
    ] = None,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="Exit code 1 where the property is violated, as of diff."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No remarks on standard error; errors are shown.")
    ] = False,
) -> None:
    """Decide exactly whether a property holds: whether what it describes occurs nowhere.

    A VNNLIB file describes inputs and outputs that must not occur together. The property holds
    where they do not, and is violated where they do, at the counterexample that is printed: an
    exact input at which the exact outputs satisfy all that the file asserts, whatever rounding
    does. It is evaluated by onnxruntime, too. Nothing is decided by a tolerance, also where a
    threshold is only just attained.

    The exit code is 0 where the property was decided, with --exit-code 1 where it is violated; 3
    where the time was not enough.

    \b
    nnce check model.onnx property.vnnlib
    nnce check model.onnx property.vnnlib --exit-code -q && echo safe
    nnce check model.onnx property.vnnlib --time-limit 60 --json
    """  # noqa: D301
    if time_limit is not None and not 0 < time_limit < math.inf:
        raise InputError(f"--time-limit {time_limit} is not a positive number of seconds")
    from nnce_cli.atlas import check, evaluate
    from nnce_cli.domain import read_property
    from nnce_cli.network import load_network

    stack = load_network(model)
    refuse_tail(stack)
    asked = read_property(prop, stack.n_inputs, stack.n_outputs)
    if not quiet:
        for note in asked.notes:
            say(note)
    with check_progress(not quiet) as watch, stop_on_signals() as stop:
        ended = _Limit(time_limit, stop.is_requested)
        verdict = check(stack, asked, ended, _shown(watch))
    found, evaluation = verdict.counterexample, None
    if found is not None:
        evaluation = evaluate(stack, model, asked.cases[found.case], found.point)
    if json:
        print(json_text(_values(model, prop, stack, verdict, evaluation, list(asked.notes))))
    else:
        _print_for_people(model, prop, verdict, evaluation)
    if verdict.holds is None:
        raise typer.Exit(exit_codes.INCOMPLETE)
    if exit_code and not verdict.holds:
        raise typer.Exit(1)


class _Limit:
    """Whether the time is up, or a signal has come."""

    def __init__(self, seconds: float | None, is_requested: Callable[[], bool]) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self._is_requested = is_requested

    def __call__(self) -> bool:
        return time.monotonic() > self._end or self._is_requested()


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


def _shown(watch: Callable[[str, int, int], None]) -> Callable[[Progress], None]:
    """Show how far a check is: regions looked at, of those that are known so far."""

    def show(progress: Progress) -> None:
        name = "regions"
        if progress.domains > 1:
            name += f", domain {progress.domain + 1} of {progress.domains}"
        watch(name, progress.regions, progress.regions + progress.waiting)

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
    return values | {"regions": verdict.regions, "seconds": verdict.seconds, "notes": notes}


def _print_for_people(
    model: Path, prop: Path, verdict: Verdict, evaluation: Evaluation | None
) -> None:
    fields = {"model": str(model), "property": str(prop), "verdict": WORDS[verdict.holds]}
    if verdict.holds is None:
        fields["verdict"] += ": stopped; give more time (--time-limit)"
    fields["looked at"] = f"{number(verdict.regions)} regions in {duration(verdict.seconds)}"
    print_fields(fields)
    if verdict.counterexample is not None and evaluation is not None:
        _print_counterexample(verdict.counterexample, evaluation)


def _print_counterexample(found: Counterexample, evaluation: Evaluation) -> None:
    print(f"\nCounterexample (case {found.case} of the property)")
    print_fields(
        {
            "input": _joined(map(float, found.point)),
            "outputs": _joined(map(float, found.outputs)),
            "onnxruntime": _joined(evaluation.outputs),
        }
    )
    if not evaluation.agrees:
        print(
            "note: at this input, rounded to the model's types, onnxruntime's rounded outputs do "
            "not violate the property; the exact ones do"
        )


def _joined(numbers: Any) -> str:
    return " ".join(map(str, numbers))
