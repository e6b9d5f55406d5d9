"""The digest of a network: equal for equal exact weights, whatever file they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network.stack import AffineMap
from nnce_cli.network.units import Units

if TYPE_CHECKING:
    from flint import fmpq_mat


def weights_digest(
    hidden: Iterable[AffineMap], output: AffineMap | None, units: Sequence[Units] = ()
) -> str:
    """Return the SHA-256 (hexadecimal) of the widths, the exact weights and the units of a network.

    The canonical form of a map is its shape, each entry's nearest float64 (little-endian, in
    row-major order, W then b, zero without a sign), then ``index:p/q`` for every entry that is
    not that float64. It depends on the rational numbers alone.
    """
    sha = hashlib.sha256(b"nnce network 1\n")
    for layer in [*hidden, *([] if output is None else [output])]:
        sha.update(f"{layer.n_out} {layer.n_in}\n".encode())
        for i, floats in enumerate((layer.weight, layer.bias)):
            # Adding zero turns -0.0 into 0.0.
            sha.update((np.ascontiguousarray(floats) + 0.0).astype("<f8").tobytes())
            if layer.exact is not None:
                sha.update(_exceptions(layer.exact[i], floats).encode())
    sha.update(b"linear output\n" if output is not None else b"ReLU output\n")
    return sha.hexdigest()


def _written(units: Units) -> bytes:
    """Return the canonical form of a layer's units: the slopes, then the kinds of the others."""
    pieces = "".join(f" {unit.kind} {unit.pieces} {unit.base}" for unit in units.pieces)
    return f"units {units.bits}{pieces}\n".encode() + (units.slopes + 0.0).astype("<f8").tobytes()


def _exceptions(exact: fmpq_mat, floats: NDArray[np.float64]) -> str:
    """Return ``index:p/q`` lines for the entries that are not their nearest float64."""
    pairs = enumerate(zip(exact.entries(), floats.ravel().tolist(), strict=True))
    return "".join(
        f"{i}:{value.p}/{value.q}\n"
        for i, (value, x) in pairs
        if (int(value.p), int(value.q)) != x.as_integer_ratio()
    )
