"""Networks and arrays as JSON values: little-endian bytes, deflated, in base64."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network import AffineMap, LayerStack, Units
from nnce_cli.table import Rows

COMPRESSION = 9


def network_values(stack: LayerStack, outputs: int) -> dict[str, Any]:
    """Return a network: its layers' units, and the weights of its maps."""
    last = stack.output
    layers = zip(stack.hidden, stack.units, strict=True)
    return {
        "layers": [_units(units, layer.n_out) for layer, units in layers],
        "noun": stack.sizes.noun,
        "outputs": outputs,
        "hidden": [_weights(layer) for layer in stack.hidden],
        "output": None if last is None else _weights(last),
    }


def row_values(rows: Rows) -> dict[str, Any]:
    """Return the rows of a table: how many, their codes one after the other, and their ranks."""
    nothing = np.zeros((len(rows.active), 0), dtype=np.uint8)
    return {
        "cells": len(rows.active),
        "codes": encoded(np.concatenate([nothing, *rows.signs], axis=1), "u1"),
        "ranks": encoded(rows.ranks, "<u2"),
    }


def encoded(values: NDArray[Any], dtype: str) -> str:
    """Return an array's bytes as a string of the page."""
    packed = zlib.compress(np.ascontiguousarray(values.astype(dtype)).tobytes(), COMPRESSION)
    return base64.b64encode(packed).decode()


def _units(units: Units, neurons: int) -> dict[str, Any]:
    """Return the units of a layer: how many have a bit, their slopes, and the others' kinds."""
    return {
        "neurons": neurons,
        "bits": units.bits,
        "slopes": units.slopes.tolist() if units.slopes.any() else None,
        "pieces": [[unit.kind, unit.pieces] for unit in units.pieces],
    }


def _weights(layer: AffineMap) -> str:
    """Return the rows (W, b) of a map."""
    return encoded(np.column_stack((layer.weight, layer.bias)), "<f8")
