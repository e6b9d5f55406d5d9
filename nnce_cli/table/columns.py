"""The columns of a cell table: a function of the widths, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from nnce_cli.base.bits import packed_bytes


def layer_bytes(widths: Sequence[int]) -> list[int]:
    """Bytes of each layer's packed sign vector; ``widths`` is n_0, n_1, …, n_L."""
    return [packed_bytes(n) for n in widths[1:]]


def layer_names(widths: Sequence[int]) -> list[str]:
    """Names of the columns that the rows are sorted by."""
    return [f"layer_{k}" for k in range(1, len(widths))]


def count_names(widths: Sequence[int]) -> list[str]:
    """Names of the columns that hold small numbers: active neurons, then ranks."""
    layers = range(1, len(widths))
    return [f"active_{k}" for k in layers] + [f"rank_{k}" for k in layers]


def column_names(widths: Sequence[int], *, witness: bool) -> list[str]:
    """Names of all columns, in their order."""
    return [*layer_names(widths), *count_names(widths), *(["witness"] if witness else [])]
