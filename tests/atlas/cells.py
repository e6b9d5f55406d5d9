"""Tables of the cells of drawn networks in memory, for questions about them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnce_cli.enumeration import Problem, batches, choose, walk_factory
from nnce_cli.table import CellTableReader, CellTableWriter, Metadata, Output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nnce_cli.domain import Domain
    from nnce_cli.network import LayerStack


def write_table(path: Path, stack: LayerStack, domain: Domain) -> int:
    """Write the table of all cells; return how many there are."""
    problem = Problem.of(stack, domain)
    walk = walk_factory(choose(problem)[0])(problem)
    stack = replace(stack, digest="ab" * 32)
    with Output(str(path), force=True) as output:
        writer = CellTableWriter(output, Metadata.of(stack, domain, witness=True))
        for batch in batches(walk):
            if len(batch):
                writer.write(batch)
        cells = writer.cells
        writer.close(complete=True, certified=True, decisions={})
        output.commit()
    return cells


@contextmanager
def table_of(path: Path, stack: LayerStack, domain: Domain) -> Iterator[CellTableReader]:
    """Open a table of all cells."""
    write_table(path, stack, domain)
    with CellTableReader(path) as reader:
        yield reader


def codes_of(stack: LayerStack, joined: np.ndarray) -> tuple[int, ...]:
    """Return the code of a joined row, bits and pieces layer by layer."""
    layers = stack.layout.split_layers(joined)
    return tuple(c for layer in layers for part in layer for c in part.tolist())
