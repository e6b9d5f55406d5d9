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
    from nnce_cli.atlas.violated_cells import AllViolations, ViolatedCell, Violations, violations
    from nnce_cli.atlas.violation_table import write_violations

__all__ = [
    "AllViolations",
    "Counterexample",
    "Evaluation",
    "Extreme",
    "Progress",
    "Range",
    "Verdict",
    "ViolatedCell",
    "Violations",
    "check",
    "evaluate",
    "range_of",
    "refuse_unprovable",
    "violations",
    "write_proof",
    "write_violations",
]

__getattr__ = lazy_names(
    __name__,
    {
        "verdict": ["Counterexample", "Progress", "Verdict", "check"],
        "evaluation": ["Evaluation", "evaluate"],
        "ranges": ["Extreme", "Range", "range_of"],
        "violation_table": ["write_violations"],
        "violated_cells": ["AllViolations", "ViolatedCell", "Violations", "violations"],
        "proof": ["refuse_unprovable", "write_proof"],
    },
)
