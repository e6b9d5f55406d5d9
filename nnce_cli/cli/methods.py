"""The command ``nnce methods``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from nnce_cli.base.streams import silent_stdout
from nnce_cli.cli.formats import Format, FormatOption, chosen_format
from nnce_cli.cli.options import json_option
from nnce_cli.cli.report import json_text, print_table

if TYPE_CHECKING:
    from nnce_cli.enumeration import Availability


def show_methods(
    output_format: FormatOption = Format.text,
    json: Annotated[bool, json_option("Print the lists as JSON.")] = False,
) -> None:
    """List the methods of enumeration and the linear programming back ends.

    All methods give the same table but for the witnesses. The layer-wise ones take any back end
    (--lp); what it answers is proved, or decided again in rational arithmetic. A solver that is
    not usable here is listed with the reason.

    \b
    nnce methods
    nnce methods --json
    """  # noqa: D301
    from nnce_cli.enumeration import available_back_ends, available_methods

    with silent_stdout():  # where some solvers print who they are
        found, solvers = available_methods(), available_back_ends()
    form = chosen_format(output_format, json=json)
    if form is Format.json:
        print(
            json_text(
                {
                    "methods": [_values(entry, "takes_lp") for entry in found],
                    "lp": [_values(entry, "version") for entry in solvers],
                }
            )
        )
        return
    print_table(
        "Methods",
        ["method", "usable", "--lp", "what it is"],
        [
            (entry.name, _usable(entry), "any" if entry.takes_lp else "its own", entry.summary)
            for entry in found
        ],
        words=("method", "usable", "--lp", "what it is"),
        form=form,
    )
    print_table(
        "Linear programming back ends",
        ["--lp", "usable", "version", "what it is"],
        [(entry.name, _usable(entry), entry.version, entry.summary) for entry in solvers],
        words=("--lp", "usable", "version", "what it is"),
        form=form,
    )


def _usable(entry: Availability) -> str:
    return f"no: {entry.why_not}" if entry.why_not else "yes"


def _values(entry: Availability, extra: str) -> dict[str, Any]:
    return {
        "name": entry.name,
        "summary": entry.summary,
        "usable": not entry.why_not,
        "why_not": entry.why_not,
        extra: getattr(entry, extra),
    }
