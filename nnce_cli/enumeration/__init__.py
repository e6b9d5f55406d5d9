"""One subtree and a budget -> cells and the subtrees left over; a whole domain is one subtree.

The names are loaded when they are used: a command pays for the method that it takes.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.enumeration.along import Met, TreeRows, walk_along
    from nnce_cli.enumeration.available import (
        Availability,
        available_back_ends,
        available_methods,
    )
    from nnce_cli.enumeration.batch import CellBatch, DecisionLog
    from nnce_cli.enumeration.dictionary import (
        DictionaryWalk,
        FacetBatch,
        Facets,
        FacetWalk,
        RowScores,
        ThinnedWalk,
        Windows,
    )
    from nnce_cli.enumeration.driver import batches
    from nnce_cli.enumeration.layerwise.lp.dictionary import optimum
    from nnce_cli.enumeration.methods import (
        AUTO,
        DICTIONARY,
        IMAGE,
        METHOD_NAMES,
        METHODS,
        VERTEX,
        Method,
        choose,
        method,
        node_cost,
        walk_factory,
    )
    from nnce_cli.enumeration.points import CellPoint, CellPoints
    from nnce_cli.enumeration.problem import Problem
    from nnce_cli.enumeration.ranks import RankFinder
    from nnce_cli.enumeration.reduction import domain_forms, rounded_outward
    from nnce_cli.enumeration.subtree import (
        WHOLE,
        Place,
        Subtree,
        pack_subtrees,
        place,
        unpack_subtrees,
    )
    from nnce_cli.enumeration.vertex import VertexWalk
    from nnce_cli.enumeration.walk import NO_LIMIT, Walk

__all__ = [
    "AUTO",
    "DICTIONARY",
    "IMAGE",
    "METHODS",
    "METHOD_NAMES",
    "NO_LIMIT",
    "VERTEX",
    "WHOLE",
    "Availability",
    "CellBatch",
    "CellPoint",
    "CellPoints",
    "DecisionLog",
    "DictionaryWalk",
    "FacetBatch",
    "FacetWalk",
    "Facets",
    "Met",
    "Method",
    "Place",
    "Problem",
    "RankFinder",
    "RowScores",
    "Subtree",
    "ThinnedWalk",
    "TreeRows",
    "VertexWalk",
    "Walk",
    "Windows",
    "available_back_ends",
    "available_methods",
    "batches",
    "choose",
    "domain_forms",
    "method",
    "node_cost",
    "optimum",
    "pack_subtrees",
    "place",
    "rounded_outward",
    "unpack_subtrees",
    "walk_along",
    "walk_factory",
]


__getattr__ = lazy_names(
    __name__,
    {
        "along": ["Met", "TreeRows", "walk_along"],
        "available": ["Availability", "available_back_ends", "available_methods"],
        "batch": ["CellBatch", "DecisionLog"],
        "dictionary": [
            "DictionaryWalk", "FacetBatch", "FacetWalk", "Facets", "RowScores", "ThinnedWalk",
            "Windows",
        ],
        "driver": ["batches"],
        "layerwise.lp.dictionary": ["optimum"],
        "methods": [
            "AUTO", "DICTIONARY", "IMAGE", "METHODS", "METHOD_NAMES", "VERTEX", "Method", "choose",
            "method", "node_cost", "walk_factory",
        ],
        "points": ["CellPoint", "CellPoints"],
        "problem": ["Problem"],
        "ranks": ["RankFinder"],
        "reduction": ["domain_forms", "rounded_outward"],
        "subtree": ["WHOLE", "Place", "Subtree", "pack_subtrees", "place", "unpack_subtrees"],
        "vertex": ["VertexWalk"],
        "walk": ["NO_LIMIT", "Walk"],
    },
)  # fmt: skip
