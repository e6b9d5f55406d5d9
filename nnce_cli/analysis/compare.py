"""Two cell tables side by side: one merge pass, in memory that their rows do not add to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.base.layout import Layout
from nnce_cli.table import CellRows, LayerCounter

Keys = NDArray[np.bytes_]
FIRST, SECOND, BOTH = "first", "second", "both"


@dataclass(frozen=True)
class Difference:
    """A cell in one table only, or a cell in both whose numbers differ.

    ``table`` is "first", "second" or "both"; ``signs`` has the code of each layer as a text, as
    `Layout.texts` writes it.
    ``active`` and ``ranks`` are those of the first and of the second table where that is "both";
    ``bounded`` is whether it is bounded in each, where both tell that.
    """

    table: str
    signs: tuple[str, ...]
    active: tuple[list[int], list[int]] | None = None
    ranks: tuple[list[int], list[int]] | None = None
    bounded: tuple[bool, bool] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as JSON values."""
        values: dict[str, Any] = {"table": self.table, "signs": list(self.signs)}
        if self.active is not None and self.ranks is not None:
            values |= {"active": list(self.active), "ranks": list(self.ranks)}
        if self.bounded is not None:
            values["bounded"] = list(self.bounded)
        return values


@dataclass
class Comparison:
    """What two tables have in common and what not; lists run over the layers.

    ``first_cells`` and ``second_cells`` count the layer-k cells of each table, ``only_first`` and
    ``only_second`` those that the other one does not have. ``changed`` counts the cells in both
    whose ranks or active neurons differ, or one of which is bounded. ``differences`` are the first
    ones, in table order.
    """

    first_cells: list[int]
    second_cells: list[int]
    only_first: list[int]
    only_second: list[int]
    changed: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def same_cells(self) -> bool:
        """Whether each cell of one table is a cell of the other."""
        return not (self.only_first[-1] or self.only_second[-1])

    @property
    def same(self) -> bool:
        """Whether the tables have the same cells with the same numbers."""
        return self.same_cells and not self.changed

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            "same": self.same,
            "same_cells": self.same_cells,
            "first_layer_cells": self.first_cells,
            "second_layer_cells": self.second_cells,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "changed": self.changed,
            "differences": [difference.to_dict() for difference in self.differences],
        }


def compare(
    first: Iterable[CellRows], second: Iterable[CellRows], layout: Layout, *, show: int = 10
) -> Comparison:
    """Compare two tables of a network of this layout; rows come in batches, in table order.

    Codes, numbers of active neurons, ranks, and what is bounded are compared, witnesses are not.
    ``show`` is how many differences are kept.

    Raises:
        InputError: the rows of a table are not in order, or have bits beyond a layer's width.
    """
    sides = _Side(FIRST, first, layout), _Side(SECOND, second, layout)
    layers = [_LayerMatch(end) for end in accumulate(layout.layer_bytes or [1])]
    result = Comparison([], [], [], [])
    for a, b in _aligned(*sides):
        for layer in layers:
            layer.add(a.keys, b.keys)
        _note_differences(result, a, b, layout, show)
    counters = (side.counter for side in sides)
    result.first_cells, result.second_cells = (list(c.layer_cells) or [c.cells] for c in counters)
    for layer in layers:
        only_first, only_second = layer.result()
        result.only_first.append(only_first)
        result.only_second.append(only_second)
    return result


@dataclass(frozen=True)
class _Part:
    """Some consecutive rows: the joined codes as byte strings (rows,), and what goes with them."""

    keys: Keys
    active: NDArray[np.uint16]
    ranks: NDArray[np.uint16]
    bounded: NDArray[np.bool_] | None = None

    def __getitem__(self, rows: slice) -> _Part:
        bounded = None if self.bounded is None else self.bounded[rows]
        return _Part(self.keys[rows], self.active[rows], self.ranks[rows], bounded)


class _Side:
    """One of the tables: its batches one after the other, checked."""

    def __init__(self, name: str, batches: Iterable[CellRows], layout: Layout) -> None:
        self.counter = LayerCounter(layout)
        self._name = name
        self._batches = iter(batches)
        # The bits of a joined code that stand for no neuron: in the last byte of a layer's bits.
        full = np.full(layout.row_bytes, 255, dtype=np.uint8)
        self._padding = ~layout.join_layers(layout.split_layers(full)) if layout.depth else full
        numbers = np.zeros((0, layout.depth), dtype=np.uint16)
        self.rows = _Part(_keys(np.zeros((0, layout.row_bytes), np.uint8)), numbers, numbers)

    def fill(self) -> None:
        """Get the next rows, if there are none at hand; at the end of the table there are none."""
        while not len(self.rows.keys):
            batch = next(self._batches, None)
            if batch is None:
                return
            try:
                self.counter.add(batch)
            except ValueError as error:
                raise InputError(
                    f"the {self._name} table is not sorted: {error}; "
                    "give it as nnce enumerate wrote it"
                ) from error
            nothing = np.zeros((len(batch.active), 0), dtype=np.uint8)
            joined = np.concatenate([nothing, *batch.signs], axis=1)
            if (joined & self._padding).any():
                raise InputError(
                    f"the {self._name} table has signs of more neurons than its widths allow; "
                    "give it as nnce enumerate wrote it"
                )
            self.rows = _Part(_keys(joined), batch.active, batch.ranks, batch.bounded)

    def take(self, last: np.bytes_) -> _Part:
        """Take out the rows up to the code ``last``."""
        count = int(np.searchsorted(self.rows.keys, last, side="right"))
        taken, self.rows = self.rows[:count], self.rows[count:]
        return taken


def _aligned(first: _Side, second: _Side) -> Iterator[tuple[_Part, _Part]]:
    """Cut both tables at the same codes, and yield their rows piece by piece."""
    while True:
        first.fill()
        second.fill()
        ends = [side.rows.keys[-1] for side in (first, second) if len(side.rows.keys)]
        if not ends:
            return
        yield first.take(min(ends)), second.take(min(ends))


def _keys(joined: NDArray[np.uint8]) -> Keys:
    """View joined codes (rows, bytes) as a byte string each; one zero where they are empty."""
    if not joined.shape[1]:
        joined = np.zeros((len(joined), 1), dtype=np.uint8)
    # NumPy orders byte strings of one length as memcmp does: see table/prefixes.py.
    return joined.view(f"S{joined.shape[1]}").ravel()


class _LayerMatch:
    """Counts the layer-k cells that one table has and the other has not."""

    def __init__(self, n_bytes: int) -> None:
        self._dtype = f"S{n_bytes}"
        self._only = [0, 0]
        # The last layer-k cell may go on in the next rows, of either table.
        self._open = [np.zeros(0, dtype=self._dtype)] * 2

    def add(self, first: Keys, second: Keys) -> None:
        """Take the next rows of both, cut at the same code."""
        cells = [self._cells(self._open[0], first), self._cells(self._open[1], second)]
        last = max(part[-1] for part in cells if len(part))
        self._open = [part[part == last] for part in cells]
        self._count(*(part[part != last] for part in cells))

    def result(self) -> tuple[int, int]:
        """Return how many cells only the first and only the second table has."""
        self._count(*self._open)
        self._open = [np.zeros(0, dtype=self._dtype)] * 2
        return self._only[0], self._only[1]

    def _cells(self, before: Keys, keys: Keys) -> Keys:
        """Return the distinct layer-k cells of some rows that come after those of ``before``."""
        # A cast to a shorter byte string cuts it off.
        prefixes: Keys = np.concatenate([before, keys.astype(self._dtype)])
        new = np.ones(len(prefixes), dtype=np.bool_)
        new[1:] = prefixes[1:] != prefixes[:-1]
        return prefixes[new]

    def _count(self, first: Keys, second: Keys) -> None:
        common = int(np.count_nonzero(_place(first, second)[1]))
        self._only[0] += len(first) - common
        self._only[1] += len(second) - common


def _place(keys: Keys, others: Keys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where each key stands in the sorted ``others``, and whether it is there at all."""
    place = np.searchsorted(others, keys)
    there = place < len(others)
    there[there] = others[place[there]] == keys[there]
    return place, there


def _note_differences(result: Comparison, a: _Part, b: _Part, layout: Layout, show: int) -> None:
    """Count the changed cells of these rows, and keep the first differences there is room for."""
    place, there = _place(a.keys, b.keys)
    common, matched = np.flatnonzero(there), place[there]
    changed = (a.active[common] != b.active[matched]).any(axis=1)
    changed |= (a.ranks[common] != b.ranks[matched]).any(axis=1)
    if a.bounded is not None and b.bounded is not None:
        changed |= a.bounded[common] != b.bounded[matched]
    result.changed += int(np.count_nonzero(changed))
    room = show - len(result.differences)
    if room <= 0:
        return
    found = [
        (a.keys[i], Difference(FIRST, _signs(a.keys[i], layout)))
        for i in np.flatnonzero(~there)[:room]
    ]
    found += [
        (b.keys[i], Difference(SECOND, _signs(b.keys[i], layout)))
        for i in np.flatnonzero(~_place(b.keys, a.keys)[1])[:room]
    ]
    for i, j in zip(common[changed][:room], matched[changed][:room], strict=True):
        active = a.active[i].tolist(), b.active[j].tolist()
        ranks = a.ranks[i].tolist(), b.ranks[j].tolist()
        bounded = None
        if a.bounded is not None and b.bounded is not None:
            bounded = bool(a.bounded[i]), bool(b.bounded[j])
        signs = _signs(a.keys[i], layout)
        found.append((a.keys[i], Difference(BOTH, signs, active, ranks, bounded)))
    found.sort(key=lambda entry: bytes(entry[0]))
    result.differences += [difference for _, difference in found[:room]]


def _signs(key: np.bytes_, layout: Layout) -> tuple[str, ...]:
    """Write a joined code as a text for each layer."""
    row = bytes(key).ljust(layout.row_bytes, b"\0")
    return layout.texts(np.frombuffer(row, dtype=np.uint8))
