"""Questions about cells, and about the outputs of a network over a domain, decided exactly.

The names are loaded when they are used.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.atlas.cell import Cell, LayerMap, Neighbour, cell_at, cell_of_row, cell_of_signs
    from nnce_cli.atlas.cell_space import CellSpace
    from nnce_cli.atlas.facets import Facet
    from nnce_cli.atlas.halfspaces import HalfSpace, Origin
    from nnce_cli.atlas.locate import Located, Locator
    from nnce_cli.atlas.neurons import LayerNeurons, Together, neurons_of
    from nnce_cli.atlas.points import read_data

__all__ = [
    "Cell",
    "CellSpace",
    "Facet",
    "HalfSpace",
    "LayerMap",
    "LayerNeurons",
    "Located",
    "Locator",
    "Neighbour",
    "Origin",
    "Together",
    "cell_at",
    "cell_of_row",
    "cell_of_signs",
    "neurons_of",
    "read_data",
]

__getattr__ = lazy_names(
    __name__,
    {
        "cell": ["Cell", "LayerMap", "Neighbour", "cell_at", "cell_of_row", "cell_of_signs"],
        "cell_space": ["CellSpace"],
        "facets": ["Facet"],
        "halfspaces": ["HalfSpace", "Origin"],
        "locate": ["Located", "Locator"],
        "neurons": ["LayerNeurons", "Together", "neurons_of"],
        "points": ["read_data"],
    },
)
