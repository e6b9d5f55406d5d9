"""One training of the study: the network at each of its moments, and the record of it."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

import nnce_cli as nnce
from experiments.commands import CommandError
from experiments.data import accuracy_on_test, bounds, parameters, planes, write_moments
from experiments.nets import Floats
from experiments.plan import Training
from experiments.results import Record

MARGIN = 0.2  # beyond the samples of a plane
DRAWN = 0  # the seed whose boundary the page shows
DECIMALS = 3  # of what is drawn

Look = Callable[[nnce.Network, Training, int], Record]


def measure_training(look: Look, training: Training, models: Path) -> Record:
    """Train a network, look at it at each moment, and return what was found.

    Raises:
        CommandError: the cells are not complete and certified.
    """
    before = _processor_seconds()
    files = write_moments(training, models)
    moments = [
        {"epochs": epochs, "test_accuracy": accuracy_on_test(training, path)}
        | look(nnce.load(path), training, epochs)
        for epochs, path in files.items()
    ]
    return {
        "name": training.name,
        "data": training.data,
        "kind": training.kind,
        "hidden": list(training.hidden),
        "seed": training.seed,
        "inputs": len(bounds(training.data)),
        "parameters": parameters(next(iter(files.values()))),
        "processor_seconds": _processor_seconds() - before,
        "moments": moments,
    }


def on_box(network: nnce.Network, training: Training, _: int) -> Record:
    """Count cells by rank, maps and linear regions on the box around the data."""
    atlas = _enumerate(network, _box(training))
    table = atlas.geometry(["map_id", "region", "rank", "crossed"])
    return {
        "cells": atlas.cells,
        "layer_cells": atlas.layer_cells,
        "cells_by_rank": atlas.stats().cells_by_rank,
        "output_ranks": dict(sorted(Counter(table["rank"].to_pylist()).items())),
        "distinct_maps": len(table["map_id"].unique()),
        "linear_regions": len(table["region"].unique()),
        "boundary_cells": sum(table["crossed"].to_pylist()),
    }


def on_planes(network: nnce.Network, training: Training, epochs: int) -> Record:
    """Count cells, and those that the decision boundary crosses, on planes through samples.

    Maps, which take longer, are counted on the first plane at the end of training.
    """
    found: list[Record] = []
    for points in planes():
        atlas = _enumerate(network, nnce.Slice(points, nnce.Box(-MARGIN, 1 + MARGIN)))
        with_maps = epochs == max(training.moments) and not found
        table = atlas.geometry(["crossed", "map_id"] if with_maps else ["crossed"])
        record = {"cells": atlas.cells, "boundary_cells": sum(table["crossed"].to_pylist())}
        if with_maps:
            record["distinct_maps"] = len(table["map_id"].unique())
        found.append(record)
    return {"planes": found}


def of_boundary(network: nnce.Network, training: Training, _: int) -> Record:
    """Find the Betti numbers of the classes and of the decision boundary; draw one of them.

    Raises:
        CommandError: an Euler characteristic is not what it must be.
    """
    atlas = _enumerate(network, _box(training))
    found = atlas.topology()
    if not found.is_consistent:
        raise CommandError(f"{training.name}: the Euler characteristics do not agree")
    record = {
        "cells": atlas.cells,
        "parts": found.faces[-1],
        "classes": {
            label: {"betti": region.homology.betti, "euler": region.homology.euler}
            for label, region in found.regions.items()
        },
        "boundary": {"betti": found.boundary.betti, "euler": found.boundary.euler},
    }
    if training.seed == DRAWN and found.inputs == 2:
        record["drawn"] = [np.round(part, DECIMALS).tolist() for part in segments(atlas)]
    return record


def segments(atlas: nnce.Atlas) -> list[Floats]:
    """Return the pieces (2, 2) of the decision boundary of two classes, a crossed cell each."""
    crossed = atlas.geometry(["crossed"])["crossed"].to_numpy()
    return [_segment(atlas.cell(int(row))) for row in np.flatnonzero(crossed)]


def _segment(cell: nnce.Cell) -> Floats:
    """Return where the scores of a polygon are equal: on two of its edges."""
    corners = cell.vertices
    middle = corners.mean(axis=0)
    corners = corners[np.argsort(np.arctan2(*(corners - middle).T))]
    values = corners @ (cell.A[1] - cell.A[0]) + cell.b[1] - cell.b[0]
    others, beyond = np.roll(corners, -1, axis=0), np.roll(values, -1)
    ends = [
        p + (q - p) * v / (v - w)
        for p, q, v, w in zip(corners, others, values, beyond, strict=True)
        if (v > 0) != (w > 0)
    ]
    return np.array(ends)


def _box(training: Training) -> nnce.Box:
    return nnce.Box(*bounds(training.data).T)


def _enumerate(network: nnce.Network, where: nnce.Box | nnce.Slice) -> nnce.Atlas:
    atlas = nnce.enumerate(network, where, jobs=1)
    if not (atlas.complete and atlas.certified):
        raise CommandError("the table is not the whole, certified one")
    return atlas


def _processor_seconds() -> float:
    """Return the processor time of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
