"""All checks of a table, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nnce_cli.network import LayerStack
from nnce_cli.table import CellTableReader, Metadata, domain_of, load_as
from nnce_cli.verify import (
    check_closure,
    check_lowering,
    check_metadata,
    check_order,
    check_outputs,
    check_proof,
    check_samples,
    check_volumes,
    check_witnesses,
)
from nnce_cli.verify.charted import NoInteriorError
from nnce_cli.verify.check_metadata import DomainOf, any_domain
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.proof_file import ProofReader
from nnce_cli.verify.report import CheckResult, Report
from nnce_cli.verify.table_rows import Table
from nnce_cli.verify.volume import MAX_DIMENSION

CLOSURE_CELLS = 100_000
VOLUME_CELLS = 10_000  # volumes are rational, and take longer

Watch = Callable[[str, int, int], None]
"""Called with the name of a check, how much of it is done, and how much there is to do."""


@dataclass(frozen=True)
class Options:
    """How much to check.

    ``samples`` random points, drawn with ``seed``; the facets of ``closure`` cells, and volumes
    where there are no more cells than that, nor than `VOLUME_CELLS`; ``proof`` is the file of a
    completeness certificate. ``domain`` is what the table has to be of, ``jobs`` the number of
    processes.
    """

    samples: int = 100_000
    closure: int = CLOSURE_CELLS
    seed: int = 0
    proof: Path | None = None
    domain: DomainOf = any_domain
    jobs: int = 1


def verify(cells: str | Path, model: Path, options: Options, watch: Watch) -> Report:
    """Check a cell table (``-`` is standard input) against the model it is said to come from.

    Raises:
        InputError: the model, the table or the certificate cannot be read.
    """
    with CellTableReader(cells) as reader:
        stack = load_as(reader.metadata, model)
        table = Table(reader, stack.layout)
        if options.proof is None:
            return _checked(table, stack, model, options, None, watch)
        with ProofReader(options.proof) as proof:
            return _checked(table, stack, model, options, proof, watch)


def _checked(
    table: Table,
    stack: LayerStack,
    model: Path,
    options: Options,
    proof: ProofReader | None,
    watch: Watch,
) -> Report:
    """Make all checks, or those that can be made."""
    said = table.metadata
    subject = check_metadata.check_subject(table, stack, options.domain)
    network = None if subject.failed else _network(stack, said, subject)
    if network is None:
        return _hopeless(said, subject)
    check_metadata.check_metadata(table, subject)
    checks = [subject]

    def progress(name: str) -> Progress:
        return partial(watch, name)

    checks.append(check_witnesses.check_witnesses(table, network, progress(check_witnesses.NAME)))
    checks.append(check_order.check_order(table))
    checks.append(_samples(table, network, options, progress(check_samples.NAME)))
    checks.append(_closure(table, network, options, progress(check_closure.NAME)))
    checks.append(_volumes(table, network, options, progress(check_volumes.NAME)))
    checks.append(_outputs(table, network, model, progress(check_outputs.NAME)))
    watched = progress(check_lowering.NAME)
    checks.append(check_lowering.check_lowering(table, network, model, options.seed, watched))
    if proof is not None:
        watched = progress(check_proof.NAME)
        checks.append(check_proof.check_proof(table, network, proof, options.jobs, watched))
    passed = not any(check.failed for check in checks)
    by_closure = 0 < table.rows <= options.closure
    return Report(checks, passed and (by_closure or proof is not None), said)


def _network(stack: LayerStack, said: Metadata, subject: CheckResult) -> ExactNetwork | None:
    """Return the network on the table's domain, None where that has no interior."""
    try:
        return ExactNetwork(stack, domain_of(said))
    except NoInteriorError as error:
        subject.fail(f"its domain {error}")
        return None


def _hopeless(said: Metadata, subject: CheckResult) -> Report:
    """Report that the table is that of something else, so that nothing in it was checked."""
    [why] = subject.failures
    others = [check_witnesses, check_order, check_samples, check_closure, check_volumes]
    others += [check_outputs, check_lowering]
    rest = [CheckResult.not_done(check.NAME, check.UNIT, why) for check in others]
    return Report([subject, *rest], False, said, another=why)


def _samples(
    table: Table, network: ExactNetwork, options: Options, progress: Progress
) -> CheckResult:
    why = _incomplete(table) or ("" if options.samples else "--samples 0")
    if why:
        return CheckResult.not_done(check_samples.NAME, check_samples.UNIT, why)
    return check_samples.check_samples(table, network, options.samples, options.seed, progress)


def _closure(
    table: Table, network: ExactNetwork, options: Options, progress: Progress
) -> CheckResult:
    why = _incomplete(table) or ("" if options.closure else "--closure 0")
    if why:
        return CheckResult.not_done(check_closure.NAME, check_closure.UNIT, why)
    return check_closure.check_closure(
        table, network, options.closure, options.seed, options.jobs, progress
    )


def _volumes(
    table: Table, network: ExactNetwork, options: Options, progress: Progress
) -> CheckResult:
    why = _incomplete(table)
    chart = network.chart
    if not 1 <= chart.dimension <= MAX_DIMENSION:
        most, where = MAX_DIMENSION - chart.is_cone, " of cones" if chart.is_cone else ""
        why = why or f"{chart.inputs} inputs vary; volumes{where} are for 1 to {most}"
    most = min(options.closure, VOLUME_CELLS)
    if table.rows > most:
        why = why or f"the table has more than {most:,} cells"
    if why:
        return CheckResult.not_done(check_volumes.NAME, check_volumes.UNIT, why)
    return check_volumes.check_volumes(table, network, progress)


def _outputs(table: Table, network: ExactNetwork, model: Path, progress: Progress) -> CheckResult:
    if not table.metadata.witness:
        why = "the table has no witnesses (nnce enumerate --witness)"
        return CheckResult.not_done(check_outputs.NAME, check_outputs.UNIT, why)
    return check_outputs.check_outputs(table, network, model, progress)


def _incomplete(table: Table) -> str:
    """Say why completeness cannot be checked, or nothing."""
    return "" if table.metadata.complete else "the table is marked as incomplete"
