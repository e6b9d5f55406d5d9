"""The command ``nnce inspect``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.cli.report import json_text, number, print_fields, print_table

if TYPE_CHECKING:
    from nnce_cli.network import LayerStack


def inspect_model(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A ReLU network in an ONNX file.")],
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show the layers of a network and bounds.

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
    stack = load_network(model)
    layers = _layers(stack)
    found = {
        "model": str(model),
        "digest": stack.digest,
        "input_shape": list(stack.input_shape),
        "widths": stack.widths,
        "neurons": sum(stack.widths[1:]),
        "parameters": sum(layer["parameters"] for layer in layers),
        "layers": layers,
        "bounds": bounds(stack.sizes),
    }
    if json:
        print(json_text(found))
    else:
        _print_for_people(found)


def _layers(stack: LayerStack) -> list[dict[str, Any]]:
    """Describe the affine maps, in order."""
    maps = [(layer, True) for layer in stack.hidden]
    if stack.output is not None:
        maps.append((stack.output, False))
    return [
        {
            "inputs": layer.n_in,
            "outputs": layer.n_out,
            "relu": relu,
            "parameters": layer.n_out * (layer.n_in + 1),
            "nodes": list(layer.nodes),
        }
        for layer, relu in maps
    ]


def _print_for_people(found: dict[str, Any]) -> None:
    print_fields(
        {
            "model": found["model"],
            "digest": found["digest"],
            "input shape": "x".join(map(str, found["input_shape"])),
            "widths": "-".join(map(str, found["widths"])),
            "neurons": number(found["neurons"]),
            "parameters": number(found["parameters"]),
        }
    )
    print_table(
        "Layers",
        ["layer", "inputs", "outputs", "parameters", "ONNX nodes"],
        [
            (
                f"hidden {k}" if layer["relu"] else "output",
                number(layer["inputs"]),
                number(layer["outputs"]),
                number(layer["parameters"]),
                ", ".join(layer["nodes"]),
            )
            for k, layer in enumerate(found["layers"], start=1)
        ],
        words=("layer", "ONNX nodes"),
    )
    names = {
        "sign_vectors": f"2^{found['neurons']}",
        "montufar": "Montúfar 2017",
        "serra": "Serra, Tjandraatmadja, Ramalingam 2018",
    }
    print_table(
        "Upper bounds on the number of cells",
        ["bound", "cells"],
        [(names[name], number(value)) for name, value in found["bounds"].items()],
        words=("bound",),
    )
