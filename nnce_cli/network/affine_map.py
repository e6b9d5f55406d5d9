"""Affine maps with exact weights, sparse or dense."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.exact import Array, nearest, rational_matrix, rationals, settle
from nnce_cli.network.sparse import EXACT, Rows, apply_rows, dense_rows, product

if TYPE_CHECKING:
    from flint import fmpq_mat

Floats = NDArray[np.float64]

MAX_WEIGHTS = 2**27  # of a dense matrix: 1 GiB
FULL = 0.125  # from this share of entries on, a dense matrix multiplies faster
BLOCK = 2**20  # entries at a time


class AffineMap:
    """The affine map ``z = W a + b`` with rational W and b.

    ``weight`` (n_out, n_in) and ``bias`` (n_out,) are float64. They are the map itself where
    ``exact`` is None; else ``exact`` holds (W, b) as rational matrices of shapes (n_out, n_in)
    and (n_out, 1), and ``weight`` and ``bias`` are each entry's nearest float64. ``rows`` are the
    exact entries of W that are not zero. A map is made of either, and the other is computed when
    it is asked for: a convolution has few entries and a large matrix.
    ``nodes`` names the ONNX nodes that became this map.
    """

    bias: Floats
    nodes: tuple[str, ...]
    n_out: int
    n_in: int

    def __init__(
        self,
        weight: Floats,
        bias: Floats,
        exact: tuple[fmpq_mat, fmpq_mat] | None = None,
        nodes: tuple[str, ...] = (),
    ) -> None:
        """Make a map of float64 matrices, which are rounded where ``exact`` is given."""
        self.bias, self.nodes = bias, nodes
        self.n_out, self.n_in = weight.shape
        # What the properties of these names would compute.
        self.__dict__.update(weight=weight, exact=exact)

    @classmethod
    def of(cls, weight: Array, bias: Array, nodes: tuple[str, ...] = ()) -> AffineMap:
        """Return the map with an exact weight (n_out, n_in) and bias (n_out,).

        Args:
            weight: float64, or dtype object with entries of type ``flint.fmpq``.
            bias: the same.
            nodes: the names of the ONNX nodes that became this map.

        Raises:
            InputError: if an entry is out of the range of float64.
        """
        weight, bias = (settle(a) if a.dtype == np.object_ else a for a in (weight, bias))
        rounded = np.ascontiguousarray(nearest(weight)), np.ascontiguousarray(nearest(bias))
        _refuse_infinite(*rounded, nodes)
        if np.object_ not in (weight.dtype, bias.dtype):
            return cls(*rounded, nodes=nodes)
        return cls(*rounded, (rational_matrix(weight), rational_matrix(bias[:, None])), nodes)

    @classmethod
    def of_rows(cls, rows: Rows, n_in: int, bias: Array, nodes: tuple[str, ...] = ()) -> AffineMap:
        """Return the map with the exact entries of a sparse matrix and an exact bias.

        Raises:
            InputError: if an entry is out of the range of float64.
        """
        values, bias = (settle(a) if a.dtype == np.object_ else a for a in (rows.values, bias))
        _refuse_infinite(nearest(values), nearest(bias), nodes)
        found = cls.__new__(cls)
        found.bias, found.nodes = np.ascontiguousarray(nearest(bias)), nodes
        found.n_out, found.n_in = rows.n, n_in
        own = Rows(rows.starts, rows.columns, values)
        found.__dict__.update(rows=own, exact_bias=bias)
        if len(rows.columns) == rows.n * n_in:  # full
            found.__dict__.update(weight=nearest(values).reshape(rows.n, n_in))
        return found

    def after(self, weight: Array, offset: Array) -> AffineMap:
        """Return the map behind another one, ``z = W (weight u + offset) + b``, without rounding.

        Args:
            weight: exact, (n_in, k).
            offset: exact, (n_in,).

        Raises:
            InputError: if an entry is out of the range of float64.
        """
        linear = product(self.rows, dense_rows(weight))
        bias = EXACT.add(self.exact_bias, apply_rows(self.rows, offset))
        return AffineMap.of_rows(linear, weight.shape[1], bias, self.nodes)

    @cached_property
    def weight(self) -> Floats:
        """W, rounded where it is not float64.

        Raises:
            InputError: it is too large for a dense matrix.
        """
        if self.n_out * self.n_in > MAX_WEIGHTS:
            nodes = ", ".join(self.nodes[:3])
            raise InputError(
                f"the layer of {nodes} is a matrix of {self.n_out} x {self.n_in} numbers, more "
                f"than {MAX_WEIGHTS}"
            )
        return np.concatenate([np.zeros((0, self.n_in)), *self.blocks()])

    @cached_property
    def rows(self) -> Rows:
        """The exact entries of W."""
        return dense_rows(self.exact_arrays[0])

    @cached_property
    def exact_bias(self) -> Array:
        """The exact b."""
        return self.exact_arrays[1]

    @property
    def is_rational(self) -> bool:
        """Whether any entry is not a float64."""
        if "exact" in self.__dict__:
            return self.exact is not None
        return np.object_ in (self.rows.values.dtype, self.exact_bias.dtype)

    @cached_property
    def exact(self) -> tuple[fmpq_mat, fmpq_mat] | None:
        """(W, b) as rational matrices, None where float64 is exact."""
        if not self.is_rational:
            return None
        from flint import fmpq_mat

        matrix = fmpq_mat(self.n_out, self.n_in)
        entries = zip(self.rows.row_of.tolist(), self.rows.columns.tolist(), strict=True)
        values = rationals(self.rows.values).tolist()
        for (i, j), value in zip(entries, values, strict=True):
            matrix[i, j] = value
        return matrix, rational_matrix(self.exact_bias[:, None])

    @cached_property
    def rational(self) -> tuple[fmpq_mat, fmpq_mat]:
        """The exact (W, b) as rational matrices of shapes (n_out, n_in) and (n_out, 1)."""
        if self.exact is not None:
            return self.exact
        return rational_matrix(self.weight), rational_matrix(self.bias[:, None])

    @property
    def exact_arrays(self) -> tuple[Array, Array]:
        """The exact W (n_out, n_in) and b (n_out,): float64, or objects of type fmpq."""
        if self.exact is None:
            return self.weight, self.bias
        weight, bias = (np.array(matrix.entries(), dtype=object) for matrix in self.exact)
        return weight.reshape(self.n_out, self.n_in), bias

    def blocks(self) -> Iterator[Floats]:
        """Yield ``weight`` some rows at a time, so that it need not be there as a whole."""
        step = max(1, BLOCK // max(1, self.n_in))
        for start in range(0, self.n_out, step):
            if "weight" in self.__dict__:
                yield self.weight[start : start + step]
                continue
            chosen = np.arange(start, min(start + step, self.n_out))
            part = self.rows.take(chosen)
            full, _ = Rows(part.starts, part.columns, nearest(part.values)).dense(self.n_in)
            yield full

    def apply(self, points: Floats) -> Floats:
        """Return ``W a + b`` in float64 (so rounded) for points (m, n_in), of shape (m, n_out)."""
        return self.linear(points) + self.bias

    def linear(self, points: Floats) -> Floats:
        """Return ``W a`` in float64 (so rounded) for points (m, n_in), of shape (m, n_out)."""
        size = self.n_out * self.n_in
        if size <= BLOCK or "weight" in self.__dict__ or len(self.rows.columns) > FULL * size:
            return points @ self.weight.T
        return self.rows.times(points)


def _refuse_infinite(weight: Floats, bias: Floats, nodes: tuple[str, ...]) -> None:
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise InputError(
            f"the weights of {', '.join(nodes)} multiply to a number out of float64's range"
        )
