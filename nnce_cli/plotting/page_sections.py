"""What the sections of a report say: tables and sentences, which the template sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnce_cli.analysis import Stats, bounds, montufar, serra
from nnce_cli.plotting.draw_stats import short_number
from nnce_cli.plotting.style import class_colour
from nnce_cli.plotting.subject import Subject
from nnce_cli.plotting.titles import units_words

if TYPE_CHECKING:
    from nnce_cli.analysis import NetworkStats, Norm

INPUTS_SHOWN = 12  # in a table of half-spaces; more are in the file below only
LONG_TABLE = 30  # rows; longer ones are folded
SUMMARY_ROWS = 8  # on the first screen

DECISIONS = {
    "neurons_float": "decisions that a neuron does not cut a cell, proved by a float bound",
    "neurons_structure": "the same, seen from a neuron's form: it is zero, or another neuron's",
    "neurons_cone": "the same by a verified solution of a basis: without biases, or on far boxes",
    "neurons_integers": "the same where all forms are exact, by elimination in integers",
    "neurons_fine": "decisions about a neuron that took 106 bits",
    "neurons_exact": "decisions that a neuron does not cut a cell, taken in rational arithmetic",
    "witnesses_float": "cells whose witness was proved by a float bound",
    "witnesses_fine": "cells whose witness was found and proved with 106 bits",
    "witnesses_exact": "cells that were examined in rational arithmetic",
    "ranks_exact": "ranks that needed the rational matrix",
    "linear_programs": "linear programs",
    "pivots": "simplex pivots",
    "rebuilds": "dictionaries computed afresh",
}


@dataclass(frozen=True)
class Table:
    """A table of a page: the columns named in ``words`` stand to the left."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[str] = ()

    @property
    def is_long(self) -> bool:
        """Whether it is folded at first."""
        return len(self.rows) > LONG_TABLE


def growth(subject: Subject) -> Table:
    """Return the number of cells after each layer, against an upper bound."""
    stats = subject.stats
    strongest = serra if stats.sizes.is_relu else montufar
    columns = ["layer", stats.sizes.noun, "cells"]
    if stats.bounded_layer_cells is not None:
        columns.append("bounded")
    rows, before = [], 1
    for k, count in enumerate(stats.layer_cells, start=1):
        row = [str(k), f"{stats.widths[k]:,}", f"{count:,}"]
        if stats.bounded_layer_cells is not None:
            row.append(f"{stats.bounded_layer_cells[k - 1]:,}")
        bound = short_number(strongest(stats.sizes.of(subject.dimension, k)))
        rows.append([*row, f"× {count / before:,.4g}" if before else "", bound])
        before = count
    return Table("Growth by layer", [*columns, "growth", "at most"], rows)


def ranks(subject: Subject) -> Table | None:
    """Return by the rank of the cells of the last layer but one what they hold."""
    found = subject.stats.sub_cells_by_rank
    if not found:
        return None
    k, layer = len(found), found[-1]
    shown = list(layer.items())[-SUMMARY_ROWS:]
    rows = [
        [str(rank), f"{sub.cells:,}", f"{sub.mean:,.4g}", f"{sub.max:,}", short_number(sub.bound)]
        for rank, sub in shown
    ]
    name = f"Layer-{k + 1} cells in a layer-{k} cell, by its rank"
    return Table(name, ["rank", "cells", "mean", "most", "at most"], rows)


def classes(network: NetworkStats) -> list[tuple[str, str, str]]:
    """Return the colour of each class that is predicted at a witness, its name and its cells."""
    return [(class_colour(j), str(j), f"{count:,}") for j, count in network.classes.items()]


def norms(network: NetworkStats) -> Table:
    """Return the local Lipschitz constants."""
    return Table(
        "Operator norms of the affine maps on the cells: local Lipschitz constants",
        ["norm", "largest", "in row", "mean of cells", "relative error"],
        [_norm("Euclidean", network.spectral_norm), _norm("maximum", network.infinity_norm)],
        words=("norm",),
    )


def _norm(name: str, norm: Norm | None) -> list[str]:
    if norm is None:
        return [name, "not known", "", "", ""]
    error = "" if norm.relative_error is None else f"{norm.relative_error:.1e}"
    return [name, f"{norm.largest:.8g}", str(norm.row), f"{norm.mean:.8g}", error]


def model_facts(subject: Subject) -> dict[str, str]:
    """Return what is known of the model beside its layers."""
    stack, metadata = subject.stack, subject.metadata
    maps = [*stack.hidden, *([stack.output] if stack.output is not None else [])]
    parameters = sum(layer.n_out * (layer.n_in + 1) for layer in maps)
    facts = {
        "file": subject.model,
        "SHA-256 of its exact weights": stack.digest,
        "input shape": "x".join(map(str, stack.input_shape)),
        "parameters": f"{parameters:,}",
    }
    if metadata.meaning:
        facts["what its outputs mean"] = metadata.meaning
    if metadata.inputs:
        facts["its inputs"] = ", ".join(f"{name} ({count:,})" for name, count in metadata.inputs)
    if metadata.outputs:
        facts["its outputs that are looked at"] = ", ".join(metadata.outputs)
    return facts | {f"note {i}": note for i, note in enumerate(stack.notes, start=1)}


def layers(subject: Subject) -> Table:
    """Return the layers of the model."""
    stack = subject.stack
    maps = [(f"hidden {k}", layer) for k, layer in enumerate(stack.hidden, start=1)]
    if stack.output is not None:
        maps.append(("output", stack.output))
    columns = ["layer", "inputs", "outputs", "parameters", "ONNX nodes"]
    rows = [
        [
            name, f"{layer.n_in:,}", f"{layer.n_out:,}", f"{layer.n_out * (layer.n_in + 1):,}",
            ", ".join(layer.nodes),
        ]
        for name, layer in maps
    ]  # fmt: skip
    if not stack.is_relu:
        columns.append("units")
        words = [
            units_words(units, layer.n_out)
            for layer, units in zip(stack.hidden, stack.units, strict=True)
        ]
        words += [""] * (len(rows) - len(words))
        rows = [[*row, units] for row, units in zip(rows, words, strict=True)]
    return Table("Layers", columns, rows, words=("layer", "ONNX nodes", "units"))


def domain_tables(subject: Subject) -> list[Table]:
    """Return the bounds and half-spaces of the domain, where they are not said in a few words."""
    metadata = subject.metadata
    intervals = list(zip(metadata.lower, metadata.upper, strict=True))
    names = [f"u{i + 1}" if metadata.points else f"x{i}" for i in range(len(intervals))]
    found = []
    if len(set(intervals)) > 1:
        rows = [[name, repr(lo), repr(hi)] for name, (lo, hi) in zip(names, intervals, strict=True)]
        found.append(Table("Bounds", ["input", "lower", "upper"], rows))
    if metadata.halfspaces and len(intervals) <= INPUTS_SHOWN:
        rows = [[f"{x:.6g}" for x in row] for row in metadata.halfspaces]
        found.append(Table("Half-spaces", [*names, "at most"], rows))
    return found


def statistics(subject: Subject) -> list[Table]:
    """Return all numbers of the statistics."""
    stats = subject.stats
    by_layer = [f"layer {k}" for k in range(1, len(stats.widths))]
    tables = [
        _layer_cells(stats, by_layer),
        Table("Layer-k cells by rank", ["rank", *by_layer], _by_value(stats.cells_by_rank)),
        Table(
            f"Layer-k cells by active {stats.sizes.noun} of layer k",
            ["active", *by_layer],
            _by_value(stats.active_neurons),
        ),
    ]
    sub_cells = list(_sub_cells(stats))
    if sub_cells:
        columns = ["k", "rank", "layer-k cells", "mean", "min", "1/4", "median", "3/4", "max"]
        name = "Layer-(k+1) cells in a layer-k cell, by the rank of that cell"
        tables.append(Table(name, [*columns, "theoretical maximum"], sub_cells))
    limits = bounds(stats.sizes.of(subject.dimension))
    names = {
        "sign_vectors": "sign vectors",
        "montufar": "Montúfar 2017",
        "serra": "Serra, Tjandraatmadja, Ramalingam 2018",
    }
    rows = [[names[name], short_number(bound)] for name, bound in limits.items()]
    name = "Upper bounds that follow from the widths"
    return [*tables, Table(name, ["bound", "cells"], rows, ("bound",))]


def _layer_cells(stats: Stats, by_layer: list[str]) -> Table:
    counts = [f"{count:,}" for count in stats.layer_cells]
    if stats.bounded_layer_cells is None:
        return Table("Layer-k cells", by_layer, [counts])
    counted = list(zip(stats.layer_cells, stats.bounded_layer_cells, strict=True))
    rows = [
        ["all", *counts],
        ["bounded", *(f"{bounded:,}" for _, bounded in counted)],
        ["unbounded", *(f"{count - bounded:,}" for count, bounded in counted)],
    ]
    return Table("Layer-k cells", ["", *by_layer], rows, words=("",))


def _by_value(counts: list[dict[int, int]]) -> list[list[str]]:
    values = sorted(set().union(*counts))
    return [[str(value), *(f"{layer.get(value, 0):,}" for layer in counts)] for value in values]


def _sub_cells(stats: Stats) -> Iterator[list[str]]:
    for k, layer in enumerate(stats.sub_cells_by_rank, start=1):
        for rank, sub in layer.items():
            yield [
                str(k),
                str(rank),
                f"{sub.cells:,}",
                f"{sub.mean:,.3f}",
                f"{sub.min:,}",
                *(f"{quartile:,.2f}" for quartile in sub.quartiles),
                f"{sub.max:,}",
                short_number(sub.bound),
            ]


def decisions(subject: Subject) -> Table | None:
    """Return the decisions behind the cells, and the work."""
    counts = subject.metadata.decisions
    known = {words: counts[name] for name, words in DECISIONS.items() if name in counts}
    other = {name: count for name, count in counts.items() if name not in DECISIONS}
    rows = [[words, f"{count:,}"] for words, count in (known | other).items()]
    return Table("Decisions and work", ["what", "number"], rows, words=("what",)) if rows else None
