"""The layer-wise methods: searches of one arrangement's cells, inside each layer-k cell in turn.

The names are loaded when they are used.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.enumeration.layerwise.lp import back_end
    from nnce_cli.enumeration.layerwise.walk import LayerWise

__all__ = ["LayerWise", "back_end"]

__getattr__ = lazy_names(__name__, {"lp": ["back_end"], "walk": ["LayerWise"]})
