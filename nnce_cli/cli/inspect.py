"""The command ``nnce inspect``."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from nnce_cli.cli.formats import Format, FormatOption, chosen_format
from nnce_cli.cli.loading import OutputNameOption, output_names
from nnce_cli.cli.options import NetworkArgument, json_option
from nnce_cli.cli.report import json_text, number, print_fields, print_table

if TYPE_CHECKING:
    from nnce_cli.network import LayerStack, Place, Port, Units

SHOWN = 6  # names of nodes in a cell of a table


def inspect_model(
    model: NetworkArgument,
    output_name: OutputNameOption = None,
    output_format: FormatOption = Format.text,
    json: Annotated[bool, json_option("Print everything as JSON.")] = False,
) -> None:
    """Show the inputs, outputs and layers of a network, where its units are, and bounds.

    The bounds are upper bounds on the number of cells that follow from the widths alone: 2^N for
    N hidden neurons, Montúfar's (2017), and that of Serra, Tjandraatmadja and Ramalingam (2018).
    With --json they are exact integers.

    \b
    nnce inspect model.onnx
    nnce inspect model.onnx --json
    """  # noqa: D301
    from nnce_cli.analysis import bounds
    from nnce_cli.network import load_network

    sys.set_int_max_str_digits(0)  # 2^N has more digits than Python prints by default
    stack = load_network(model, output_names(output_name))
    layers = _layers(stack)
    found = {
        "model": str(model),
        "digest": stack.digest,
        "inputs": [_port(port) for port in stack.inputs],
        "outputs": [_port(port) for port in stack.outputs],
        "meaning": stack.meaning.kind,
        "tail": list(stack.meaning.tail),
        "notes": list(stack.notes),
        "input_shape": list(stack.input_shape),
        "widths": stack.widths,
        "neurons": sum(stack.widths[1:]),
        "pieces": sum(stack.layout.bits) * 2 + sum(map(sum, stack.layout.pieces)),
        "parameters": sum(layer["parameters"] for layer in layers),
        "layers": layers,
        "bounds": bounds(stack.sizes),
    }
    form = chosen_format(output_format, json=json)
    if form is Format.json:
        print(json_text(found))
    else:
        _print_tables(found, form, is_chain=stack.is_relu)


def _port(port: Port) -> dict[str, Any]:
    return {"name": port.name, "shape": list(port.shape), "type": port.element_type}


def _layers(stack: LayerStack) -> list[dict[str, Any]]:
    """Describe the affine maps, in order, and the units that follow them."""
    found = [
        {
            "inputs": layer.n_in,
            "outputs": layer.n_out,
            "relu": units.is_relu,
            "parameters": layer.n_out * (layer.n_in + 1),
            "nodes": list(layer.nodes),
            "units": _units(units, layer.n_out),
            "places": [_place(place) for place in places],
        }
        for layer, units, places in zip(stack.hidden, stack.units, stack.places, strict=True)
    ]
    if stack.output is not None:
        found.append(
            {
                "inputs": stack.output.n_in,
                "outputs": stack.output.n_out,
                "relu": False,
                "parameters": stack.output.n_out * (stack.output.n_in + 1),
                "nodes": list(stack.output.nodes),
            }
        )
    return found


def _units(units: Units, neurons: int) -> dict[str, Any]:
    """Count the units of a layer by their kinds, and what it carries past them."""
    kinds = Counter(unit.kind for unit in units.pieces)
    return {
        "two_pieces": units.bits,
        "slopes": sorted(set(units.slopes.tolist())),
        "clips": kinds["clip"],
        "maxima": kinds["max"],
        "passed_on": neurons - units.rows,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "node": place.node,
        "column": "piece" if place.many else "layer",
        "first": place.first,
        "count": place.count,
        "shape": list(place.shape),
        "positions": list(place.positions),
    }


def _print_tables(found: dict[str, Any], form: Format, *, is_chain: bool) -> None:
    fields = {
        "model": found["model"],
        "digest": found["digest"],
        "inputs": ", ".join(map(_shown, found["inputs"])),
        "outputs": ", ".join(map(_shown, found["outputs"])),
        "meaning": found["meaning"],
        "left out": ", ".join(found["tail"]),
        "input shape": "x".join(map(str, found["input_shape"])),
        "widths": "-".join(map(str, found["widths"])),
        "neurons": number(found["neurons"]),
        "pieces": "" if is_chain else number(found["pieces"]),
        "parameters": number(found["parameters"]),
    }
    fields |= {f"note {i}": note for i, note in enumerate(found["notes"], start=1)}
    print_fields({name: text for name, text in fields.items() if text}, form=form)
    print_table(
        "Layers",
        ["layer", "inputs", "outputs", "parameters", "ONNX nodes"],
        [
            (
                f"hidden {k}" if "units" in layer else "output",
                number(layer["inputs"]),
                number(layer["outputs"]),
                number(layer["parameters"]),
                _names(layer["nodes"]),
            )
            for k, layer in enumerate(found["layers"], start=1)
        ],
        words=("layer", "ONNX nodes"),
        form=form,
    )
    if not is_chain:
        _print_units(found["layers"], form)
    names = {
        "codes": "different codes; no bound known for this kind of units",
        "sign_vectors": f"2^{found['neurons']}",
        "montufar": "Montúfar 2017",
        "serra": "Serra, Tjandraatmadja, Ramalingam 2018",
    }
    print_table(
        "Upper bounds on the number of cells",
        ["bound", "cells"],
        [(names[name], number(value)) for name, value in found["bounds"].items()],
        words=("bound",),
        form=form,
    )


def _print_units(layers: list[dict[str, Any]], form: Format) -> None:
    """Print where the units of each node are among a layer's columns, and what is passed on."""
    rows = []
    for k, layer in enumerate(layers, start=1):
        for place in layer.get("places", ()):
            last = place["first"] + place["count"] - 1
            where = f"{place['column']}_{k}: {place['first']}"
            rows.append(
                (
                    f"hidden {k}",
                    where if place["count"] == 1 else f"{where} to {last}",
                    place["node"],
                    "x".join(map(str, place["shape"])),
                )
            )
        passed = layer.get("units", {}).get("passed_on", 0)
        if passed:
            rows.append((f"hidden {k}", "", f"passes on {number(passed)} numbers", ""))
    columns = ["layer", "codes", "ONNX node", "shape"]
    print_table("Units", columns, rows, columns, form)


def _shown(port: dict[str, Any]) -> str:
    return f"{port['name']} ({'x'.join(map(str, port['shape'])) or '1'})"


def _names(nodes: list[str]) -> str:
    """Return the names of nodes, of many the first ones."""
    more = len(nodes) - SHOWN
    if more <= 1:
        return ", ".join(nodes)
    return f"{', '.join(nodes[:SHOWN])} and {more} more"
