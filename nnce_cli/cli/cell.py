"""The command ``nnce cell``."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli.options import CellsArgument, ModelArgument, force_option, json_option
from nnce_cli.cli.report import json_text, number, print_fields, print_table
from nnce_cli.cli.table_and_model import load_model_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flint import fmpq

    from nnce_cli.atlas import Cell, CellSpace, Neighbour
    from nnce_cli.table import CellTableReader

END_OF_DOMAIN, NOT_LISTED = "the domain ends", "not listed"
MOST_SHOWN = 8  # numbers of a vector, rows of a matrix: in the text, for people
MOST_VERTEX_INPUTS = 6
MOST_FACET_INPUTS = 64  # with more, facets are left out: a linear program for each half-space


def show_cell(
    cells: CellsArgument,
    model: ModelArgument,
    row: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="The cell of this row, from 0.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="X1,X2,...", help="The cell that this input is in."),
    ] = None,
    signs: Annotated[
        str | None,
        typer.Option(
            metavar="BITS",
            help="The cell with this sign vector: 0 and 1 for each unit, a space between layers; "
            "units with more pieces behind a stroke, such as '01/2,0 110'.",
        ),
    ] = None,
    json: Annotated[bool, json_option("Print a JSON object.")] = False,
    npz: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the numbers as NumPy arrays, too."),
    ] = None,
    force: Annotated[bool, force_option("Replace FILE if it exists.")] = False,
) -> None:
    """Show one cell: its affine map, its facets and what is beyond them, vertices and volume.

    Give the row, an input, or a sign vector. The text says the sign vector, the map to the
    outputs, the facets with what is behind each (a unit, a bound or a half-space of the domain)
    and the row of the neighbour beyond it, the largest ball inside, and, up to 6 inputs, vertices,
    volume and diameter. --json has all numbers: the maps of all layers to the numbers that their
    units act on, and all half-spaces a.x <= b.

    Which half-spaces are facets, the neighbours, the vertices, the volume and whether the cell is
    bounded are decided in rational arithmetic; numbers are shown rounded to float64. The radius of
    the ball is proved from below; the bound from above is proved, too, or left out. With more than
    64 inputs facets are left out. Inputs that the domain fixes are left out of the maps and
    half-spaces. Of a table of a slice, inputs are coordinates in the slice.

    \b
    nnce cell model.cells.parquet model.onnx --row 17
    nnce cell model.cells.parquet model.onnx --at 0.5,-0.25 --json
    nnce cell model.cells.parquet model.onnx --signs '0110 01' --npz cell.npz
    """  # noqa: D301
    if sum(option is not None for option in (row, at, signs)) != 1:
        raise InputError("say which cell: give one of --row, --at and --signs")
    from nnce_cli.atlas import CellSpace
    from nnce_cli.table import CellTableReader, domain_of

    with CellTableReader(cells) as reader:
        stack = load_model_of(reader.metadata, model)
        space = CellSpace(stack, domain_of(reader.metadata))
        values = _values(_chosen(space, reader, row, at, signs))
    if npz is not None:
        _write_arrays(npz, values, force=force)
    if json:
        print(json_text(_finite(values)))
    else:
        _print_text(values, stack.sizes.noun)


def _chosen(
    space: CellSpace, reader: CellTableReader, row: int | None, at: str | None, signs: str | None
) -> Cell:
    from nnce_cli.atlas import cell_at, cell_of_row, cell_of_signs

    if row is not None:
        return cell_of_row(space, reader, row)
    if signs is not None:
        return cell_of_signs(space, reader, signs)
    import numpy as np

    assert at is not None
    try:
        point = np.array([float(x) for x in at.split(",")])
    except ValueError:
        raise InputError(f"--at {at!r} is not numbers with commas between") from None
    return cell_at(space, reader, point)


def _values(cell: Cell) -> dict[str, Any]:
    """Return all that is said of a cell, as JSON values (but for infinities)."""
    space = cell.space
    ball = cell.ball
    values: dict[str, Any] = {
        "row": cell.row,
        "signs": cell.signs,
        "inputs": [i for i, free in enumerate(space.free.tolist()) if free],
        "layers": [{"A": each.A.tolist(), "b": each.b.tolist()} for each in cell.layers],
        "outputs": {"A": cell.A.tolist(), "b": cell.b.tolist()},
        "bounded": cell.is_bounded,
        "halfspaces": _halfspaces(cell),
        "centre": _floats(space.full_point(ball.centre)),
        "radius": ball.low,
        "radius_at_most": ball.high,
    }
    if space.dimension <= MOST_FACET_INPUTS:
        values["facets"] = _facets(cell)
    if cell.corners is not None:
        vertices = [space.full_point(vertex) for vertex in cell.corners.vertices]
        values["vertices"] = [_floats(vertex) for vertex in vertices]
        values["exact_vertices"] = [[str(x) for x in vertex] for vertex in vertices]
        rays = (space.full_direction(ray) for ray in cell.corners.rays)
        values["rays"] = [_floats(ray) for ray in rays]
    return values | _sizes(cell)


def _sizes(cell: Cell) -> dict[str, Any]:
    """Return the volume and the diameter, where they are known."""
    if not cell.is_bounded:
        return {"volume": math.inf, "diameter": math.inf}
    values: dict[str, Any] = {}
    if cell.volume is not None:
        values = {"volume": _floats([cell.volume])[0], "exact_volume": str(cell.volume)}
    if cell.diameter is not None:
        values["diameter"] = cell.diameter
    return values


def _halfspaces(cell: Cell) -> list[dict[str, Any]]:
    """Return all half-spaces as a.x <= b."""
    found = []
    for halfspace in cell.halfspaces:
        constant, *linear = halfspace.form
        [b, *a] = _floats([constant, *(-x for x in linear)])
        found.append({"a": a, "b": b, "origin": halfspace.origin.to_values()})
    return found


def _facets(cell: Cell) -> list[dict[str, Any]]:
    found = []
    for facet, neighbour in zip(cell.facets, cell.neighbours, strict=True):
        origins = [cell.halfspaces[k].origin for k in facet.halfspaces]
        found.append(
            {
                "halfspaces": facet.halfspaces,
                "of": [str(origin) for origin in origins],
                "point": _floats(cell.space.full_point(facet.point)),
                "neighbour": _neighbour(neighbour),
            }
        )
    return found


def _neighbour(neighbour: Neighbour) -> dict[str, Any] | None:
    """Return what is beyond a facet; None where the domain ends."""
    if neighbour.joined is None:
        return None
    row = neighbour.row if neighbour.row is not None and neighbour.row >= 0 else None
    return {"row": row, "signs": neighbour.signs}


def _floats(numbers: Sequence[fmpq]) -> list[float]:
    from nnce_cli.exact import nearest_float

    return [nearest_float(x) for x in numbers]


def _finite(value: Any) -> Any:
    """Return JSON values with null for what is infinite."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_arrays(path: Path, values: dict[str, Any], *, force: bool) -> None:
    """Write the numbers of a cell as arrays; ``neighbours`` is -1 where the domain ends."""
    import numpy as np

    from nnce_cli.table import Output

    halfspaces, facets = values["halfspaces"], values.get("facets", [])
    d = len(values["inputs"])
    arrays: dict[str, Any] = {
        "row": values["row"],
        "signs": np.array(values["signs"]),
        "inputs": np.array(values["inputs"], dtype=np.int64),
        "A": values["outputs"]["A"],
        "b": values["outputs"]["b"],
        "halfspaces": np.array([[*h["a"], h["b"]] for h in halfspaces]).reshape(-1, d + 1),
        "centre": values["centre"],
        "radius": values["radius"],
        "radius_at_most": values["radius_at_most"],
    }
    for k, layer in enumerate(values["layers"], start=1):
        arrays |= {f"A_{k}": layer["A"], f"b_{k}": layer["b"]}
    if "facets" in values:
        rows = [(f["neighbour"] or {}).get("row") for f in facets]
        arrays["facets"] = np.array([f["halfspaces"][0] for f in facets], dtype=np.int64)
        arrays["neighbours"] = np.array([-1 if r is None else r for r in rows], dtype=np.int64)
    n = len(values["centre"])
    for name in ("vertices", "rays"):
        if name in values:
            arrays[name] = np.array(values[name], dtype=np.float64).reshape(-1, n)
    arrays |= {name: values[name] for name in ("volume", "diameter") if name in values}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with Output(str(path), force=force) as output:
        output.write(buffer.getvalue())
        output.commit()


def _print_text(values: dict[str, Any], noun: str) -> None:
    fields = {
        "row": number(values["row"]),
        "signs": " ".join(values["signs"]),
        "bounded": "yes" if values["bounded"] else "no",
        "half-spaces": number(len(values["halfspaces"])),
    }
    if "facets" in values:
        fields["facets"] = number(len(values["facets"]))
    if "vertices" in values:
        rays = f", and {len(values['rays']):,} rays" if values["rays"] else ""
        fields["vertices"] = number(len(values["vertices"])) + rays
    elif len(values["inputs"]) <= MOST_VERTEX_INPUTS:
        fields["vertices"] = "too many"
    for name in ("volume", "diameter"):
        if name in values:
            fields[name] = _number(values[name])
    if len(values.get("exact_volume", "0" * 99)) < 20 and "/" in values["exact_volume"]:
        fields["volume"] += f" = {values['exact_volume']}"
    fields["centre"] = _vector(values["centre"])
    fields["radius"] = _radius(values)
    print_fields(fields)
    _print_map(values["outputs"], values["inputs"])
    _print_facets(values.get("facets"))
    if values.get("vertices"):
        shown = values["vertices"][: 2 * MOST_SHOWN]
        more = len(values["vertices"]) - len(shown)
        title = "vertices" + (f" ({more:,} more with --json)" if more else "")
        columns = [f"input {i}" for i in range(len(shown[0]))]
        print_table(title, columns, [[_number(x) for x in vertex] for vertex in shown])


def _radius(values: dict[str, Any]) -> str:
    low, high = values["radius"], values["radius_at_most"]
    if math.isinf(low):
        return "any: there are balls of every size"
    if math.isinf(high):
        return f"at least {_number(low)}"
    return f"{_number(low)} (at most {high - low:.1g} below the largest)"


def _print_map(outputs: dict[str, Any], inputs: list[int]) -> None:
    rows = list(zip(outputs["A"], outputs["b"], strict=True))
    if len(inputs) > MOST_SHOWN:
        return
    more = len(rows) - MOST_SHOWN
    title = "outputs" + (f" ({more:,} more with --json)" if more > 0 else "")
    columns = ["output", *(f"input {i}" for i in inputs), "constant"]
    lines = [
        [str(k), *map(_number, row), _number(b)] for k, (row, b) in enumerate(rows[:MOST_SHOWN])
    ]
    print_table(title, columns, lines)


def _print_facets(facets: list[dict[str, Any]] | None) -> None:
    if facets is None:
        return
    lines = []
    for facet in facets:
        neighbour = facet["neighbour"]
        beyond = END_OF_DOMAIN
        if neighbour is not None:
            beyond = NOT_LISTED if neighbour["row"] is None else f"row {neighbour['row']:,}"
        lines.append([", ".join(facet["of"]), beyond])
    print_table("facets", ["of", "beyond"], lines, ["of", "beyond"])


def _number(x: float) -> str:
    return "infinite" if math.isinf(x) else f"{x:.6g}"


def _vector(values: Sequence[float]) -> str:
    shown = " ".join(f"{x:.6g}" for x in values[:MOST_SHOWN])
    return shown + (f" … ({len(values):,} numbers)" if len(values) > MOST_SHOWN else "")
