"""Faces of rooms whose names are loaded when they are used (PEP 562): start-up is for all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(package: str, where: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package that finds names in its modules.

    ``where`` gives the names that each module has; modules are named without their package. The
    package also imports the names under TYPE_CHECKING, for type checkers, and has them in
    ``__all__``.
    """
    module_of = {name: module for module, names in where.items() for name in names}
    # Whoever loads a module puts it into the package under its name.
    assert module_of.keys().isdisjoint(where), sorted(module_of.keys() & where.keys())

    def find(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, found)  # asked for once
        return found

    return find
