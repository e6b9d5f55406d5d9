"""Questions about the outputs of a network over a domain, decided exactly.

The names are loaded when they are used.
"""

from typing import TYPE_CHECKING

from nnce_cli.base.lazy import lazy_names

if TYPE_CHECKING:
    from nnce_cli.atlas.evaluation import Evaluation, evaluate
    from nnce_cli.atlas.proof import refuse_unprovable, write_proof
    from nnce_cli.atlas.ranges import Extreme, Range, range_of
    from nnce_cli.atlas.verdict import Counterexample, Progress, Verdict, check

__all__ = [
    "Counterexample",
    "Evaluation",
    "Extreme",
    "Progress",
    "Range",
    "Verdict",
    "check",
    "evaluate",
    "range_of",
    "refuse_unprovable",
    "write_proof",
]

__getattr__ = lazy_names(
    __name__,
    {
        "verdict": ["Counterexample", "Progress", "Verdict", "check"],
        "evaluation": ["Evaluation", "evaluate"],
        "ranges": ["Extreme", "Range", "range_of"],
        "proof": ["refuse_unprovable", "write_proof"],
    },
)
