"""Certificates of verdicts: all that a checker needs to prove them (docs/properties.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from nnce_cli.atlas.split_tree import Closed, Cut, Region
from nnce_cli.atlas.verdict import Searched, Verdict
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Property
from nnce_cli.network import LayerStack

FORMAT = "nnce property proof 1"


def refuse_unprovable(stack: LayerStack, prop: Property) -> None:
    """Refuse a network or a domain that certificates do not know.

    Raises:
        InputError: the network has units with a winner, or an input has no bound.
    """
    for case in prop.cases:
        if not (np.isfinite(case.domain.lower).all() and np.isfinite(case.domain.upper).all()):
            raise InputError(
                "certificates are for domains in a box; bound every input, or leave out --proof"
            )
    if any(units.has_max for units in stack.units):
        raise InputError(
            "certificates do not know units with a winner of three or more (max, pooling); leave "
            "out --proof"
        )


def write_proof(path: Path, stack: LayerStack, verdict: Verdict) -> None:
    """Write the certificate of a property that was decided.

    Raises:
        OSError: it cannot be written.
    """
    head: dict[str, Any] = {"format": FORMAT, "model": stack.digest}
    found = verdict.counterexample
    with path.open("w", encoding="utf-8") as file:
        if found is not None:
            point = list(map(str, found.point))
            json.dump(head | {"verdict": "violated", "case": found.case, "input": point}, file)
            file.write("\n")
            return
        json.dump(head | {"verdict": "holds"}, file)
        file.write("\n")
        for searched in verdict.searched:
            json.dump({"cases": searched.cases, "regions": len(searched.tree.regions)}, file)
            file.write("\n")
            for line in _lines(searched):
                json.dump(line, file)
                file.write("\n")


def _lines(searched: Searched) -> list[dict[str, Any]]:
    return [_region(region) for region in searched.tree.regions]


def _region(region: Region) -> dict[str, Any]:
    line: dict[str, Any] = {}
    if region.cuts:
        line["cuts"] = [_cut(cut) for cut in region.cuts]
    if region.closed:
        line["closed"] = [_closed(closed) for closed in region.closed]
    if region.neuron >= 0:
        line["neuron"], line["parts"] = region.neuron, region.children
    return line


def _cut(cut: Cut) -> list[Any]:
    return [cut.input, cut.sign, cut.value, cut.combination]


def _closed(closed: Closed) -> list[Any]:
    combination = [(name, x if isinstance(x, float) else str(x)) for name, x in closed.combination]
    return [closed.alternative, combination]
