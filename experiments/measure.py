"""One network of the study: train, enumerate, count; the record of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.commands import CommandError, enumerate_cells, nnce
from experiments.data import accuracies, bounds, parameters, write_bounds, write_model
from experiments.plan import Network
from experiments.results import Record

SUB_CELLS = ("cells", "mean", "min", "quartiles", "max", "bound")


def measure(network: Network, models: Path) -> Record:
    """Train a network, enumerate it on the box around its data, and return what was found.

    Raises:
        CommandError: it could not be enumerated and certified.
    """
    model, box = write_model(network, models), write_bounds(network.data, models)
    on_training, on_test = accuracies(network, model)
    with tempfile.TemporaryDirectory(prefix="nnce-study-") as folder:
        table, by_layer = Path(folder) / "cells.parquet", Path(folder) / "layers.parquet"
        run = enumerate_cells(model, box, table)
        stats = nnce("stats", table, "--by-layer", by_layer).said
        layers = pq.read_table(by_layer, columns=["layer", "rank", "active", "subcells", "rows"])
    columns = {name: layers[name].to_numpy() for name in layers.column_names}
    said = run.said
    if not (stats["complete"] and stats["certified"] and stats["cells"] == said["cells"]):
        raise CommandError(f"{network.name}: the table is not the whole, certified one")
    return {
        "name": network.name,
        "data": network.data,
        "hidden": list(network.hidden),
        "seed": network.seed,
        "epochs": network.epochs,
        "inputs": said["widths"][0],
        "inputs_that_vary": int((np.diff(bounds(network.data)) > 0).sum()),
        "parameters": parameters(model),
        "digest": said["digest"],
        "training_accuracy": on_training,
        "test_accuracy": on_test,
        "cells": said["cells"],
        "layer_cells": said["layer_cells"],
        "certified": said["certified"],
        "exact_cells": said["decisions"]["witnesses_exact"],
        "seconds": said["seconds"],
        "processor_seconds": run.processor_seconds,
        "largest_subtree": int(columns["rows"][columns["layer"] == 1].max()),
        "cells_by_rank": stats["cells_by_rank"],
        "sub_cells_by_rank": [
            {rank: {key: sub[key] for key in SUB_CELLS} for rank, sub in layer.items()}
            for layer in stats["sub_cells_by_rank"]
        ],
        "explained": [explained(columns, k) for k in range(1, len(network.hidden))],
    }


def explained(columns: dict[str, NDArray[Any]], k: int) -> dict[str, float | None]:
    """Return how much of the sub-cells of the layer-k cells rank and active neurons explain."""
    chosen = columns["layer"] == k
    logarithms = np.log(columns["subcells"][chosen].astype(np.float64))
    return {
        name: correlation_ratio(columns[name][chosen], logarithms) for name in ("rank", "active")
    }


def correlation_ratio(classes: NDArray[Any], values: NDArray[np.float64]) -> float | None:
    """Return the share of the variance of ``values`` that lies between the classes (η², Pearson).

    None where there is no variance.
    """
    total = float(((values - values.mean()) ** 2).sum())
    if np.ptp(values) == 0:
        return None
    _, place = np.unique(classes, return_inverse=True)
    count = np.bincount(place)
    means = np.bincount(place, values) / count
    return float((count * (means - values.mean()) ** 2).sum()) / total
