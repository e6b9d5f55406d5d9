"""Certificates of properties, as they are in files (docs/properties.md)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from nnce_cli.base.errors import InputError
from nnce_cli.base.packed import read_file

FORMAT = "nnce property proof 1"
MOST_BYTES = 2**31
# An inequality of the property by the one or the other choice of lines, a half-space, a neuron.
KINDS = ("g", "f", "h", "n")

_FRACTION = re.compile(r"-?[0-9]+(/0*[1-9][0-9]*)?")

Multiplier = float | Fraction
Combination = list[tuple[str, int, Multiplier]]


@dataclass(frozen=True)
class Occurrence:
    """An input at which a case occurs."""

    case: int
    point: list[Fraction]


@dataclass(frozen=True)
class Cut:
    """On the region ``sign * x_i >= sign * value``, by a combination that is <= 0 there."""

    i: int
    sign: int
    value: float
    combination: Combination


@dataclass(frozen=True)
class Region:
    """What is said of a region; ``closed`` are alternatives with the reasons."""

    cuts: list[Cut]
    closed: list[tuple[int, Combination]]
    neuron: int
    parts: tuple[int, int] | None


@dataclass(frozen=True)
class Tree:
    """The regions of one domain, and the cases of the property that are about it."""

    cases: list[int]
    regions: list[Region]


@dataclass(frozen=True)
class Proof:
    """A certificate: of a violated property an occurrence, else the trees."""

    model: str
    occurrence: Occurrence | None
    trees: list[Tree]


def read_proof(path: Path) -> Proof:
    """Read a certificate.

    Raises:
        InputError: it is none.
    """
    lines = _lines(path)
    try:
        head = next(lines)
        if head.get("format") != FORMAT:
            raise ValueError("the format is another")
        model = str(head["model"])
        if head["verdict"] == "violated":
            point = [_fraction(text) for text in _list(head["input"])]
            return Proof(model, Occurrence(_index(head["case"]), point), [])
        if head["verdict"] != "holds":
            raise ValueError("there is no such verdict")
        trees = []
        for line in lines:
            cases = [_index(case) for case in _list(line["cases"])]
            regions = [_region(next(lines)) for _ in range(_index(line["regions"]))]
            trees.append(Tree(cases, regions))
        return Proof(model, None, trees)
    except StopIteration:
        raise InputError(f"{path}: the certificate is cut off") from None
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a certificate of a property: {error}") from None


def _lines(path: Path) -> Iterator[Any]:
    try:
        data = read_file(path, MOST_BYTES, MOST_BYTES)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    for line in data.splitlines():
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(f"{path}: not a certificate of a property: no JSON") from None


def _region(line: Any) -> Region:
    cuts = [_cut(*cut) for cut in _list(line.get("cuts", []))]
    closed = [
        (_index(alternative), _combination(reason))
        for alternative, reason in _list(line.get("closed", []))
    ]
    if "neuron" not in line:
        return Region(cuts, closed, -1, None)
    low, high = line["parts"]
    return Region(cuts, closed, _index(line["neuron"]), (_index(low), _index(high)))


def _cut(i: Any, sign: Any, value: Any, reason: Any) -> Cut:
    if sign not in (1, -1):
        raise ValueError("a cut without a side")
    return Cut(_index(i), int(sign), _float(value), _combination(reason))


def _combination(terms: Any) -> Combination:
    found: Combination = []
    for (kind, index), multiplier in _list(terms):
        if kind not in KINDS:
            raise ValueError("there is no such kind of function")
        is_text = isinstance(multiplier, str)
        number: Multiplier = _fraction(multiplier) if is_text else _float(multiplier)
        if number < 0:
            raise ValueError("a negative multiplier")
        found.append((kind, _index(index), number))
    return found


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ValueError("something is not a list")
    return value


def _index(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("something is not a number from 0 on")
    return value


def _float(value: Any) -> float:
    if not isinstance(value, float | int) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError("something is not a finite number")
    return float(value)


def _fraction(value: Any) -> Fraction:
    if not isinstance(value, str) or not _FRACTION.fullmatch(value) or len(value) > 10**5:
        raise ValueError("something is not a fraction")
    return Fraction(value)
