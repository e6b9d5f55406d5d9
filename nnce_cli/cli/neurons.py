"""The command ``nnce neurons``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from nnce_cli.cli.formats import Format, FormatOption, chosen_format
from nnce_cli.cli.options import CellsArgument, ModelArgument, json_option
from nnce_cli.cli.report import json_text, number, print_fields, print_table
from nnce_cli.cli.say import say
from nnce_cli.cli.table_and_model import load_model_of

if TYPE_CHECKING:
    from nnce_cli.atlas import LayerNeurons, Together

MOST_SHOWN = 12  # units that are named in the text


def show_neurons(
    cells: CellsArgument,
    model: ModelArgument,
    output_format: FormatOption = Format.text,
    json: Annotated[
        bool, json_option("Print a JSON object, with the counts of all units.")
    ] = False,
) -> None:
    """Show which units are dead, always active or unstable on the domain, and which are alike.

    A unit is dead where it is active on no cell, always active where it is on all of them, and
    unstable otherwise. All of it is exact on the domain of a complete table. Units with more than
    two pieces (clip, max) are counted by pieces: settled are those that are on one piece on all
    cells.

    Units of a layer switch together where on every cell both are active or neither is, and
    oppositely where always one of them is: exactly, by comparing their columns. Of such units it is
    said which are multiples of each other on the whole domain, where their weights prove it (but
    for weights of dead units). Layers are counted from 1, units from 0, as the columns are.

    \b
    nnce neurons model.cells.parquet model.onnx
    nnce neurons model.cells.parquet model.onnx --json
    """  # noqa: D301
    from nnce_cli.atlas import neurons_of
    from nnce_cli.table import CellTableReader

    with CellTableReader(cells) as reader:
        stack = load_model_of(reader.metadata, model)
        found = neurons_of(reader, stack)
        metadata = reader.metadata
    form = chosen_format(output_format, json=json)
    if form is Format.json:
        layers = [_values(layer) for layer in found]
        state = {"complete": metadata.complete, "certified": metadata.certified}
        print(json_text({"cells": metadata.cells, "layers": layers} | state))
        return
    if not metadata.complete:
        say("the table is not complete: this is about its cells only")
    _print_tables(found, metadata.cells, form)


def _values(layer: LayerNeurons) -> dict[str, Any]:
    return {
        "dead": layer.dead,
        "always_active": layer.always_active,
        "unstable": layer.unstable,
        "settled": [{"unit": unit, "piece": piece} for unit, piece in layer.settled],
        "active_cells": layer.active.tolist(),
        "piece_cells": [counts.tolist() for counts in layer.pieces],
        "together": [_together(each) for each in layer.together],
    }


def _together(each: Together) -> dict[str, Any]:
    return {
        "units": each.units,
        "opposite": each.opposite,
        "factors": [None if factor is None else str(factor) for factor in each.factors],
    }


def _print_tables(layers: list[LayerNeurons], cells: int, form: Format) -> None:
    print_fields({"cells": number(cells)}, form=form)
    rows = []
    for k, layer in enumerate(layers, start=1):
        counts = [len(layer.active) + len(layer.pieces), len(layer.dead)]
        counts += [len(layer.always_active), len(layer.unstable), len(layer.settled)]
        rows.append([str(k), *map(number, counts)])
    columns = ["layer", "units", "dead", "always active", "unstable", "settled"]
    print_table("units by what they do on the cells", columns, rows, form=form)
    lines = []
    for k, layer in enumerate(layers, start=1):
        for name, units in (("dead", layer.dead), ("always active", layer.always_active)):
            if units:
                lines.append([str(k), name, _names(units)])
        for unit, piece in layer.settled:
            lines.append([str(k), f"always on piece {piece}", str(unit)])
        lines += [[str(k), "switch together", _words(each)] for each in layer.together]
    if lines:
        print_table("of them", ["layer", "what", "units"], lines, ["what", "units"], form)


def _names(units: list[int]) -> str:
    more = f", and {len(units) - MOST_SHOWN:,} more" if len(units) > MOST_SHOWN else ""
    return ", ".join(map(str, units[:MOST_SHOWN])) + more


def _words(each: Together) -> str:
    """Say which units switch together: those against the first with a minus, multiples with ×."""
    words = []
    for unit, opposite, factor in zip(each.units, each.opposite, each.factors, strict=True):
        word = f"{'not ' if opposite else ''}{unit}"
        if factor is not None and unit != each.units[0]:
            word += f" (= {factor} × {each.units[0]})"
        words.append(word)
    more = f", and {len(words) - MOST_SHOWN:,} more" if len(words) > MOST_SHOWN else ""
    return ", ".join(words[:MOST_SHOWN]) + more
