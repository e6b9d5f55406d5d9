"""The network and the domain that a command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli.domain_options import DomainOptions
from nnce_cli.cli.say import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nnce_cli.domain import Domain, Slice
    from nnce_cli.network import LayerStack
    from nnce_cli.verify import Place

    Floats = NDArray[np.float64]

DEFAULT_BOX, DEFAULT_SLICE_BOX, DEFAULT_CENTRED_BOX = "-1,1", "0,1", "-1,1"

OutputNameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--output-name",
        metavar="NAME",
        help="An output of the network; may be given several times. [default: all of them]",
    ),
]


def output_names(given: list[str] | None) -> tuple[str, ...]:
    """Return the outputs that a command line names; none means all."""
    return tuple(given or ())


def load(
    model: Path, where: DomainOptions, outputs: Sequence[str] = (), *, quiet: bool = False
) -> tuple[LayerStack, Domain]:
    """Read a network and its domain, and check the network against onnxruntime.

    Args:
        model: the ONNX file.
        where: what the command line says of the domain; of a slice, whose coordinates are the
            inputs of the network that is returned.
        outputs: the names of the outputs that are wanted; all where empty.
        quiet: leave out what there is to know of how the domain was read.

    Raises:
        InputError: one of them cannot be read, the domain is empty, or there are several.
    """
    stack, domains = load_several(model, where, outputs, quiet=quiet)
    return stack, _only(domains)


def load_several(
    model: Path, where: DomainOptions, outputs: Sequence[str] = (), *, quiet: bool = False
) -> tuple[LayerStack, list[Domain]]:
    """Do what `load` does, where there may be several domains.

    Raises:
        InputError: one of them cannot be read, or is empty.
    """
    from nnce_cli.domain import on_slice, read_slice
    from nnce_cli.network import check_against_onnxruntime, load_network

    plane = None if where.slice_of is None else read_slice(where.slice_of)
    stack = load_network(model, outputs)
    given = stack if plane is None else on_slice(stack, plane)
    domains = _domains(given.n_inputs, where, quiet=quiet)
    window = _window(domains) if plane is None else _inputs_on(plane, *_window(domains))
    check_against_onnxruntime(stack, model, *window, outputs=outputs)
    return given, domains


def named_place(n_inputs: int, where: DomainOptions) -> Place | None:
    """Return the domains that a command line names, and the slice; None where it names nothing.

    How they were read was said when the table was made.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    from nnce_cli.domain import read_slice
    from nnce_cli.verify import Place

    if not where.is_given:
        return None
    if where.slice_of is None:
        return Place(tuple(_domains(n_inputs, where, quiet=True)))
    plane = read_slice(where.slice_of)
    points = tuple(map(tuple, plane.points.tolist()))
    return Place(tuple(_domains(plane.dimension, where, quiet=True)), points)


def _only(domains: list[Domain]) -> Domain:
    """Return the one domain that there is.

    Raises:
        InputError: there are more.
    """
    if len(domains) > 1:
        raise InputError(
            f"{len(domains)} domains that differ are named, and this command takes one: give a "
            "file for each of them"
        )
    return domains[0]


def _domains(n_inputs: int, where: DomainOptions, *, quiet: bool) -> list[Domain]:
    """Return the domains that a command line names, or the default; of a slice its coordinates.

    There is one, or each of several with all that else has to hold.
    """
    from nnce_cli.domain import intersection, parse_box

    if where.slice_of is not None:
        return [_coordinates(n_inputs, where)]
    notes: list[str] = []
    whole, limits = _whole(n_inputs, where, notes), _limits(n_inputs, where, notes)
    if not quiet:
        for note in notes:
            say(note)
    if not whole:
        return [intersection(limits) if limits else parse_box(DEFAULT_BOX, n_inputs)]
    return [intersection([domain, *limits]) for domain in whole]


def _whole(n_inputs: int, where: DomainOptions, notes: list[str]) -> list[Domain]:
    """Return the domains that an option gives which is a domain alone; none where none does."""
    from nnce_cli.domain import Polyhedron, parse_box, read_bounds, read_vnnlib

    if where.unbounded:
        return [Polyhedron.space(n_inputs)]
    if where.bounds:
        return [read_bounds(path, n_inputs) for path in where.bounds]
    if where.vnnlib is not None:
        domains, remarks = read_vnnlib(where.vnnlib, n_inputs)
        notes += remarks
        return list(domains)
    return [] if where.box is None else [parse_box(where.box, n_inputs)]


def _limits(n_inputs: int, where: DomainOptions, notes: list[str]) -> list[Domain]:
    """Return what else has to hold in the domain."""
    from nnce_cli.domain import l1_ball, linf_ball, parse_around, read_halfspaces, read_point

    found: list[Domain] = []
    if where.halfspaces is not None:
        halfspaces, remarks = read_halfspaces(where.halfspaces, n_inputs)
        found.append(halfspaces)
        notes += remarks
    if where.linf is not None:
        name, radius = parse_around(where.linf)
        found.append(linf_ball(read_point(Path(name), n_inputs), radius))
    if where.ball1 is not None:
        name, radius = parse_around(where.ball1)
        found.append(l1_ball(read_point(Path(name), n_inputs), radius))
    return found


def _coordinates(dimension: int, where: DomainOptions) -> Domain:
    """Return the domain of the coordinates of a slice."""
    from nnce_cli.domain import Polyhedron, parse_box, widened

    if where.unbounded:
        return Polyhedron.space(dimension)
    default = DEFAULT_CENTRED_BOX if where.centre else DEFAULT_SLICE_BOX
    box = parse_box(where.slice_box or default, dimension)
    return box if where.margin is None else widened(box, where.margin)


def _window(domains: list[Domain]) -> tuple[Floats, Floats]:
    """Return bounds for trying the network: round all domains, near ones in place of infinity."""
    import numpy as np

    lower = np.min([domain.lower for domain in domains], axis=0)
    upper = np.max([domain.upper for domain in domains], axis=0)
    low = np.where(np.isfinite(lower), lower, np.where(np.isfinite(upper), upper - 2.0, -1.0))
    return low, np.where(np.isfinite(upper), upper, low + 2.0)


def _inputs_on(plane: Slice, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Return bounds of the inputs that a box of coordinates of a slice stands for."""
    from itertools import product

    import numpy as np

    ends = zip(lower.tolist(), upper.tolist(), strict=True)
    corners = plane.inputs_at(np.array(list(product(*ends))))
    return corners.min(axis=0), corners.max(axis=0)
