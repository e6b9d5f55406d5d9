"""What a script or a notebook works with; `nnce_cli` itself has these names."""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.api.atlas import Atlas, open_table
    from nnce_cli.api.cell import Cell
    from nnce_cli.api.domains import Box, HalfSpaces, Slice, Space
    from nnce_cli.api.network import Network, load
    from nnce_cli.api.runs import check, enumerate_cells, estimate, verify

__all__ = [
    "Atlas",
    "Box",
    "Cell",
    "HalfSpaces",
    "Network",
    "Slice",
    "Space",
    "check",
    "enumerate_cells",
    "estimate",
    "load",
    "open_table",
    "verify",
]

__getattr__ = lazy_names(
    __name__,
    {
        "atlas": ["Atlas", "open_table"],
        "cell": ["Cell"],
        "domains": ["Box", "HalfSpaces", "Slice", "Space"],
        "network": ["Network", "load"],
        "runs": ["check", "enumerate_cells", "estimate", "verify"],
    },
)
