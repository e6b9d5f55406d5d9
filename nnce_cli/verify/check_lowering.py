"""Check 7: the layers that the model was read as are the graph that the file describes.

The graph is computed node by node, in rational arithmetic, at witnesses and at random points. Its
outputs have to be exactly those of the layers, and cells of the layers have to be cells of the
graph: points of one cell have the same codes in the graph, and points of different cells have
different ones. Where the layers say which entry of which node a unit is, the pieces of the two
have to be the same pieces, whatever their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from flint import fmpq

from nnce_cli.domain import Slice
from nnce_cli.network import LayerStack, read_model
from nnce_cli.verify.exact_codes import locate
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.forms import rationals
from nnce_cli.verify.graph import EITHER, GraphAtPoint, Trace, UnknownError
from nnce_cli.verify.layer_units import Codes, Ints
from nnce_cli.verify.points import rational_witnesses, rounded, shown_point
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.random_points import RandomPoints
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table, shown
from nnce_cli.verify.unit_places import unit_places

NAME, UNIT = "lowering", "points"

MOST, FEWEST = 2**8, 2**3  # witnesses that are looked at
PRODUCTS = 2**20  # of all weights at all witnesses
RANDOM_SHARE = 4  # so many times fewer are the random points

Point = tuple[str, list[fmpq]]
"""The name of a point, for messages, and its coordinates."""


def check_lowering(
    table: Table, network: ExactNetwork, path: Path, seed: int, progress: Progress
) -> CheckResult:
    """Compare the network with the graph of its file at witnesses and at random points."""
    result = CheckResult(NAME, UNIT)
    try:
        stack = network.stack
        plane = Slice(np.array(stack.points)) if stack.points else None
        n_inputs = stack.n_inputs if plane is None else plane.n_inputs
        graph = GraphAtPoint(read_model(path), n_inputs, output_names(stack))
        comparison = _Comparison(network, graph, result, plane)
        points = _points(table, network, seed)
        for done, (name, point) in enumerate(points, start=1):
            comparison.at(name, point)
            progress(done, len(points))
    except UnknownError as error:
        return CheckResult.not_done(NAME, UNIT, str(error))
    result.details = {"cells": len(comparison.cells), "nodes with units": comparison.nodes}
    return result


def output_names(stack: LayerStack) -> list[str]:
    """Return the names of the tensors that are the network's outputs; the file's where none."""
    return [port.name for port in stack.outputs]


def _points(table: Table, network: ExactNetwork, seed: int) -> list[Point]:
    """Return the witnesses to look at, all of a small table, and random points."""
    products = sum(int(layer.support.sum()) for layer in network.maps)
    most = max(FEWEST, min(MOST, PRODUCTS // max(products, 1)))
    generator = np.random.default_rng(seed)
    rows = np.arange(table.rows)
    if len(rows) > most:
        rows = np.sort(generator.choice(rows, most, replace=False))
    found = list(_witnesses(table, rows))
    drawn = RandomPoints(network.chart, generator).draw(most // RANDOM_SHARE)
    found += [(shown_point(point.tolist()), rationals(point)) for point in drawn.points]
    return found + [(shown_point(rounded(point).tolist()), point) for point in drawn.rational]


def _witnesses(table: Table, rows: Ints) -> Iterator[Point]:
    """Yield the witnesses of some rows; what is no point is for another check."""
    if not table.metadata.witness:
        return
    for part in table.parts(witness=True):
        rational = rational_witnesses(table, part)
        begin, end = np.searchsorted(rows, [part.start, part.start + len(part)]).tolist()
        assert part.rows.witness is not None
        for row in rows[begin:end].tolist():
            i = row - part.start
            if i in rational:
                yield f"the witness of row {row}", rational[i]
            elif np.isfinite(part.rows.witness[i]).all():
                yield f"the witness of row {row}", rationals(part.rows.witness[i])


@dataclass
class _Cell:
    """A cell at a point: what the point is called, and the graph's codes there, joined."""

    name: str
    codes: Ints


@dataclass
class _Comparison:
    """What is known of the cells of the layers and of the graph, from the points so far."""

    network: ExactNetwork
    graph: GraphAtPoint
    result: CheckResult
    plane: Slice | None = None  # whose coordinates the network's inputs are
    cells: dict[bytes, _Cell] = field(default_factory=dict)
    codes: dict[bytes, bytes] = field(default_factory=dict)
    nodes: int = 0
    pieces: dict[tuple[int, bool, int], tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Of a batch of several samples it is not said where the units of the first one are.
        self.places = unit_places(self.network, self.graph) if self.graph.copies == 1 else []

    def at(self, name: str, point: list[fmpq]) -> None:
        """Compare at a point; one that is on a hyperplane is left out."""
        location = locate(self.network, point)
        if location.touched is not None:
            return
        self.result.checked += 1
        x = point if self.plane is None else self.plane.exact_inputs_at(point)
        trace = self.graph.at(x)
        self._compare_outputs(name, self.network.outputs(location.values), trace.outputs)
        self._compare_cells(name, location.codes, trace)
        self._compare_units(name, location.codes, trace)

    def _compare_outputs(self, name: str, ours: list[fmpq], theirs: list[fmpq]) -> None:
        if len(ours) != len(theirs):
            self.result.fail(
                f"the graph computes {len(theirs)} numbers, and its layers {len(ours)}"
            )
            return
        for j, (layers, graph) in enumerate(zip(ours, theirs, strict=True)):
            if layers != graph:
                self.result.fail(
                    f"at {name} output {j} is {_text(graph)} by the nodes of the graph and "
                    f"{_text(layers)} by its layers"
                )
                return

    def _compare_cells(self, name: str, codes: Codes, trace: Trace) -> None:
        self.nodes = len(trace.codes)
        joined = np.array([c for part in trace.codes.values() for c in part], dtype=np.int64)
        here, key = bytes(codes), joined.tobytes()
        before = self.cells.setdefault(here, _Cell(name, joined))
        differs = (before.codes != joined) & (before.codes != EITHER) & (joined != EITHER)
        if differs.any():
            where = self._place(int(differs.argmax()), trace)
            self.result.fail(
                f"{name} and {before.name} are in the cell {shown(codes, self.network.layout)} of "
                f"the layers, and on different pieces of {where}"
            )
        other = self.codes.setdefault(key, here)
        if other != here:
            unit = int((codes != np.frombuffer(other, dtype=np.uint8)).argmax())
            self.result.fail(
                f"{name} and {self.cells[other].name} are on different pieces of "
                f"{self.network.unit_name(unit)}, and in one cell of the graph"
            )

    def _compare_units(self, name: str, codes: Codes, trace: Trace) -> None:
        """Compare each unit with the entry of the graph that it is said to be."""
        for unit, node, entry in self.places:
            pair = int(codes[unit]), trace.codes[node][entry]
            if pair[1] == EITHER:
                continue
            for is_graph, (one, other) in enumerate((pair, pair[::-1])):
                known, where = self.pieces.setdefault((unit, bool(is_graph), one), (other, name))
                if known != other:
                    self.result.fail(
                        f"{self.network.unit_name(unit)} is not entry {entry} of node "
                        f"{self.graph.nodes[node].label}: of {where} and {name} one is on the "
                        "same piece at both, the other is not"
                    )
                    return

    def _place(self, entry: int, trace: Trace) -> str:
        """Name an entry of the joined codes of all nodes."""
        for number, codes in trace.codes.items():
            if entry < len(codes):
                return f"entry {entry} of node {self.graph.nodes[number].label}"
            entry -= len(codes)
        raise IndexError(entry)


def _text(x: fmpq) -> str:
    text = str(x)
    return text if len(text) <= 40 else f"about {int(x.p) / int(x.q):.17g}"
