"""What a run says of its forecast."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nnce_cli.analysis import forecast
from nnce_cli.analysis.estimate.quantity import Quantity
from nnce_cli.cli.forecasting import ToldForecast
from nnce_cli.domain import Box
from nnce_cli.network import load_network
from tests.command import four_lines

UNKNOWN = Quantity.unknown("no subtree was walked in time to measure what it costs")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A forecast of a small network."""
    stack = load_network(four_lines(tmp_path_factory.mktemp("model") / "m.onnx"))
    return forecast(stack, Box(np.full(2, -1.0), np.ones(2)), seconds=1.0)


@pytest.mark.parametrize(
    ("seconds", "cells", "told", "expected"),
    [
        (Quantity(90.0, 80.0, 100.0), Quantity(9.0, 8.0, 10.0), "8 to 10 cells, 80", 9.0),
        (Quantity(50.0, 40.0, 60.0), Quantity(9.0, 8.0, 10.0), "", None),
        (UNKNOWN, Quantity(9.0, 8.0, 10.0), "forecast (90%): 8 to 10 cells\n", 9.0),
        (UNKNOWN, UNKNOWN, "no forecast of this run is possible: no subtree", None),
    ],
)
def test_the_cells_are_expected_where_the_time_is_not_known(
    known, capfd, seconds, cells, told, expected
):
    """On a busy machine nothing may be walked in time; the share done goes by the cells then."""
    found = replace(known, layer_cells=(cells,), count_seconds=seconds)
    said = ToldForecast(SimpleNamespace(target=None))
    said.tell(found, SimpleNamespace(cells=1))
    assert said.cells == expected
    assert told in capfd.readouterr().err
