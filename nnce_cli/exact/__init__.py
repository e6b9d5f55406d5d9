"""Rational arithmetic for what floating point leaves unsure (DESIGN: "exact"); it knows no walk."""

from nnce_cli.exact.decide import Basis, Cuts, Decision, Negative, Positive, Zero, decide_neuron
from nnce_cli.exact.deepest import Guess, deepest_point
from nnce_cli.exact.dictionary import (
    Dictionary,
    Polytope,
    evaluate,
    feasible_dictionary,
    interior_point,
)
from nnce_cli.exact.extent import bounding_box, inner_point, is_pointed, tight_everywhere
from nnce_cli.exact.forward import signs_at, signs_on
from nnce_cli.exact.matrices import matrix
from nnce_cli.exact.path import CellPath, NetworkOnBox, rationals
from nnce_cli.exact.point import (
    InnerPoint,
    cell_point,
    has_interior,
    is_witness,
    splits_to_nothing,
)
from nnce_cli.exact.pullback import Pullback
from nnce_cli.exact.rank import exact_rank
from nnce_cli.exact.rounding import RoundedDictionary, centre, nearest_float, rounded
from nnce_cli.exact.volume import volume

__all__ = [
    "Basis",
    "CellPath",
    "Cuts",
    "Decision",
    "Dictionary",
    "Guess",
    "InnerPoint",
    "Negative",
    "NetworkOnBox",
    "Polytope",
    "Positive",
    "Pullback",
    "RoundedDictionary",
    "Zero",
    "bounding_box",
    "cell_point",
    "centre",
    "decide_neuron",
    "deepest_point",
    "evaluate",
    "exact_rank",
    "feasible_dictionary",
    "has_interior",
    "inner_point",
    "interior_point",
    "is_pointed",
    "is_witness",
    "matrix",
    "nearest_float",
    "rationals",
    "rounded",
    "signs_at",
    "signs_on",
    "splits_to_nothing",
    "tight_everywhere",
    "volume",
]
