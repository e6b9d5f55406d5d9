"""Forecasts: how many cells, how long, how large a table, from random parts of the tree."""

from nnce_cli.analysis.estimate.quantity import CONFIDENCE, Quantity
from nnce_cli.analysis.estimate.study import Forecast, forecast

__all__ = ["CONFIDENCE", "Forecast", "Quantity", "forecast"]
