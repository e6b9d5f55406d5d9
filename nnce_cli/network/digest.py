"""The digest of a network: equal for equal exact weights, whatever file they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network.affine_map import AffineMap
from nnce_cli.network.exact import Array, nearest
from nnce_cli.network.units import Units


def weights_digest(
    hidden: Iterable[AffineMap], output: AffineMap | None, units: Sequence[Units] = ()
) -> str:
    """Return the SHA-256 (hexadecimal) of the widths, the exact weights and the units of a network.

    The canonical form of a map is its shape, each entry's nearest float64 (little-endian, in
    row-major order, W then b, zero without a sign), then ``index:p/q`` for every entry that is
    not that float64. Units follow, where the network is no chain of ReLU layers (``units`` is
    empty or has those of all layers). It depends on the rational numbers and the units alone.
    """
    sha = hashlib.sha256(b"nnce network 1\n")
    hidden = tuple(hidden)
    for layer in [*hidden, *([] if output is None else [output])]:
        sha.update(f"{layer.n_out} {layer.n_in}\n".encode())
        # Adding zero turns -0.0 into 0.0.
        for block in layer.blocks():
            sha.update((np.ascontiguousarray(block) + 0.0).astype("<f8").tobytes())
        rows = layer.rows if layer.is_rational else None
        if rows is not None:
            sha.update(_exceptions(rows.row_of * layer.n_in + rows.columns, rows.values).encode())
        sha.update((layer.bias + 0.0).astype("<f8").tobytes())
        if rows is not None:
            sha.update(_exceptions(np.arange(layer.n_out), layer.exact_bias).encode())
    sha.update(b"linear output\n" if output is not None else b"ReLU output\n")
    both = list(zip(hidden, units, strict=False))
    if not all(own.is_relu and own.rows == layer.n_out for layer, own in both):
        for _, own in both:
            sha.update(_written(own))
    return sha.hexdigest()


def _written(units: Units) -> bytes:
    """Return the canonical form of a layer's units: the slopes, then the kinds of the others."""
    pieces = "".join(f" {unit.kind} {unit.pieces} {unit.base}" for unit in units.pieces)
    return f"units {units.bits}{pieces}\n".encode() + (units.slopes + 0.0).astype("<f8").tobytes()


def _exceptions(places: NDArray[np.int64], exact: Array) -> str:
    """Return ``index:p/q`` lines for the entries that are not their nearest float64."""
    if exact.dtype != np.object_:
        return ""
    entries = zip(places.tolist(), exact.tolist(), nearest(exact).tolist(), strict=True)
    return "".join(
        f"{i}:{value.p}/{value.q}\n"
        for i, value, x in entries
        if (int(value.p), int(value.q)) != x.as_integer_ratio()
    )
