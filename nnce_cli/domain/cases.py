"""Formulas of linear inequalities as cases: a disjunction of conjunctions, with limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nnce_cli.base.errors import InputError
from nnce_cli.domain.linear_forms import (
    INPUT,
    MINUS_ONE,
    OUTPUT,
    LinearForm,
    Lookup,
    linear_form,
    mentions,
)
from nnce_cli.domain.property import Inequality
from nnce_cli.domain.s_expressions import Expression, shown

MOST_CASES = 10_000
MOST_INEQUALITIES = 2**22  # of all cases together

OPPOSITE = {"<=": ">", ">=": "<", "<": ">=", ">": "<=", "=": "!=", "!=": "="}
SYNONYMS = {"==": "=", "distinct": "!="}


@dataclass(frozen=True)
class And:
    """A conjunction; without parts it is true."""

    parts: tuple[Formula, ...] = ()


@dataclass(frozen=True)
class Or:
    """A disjunction; without parts it is false."""

    parts: tuple[Formula, ...] = ()


Formula = Inequality | And | Or
Conjunction = list[Inequality]


class FormulaReader:
    """Reads formulas: and, or and not of comparisons of linear forms.

    Where outputs are not used, a comparison that has one is taken as true, and ``left_out`` counts
    them.
    """

    def __init__(self, lookup: Lookup, *, use_outputs: bool) -> None:
        self.left_out = 0
        self._lookup = lookup
        self._use_outputs = use_outputs

    def read(self, expression: Expression, *, negated: bool = False) -> Formula:
        """Return the formula that an expression is, or its negation.

        Raises:
            InputError: it is none.
        """
        head = expression[0] if isinstance(expression, list) and expression else expression
        if isinstance(expression, list) and isinstance(head, str):
            comparison = SYNONYMS.get(head, head)
            if head in ("and", "or") and len(expression) > 1:
                parts = tuple(self.read(part, negated=negated) for part in expression[1:])
                return And(parts) if (head == "and") != negated else Or(parts)
            if head == "not" and len(expression) == 2:
                return self.read(expression[1], negated=not negated)
            if comparison in OPPOSITE and len(expression) > 2:
                return self._comparison(comparison, expression, negated=negated)
        elif expression in ("true", "false"):
            return And() if (expression == "true") != negated else Or()
        raise InputError(
            f"{shown(expression)} is something else than and, or, not, and comparisons by "
            "<=, >=, <, >, = and !="
        )

    def _comparison(self, operator: str, expression: list[Expression], *, negated: bool) -> Formula:
        """Return what a comparison of two or more terms says of each that follow each other."""
        if not self._use_outputs and mentions(expression, self._lookup, OUTPUT):
            self.left_out += 1
            return And()
        terms = [linear_form(term, self._lookup) for term in expression[1:]]
        if operator == "!=" and len(terms) > 2:
            raise InputError(f"{shown(expression)} has more than two terms, and nnce takes two")
        one = OPPOSITE[operator] if negated else operator
        parts = tuple(_relation(one, a, b) for a, b in pairwise(terms))
        return Or(parts) if negated else And(parts)


def cases_of(formulas: Sequence[Formula]) -> tuple[Conjunction, list[Conjunction]]:
    """Return the cases of a conjunction: what is common to all, and what each has besides.

    Raises:
        InputError: there are too many.
    """
    common: Conjunction = []
    cases: list[Conjunction] = [[]]
    for formula in formulas:
        found = _cases(formula)
        if len(found) == 1:
            common += found[0]
            continue
        _refuse_many(len(cases) * len(found), sum(map(len, cases)) * len(found))
        cases = [[*one, *other] for one in cases for other in found]
        _refuse_many(len(cases), sum(map(len, cases)))
    return common, cases


def _cases(formula: Formula) -> list[Conjunction]:
    if isinstance(formula, Inequality):
        return [[formula]]
    if isinstance(formula, And):
        common, cases = cases_of(formula.parts)
        if len(common) == 0:
            return cases
        _refuse_many(len(cases), len(cases) * len(common))
        return [[*common, *case] for case in cases]
    found: list[Conjunction] = []
    inequalities = 0
    for part in formula.parts:
        these = _cases(part)
        if [] in these:  # true
            return [[]]
        found += these
        inequalities += sum(map(len, these))
        _refuse_many(len(found), inequalities)
    return found


def _refuse_many(cases: int, inequalities: int) -> None:
    if cases > MOST_CASES or inequalities > MOST_INEQUALITIES:
        raise InputError(
            f"its 'and's and 'or's give more than {MOST_CASES} cases or {MOST_INEQUALITIES} "
            "inequalities in them; split it into several files"
        )


def _relation(operator: str, smaller: LinearForm, larger: LinearForm) -> Formula:
    """Return ``smaller operator larger``; decided where it has no variables."""
    match operator:
        case "=":
            return And((_relation("<=", smaller, larger), _relation(">=", smaller, larger)))
        case "!=":
            return Or((_relation("<", smaller, larger), _relation(">", smaller, larger)))
        case ">=" | ">":
            return _relation(operator.replace(">", "<"), larger, smaller)
    form = smaller.copy()
    form.add(larger, MINUS_ONE)
    is_strict = operator == "<"
    if form.is_constant:
        is_true = form.constant < 0 if is_strict else form.constant <= 0
        return And() if is_true else Or()
    inputs, outputs = (
        {i: value for (kind, i), value in form.terms.items() if kind == wanted and value}
        for wanted in (INPUT, OUTPUT)
    )
    return Inequality(inputs, outputs, form.constant, is_strict)
