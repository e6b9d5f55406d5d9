"""What is true of each cell by itself, as columns beside a table: ``nnce geometry``."""

from nnce_cli.analysis.geometry.columns import Column, chosen_columns
from nnce_cli.analysis.geometry.run import Geometry
from nnce_cli.analysis.geometry.summary import Summary

__all__ = ["Column", "Geometry", "Summary", "chosen_columns"]
