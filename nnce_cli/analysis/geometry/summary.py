"""What the columns of ``nnce geometry`` add up to."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np


class Summary:
    """Gathers what columns say, rows some at a time.

    ``distinct_maps`` and ``linear_regions`` are exact for the rows of the table; they are None
    where they were not asked for.
    """

    def __init__(self) -> None:
        self.cells = 0
        self.distinct_maps: int | None = None
        self.linear_regions: int | None = None
        self._counts: dict[str, Counter[Any]] = {}
        self._ends: dict[str, tuple[float, float]] = {}
        self._volume = math.nan
        self._without_volume = 0

    def add(self, rows: int, values: dict[str, Any]) -> None:
        """Take the columns of the next rows."""
        self.cells += rows
        for name in ("facets", "class", "crossed", "rank"):
            if name in values:
                self._counts.setdefault(name, Counter()).update(values[name].tolist())
        for name in ("inradius", "spectral_norm", "infinity_norm"):
            if name in values and rows:
                low, high = float(values[name].min()), float(values[name].max())
                before = self._ends.get(name, (low, high))
                self._ends[name] = min(low, before[0]), max(high, before[1])
        if "volume" in values:
            known = values["volume"][~np.isnan(values["volume"])]
            self._without_volume += rows - len(known)
            if len(known):
                so_far = 0.0 if math.isnan(self._volume) else self._volume
                self._volume = math.fsum([so_far, *known.tolist()])

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, of the columns that are there."""
        found: dict[str, Any] = {"cells": self.cells}
        if self.distinct_maps is not None:
            found["distinct_maps"] = self.distinct_maps
        if self.linear_regions is not None:
            found["linear_regions"] = self.linear_regions
        for name, plural in (("facets", "facets"), ("class", "classes"), ("rank", "ranks")):
            if name in self._counts:
                found[plural] = dict(sorted(self._counts[name].items()))
        if "crossed" in self._counts:
            found["boundary_cells"] = self._counts["crossed"][True]
        for name, (low, high) in self._ends.items():
            found[name] = {"least": low, "largest": high}
        if not math.isnan(self._volume):
            found["volume"] = self._volume
            found["without_volume"] = self._without_volume
        return found
