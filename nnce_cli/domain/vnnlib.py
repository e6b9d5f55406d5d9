"""Properties in VNNLIB (https://www.vnnlib.org), versions 1.0 and 2.0.

A file declares inputs and outputs of a network and asserts linear inequalities of them, joined by
and, or and not. They describe what must not happen: the property is violated where all assertions
hold. Version 1.0 has scalars X_0, X_1, … and Y_0, Y_1, …; in version 2.0 a network is declared with
tensors of any name. All numbers are exact; bounds of the inputs become float64 in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nnce_cli.base.errors import InputError
from nnce_cli.domain.cases import Conjunction, Formula, FormulaReader, cases_of
from nnce_cli.domain.declarations import Declarations
from nnce_cli.domain.polyhedron import Domain
from nnce_cli.domain.property import Case, Property
from nnce_cli.domain.regions import Regions
from nnce_cli.domain.s_expressions import read_expressions, shown
from nnce_cli.domain.text_file import read_text

IGNORED = ("set-logic", "set-info", "set-option", "check-sat", "get-model", "exit")


def read_property(path: Path, n_inputs: int, n_outputs: int) -> Property:
    """Read a property of a network with so many inputs and outputs.

    A bound of a single input becomes the nearest float64, and strict inequalities of inputs alone
    are taken as not strict. What is said of outputs, or of inputs and outputs, stays exact. Where
    nothing can violate it there are no cases.

    Raises:
        InputError: it cannot be read or parsed, is about other inputs or outputs, or about
            anything but linear inequalities.
    """
    try:
        text = _read(path, n_inputs, n_outputs)
        regions = Regions(n_inputs, _of_inputs(text.common))
        common = _of_outputs(text.common)
        found = []
        for case in text.cases:
            domain = regions.region(_of_inputs(case))
            if domain is not None:
                found.append(Case(domain, (*common, *_of_outputs(case))))
        return Property(tuple(found), _about(path, (*text.notes, *regions.notes())))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_vnnlib(path: Path, n_inputs: int) -> tuple[tuple[Domain, ...], tuple[str, ...]]:
    """Read the domains of the inputs that a property is about, and notes on how.

    What it says of outputs is not looked at.

    Raises:
        InputError: as `read_property`, or it leaves no inputs.
    """
    try:
        text = _read(path, n_inputs, None)
        regions = Regions(n_inputs, text.common)
        found = [regions.region(case) for case in text.cases]
        domains = dict.fromkeys(domain for domain in found if domain is not None)
        if regions.empty is not None:
            raise InputError(f"the bounds of X_{regions.empty} leave no value for it")
        if not domains:
            raise InputError("what it says of the inputs leaves no value for them")
        return tuple(domains), _about(path, (*text.notes, *regions.notes()))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


@dataclass(frozen=True)
class _Text:
    """What a file says: what is common to all cases, and what each has besides."""

    common: Conjunction
    cases: list[Conjunction]
    notes: list[str]


def _read(path: Path, n_inputs: int, n_outputs: int | None) -> _Text:
    """Read a file; without a number of outputs, what is said of them is taken as true."""
    declared = Declarations()
    reader = FormulaReader(declared.find, use_outputs=n_outputs is not None)
    formulas: list[Formula] = []
    for command in read_expressions(read_text(path)):
        head = command[0] if isinstance(command, list) and command else ""
        if head == "assert" and len(command) == 2:
            formulas.append(reader.read(command[1]))
        elif head in declared.commands and isinstance(command, list):
            declared.add(command)
        elif head not in IGNORED:
            known = ", ".join((*declared.commands, "assert"))
            raise InputError(f"{shown(command)} is not a command of VNNLIB: {known}")
    notes = declared.notes(n_inputs, n_outputs)
    if reader.left_out:
        notes.append(
            f"what it says of outputs is not used (comparisons: {reader.left_out}); nnce check "
            "decides it"
        )
    return _Text(*cases_of(formulas), notes)


def _of_inputs(inequalities: Conjunction) -> Conjunction:
    return [one for one in inequalities if not one.outputs]


def _of_outputs(inequalities: Conjunction) -> Conjunction:
    return [one for one in inequalities if one.outputs]


def _about(path: Path, notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{path}: {note}" for note in notes)
