"""What cell tables and widths say: statistics, and upper bounds on the number of cells."""

from nnce_cli.analysis.bounds import bounds, montufar, serra, sign_vectors
from nnce_cli.analysis.stats import Stats, SubCells, stats

__all__ = ["Stats", "SubCells", "bounds", "montufar", "serra", "sign_vectors", "stats"]
