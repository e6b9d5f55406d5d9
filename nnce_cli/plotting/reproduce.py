"""What makes a table and its report again: commands, and the files that they read."""

from __future__ import annotations

import shlex

from nnce_cli.plotting.domain_files import domain_options
from nnce_cli.plotting.subject import Subject
from nnce_cli.table import MAX_CELLS, Metadata, has_witness


def commands(subject: Subject) -> list[str]:
    """Return the commands that make the table, check it, and write the report."""
    metadata = subject.metadata
    model, cells = names(subject)
    options, _ = domain_options(metadata)
    return [
        f"nnce enumerate {model} {' '.join(options)}{_options(metadata)} -o {cells}",
        f"nnce verify {cells} {model}",
        f"nnce report {cells} {model}{subject.task_option}",
    ]


def names(subject: Subject) -> tuple[str, str]:
    """Return the files of the model and of the table as words for a shell."""
    model, cells = (shlex.quote(argument(name)) for name in (subject.model, subject.table))
    return model, cells


def claim(metadata: Metadata) -> str:
    """Say what the commands give."""
    if metadata.made is None:
        return (
            "The table does not say how it was made: these commands give the same cells, "
            "and perhaps other witnesses:"
        )
    if metadata.stopped_by not in (None, MAX_CELLS):
        return (
            "How far the enumeration came before it was stopped is a matter of time and not of "
            "its options; these commands give the whole table, of which this one has some rows:"
        )
    return (
        "The table does not depend on chance, time, or the number of workers: on one kind of "
        "machine and with one version of nnce and its libraries it is the same file, byte for "
        "byte."
    )


def facts(subject: Subject) -> dict[str, str]:
    """Return what tells one table from another."""
    made = subject.metadata.made
    found = {}
    if made is not None:
        found = {"written by": f"nnce {made.nnce}", "method": made.method}
        if made.lp is not None:
            found["linear programs"] = made.lp
        found["with a certificate"] = "yes" if made.proof else "no"
    found |= {"model": subject.metadata.model, "table": subject.table}
    if subject.table_digest is not None:
        found["SHA-256 of the table"] = subject.table_digest
    return found


def _options(metadata: Metadata) -> str:
    """Return the options of the command that makes a table, beside the domain and the names."""
    options = [f"--output-name {shlex.quote(name)}" for name in metadata.outputs]
    if metadata.witness != has_witness(metadata.widths[0]):
        options.append("--witness" if metadata.witness else "--no-witness")
    made = metadata.made
    if made is not None:
        options.append(f"--method {made.method}")
        if made.lp is not None:
            options.append(f"--lp {made.lp}")
        if made.proof:
            options.append("--proof proof.parquet")
    if metadata.stopped_by == MAX_CELLS:
        options.append(f"--max-cells {metadata.cells}")
    if not metadata.certified:
        options.append("--no-certify")
    return "".join(f" {option}" for option in options)


def argument(name: str) -> str:
    """Return a file's name so that no command takes it for an option."""
    return f"./{name}" if name.startswith("-") else name
