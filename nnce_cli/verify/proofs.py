"""How many statements each kind of arithmetic proved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Proofs:
    """Counts of proofs by floating point, by rational arithmetic, and by exact linear programs."""

    by_floats: int = 0
    by_rationals: int = 0
    by_programs: int = 0

    def add(self, other: Proofs) -> None:
        """Add other counts."""
        self.by_floats += other.by_floats
        self.by_rationals += other.by_rationals
        self.by_programs += other.by_programs

    def details(self, what: str, programs: str) -> dict[str, int]:
        """Return the counts under the names that reports have for them: what was proved how."""
        return {
            f"{what} by floating point": self.by_floats,
            f"{what} by rational arithmetic": self.by_rationals,
            f"{what} by {programs}": self.by_programs,
        }
