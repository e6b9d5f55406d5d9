"""The command ``nnce runs``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.base.text import duration
from nnce_cli.cli.formats import Format, FormatOption, chosen_format
from nnce_cli.cli.options import json_option
from nnce_cli.cli.report import json_text, number, print_table, show
from nnce_cli.cli.say import say


def show_runs(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The folder of a run, or a folder with such folders."),
    ],
    output_format: FormatOption = Format.text,
    json: Annotated[bool, json_option("Print the runs as JSON on standard output.")] = False,
) -> None:
    """Show the state of runs from outside, whether they are alive or not.

    A run keeps its folder (the output's name + .run) until its output is in place.

    \b
    nnce runs model.cells.parquet.run
    nnce runs .
    nnce runs . --json
    """  # noqa: D301
    from nnce_cli.parallel import is_run

    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give the folder of a run")
    paths = [folder] if is_run(folder) else sorted(p for p in folder.iterdir() if is_run(p))
    if not paths and folder.suffix == ".run":
        raise InputError(f"{folder} is not the folder of a run: it has no journal")
    states = []
    for path in paths:
        try:
            states.append(_state(path))
        except InputError as error:  # damaged, or gone in the meantime
            if path == folder:
                raise
            say(str(error))
    form = chosen_format(output_format, json=json)
    if form is Format.json:
        print(json_text({"runs": states}))
    elif not states:
        show(f"no unfinished runs in {folder}")
    else:
        _print(states, form)


def _state(path: Path) -> dict[str, Any]:
    """Return what the journal of a run says, as JSON values."""
    from nnce_cli.parallel import JOURNAL, LOCK, Journal, holder, is_held

    alive = is_held(path / LOCK)
    with Journal(path / JOURNAL, write=False) as journal:
        totals, about = journal.totals, journal.about
        troubles = [{"task": task, "trouble": text} for task, text in journal.troubles()]
    return {
        "run": str(path),
        "alive": alive,
        "process": holder(path / LOCK).get("pid"),
        "model": about.get("path"),
        "widths": about.get("widths"),
        "output": about.get("output"),
        "cells": totals.cells,
        "layer_cells": totals.layer_cells,
        "share": totals.share,
        "tasks_done": totals.done,
        "tasks_waiting": totals.waiting,
        "tasks_given_up": totals.given_up,
        "retries": totals.retries,
        "worked_seconds": round(totals.worked, 3),
        "started": about.get("started"),
        "moved": totals.moved,
        "troubles": troubles,
    }


def _print(states: list[dict[str, Any]], form: Format) -> None:
    columns = (
        "run", "state", "cells", "of the domain", "tasks done", "waiting", "given up", "retries",
        "last moved",
    )  # fmt: skip
    rows = [
        (
            state["run"],
            f"alive, process {state['process']}" if state["alive"] else "stopped",
            number(state["cells"]),
            f"{100 * state['share']:.1f}%",
            number(state["tasks_done"]),
            number(state["tasks_waiting"]),
            number(state["tasks_given_up"]),
            number(state["retries"]),
            f"{duration(max(time.time() - state['moved'], 0))} ago",
        )
        for state in states
    ]
    title = "Runs" if form is Format.text else ""  # it is the only table
    print_table(title, columns, rows, words=("run", "state", "last moved"), form=form)
    if form is not Format.text:
        return
    for state in states:
        for trouble in state["troubles"]:
            last_line = trouble["trouble"].strip().splitlines()[-1]
            what = f"{state['run']}: task {trouble['task']} was given up: {last_line}"
            show(what)
    if any(not state["alive"] for state in states):
        print("\nA stopped run goes on with the command that began it and --resume.")
