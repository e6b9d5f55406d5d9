"""The columns of a cell table: a function of the layout of its cells' codes, and nothing else."""

from __future__ import annotations

from nnce_cli.base.layout import Layout


def code_names(layout: Layout) -> list[str]:
    """Names of the columns that the rows are sorted by."""
    return [name for name, _ in layout.columns]


def count_names(layout: Layout) -> list[str]:
    """Names of the columns that hold small numbers: active units, then ranks."""
    layers = range(1, layout.depth + 1)
    return [f"active_{k}" for k in layers] + [f"rank_{k}" for k in layers]


def column_names(layout: Layout, *, witness: bool) -> list[str]:
    """Names of all columns, in their order."""
    return [*code_names(layout), *count_names(layout), *(["witness"] if witness else [])]
