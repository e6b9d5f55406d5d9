"""Runs of networks with units of any kind: tasks are bits of neurons, rows are codes of units."""

from __future__ import annotations

import numpy as np
import pytest

from nnce_cli.enumeration import CellBatch, Problem, Subtree
from nnce_cli.network import neuron_bits
from nnce_cli.parallel import (
    Limits,
    Parts,
    Plan,
    RunFolder,
    coordinate,
    part_path,
    proof_part_path,
)
from nnce_cli.table import CellTableReader, Output, PartWriter, TableJoin, TablePart, join_proof
from tests.unit_stacks import sampled, zoo

STACKS = zoo()


class ListedWalk:
    """A walk over cells that are known: it finds them one by one, a tree node each.

    What it leaves are the subtrees beside the way to the last cell that it found.
    """

    def __init__(self, cells) -> None:
        self.cells_of = cells
        self.bits = [tuple(row) for row in neuron_bits(cells.stack, cells.joined).tolist()]
        self.ends = np.cumsum(cells.stack.rows, dtype=int).tolist()

    def begin(self, subtree: Subtree) -> None:
        length = len(subtree.prefix)
        self.here = [i for i, b in enumerate(self.bits) if b[:length] == subtree.prefix]
        self.root, self.taken, self.cells = subtree, 0, 0
        self.decisions, self.exact_witnesses, self.share = {"pivots": 1}, {}, 0.0

    @property
    def done(self) -> bool:
        return self.cells == len(self.here)

    @property
    def nodes(self) -> int:
        return self.cells

    @property
    def layer_cells(self) -> list[int]:
        found = [self.bits[i] for i in self.here[: self.cells]]
        counts = [len({b[:end] for b in found}) for end in self.ends]
        counted = self.root.counted
        return [n - (n > 0 and k < counted) for k, n in enumerate(counts)]

    def advance(self, nodes: int) -> None:
        self.cells = min(self.cells + nodes, len(self.here))

    def take(self) -> CellBatch:
        rows, which = self.cells_of.rows, self.here[self.taken : self.cells]
        self.taken = self.cells
        signs = [column[which] for column in rows.signs]
        return CellBatch(signs, rows.active[which], rows.ranks[which], rows.witness[which])

    def rest(self) -> list[Subtree]:
        last = self.bits[self.here[self.cells - 1]]
        left = [self.bits[i] for i in self.here[self.cells :]]
        found = []
        for i in range(len(last) - 1, len(self.root.prefix) - 1, -1):
            beside = (*last[:i], 1)
            if last[i] == 0 and any(b[: i + 1] == beside for b in left):
                found.append(Subtree(beside, sum(end <= i for end in self.ends)))
        return found


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("proof", [False, True])
def test_a_run_in_small_tasks_gives_the_same_table(name, proof, tmp_path, monkeypatch):
    monkeypatch.setattr("nnce_cli.parallel.walking.budget", lambda *_, **__: 2)
    cells = sampled(STACKS[name])
    stack, metadata = cells.stack, cells.metadata

    def sink(number: int) -> PartWriter:
        path = tmp_path / "run"
        of_proof = proof_part_path(path, number) if proof else None
        return PartWriter(part_path(path, number), of_proof, metadata)

    plan = Plan(Problem.of(stack, cells.box), True, True, False, sink)
    plan.__dict__["walk"] = ListedWalk(cells)
    layers = len(stack.hidden)
    with RunFolder.create(tmp_path / "run", {"rows": True}, layers, force=False) as folder:
        coordinate(folder.journal, plan, 1, Limits(), lambda: folder.journal.totals.done > 2)
    with RunFolder.resume(tmp_path / "run", {"rows": True}, stack) as folder:
        assert coordinate(folder.journal, plan, 1, Limits(), lambda: False) is None
        totals = folder.journal.totals
        assert totals.cells == len(cells.joined)
        assert totals.layer_cells == list(metadata.layer_cells)
        assert totals.done > min(len(cells.joined), 4) // 2
        parts = Parts(folder, plan, lambda: False, pytest.fail)
        with Output(str(tmp_path / "t")) as output:
            join = TableJoin(output, metadata)
            for part in parts.between():
                path = part_path(folder.path, part.number)
                join.add(TablePart(path, part.rows, part.first, part.last))
            said = join.close(stopped_by=None, certified=True, decisions=totals.decisions)
            output.commit()
    assert list(said.layer_cells) == totals.layer_cells
    cells.write(tmp_path / "whole")
    with CellTableReader(tmp_path / "t") as one, CellTableReader(tmp_path / "whole") as other:
        (a,), (b,) = one.batches(), other.batches()
        for x, y in zip(a.signs, b.signs, strict=True):
            assert np.array_equal(x, y)
        assert np.array_equal(a.witness, b.witness)


def test_the_certificate_of_a_network_without_hidden_layers(tmp_path):
    metadata = sampled(STACKS["no hidden layer"]).metadata
    with Output(str(tmp_path / "p")) as output:
        join_proof(output, metadata, [], 1)
        output.commit()
    from nnce_cli.verify.proof_file import ProofReader

    with ProofReader(tmp_path / "p") as reader:
        assert list(reader.decisions(2)) == []
