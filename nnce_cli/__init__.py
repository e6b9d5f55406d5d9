"""nnce: exact enumeration of the activation regions (cells) of piecewise linear networks.

What a script or a notebook needs is here: ``import nnce_cli as nnce`` (docs/python.md). The names
are loaded when they are used.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

__version__ = "0.2.0"

if TYPE_CHECKING:
    from nnce_cli.api import (
        Atlas,
        Box,
        Cell,
        HalfSpaces,
        Network,
        Slice,
        Space,
        check,
        estimate,
        load,
        verify,
    )
    from nnce_cli.api import enumerate_cells as enumerate
    from nnce_cli.api import open_table as open
    from nnce_cli.base.errors import InputError
    from nnce_cli.run import Progress, SavedError

__all__ = [
    "Atlas",
    "Box",
    "Cell",
    "HalfSpaces",
    "InputError",
    "Network",
    "Progress",
    "SavedError",
    "Slice",
    "Space",
    "check",
    "enumerate",
    "estimate",
    "load",
    "open",
    "verify",
]

_names = lazy_names(
    __name__,
    {
        "api": [
            "Atlas", "Box", "Cell", "HalfSpaces", "Network", "Slice", "Space", "check",
            "enumerate_cells", "estimate", "load", "open_table", "verify",
        ],
        "base.errors": ["InputError"],
        "run": ["Progress", "SavedError"],
    },
)  # fmt: skip
_RENAMED = {"open": "open_table", "enumerate": "enumerate_cells"}


def __getattr__(name: str) -> object:
    return _names(_RENAMED.get(name, name))


class _Front(ModuleType):
    """The package, whose name ``verify`` is the function also where the room of it is loaded."""

    @property
    def verify(self) -> object:
        return _names("verify")

    @verify.setter
    def verify(self, room: ModuleType) -> None:
        """Leave the name as it is: the import system would put the room there."""


sys.modules[__name__].__class__ = _Front
