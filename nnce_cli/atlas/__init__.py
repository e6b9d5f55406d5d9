"""Questions about the outputs of a network over a domain, decided exactly.

The names are loaded when they are used.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.atlas.check import Counterexample, Progress, Verdict, check
    from nnce_cli.atlas.evaluation import Evaluation, evaluate

__all__ = ["Counterexample", "Evaluation", "Progress", "Verdict", "check", "evaluate"]

__getattr__ = lazy_names(
    __name__,
    {
        "check": ["Counterexample", "Progress", "Verdict", "check"],
        "evaluation": ["Evaluation", "evaluate"],
    },
)
