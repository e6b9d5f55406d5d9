"""Questions about the outputs of a network over a domain, decided exactly.

The names are loaded when they are used.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.atlas.check import Counterexample, Progress, Verdict, check

__all__ = ["Counterexample", "Progress", "Verdict", "check"]

__getattr__ = lazy_names(
    __name__,
    {"check": ["Counterexample", "Progress", "Verdict", "check"]},
)
