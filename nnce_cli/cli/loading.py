"""The network and the domain that a command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack

BoxOption = Annotated[
    str | None,
    typer.Option(
        metavar="LO,HI", help="The domain: the same interval for all inputs. [default: -1,1]"
    ),
]
BoundsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="The domain: a CSV or JSON file with a row lo,hi for each input."
    ),
]
OutputNameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--output-name",
        metavar="NAME",
        help="An output of the network; may be given several times. [default: all of them]",
    ),
]
SliceOption = Annotated[
    Path | None,
    typer.Option(
        "--slice",
        metavar="FILE",
        help="Cells on the line, plane or space through points of the input space: a CSV or JSON "
        "file with a point a row, or .npy; the first one is the corner.",
    ),
]
SliceBoxOption = Annotated[
    str | None,
    typer.Option(
        metavar="LO,HI", help="With --slice, the interval of all its coordinates. [default: 0,1]"
    ),
]
VnnlibOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The domain: the input box of a VNNLIB 1.0 property."),
]


def output_names(given: list[str] | None) -> tuple[str, ...]:
    """Return the outputs that a command line names; none means all."""
    return tuple(given or ())


def load(
    model: Path,
    box: str | None,
    bounds: Path | None,
    vnnlib: Path | None,
    outputs: Sequence[str] = (),
    slice_of: Path | None = None,
    slice_box: str | None = None,
) -> tuple[LayerStack, Box]:
    """Read a network and its domain, and check the network against onnxruntime.

    Args:
        model: the ONNX file.
        box: an interval for all inputs.
        bounds: a file with an interval for each input.
        vnnlib: a VNNLIB property.
        outputs: the names of the outputs that are wanted; all where empty.
        slice_of: a file with the points of a slice, whose coordinates are the inputs then.
        slice_box: an interval for all coordinates of the slice.

    Raises:
        InputError: one of them cannot be read, or the domain is given twice.
    """
    from nnce_cli.domain import parse_box
    from nnce_cli.network import check_against_onnxruntime, load_network

    refuse_two_domains(box, bounds, vnnlib)
    if slice_of is not None:
        if any(domain is not None for domain in (box, bounds, vnnlib)):
            raise InputError("--slice has a domain of its own: use --slice-box LO,HI")
        return _load_slice(model, outputs, slice_of, slice_box)
    if slice_box is not None:
        raise InputError("--slice-box is about a slice: add --slice FILE")
    stack = load_network(model, outputs)
    domain = named_domain(stack.n_inputs, box, bounds, vnnlib)
    if domain is None:
        domain = parse_box("-1,1", stack.n_inputs)
    check_against_onnxruntime(stack, model, domain.lower, domain.upper, outputs=outputs)
    return stack, domain


def _load_slice(
    model: Path, outputs: Sequence[str], points: Path, interval: str | None
) -> tuple[LayerStack, Box]:
    """Read a network on a slice of its inputs, and check it in the box around the slice."""
    from itertools import product

    import numpy as np

    from nnce_cli.domain import on_slice, parse_box, read_slice
    from nnce_cli.network import check_against_onnxruntime, load_network

    plane = read_slice(points)
    stack = load_network(model, outputs)
    sliced = on_slice(stack, plane)
    domain = parse_box(interval or "0,1", plane.dimension)
    ends = zip(domain.lower.tolist(), domain.upper.tolist(), strict=True)
    corners = plane.inputs_at(np.array(list(product(*ends))))
    check_against_onnxruntime(
        stack, model, corners.min(axis=0), corners.max(axis=0), outputs=outputs
    )
    return sliced, domain


def refuse_two_domains(box: str | None, bounds: Path | None, vnnlib: Path | None) -> None:
    """Refuse a domain that is given twice.

    Raises:
        InputError: it is.
    """
    if sum(domain is not None for domain in (box, bounds, vnnlib)) > 1:
        raise InputError("--box, --bounds and --vnnlib each give the domain; use one of them")


def named_domain(
    n_inputs: int, box: str | None, bounds: Path | None, vnnlib: Path | None
) -> Box | None:
    """Return the domain that a command line names, None where it names none.

    Raises:
        InputError: it cannot be read.
    """
    from nnce_cli.domain import parse_box, read_bounds, read_vnnlib

    if bounds is not None:
        return read_bounds(bounds, n_inputs)
    if vnnlib is not None:
        return read_vnnlib(vnnlib, n_inputs)
    return None if box is None else parse_box(box, n_inputs)
