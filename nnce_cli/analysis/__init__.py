"""What cell tables and widths say: statistics, differences, upper bounds on the cells.

What needs the network too is in `nnce_cli.analysis.network_stats` (`NetworkCounter` and
`NetworkStats`), which loads the kernels and so is not imported here.
"""

from nnce_cli.analysis.bounds import arrangement_cells, bounds, montufar, serra, sign_vectors
from nnce_cli.analysis.by_layer import (
    BY_LAYER_FORMAT,
    BY_LAYER_KEY,
    BY_LAYER_SCHEMA,
    ByLayerWriter,
)
from nnce_cli.analysis.compare import Comparison, Difference, compare
from nnce_cli.analysis.layer_cells import LayerCells, layer_cells
from nnce_cli.analysis.stats import Stats, SubCells, stats
from nnce_cli.analysis.table_and_model import refuse_other_model

__all__ = [
    "BY_LAYER_FORMAT",
    "BY_LAYER_KEY",
    "BY_LAYER_SCHEMA",
    "ByLayerWriter",
    "Comparison",
    "Difference",
    "LayerCells",
    "Stats",
    "SubCells",
    "arrangement_cells",
    "bounds",
    "compare",
    "layer_cells",
    "montufar",
    "refuse_other_model",
    "serra",
    "sign_vectors",
    "stats",
]
