"""What cell tables and widths say: statistics, and upper bounds on the number of cells."""

from nnce_cli.analysis.bounds import arrangement_cells, bounds, montufar, serra, sign_vectors
from nnce_cli.analysis.layer_cells import LayerCells, layer_cells
from nnce_cli.analysis.stats import Stats, SubCells, stats

__all__ = [
    "LayerCells",
    "Stats",
    "SubCells",
    "arrangement_cells",
    "bounds",
    "layer_cells",
    "montufar",
    "serra",
    "sign_vectors",
    "stats",
]
