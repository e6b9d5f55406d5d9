"""The replay of a completeness certificate (format: docs/proof.md).

The certificate is a walk of a tree. Its root is the domain; a split divides a node by a
hyperplane; any other decision says that a neuron has one sign on the whole node. Every point of
the domain that is on no hyperplane comes down to one leaf, which is a row of the table: where all
decisions hold and the tree is whole, the table is complete.

One process walks the tree (`proof_tree`), and all of them prove what the decisions claim about
functions (`claims`).
"""

from __future__ import annotations

from reprlib import repr as shortened

from nnce_cli.base.errors import InputError
from nnce_cli.base.workers import in_order
from nnce_cli.domain import Box
from nnce_cli.verify.claims import ClaimCheck, Proved
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.proof_file import ProofReader
from nnce_cli.verify.proof_tree import ProofTree
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table

NAME, UNIT = "certificate", "decisions"


def check_proof(
    table: Table, network: ExactNetwork, proof: ProofReader, jobs: int, progress: Progress
) -> CheckResult:
    """Replay a certificate against the model and the table; stop at the first wrong decision.

    Raises:
        InputError: the certificate is damaged, or there are none for such a model.
    """
    result = CheckResult(NAME, UNIT)
    if any(layer.maxima for layer in network.layers):
        raise InputError(
            "the model takes the largest of three or more numbers, and such networks have no "
            "certificates; verify the table without --proof"
        )
    if not isinstance(network.chart.domain, Box):
        raise InputError("certificates are about boxes; verify the table without --proof")
    _compare_metadata(table, proof, result)
    if result.failed:
        return result
    tree = ProofTree(network, (codes for part in table.parts() for codes in part.codes))
    decisions = proof.decisions(longest=min(network.dimension, network.rows))
    total = Proved()
    for proved in in_order(ClaimCheck(network).prove, tree.claims(decisions), jobs):
        total.add(proved)
        if total.wrong:
            break
        progress(total.last + 1, proof.rows)
    result.details = {"cells": tree.cells, "splits": tree.splits, **total.details}
    # The tree is walked ahead of the proofs, so that a claim that is wrong comes first.
    wrong = total.wrong or tree.wrong
    result.checked = wrong[0] if wrong else tree.decisions
    if wrong:
        result.fail(f"decision {wrong[0]}: {wrong[1]}")
    elif not tree.is_whole:
        result.fail(f"it ends after {result.checked} decisions, before its tree is whole")
    elif tree.cells != table.rows:
        result.fail(f"its tree has {tree.cells} cells and the table {table.rows} rows")
    return result


def _compare_metadata(table: Table, proof: ProofReader, result: CheckResult) -> None:
    said, about = table.metadata, proof.about
    expected = {
        "model": said.model,
        "widths": list(said.widths),
        "domain": said.domain,
        "cells": table.rows,
        "complete": True,
    }
    for name, value in expected.items():
        if about.get(name) != value:
            result.fail(f"it is not for this table: its {name} is {shortened(about.get(name))}")
