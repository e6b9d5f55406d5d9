"""Whether a cell table has the column ``witness`` where nobody says."""

from __future__ import annotations

WITNESS_INPUTS = 64  # more of them would weigh far more than the rest of a row


def has_witness(n_inputs: int) -> bool:
    """Tell whether a table of a network of so many inputs has witnesses by default."""
    return n_inputs <= WITNESS_INPUTS
