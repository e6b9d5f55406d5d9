"""What cell tables, widths and networks say: statistics, differences, bounds, forecasts.

What needs the network, or is written as Parquet, is loaded when it is used.
"""

from typing import TYPE_CHECKING

from nnce_cli.analysis.bounds import arrangement_cells, bounds, montufar, serra, sign_vectors
from nnce_cli.analysis.compare import Comparison, Difference, compare
from nnce_cli.analysis.layer_cells import LayerCells, layer_cells
from nnce_cli.analysis.stats import Stats, SubCells, stats
from nnce_cli.analysis.table_and_model import refuse_other_model
from nnce_cli.analysis.union import union_cells
from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.analysis.by_layer import (
        BY_LAYER_FORMAT,
        BY_LAYER_KEY,
        BY_LAYER_SCHEMA,
        ByLayerWriter,
    )
    from nnce_cli.analysis.cell_complex import Homology
    from nnce_cli.analysis.decisions import rationals_of
    from nnce_cli.analysis.estimate import Forecast, Quantity, forecast
    from nnce_cli.analysis.geometry import (
        Column,
        Geometry,
        Summary,
        chosen_columns,
    )
    from nnce_cli.analysis.network_stats import NetworkCounter, NetworkStats
    from nnce_cli.analysis.norms import Norm
    from nnce_cli.analysis.task import output_map, task_of
    from nnce_cli.analysis.topology import Region, Topology, topology_of

__all__ = [
    "BY_LAYER_FORMAT",
    "BY_LAYER_KEY",
    "BY_LAYER_SCHEMA",
    "ByLayerWriter",
    "Column",
    "Comparison",
    "Difference",
    "Forecast",
    "Geometry",
    "Homology",
    "LayerCells",
    "NetworkCounter",
    "NetworkStats",
    "Norm",
    "Quantity",
    "Region",
    "Stats",
    "SubCells",
    "Summary",
    "Topology",
    "arrangement_cells",
    "bounds",
    "chosen_columns",
    "compare",
    "forecast",
    "layer_cells",
    "montufar",
    "output_map",
    "rationals_of",
    "refuse_other_model",
    "serra",
    "sign_vectors",
    "stats",
    "task_of",
    "topology_of",
    "union_cells",
]

__getattr__ = lazy_names(
    __name__,
    {
        "by_layer": ["BY_LAYER_FORMAT", "BY_LAYER_KEY", "BY_LAYER_SCHEMA", "ByLayerWriter"],
        "cell_complex": ["Homology"],
        "decisions": ["rationals_of"],
        "estimate": ["Forecast", "Quantity", "forecast"],
        "geometry": [
            "Column",
            "Geometry",
            "Summary",
            "chosen_columns",
        ],
        "network_stats": ["NetworkCounter", "NetworkStats"],
        "norms": ["Norm"],
        "task": ["output_map", "task_of"],
        "topology": ["Region", "Topology", "topology_of"],
    },
)
