"""What a cell table says about itself: the JSON under the key ``nnce`` of its Parquet metadata."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, isfinite
from operator import ge
from typing import TYPE_CHECKING, Any

from nnce_cli import __version__
from nnce_cli.base.layout import Layout
from nnce_cli.base.sizes import Sizes
from nnce_cli.base.task import MEANINGS
from nnce_cli.table.columns import column_names
from nnce_cli.table.digests import Digests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnce_cli.domain import Domain
    from nnce_cli.network import LayerStack

FORMAT = 2
KEY = b"nnce"
BOX, POLYHEDRON = KINDS = ("box", "polyhedron")  # of domains
BIT_ORDER = "most significant first"
FRACTION = re.compile(r"-?[0-9]+(/[1-9][0-9]*)?")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_:-]{0,63}")  # of a method, or of a back end
MAX_CELLS, TIME_LIMIT, SIGNAL, TROUBLE = "--max-cells", "--time-limit", "a signal", "trouble"
STOPS = (MAX_CELLS, TIME_LIMIT, SIGNAL, TROUBLE)
LARGEST = sys.float_info.max
MAX_WIDTH = 65535  # active_k and rank_k are uint16
FEWEST_PIECES, MOST_PIECES = 3, 256  # of a unit with a byte


@dataclass(frozen=True)
class Made:
    """How a table was made, as far as its bytes depend on that.

    ``method`` is the name of the method that found the cells, ``lp`` that of the linear
    programming back end where the method takes one, and ``proof`` says whether a certificate was
    written, which takes decisions one by one and so finds other witnesses. ``nnce`` is the
    version of this program.
    """

    method: str
    lp: str | None = None
    proof: bool = False
    nnce: str = __version__


@dataclass(frozen=True)
class Metadata:
    """The metadata of a cell table, documented in ``docs/cell-table.md``.

    ``model`` is the SHA-256 of the network's exact weights, ``widths`` is n_0, n_1, …, n_L, the
    units of the layers, ``lower`` and ``upper`` are the domain's bounds (n_0 numbers each, infinite
    where an input has none) and ``halfspaces`` the rows a_1, …, a_n, b of what bounds it besides,
    ``witness`` says whether the table has that column, ``made`` how it was made (None where that
    was not `nnce enumerate`). ``pieces`` has the numbers of pieces of the units with more than two,
    layer by layer, and nothing where there are none; ``values`` is as in `Sizes`. ``meaning`` is
    what the outputs mean, one of `MEANINGS`, empty where the model does not say it; ``inputs`` are
    the names of its inputs and how many numbers each has, where there are several, and ``outputs``
    those of its outputs that were chosen, where these are not all. ``points`` are those of the
    slice of the inputs whose cells these are; the inputs are its coordinates then.
    The rest is known when the enumeration ends: ``stopped_by`` is one of `STOPS` where the table
    is incomplete, ``exact_witnesses`` gives, for the rows whose cell is too thin for a float64
    witness, one as fractions ("1/3"), and ``digests`` are those of the rows.
    """

    model: str
    widths: tuple[int, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    witness: bool
    made: Made | None = None
    pieces: tuple[tuple[int, ...], ...] = ()
    values: tuple[int, ...] | None = None
    halfspaces: tuple[tuple[float, ...], ...] = ()
    meaning: str = ""
    inputs: tuple[tuple[str, int], ...] = ()
    outputs: tuple[str, ...] = ()
    points: tuple[tuple[float, ...], ...] = ()
    layer_cells: tuple[int, ...] = ()
    complete: bool = False
    stopped_by: str | None = None
    certified: bool = False
    decisions: dict[str, int] = field(default_factory=dict)
    exact_witnesses: dict[int, list[str]] = field(default_factory=dict)
    digests: Digests = field(default_factory=Digests)

    @staticmethod
    def of(
        stack: LayerStack, domain: Domain, *, witness: bool, made: Made | None = None
    ) -> Metadata:
        """Return what is known of the table of ``stack`` on ``domain`` before it is enumerated.

        Without hidden layers the witness is the only column, and so always there.
        """
        sizes = stack.sizes
        meaning, inputs = _said_of(stack)
        return Metadata(
            model=stack.digest,
            widths=tuple(sizes.widths),
            lower=tuple(domain.lower.tolist()),
            upper=tuple(domain.upper.tolist()),
            witness=witness or not stack.hidden,
            made=made,
            pieces=sizes.layout.pieces if sizes.layout.has_pieces else (),
            values=sizes.values,
            halfspaces=tuple(map(tuple, domain.halfspaces.tolist())),
            meaning=meaning,
            inputs=inputs,
            outputs=stack.selected,
            points=stack.points,
        )

    @cached_property
    def sizes(self) -> Sizes:
        """The sizes of the network."""
        layout = Layout.of_widths(self.widths[1:], self.pieces)
        return Sizes(self.widths[0], layout, self.values)

    @property
    def cells(self) -> int:
        """Number of rows of the table."""
        return self.layer_cells[-1] if self.layer_cells else sum(self.digests.rows)

    @property
    def tells_bounded(self) -> bool:
        """Whether the table has the column ``bounded``: an input may be without a bound."""
        return _lacks_bound(self.lower, self.upper)

    @property
    def is_of_a_box(self) -> bool:
        """Whether the domain is a box of the network's own inputs."""
        return not (self.points or self.halfspaces or self.tells_bounded)

    @property
    def domain(self) -> dict[str, Any]:
        """The domain as JSON values."""
        lower, upper = (
            [bound if isfinite(bound) else None for bound in bounds]
            for bounds in (self.lower, self.upper)
        )
        said: dict[str, Any] = {"kind": BOX, "lower": lower, "upper": upper}
        if self.halfspaces or self.tells_bounded:
            said |= {"kind": POLYHEDRON, "halfspaces": [list(row) for row in self.halfspaces]}
        return said | {"slice": [list(point) for point in self.points]} if self.points else said

    @property
    def _said(self) -> dict[str, Any]:
        """What the model says of its inputs and outputs, as JSON values; nothing for most."""
        said: dict[str, Any] = {"meaning": self.meaning} if self.meaning else {}
        if self.inputs:
            said["inputs"] = [{"name": name, "numbers": count} for name, count in self.inputs]
        return said | {"outputs": self.outputs} if self.outputs else said

    def to_json(self) -> str:
        """Return the JSON text; equal metadata gives equal text."""
        return json.dumps(
            {
                "format": FORMAT,
                "model": self.model,
                **self.sizes.to_values(),
                **self._said,
                "domain": self.domain,
                "options": {"witness": self.witness},
                "made": None if self.made is None else vars(self.made),
                "bit_order": BIT_ORDER,
                "cells": self.cells,
                "layer_cells": self.layer_cells,
                "complete": self.complete,
                "stopped_by": self.stopped_by,
                "certified": self.certified,
                "decisions": dict(sorted(self.decisions.items())),
                "exact_witnesses": [
                    {"row": row, "witness": witness}
                    for row, witness in sorted(self.exact_witnesses.items())
                ],
                "digests": self.digests.to_values(),
            }
        )

    @staticmethod
    def from_json(text: bytes | str) -> Metadata:
        """Read metadata that may have been written by anybody.

        Raises:
            ValueError: with what is wrong.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError("its metadata is not JSON") from error
        _require(isinstance(data, dict) and _is_count(data.get("format")), "has no format version")
        if data["format"] != FORMAT:
            raise ValueError(
                f"its format version is {data['format']}, and this nnce reads version {FORMAT}; "
                "enumerate the network again"
            )
        try:
            return _from_values(data)
        except KeyError as error:
            raise ValueError(f"its metadata has no {error}") from error


def _from_values(data: dict[str, Any]) -> Metadata:
    """Check the values of format 2 one by one; raises ValueError, or KeyError for a lost key."""
    widths = data["widths"]
    _require(_are_counts(widths) and widths and min(widths) >= 1, "bad widths")
    _require(max(widths[1:], default=0) <= MAX_WIDTH, f"a layer wider than {MAX_WIDTH}")
    pieces, values = _pieces(data.get("pieces"), widths), _values(data.get("values"), widths)
    domain = data["domain"]
    _require(isinstance(domain, dict) and domain.get("kind") in KINDS, "an unknown domain")
    points = _points(domain.get("slice"), widths[0])
    lower, upper, halfspaces = _bounds(domain, widths[0])
    layer_cells = data["layer_cells"]
    _require(_are_counts(layer_cells) and len(layer_cells) == len(widths) - 1, "bad layer_cells")
    cells = data["cells"]
    _require(_is_count(cells), "a bad value of cells")
    _require(layer_cells[-1:] in ([], [cells]), "cells that differ from layer_cells")
    _require(data["bit_order"] == BIT_ORDER, "an unknown bit order")
    options, decisions = data["options"], data["decisions"]
    _require(isinstance(options, dict) and isinstance(options.get("witness"), bool), "bad options")
    _require(isinstance(data["model"], str), "no model digest")
    _require(isinstance(data["complete"], bool), "a bad value of complete")
    _require(isinstance(data["certified"], bool), "a bad value of certified")
    _require(isinstance(decisions, dict) and _are_counts([*decisions.values()]), "bad decisions")
    _require(data["stopped_by"] in (None, *STOPS), "a bad value of stopped_by")
    exact = data["exact_witnesses"]
    _require(
        isinstance(exact, list) and all(_is_exact_witness(entry, widths[0]) for entry in exact),
        "bad exact_witnesses",
    )
    _require(options["witness"] or len(widths) > 1, "no columns")
    names = column_names(
        Layout.of_widths(widths[1:], pieces),
        witness=options["witness"],
        bounded=_lacks_bound(lower, upper),
    )
    return Metadata(
        model=data["model"],
        widths=tuple(widths),
        lower=lower,
        upper=upper,
        witness=options["witness"],
        made=_made(data["made"]),
        pieces=pieces,
        values=values,
        halfspaces=halfspaces,
        meaning=_meaning(data.get("meaning", "")),
        inputs=_inputs(data.get("inputs"), len(points[0]) if points else widths[0]),
        outputs=_outputs(data.get("outputs")),
        points=points,
        layer_cells=tuple(layer_cells),
        complete=data["complete"],
        stopped_by=data["stopped_by"],
        certified=data["certified"],
        decisions=decisions,
        exact_witnesses={entry["row"]: entry["witness"] for entry in exact},
        digests=_digests(data["digests"], names, cells),
    )


def _bounds(
    domain: dict[str, Any], n: int
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """Read the bounds of a domain, and its half-spaces; of a box all bounds are there."""
    found = []
    for bounds, none in ((domain["lower"], -inf), (domain["upper"], inf)):
        _require(isinstance(bounds, list) and len(bounds) == n, "bad bounds of the domain")
        known = [bound for bound in bounds if bound is not None]
        _require(_are_finite(known), "bad bounds of the domain")
        _require(domain["kind"] == POLYHEDRON or len(known) == n, "a box without a bound")
        found.append(tuple(none if bound is None else float(bound) for bound in bounds))
    rows = domain.get("halfspaces", [])
    _require(isinstance(rows, list) and all(map(_are_finite, rows)), "bad half-spaces")
    _require(all(len(row) == n + 1 for row in rows), "bad half-spaces")
    is_box = not rows and not _lacks_bound(*found)
    _require(is_box == (domain["kind"] == BOX), "a domain of another kind")
    return found[0], found[1], tuple(tuple(map(float, row)) for row in rows)


def _lacks_bound(lower: Sequence[float], upper: Sequence[float]) -> bool:
    return not all(map(isfinite, (*lower, *upper)))


def _pieces(pieces: Any, widths: list[int]) -> tuple[tuple[int, ...], ...]:
    """Read the numbers of pieces of units; there are some, or the key is not there."""
    if pieces is None:
        return ()
    _require(isinstance(pieces, list) and len(pieces) == len(widths) - 1, "bad pieces")
    for many, n in zip(pieces, widths[1:], strict=True):
        _require(_are_counts(many) and len(many) <= n, "bad pieces")
        _require(all(FEWEST_PIECES <= k <= MOST_PIECES for k in many), "bad pieces")
    _require(any(pieces), "bad pieces")
    return tuple(map(tuple, pieces))


def _values(values: Any, widths: list[int]) -> tuple[int, ...] | None:
    """Read how many values each layer passes on: at least one of each unit."""
    if values is None:
        return None
    _require(_are_counts(values) and len(values) == len(widths) - 1, "bad values")
    _require(all(map(ge, values, widths[1:])), "bad values")
    return tuple(values)


def _meaning(value: Any) -> str:
    _require(isinstance(value, str) and value in ("", *MEANINGS), "a bad meaning")
    return str(value)


def _inputs(values: Any, numbers: int) -> tuple[tuple[str, int], ...]:
    """Read the names of several inputs, which have all the numbers together."""
    if values is None:
        return ()
    _require(isinstance(values, list) and all(isinstance(x, dict) for x in values), "bad inputs")
    names, counts = [x.get("name") for x in values], [x.get("numbers") for x in values]
    _require(all(isinstance(name, str) for name in names), "bad inputs")
    _require(len(values) > 1 and _are_counts(counts) and sum(counts) == numbers, "bad inputs")
    return tuple(zip(names, counts, strict=True))


def _outputs(values: Any) -> tuple[str, ...]:
    if values is None:
        return ()
    _require(isinstance(values, list) and len(values) > 0, "bad outputs")
    _require(all(isinstance(name, str) for name in values), "bad outputs")
    return tuple(values)


def _points(values: Any, dimension: int) -> tuple[tuple[float, ...], ...]:
    """Read the points of a slice, of which there is one more than it has dimensions."""
    if values is None:
        return ()
    _require(isinstance(values, list) and len(values) == dimension + 1, "a bad slice")
    _require(all(map(_are_finite, values)) and len(set(map(len, values))) == 1, "a bad slice")
    return tuple(tuple(map(float, point)) for point in values)


def _said_of(stack: LayerStack) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Return what is worth saying of the meaning and the inputs of a network."""
    kind, inputs = stack.meaning.kind, stack.inputs
    return (
        kind if kind in MEANINGS else "",
        tuple((port.name, port.size) for port in inputs) if len(inputs) > 1 else (),
    )


def _made(values: Any) -> Made | None:
    if values is None:
        return None
    _require(isinstance(values, dict), "a bad value of made")
    method, lp, proof, version = (values[name] for name in ("method", "lp", "proof", "nnce"))
    _require(_is_name(method) and (lp is None or _is_name(lp)), "a bad method or back end")
    _require(isinstance(version, str) and len(version) < 64, "a bad version")
    _require(isinstance(proof, bool), "a bad value of proof")
    return Made(method, lp, proof, version)


def _digests(values: Any, names: list[str], rows: int) -> Digests:
    try:
        return Digests.from_values(values, names, rows)
    except ValueError as error:
        raise ValueError(f"its metadata has {error}") from error


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(f"its metadata has {what}")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(map(_is_count, values))


def _is_exact_witness(entry: Any, n_inputs: int) -> bool:
    if not (isinstance(entry, dict) and _is_count(entry.get("row"))):
        return False
    point = entry.get("witness")
    return (
        isinstance(point, list)
        and len(point) == n_inputs
        and all(isinstance(x, str) and FRACTION.fullmatch(x) for x in point)
    )


def _are_finite(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= LARGEST for x in values
    )
