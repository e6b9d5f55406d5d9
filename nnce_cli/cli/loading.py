"""The network and the domain that a command line names."""

from __future__ import annotations

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
VnnlibOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The domain: the input box of a VNNLIB 1.0 property."),
]


def load(
    model: Path, box: str | None, bounds: Path | None, vnnlib: Path | None
) -> tuple[LayerStack, Box]:
    """Read a network and its domain, and check the network against onnxruntime.

    Raises:
        InputError: one of them cannot be read, or the domain is given twice.
    """
    if sum(domain is not None for domain in (box, bounds, vnnlib)) > 1:
        raise InputError("--box, --bounds and --vnnlib each give the domain; use one of them")
    from nnce_cli.domain import parse_box, read_bounds, read_vnnlib
    from nnce_cli.network import check_against_onnxruntime, load_network

    stack = load_network(model)
    if bounds is not None:
        domain = read_bounds(bounds, stack.n_inputs)
    elif vnnlib is not None:
        domain = read_vnnlib(vnnlib, stack.n_inputs)
    else:
        domain = parse_box(box if box is not None else "-1,1", stack.n_inputs)
    check_against_onnxruntime(stack, model, domain.lower, domain.upper)
    return stack, domain
