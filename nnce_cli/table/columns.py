"""The columns of a cell table, which its cells' codes and two questions decide."""

from __future__ import annotations

from nnce_cli.base.layout import Layout


def code_names(layout: Layout) -> list[str]:
    """Names of the columns that the rows are sorted by."""
    return [name for name, _ in layout.columns]


def count_names(layout: Layout) -> list[str]:
    """Names of the columns that hold small numbers: active units, then ranks."""
    layers = range(1, layout.depth + 1)
    return [f"active_{k}" for k in layers] + [f"rank_{k}" for k in layers]


def column_names(layout: Layout, *, witness: bool, bounded: bool) -> list[str]:
    """Names of all columns, in their order; the last two are there or not."""
    last = [name for name, there in (("bounded", bounded), ("witness", witness)) if there]
    return [*code_names(layout), *count_names(layout), *last]
