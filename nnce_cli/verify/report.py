"""What a verification found: one result a check."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from nnce_cli.table import Metadata

NAMED_FAILURES = 5
MAX_FAILURES = 100  # a slow check stops here: a hundred failures are no accident

Status = Literal["passed", "failed", "not done"]


@dataclass
class CheckResult:
    """The result of one check.

    ``checked`` counts what the check looked at (rows, points, hyperplanes, …: ``unit``) and
    ``failed`` how many of them failed; ``failures`` describes the first few. ``details`` holds
    further counts. ``note`` says in words what limits the check, or why it was not done.
    """

    name: str
    unit: str
    checked: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    details: dict[str, int] = field(default_factory=dict)
    note: str = ""
    done: bool = True

    @staticmethod
    def not_done(name: str, unit: str, why: str) -> CheckResult:
        """Return the result of a check that could not be made, or was not asked for."""
        return CheckResult(name, unit, note=why, done=False)

    @property
    def status(self) -> Status:
        """Whether the check passed, failed or was not done."""
        if self.failed:
            return "failed"
        return "passed" if self.done else "not done"

    @property
    def is_hopeless(self) -> bool:
        """Whether so much failed that a slow check may stop."""
        return self.failed >= MAX_FAILURES

    def fail(self, what: str) -> None:
        """Count a failure, and describe it if it is one of the first."""
        self.failed += 1
        if len(self.failures) < NAMED_FAILURES:
            self.failures.append(what)

    def count(self, detail: str, more: int = 1) -> None:
        """Add to one of the further counts."""
        self.details[detail] = self.details.get(detail, 0) + more

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "name": self.name,
            "status": self.status,
            "unit": self.unit,
            "checked": self.checked,
            "failed": self.failed,
            "failures": self.failures,
            "details": self.details,
            "note": self.note,
        }


@dataclass(frozen=True)
class Report:
    """All results, in the order of the checks, and what they prove together.

    ``proved`` is true where the results leave nothing to chance: every row is a cell, and either
    every facet of every cell leads to a listed cell or a certificate accounts for the domain.
    ``table`` is what the table says that it is of; ``another`` says, where that is not the model
    or the domain that it was checked against, what is different: then nothing else was looked at.
    """

    checks: list[CheckResult]
    proved: bool
    table: Metadata
    another: str = ""

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not any(check.failed for check in self.checks)
