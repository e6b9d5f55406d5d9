"""What a table is of: its network, read from its file, and its domain."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnce_cli.domain import Domain, Slice, make_domain, on_slice
from nnce_cli.network import LayerStack, load_network
from nnce_cli.table.metadata import Metadata


def load_as(metadata: Metadata, path: Path) -> LayerStack:
    """Read a network as a table has it: those of its outputs, on the slice, if it is of one.

    Whether it is the table's network is another question.

    Raises:
        InputError: it cannot be read, or has other inputs or outputs.
    """
    return placed_as(metadata, load_network(path, metadata.outputs))


def placed_as(metadata: Metadata, stack: LayerStack) -> LayerStack:
    """Return a network as a table has it: on the slice, if it is of one.

    Raises:
        InputError: the points of the slice have another number of inputs.
    """
    return on_slice(stack, Slice(np.array(metadata.points))) if metadata.points else stack


def domain_of(metadata: Metadata) -> Domain:
    """Return the domain that a table says it is of.

    Raises:
        InputError: a lower bound is above the upper one.
    """
    rows = np.array(metadata.halfspaces, dtype=np.float64).reshape(-1, len(metadata.lower) + 1)
    return make_domain(np.array(metadata.lower), np.array(metadata.upper), rows)
