"""The walk on simplex dictionaries: over the inputs, or in the image of the first layer."""

from nnce_cli.enumeration.dictionary.facets import FacetBatch, Facets, FacetWalk
from nnce_cli.enumeration.dictionary.image import Reduction, reduce_to_image
from nnce_cli.enumeration.dictionary.scores import RowScores
from nnce_cli.enumeration.dictionary.thinned import ThinnedWalk, Windows
from nnce_cli.enumeration.dictionary.walk import DictionaryWalk, ImageWalk

__all__ = [
    "DictionaryWalk",
    "FacetBatch",
    "FacetWalk",
    "Facets",
    "ImageWalk",
    "Reduction",
    "RowScores",
    "ThinnedWalk",
    "Windows",
    "reduce_to_image",
]
