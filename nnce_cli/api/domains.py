"""Domains for Python, said without the number of inputs where that is known from the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnce_cli.api.numbers import floats
from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from nnce_cli.domain import Domain
    from nnce_cli.network import LayerStack

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Box:
    """The box ``lower <= x <= upper``: a number for all inputs, or one for each of them."""

    lower: ArrayLike
    upper: ArrayLike

    def on(self, n: int) -> Domain:
        """Return the domain of n inputs."""
        import numpy as np

        from nnce_cli.domain import make_domain

        return make_domain(_spread(self.lower, n), _spread(self.upper, n), np.zeros((0, n + 1)))


@dataclass(frozen=True, eq=False)
class HalfSpaces:
    """The inputs with ``a . x <= b`` for all rows a_1, …, a_n, b, and in a ``box`` if one is given.

    Without a box the domain may be unbounded.
    """

    rows: ArrayLike
    box: Box | None = None

    def on(self, n: int) -> Domain:
        """Return the domain of n inputs."""
        import numpy as np

        from nnce_cli.domain import make_domain

        rows = np.atleast_2d(floats(self.rows, "a half-space"))
        if rows.shape[1] != n + 1:
            raise InputError(f"half-spaces of {n} inputs have {n + 1} numbers, not {rows.shape[1]}")
        box = Box(-np.inf, np.inf) if self.box is None else self.box
        if not isinstance(box, Box):
            raise InputError(f"half-spaces are cut with a Box, not a {type(box).__name__}")
        return make_domain(_spread(box.lower, n), _spread(box.upper, n), rows)


@dataclass(frozen=True)
class Space:
    """All of space."""

    def on(self, n: int) -> Domain:
        """Return the domain of n inputs."""
        from nnce_cli.domain import Polyhedron

        return Polyhedron.space(n)


@dataclass(frozen=True, eq=False)
class Slice:
    """The line, plane or space through ``points`` (k + 1, n), the corner p_0 first.

    The inputs are then its k coordinates u, with x = p_0 + u_1 (p_1 - p_0) + …, in ``box``.
    """

    points: ArrayLike
    box: Box | Space = Box(0.0, 1.0)


Where = Box | HalfSpaces | Space | Slice
"""Whatever says on which inputs."""


def placed(stack: LayerStack, where: Where | Any) -> tuple[LayerStack, Domain]:
    """Return a network and its domain; of a slice, the network of its coordinates.

    ``where`` may also be a pair of bounds.

    Raises:
        InputError: it is no domain, or not one of this network.
    """
    if isinstance(where, tuple) and len(where) == 2:
        where = Box(*where)
    if isinstance(where, Slice):
        from nnce_cli.domain import Slice as Points
        from nnce_cli.domain import on_slice

        points = floats(where.points, "a point of the slice")
        if points.ndim < 2:
            raise InputError("a slice goes through two points or more, a row each")
        if not isinstance(where.box, Box | Space):
            raise InputError(f"a slice ends at a Box, not at a {type(where.box).__name__}")
        plane = Points(points.reshape(len(points), -1))
        return on_slice(stack, plane), where.box.on(plane.dimension)
    if not isinstance(where, Box | HalfSpaces | Space):
        raise InputError(
            f"a {type(where).__name__} is no domain: use Box, HalfSpaces, Space, Slice"
        )
    return stack, where.on(stack.n_inputs)


def _spread(bound: ArrayLike, n: int) -> Floats:
    """Return a bound for each of n inputs."""
    import numpy as np

    values = floats(bound, "a bound of the domain").reshape(-1)
    if values.size not in (1, n):
        raise InputError(f"{values.size} bounds are given, and the network has {n} inputs")
    return np.array(np.broadcast_to(values, (n,)))
