"""What travels past a layer: variables as they are, or the sums of them that are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network.exact import Array, rationals
from nnce_cli.network.sparse import Index, Rows, stack_rows, unit_rows


def passes_for(needed: Rows) -> tuple[Rows, Rows]:
    """Return what to carry past a layer, so that some functions of variables can be had behind it.

    Functions that share no variables are independent of each other. A group of them is carried
    as its variables, or as the functions themselves, each different one once, where those are
    fewer.

    Args:
        needed: the linear parts of the functions, over the variables.

    Returns:
        The functions by what is carried, and what is carried by the variables.
    """
    tracked = needed.sizes is not None
    used, local = np.unique(needed.columns, return_inverse=True)
    group = _groups(needed, local, len(used))
    rows = needed.row_of
    filled = np.flatnonzero(needed.lengths)
    group_of = group[local[needed.starts[:-1][filled]]]
    as_sums = _better_as_sums(needed, filled, group_of, group)
    whole = np.isin(group_of, as_sums)
    sums, which = _different(needed.take(filled[whole]))
    plain = ~np.isin(group[local], as_sums)
    kept = used[~np.isin(group, as_sums)]
    single = needed.select(plain)
    values: Array = join_ones(single.values, len(filled[whole]))
    owner = np.concatenate([rows[plain], filled[whole]])
    columns = np.concatenate([np.searchsorted(kept, single.columns), len(kept) + which])
    order = np.argsort(owner, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=needed.n))])
    sizes = None
    if needed.sizes is not None:
        sizes = np.concatenate([needed.sizes[plain], np.ones(len(which))])[order]
    by_passes = Rows(starts, columns[order], values[order], sizes)
    return by_passes, stack_rows([unit_rows(kept, tracked=tracked), sums])


def join_ones(values: Array, ones: int) -> Array:
    """Return exact values and as many ones behind them."""
    more: NDArray[Any] = np.ones(ones)
    return np.concatenate([values, rationals(more) if values.dtype == np.object_ else more])


def _groups(needed: Rows, local: Index, n: int) -> Index:
    """Return for each variable in use the group that it is in: the least variable of it."""
    label = np.arange(n)
    rows = needed.row_of
    if needed.longest <= 1:
        return label
    while True:
        least = np.full(needed.n, n)
        np.minimum.at(least, rows, label[local])
        new = label.copy()
        np.minimum.at(new, local, least[rows])
        new = new[new]
        if (new == label).all():
            return label
        label = new


def _better_as_sums(needed: Rows, filled: Index, group_of: Index, group: Index) -> Index:
    """Return the groups that have fewer different functions than variables."""
    names, variables = np.unique(group, return_counts=True)
    functions = np.bincount(group_of, minlength=len(group) + 1)[names]
    fewer = functions < variables
    order = np.argsort(group_of, kind="stable")
    ends = np.cumsum(functions)
    # Among more functions there may be equal ones.
    for g in np.flatnonzero(~fewer & (variables > 1)).tolist():
        mine = filled[order[ends[g] - functions[g] : ends[g]]]
        fewer[g] = _different(needed.take(mine))[0].n < variables[g]
    return names[fewer]


def _different(rows: Rows) -> tuple[Rows, Index]:
    """Return the different rows, in order, and which one each row is."""
    seen: dict[Any, int] = {}
    first: list[int] = []
    which = np.zeros(rows.n, np.int64)
    for i in range(rows.n):
        part = slice(rows.starts[i], rows.starts[i + 1])
        values = rows.values[part]
        same = tuple(values) if values.dtype == np.object_ else (values + 0.0).tobytes()
        key = (rows.columns[part].tobytes(), same)
        if key not in seen:
            seen[key] = len(first)
            first.append(i)
        which[i] = seen[key]
    return rows.take(np.array(first, np.int64)), which
