"""Small cell tables for tests, and their statistics by the definition."""

from __future__ import annotations

import json
import math
from collections import Counter
from fractions import Fraction
from itertools import groupby, pairwise
from math import comb
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from nnce_cli.table import CellTableWriter, Digests, Metadata, Output, Rows

Bits = tuple[tuple[int, ...], ...]  # a sign vector: one tuple of 0 and 1 a layer


def rows_of(
    cells: list[Bits], widths: list[int], *, witness: bool = True, bounded: bool = False
) -> Rows:
    """Rows for these cells; ranks are min(n_0, active neurons so far), the rest is made up.

    With ``bounded`` they are of a domain without bounds, where every third cell is bounded.
    """
    layers = len(widths) - 1
    return Rows(
        signs=[
            np.packbits(
                np.array([cell[k] for cell in cells], dtype=np.uint8).reshape(-1, widths[k + 1]),
                axis=1,
            )
            for k in range(layers)
        ],
        active=np.array([[sum(s) for s in c] for c in cells], np.uint16).reshape(-1, layers),
        ranks=np.array([ranks_of(c, widths[0]) for c in cells], np.uint16).reshape(-1, layers),
        witness=(
            np.arange(len(cells) * widths[0], dtype=np.float64).reshape(-1, widths[0]) / 7
            if witness
            else None
        ),
        bounded=np.arange(len(cells)) % 3 == 0 if bounded else None,
    )


def ranks_of(cell: Bits, inputs: int) -> list[int]:
    ranks, rank = [], inputs
    for signs in cell:
        rank = min(rank, sum(signs))
        ranks.append(rank)
    return ranks


def part(rows: Rows, start: int, stop: int) -> Rows:
    """Some rows of a table."""
    return Rows(
        [signs[start:stop] for signs in rows.signs],
        rows.active[start:stop],
        rows.ranks[start:stop],
        None if rows.witness is None else rows.witness[start:stop],
        None if rows.bounded is None else rows.bounded[start:stop],
    )


def metadata_of(widths: list[int], *, witness: bool = True, bounded: bool = False) -> Metadata:
    """Metadata of a table on [-1, 1]^n; with ``bounded``, on [-1, inf) x [-1, 1]^(n-1)."""
    upper = (1.0,) * widths[0]
    return Metadata(
        model="ab" * 32,
        widths=tuple(widths),
        lower=(-1.0,) * widths[0],
        upper=(math.inf, *upper[1:]) if bounded else upper,
        witness=witness,
    )


def write(path, rows: Rows, widths: list[int], *, cuts=(), complete=True, force=False) -> Metadata:
    """Write a table, its rows cut into batches at these places."""
    metadata = metadata_of(
        widths, witness=rows.witness is not None, bounded=rows.bounded is not None
    )
    edges = [0, *sorted(cuts), len(rows.active)]
    with Output(str(path), force=force) as output:
        writer = CellTableWriter(output, metadata)
        for start, stop in pairwise(edges):
            writer.write(part(rows, start, stop))
        result = writer.close(complete=complete, certified=True, decisions={"float": 3})
        output.commit()
    return result


def digests_of(table: pa.Table) -> dict:
    """The digests of a table as one block, as its metadata has them."""
    digests = Digests()
    for block in table.combine_chunks().to_batches():
        digests.add_block(block)
    return digests.to_values()


def described(path) -> dict:
    """What a table says about itself."""
    return json.loads(pq.read_metadata(path).metadata[b"nnce"])


def forge(path, table: pa.Table, about: dict) -> None:
    """Write other rows than were enumerated, with digests that fit, as a careful forger would."""
    about = about | {"digests": digests_of(table), "cells": len(table)}
    about["layer_cells"] = [*about["layer_cells"][:-1], len(table)]
    pq.write_table(table.replace_schema_metadata({"nnce": json.dumps(about)}), path)


def naive_bounded(cells: list[Bits], bounded: list[bool]) -> dict:
    """What statistics say of bounded cells: a layer-k cell is bounded where all cells in it are."""
    layers = range(1, len(cells[0]) + 1)
    inside = [
        [[b for _, b in group] for _, group in groupby(zip(cells, bounded, strict=True),
                                                       lambda pair, k=k: pair[0][:k])]
        for k in layers
    ]  # fmt: skip
    return {
        "bounded_cells": sum(bounded),
        "unbounded_cells": len(bounded) - sum(bounded),
        "bounded_layer_cells": [sum(map(all, groups)) for groups in inside],
    }


def naive_statistics(cells: list[Bits], widths: list[int]) -> dict:
    """The statistics of sorted cells, straight from their definitions, as JSON would hold them."""
    layers = range(1, len(widths))
    trees = {k: [list(group) for _, group in groupby(cells, itemgetter(slice(k)))] for k in layers}
    result = {
        "widths": widths,
        "cells": len(cells),
        "layer_cells": [len(trees[k]) for k in layers],
        "cells_by_rank": [
            dict(Counter(ranks_of(group[0], widths[0])[k - 1] for group in trees[k]))
            for k in layers
        ],
        "active_neurons": [dict(Counter(sum(g[0][k - 1]) for g in trees[k])) for k in layers],
        "ranks_by_active": [
            {
                active: dict(
                    Counter(
                        ranks_of(g[0], widths[0])[k - 1]
                        for g in trees[k]
                        if sum(g[0][k - 1]) == active
                    )
                )
                for active in {sum(g[0][k - 1]) for g in trees[k]}
            }
            for k in layers
        ],
        "sub_cells_by_rank": [],
    }
    for k in layers[:-1]:
        inside: dict[int, list[int]] = {}
        for group in trees[k]:
            rank = ranks_of(group[0], widths[0])[k - 1]
            inside.setdefault(rank, []).append(len({cell[: k + 1] for cell in group}))
        result["sub_cells_by_rank"].append(
            {
                rank: {
                    "cells": len(counts),
                    "mean": float(Fraction(sum(counts), len(counts))),
                    "min": min(counts),
                    "quartiles": np.quantile(counts, [0.25, 0.5, 0.75]).tolist(),
                    "max": max(counts),
                    "bound": sum(comb(widths[k + 1], i) for i in range(rank + 1)),
                    "histogram": dict(Counter(counts)),
                }
                for rank, counts in inside.items()
            }
        )
    return result


@st.composite
def tables(draw) -> tuple[list[int], list[Bits]]:
    """Draw widths and a sorted list of distinct cells."""
    widths = draw(st.lists(st.integers(1, 11), min_size=2, max_size=4))
    bit = st.integers(0, 1)
    cell = st.tuples(*(st.tuples(*([bit] * n)) for n in widths[1:]))
    # Few distinct layers make cells share prefixes.
    layers = [draw(st.lists(st.tuples(*([bit] * n)), min_size=1, max_size=3)) for n in widths[1:]]
    shared = st.tuples(*(st.sampled_from(options) for options in layers))
    cells = draw(st.lists(shared | cell, min_size=1, max_size=30, unique=True))
    return widths, sorted(cells)
