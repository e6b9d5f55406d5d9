"""What cell tables and widths say: statistics, differences, upper bounds on the cells."""

from nnce_cli.analysis.bounds import bounds, montufar, serra, sign_vectors
from nnce_cli.analysis.compare import Comparison, Difference, compare
from nnce_cli.analysis.stats import Stats, SubCells, stats

__all__ = [
    "Comparison",
    "Difference",
    "Stats",
    "SubCells",
    "bounds",
    "compare",
    "montufar",
    "serra",
    "sign_vectors",
    "stats",
]
