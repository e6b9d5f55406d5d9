"""The network that a table is of, read from its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnce_cli.domain import Slice, on_slice
from nnce_cli.network import LayerStack, load_network
from nnce_cli.table.metadata import Metadata


def load_as(metadata: Metadata, path: Path) -> LayerStack:
    """Read a network as a table has it: those of its outputs, on the slice, if it is of one.

    Whether it is the table's network is another question.

    Raises:
        InputError: it cannot be read, or has other inputs or outputs.
    """
    stack = load_network(path, metadata.outputs)
    if not metadata.points:
        return stack
    return on_slice(stack, Slice(np.array(metadata.points)))
