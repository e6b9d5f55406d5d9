"""The command ``nnce witness``."""

from __future__ import annotations

import json as json_format
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli.options import CellsArgument, ModelArgument, json_option
from nnce_cli.cli.table_and_model import load_model_of

if TYPE_CHECKING:
    from nnce_cli.enumeration import CellPoint
    from nnce_cli.table import Metadata


def find_witnesses(
    cells: CellsArgument,
    model: ModelArgument,
    row: Annotated[
        list[int],
        typer.Option(metavar="N", min=0, help="The row of the cell, from 0; repeatable."),
    ],
    json: Annotated[bool, json_option("Print a JSON object a row, with the sign vectors.")] = False,
) -> None:
    """Compute an input strictly inside the cell of a row.

    Prints a line for each --row: the input's numbers, with a space between. The table need not
    have witnesses, which are left out by default with many inputs; if it has, they are not read.
    The input is found as the enumeration would find it, and proved to have exactly the signs of
    the row, strictly inside the domain. A table that was written by the method auto has the same
    numbers in its column witness.

    A cell that is too thin for any float64 point found gets fractions, such as 1/3. Of a slice the
    network's input is printed; with --json the coordinates, too.

    \b
    nnce witness model.cells.parquet model.onnx --row 0
    nnce witness model.cells.parquet model.onnx --row 17 --row 4 --json
    nnce enumerate model.onnx -o - | nnce witness - model.onnx --row 0
    """  # noqa: D301
    import numpy as np

    from nnce_cli.enumeration import CellPoints, Problem
    from nnce_cli.network import neuron_bits
    from nnce_cli.table import CellTableReader, domain_of

    with CellTableReader(cells) as reader:
        found = [reader.row(number) for number in row]
        metadata = reader.metadata
    stack = load_model_of(metadata, model)
    points = CellPoints(Problem.of(stack, domain_of(metadata)))
    for number, rows in zip(row, found, strict=True):
        joined = np.concatenate([np.zeros((1, 0), np.uint8), *rows.signs], axis=1)
        point = points.find(neuron_bits(stack, joined)[0])
        if point is None:
            raise InputError(
                f"row {number} of the table is not a cell of the model on its domain; "
                "check the table with nnce verify"
            )
        signs = stack.layout.texts(joined[0])
        x = _input_of(point, metadata)
        print(
            _json(number, signs, point, x if metadata.points else None)
            if json
            else " ".join(map(str, x))
        )


def _input_of(point: CellPoint, metadata: Metadata) -> list[str] | list[float]:
    """Return the network's input at a point: on a slice that of its coordinates."""
    if not metadata.points:
        return point.exact or point.point.tolist()
    import numpy as np

    from nnce_cli.domain import Slice

    plane = Slice(np.array(metadata.points))
    if point.exact is None:
        found: list[float] = plane.inputs_at(point.point[None, :])[0].tolist()
        return found
    from nnce_cli.analysis import rationals_of

    return list(map(str, plane.exact_inputs_at(rationals_of(point.exact))))


def _json(
    number: int, signs: tuple[str, ...], point: CellPoint, x: list[str] | list[float] | None
) -> str:
    on_slice = {} if x is None else {"input": x}
    return json_format.dumps(
        {
            "row": number,
            "signs": signs,
            "witness": point.point.tolist(),
            "exact_witness": point.exact,
        }
        | on_slice
    )
