"""The report of a cell table as one HTML page that needs nothing from anywhere else."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from nnce_cli.analysis import Stats, bounds, output_map, task_of
from nnce_cli.base.task import Task
from nnce_cli.network import LayerStack
from nnce_cli.plotting.classes import classes
from nnce_cli.plotting.cutting import Partition
from nnce_cli.plotting.domain_files import domain_options
from nnce_cli.plotting.draw_cells import draw_cells
from nnce_cli.plotting.draw_stats import draw_layers, draw_ranks, short_number
from nnce_cli.plotting.fills import usual_colouring
from nnce_cli.plotting.html import json_script, pairs, preformatted, table, text
from nnce_cli.plotting.map_data import map_data
from nnce_cli.plotting.marks import Marks
from nnce_cli.plotting.style import our_style, picture
from nnce_cli.plotting.titles import cells_words, seen_words, title, units_words
from nnce_cli.table import MAX_CELLS, Made, Metadata, domain_words, has_witness

if TYPE_CHECKING:
    from nnce_cli.analysis import NetworkStats, Norm

MAP_CELLS = 200_000  # more make a page that browsers are slow with; they get a picture
VECTOR_CELLS = 2_000  # more are smaller as an image of points
INPUTS_SHOWN = 12  # in a table of half-spaces; more are in the file below only
LINES_SHOWN, LINE_LENGTH = 40, 80  # of a file that is not folded

DECISIONS = {
    "neurons_float": "decisions that a neuron does not cut a cell, proved by a float bound",
    "neurons_structure": "the same, seen from a neuron's form: it is zero, or another neuron's",
    "neurons_cone": "the same where no layer has a bias, by a verified solution of its basis",
    "neurons_integers": "the same where all forms are exact, by elimination in integers",
    "neurons_exact": "decisions that a neuron does not cut a cell, taken in rational arithmetic",
    "witnesses_float": "cells whose witness was proved by a float bound",
    "witnesses_exact": "cells that were examined in rational arithmetic",
    "ranks_exact": "ranks that needed the rational matrix",
    "linear_programs": "linear programs",
    "pivots": "simplex pivots",
    "rebuilds": "dictionaries computed afresh",
}


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    ``model`` and ``table`` are the names of the files; ``table_digest`` is the table's SHA-256,
    None where it came through a pipe. ``task`` is what the outputs are taken for. ``network`` is
    None where that would take too long, and ``partition`` and ``marks``, the points on it, where
    not one or two inputs vary.
    """

    model: str
    table: str
    table_digest: str | None
    stack: LayerStack
    task: Task
    metadata: Metadata
    stats: Stats
    network: NetworkStats | None
    partition: Partition | None
    marks: Marks | None

    @property
    def title(self) -> str:
        """The title of the pictures."""
        return title(self.metadata, self.model, self.stats.cells)

    @property
    def task_option(self) -> str:
        """The option that takes the outputs for what they are taken for; nothing where usual."""
        usual = task_of(output_map(self.stack).n_out, self.metadata.meaning)
        return "" if self.task is usual else f" --task {self.task}"

    @property
    def dimension(self) -> int:
        """Number of inputs that vary."""
        pairs = zip(self.metadata.lower, self.metadata.upper, strict=True)
        return sum(lower < upper for lower, upper in pairs)


def report_page(subject: Subject) -> str:
    """Return the page. Equal input gives equal text."""
    script = _asset("map.js") if _has_map(subject) else ""
    body = "\n".join(
        [
            _head(subject),
            _cells(subject),
            _model(subject),
            _domain(subject),
            _statistics(subject),
            _network(subject),
            _certified(subject),
            _reproduce(subject),
        ]
    )
    # Nothing can be loaded, and no script can run but this one, whatever the files hold.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )
    scripts = f"<script>{script}</script>" if script else ""
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(subject.model)}: {text(cells_words(subject.metadata, subject.stats.cells))}"
        f"</title>\n<style>{_asset('page.css')}</style></head>\n"
        f"<body>\n{body}\n{scripts}</body></html>\n"
    )


def _asset(name: str) -> str:
    return files("nnce_cli.plotting").joinpath(name).read_text(encoding="utf-8")


def _has_map(subject: Subject) -> bool:
    return (
        subject.partition is not None
        and subject.partition.plane.dimension == 2
        and subject.stats.cells <= MAP_CELLS
    )


def _head(subject: Subject) -> str:
    metadata, stats = subject.metadata, subject.stats
    noun = stats.sizes.noun
    network = "A ReLU network" if stats.sizes.is_relu else "A piecewise linear network"
    facts = {"cells": f"{stats.cells:,}"}
    if stats.bounded_cells is not None:
        facts["of them bounded"] = f"{stats.bounded_cells:,}"
    facts["hidden layers"] = str(len(stats.widths) - 1)
    facts |= {noun: f"{sum(stats.widths[1:]):,}", "inputs that vary": f"{subject.dimension:,}"}
    items = "".join(f"<li><b>{text(x)}</b>{text(name)}</li>" for name, x in facts.items())
    for name, holds in (("complete", metadata.complete), ("certified", metadata.certified)):
        kind, word = ("good", "yes") if holds else ("bad", "no")
        items += f"<li><b class={kind}>{word}</b>{name}</li>"
    widths = "-".join(map(str, stats.widths))
    return (
        f"<h1>The cells of {text(subject.model)}</h1>\n"
        f"<p class=sub>{network} of widths {text(widths)} on {text(domain_words(metadata))}: "
        "the regions on each of which it is an affine map.</p>\n"
        f"<ul class=facts>{items}</ul>"
    )


def _cells(subject: Subject) -> str:
    """Return the map, or a picture, or nothing."""
    partition = subject.partition
    if partition is None:
        return ""
    if _has_map(subject):
        found = classes(partition)
        seen = seen_words(partition)
        thin = int((partition.polygons.areas() <= 0).sum()) - partition.outside
        has_classes = partition.plane.task is not Task.REGRESSION
        return _MAP.format(
            noun=subject.stats.sizes.noun,
            boundary=_BOUNDARY if has_classes else "",
            data=json_script("map-data", map_data(partition, found, subject.marks)),
            thin=f" {thin:,} cells are too thin to be drawn." if thin else "",
            seen=f" The domain is unbounded; {text(seen)}." if seen else "",
        )
    with our_style():
        words = title(subject.metadata, subject.model, subject.stats.cells, seen_words(partition))
        figure = draw_cells(
            partition, usual_colouring(partition.plane.task), words, marks=subject.marks
        )
        kind = "svg" if subject.stats.cells <= VECTOR_CELLS else "png"
        shown = _figure(figure, kind, "The cells of the domain and the outputs on them.")
    return f"<h2>Cells</h2>\n{shown}"


_BOUNDARY = """<label><input type=checkbox id=show-boundary checked> decision boundary</label>
"""

_MAP = """<h2>Map</h2>
<p class=hint>Drag to move, turn the wheel or pinch to zoom; with the map in focus, the arrow keys,
+, − and 0. The cell under the pointer is described beside the map.{seen}{thin}</p>
<noscript><p>The map needs JavaScript; nothing else on this page does.</p></noscript>
<div class=controls>
<label>Colour by <select id=colouring></select></label>
<label><input type=checkbox id=show-lines checked> {noun}' lines</label>
{boundary}<button id=zoom-in aria-label="zoom in">+</button>
<button id=zoom-out aria-label="zoom out">−</button>
<button id=zoom-reset>whole domain</button>
</div>
<div class=explorer>
<div>
<div class=stage><canvas id=map tabindex=0 role=application
aria-label="Map of the cells; arrow keys move, plus and minus zoom, the cell in the middle is
described beside it" aria-describedby=cell></canvas><canvas id=map-overlay></canvas></div>
<div id=map-key></div>
</div>
<div class=cell-panel id=cell aria-live=polite><p class=sub>Point at a cell, or tap one.</p></div>
</div>
{data}"""


def _model(subject: Subject) -> str:
    stack = subject.stack
    maps = [(f"hidden {k}", layer) for k, layer in enumerate(stack.hidden, start=1)]
    if stack.output is not None:
        maps.append(("output", stack.output))
    parameters = [layer.n_out * (layer.n_in + 1) for _, layer in maps]
    facts: dict[str, object] = {
        "file": subject.model,
        "SHA-256 of its exact weights": stack.digest,
        "input shape": "x".join(map(str, stack.input_shape)),
        "parameters": f"{sum(parameters):,}",
    }
    metadata = subject.metadata
    if metadata.meaning:
        facts["what its outputs mean"] = metadata.meaning
    if metadata.inputs:
        facts["its inputs"] = ", ".join(f"{name} ({count:,})" for name, count in metadata.inputs)
    if metadata.outputs:
        facts["its outputs that are looked at"] = ", ".join(metadata.outputs)
    facts |= {f"note {i}": note for i, note in enumerate(stack.notes, start=1)}
    columns = ["layer", "inputs", "outputs", "parameters", "ONNX nodes"]
    rows = [
        [name, f"{layer.n_in:,}", f"{layer.n_out:,}", f"{count:,}", ", ".join(layer.nodes)]
        for (name, layer), count in zip(maps, parameters, strict=True)
    ]
    if not stack.is_relu:
        columns.append("units")
        for row, layer, units in zip(rows, stack.hidden, stack.units, strict=False):
            row.append(units_words(units, layer.n_out))
        rows[len(stack.hidden) :] = [[*row, ""] for row in rows[len(stack.hidden) :]]
    layers = table("Layers", columns, rows, words=("layer", "ONNX nodes", "units"))
    return f"<h2>Model</h2>\n{pairs(facts)}\n{layers}"


def _domain(subject: Subject) -> str:
    metadata = subject.metadata
    intervals = list(zip(metadata.lower, metadata.upper, strict=True))
    kind = "coordinates" if metadata.points else "inputs"
    count = f"{subject.dimension:,} of {len(intervals):,} {kind} vary"
    shown = [f"<h2>Domain</h2>\n<p>{text(domain_words(metadata))}: {count}.</p>"]
    names = [f"u{i + 1}" if metadata.points else f"x{i}" for i in range(len(intervals))]
    if metadata.points:
        steps = "".join(f" + {name} (p{i} − p0)" for i, name in enumerate(names, start=1))
        shown.append(f"<p>The input is p0{steps}.</p>")
    if len(set(intervals)) > 1:
        rows = [(name, repr(lo), repr(hi)) for name, (lo, hi) in zip(names, intervals, strict=True)]
        shown.append(table("Bounds", ["input", "lower", "upper"], rows))
    listed = metadata.halfspaces if len(intervals) <= INPUTS_SHOWN else ()
    if listed:
        columns = [*names, "at most"]
        shown.append(table("Half-spaces", columns, ([f"{x:.6g}" for x in row] for row in listed)))
    return "\n".join(shown)


def _statistics(subject: Subject) -> str:
    stats = subject.stats
    layers = [f"layer {k}" for k in range(1, len(stats.widths))]
    tables = [
        _layer_cells(stats, layers),
        table("Layer-k cells by rank", ["rank", *layers], _by_value(stats.cells_by_rank)),
        table(
            f"Layer-k cells by active {stats.sizes.noun} of layer k",
            ["active", *layers],
            _by_value(stats.active_neurons),
        ),
    ]
    sub_cells = list(_sub_cells(stats))
    if sub_cells:
        columns = ["k", "rank", "layer-k cells", "mean", "min", "1/4", "median", "3/4", "max"]
        name = "Layer-(k+1) cells in a layer-k cell, by the rank of that cell"
        tables.append(table(name, [*columns, "theoretical maximum"], sub_cells))
    with our_style():
        drawn = [
            _figure(
                draw_ranks(stats, subject.title),
                "svg",
                "Cells of the next layer inside a cell, by its rank. The theoretical maximum is "
                + (_MOST_OF_RELUS if stats.sizes.is_relu else _MOST),
            ),
            _figure(
                draw_layers(stats, subject.dimension, subject.title),
                "svg",
                "Growth of the number of cells from layer to layer.",
            ),
        ]
    limits = bounds(stats.sizes.of(subject.dimension))
    names = {
        "sign_vectors": "sign vectors",
        "montufar": "Montúfar 2017",
        "serra": "Serra, Tjandraatmadja, Ramalingam 2018",
    }
    rows = [(names[name], short_number(bound)) for name, bound in limits.items()]
    tables.append(
        table("Upper bounds that follow from the widths", ["bound", "cells"], rows, ("bound",))
    )
    shared = "signs" if stats.sizes.is_relu else "signs and pieces"
    intro = (
        f"<p>A layer-k cell is a set of points that share the {shared} of the first k layers. Its "
        "rank is the dimension of its image after layer k.</p>"
    )
    return "\n".join(["<h2>Statistics</h2>", intro, *drawn, *tables])


def _layer_cells(stats: Stats, layers: list[str]) -> str:
    counts = [f"{count:,}" for count in stats.layer_cells]
    if stats.bounded_layer_cells is None:
        return table("Layer-k cells", layers, [counts])
    counted = list(zip(stats.layer_cells, stats.bounded_layer_cells, strict=True))
    rows = [
        ["all", *counts],
        ["bounded", *(f"{bounded:,}" for _, bounded in counted)],
        ["unbounded", *(f"{count - bounded:,}" for count, bounded in counted)],
    ]
    return table("Layer-k cells", ["", *layers], rows, words=("",))


def _network(subject: Subject) -> str:
    """Return what the network does on its cells, or how to find that out."""
    found, cells = subject.network, subject.stats.cells
    regression = subject.task is Task.REGRESSION
    head = f"<h2>{'' if regression else 'Classes and '}Lipschitz constants</h2>"
    if found is None:
        what = "them" if regression else "the cells on the decision boundary"
        names = (shlex.quote(_argument(name)) for name in (subject.table, subject.model))
        return (
            f"{head}\n<p>With so many cells and inputs, to find {what} "
            "takes longer than a page should. This does it:</p>\n"
            + preformatted("nnce stats {} --model {}".format(*names) + subject.task_option)
        )
    shown = []
    if found.boundary_cells is not None:
        share = f" ({found.boundary_cells / cells:.1%})" if cells else ""
        shown.append(pairs({"cells on the decision boundary": f"{found.boundary_cells:,}{share}"}))
        rows = [(str(j), f"{count:,}") for j, count in found.classes.items()]
        name = "Cells by the class predicted at the witness"
        shown.append(table(name, ["class", "cells"], rows))
    norms = table(
        "Operator norms of the affine maps on the cells: local Lipschitz constants",
        ["norm", "largest", "in row", "mean of cells", "relative error"],
        [_norm("Euclidean", found.spectral_norm), _norm("maximum", found.infinity_norm)],
        words=("norm",),
    )
    return "\n".join([head, *shown, norms])


def _norm(name: str, norm: Norm | None) -> list[str]:
    if norm is None:
        return [name, "not known", "", "", ""]
    error = "" if norm.relative_error is None else f"{norm.relative_error:.1e}"
    return [name, f"{norm.largest:.8g}", str(norm.row), f"{norm.mean:.8g}", error]


_MOST_OF_RELUS = (
    "the number of regions of n hyperplanes in general position in as many dimensions as the rank."
)
_MOST = "how many parts the units of that layer can make of a space of as many dimensions."


def _by_value(layers: list[dict[int, int]]) -> list[list[str]]:
    values = sorted(set().union(*layers))
    return [[str(value), *(f"{layer.get(value, 0):,}" for layer in layers)] for value in values]


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


def _certified(subject: Subject) -> str:
    metadata = subject.metadata
    if metadata.certified:
        verdict = (
            "<p>Every decision behind these cells was proved, by a float bound on rounding errors "
            "or in rational arithmetic: each listed cell exists, and where a neuron was said "
            "not to cut a cell, it does not.</p>"
        )
    else:
        verdict = "<p class=bad>Not every decision behind these cells was proved.</p>"
    if not metadata.complete:
        verdict += (
            "<p class=bad>The enumeration was stopped before its end: these are some of the cells, "
            "in the order of their sign vectors.</p>"
        )
    counts = metadata.decisions
    known = {words: counts[name] for name, words in DECISIONS.items() if name in counts}
    other = {name: count for name, count in counts.items() if name not in DECISIONS}
    rows = [(words, f"{count:,}") for words, count in (known | other).items()]
    counted = table("Decisions and work", ["what", "number"], rows, words=("what",)) if rows else ""
    thin = len(metadata.exact_witnesses)
    exact = (
        f"<p>{thin:,} cells hold no float64 point; their witnesses are fractions.</p>"
        if thin
        else ""
    )
    said = list(metadata.layer_cells)
    changed = (
        f"<p class=bad>The table says that it has {said} cells after each layer, and "
        f"{subject.stats.layer_cells} were read: it was changed after it was written.</p>"
        if said != subject.stats.layer_cells
        else ""
    )
    return "\n".join(["<h2>What was certified</h2>", changed, verdict, exact, counted])


def _reproduce(subject: Subject) -> str:
    metadata = subject.metadata
    model, cells = (shlex.quote(_argument(name)) for name in (subject.model, subject.table))
    options, domain_files = domain_options(metadata)
    commands = [
        f"nnce enumerate {model} {' '.join(options)}{_options(metadata)} -o {cells}",
        f"nnce verify {cells} {model}",
        f"nnce report {cells} {model}{subject.task_option} -o report.html",
    ]
    shown = preformatted("\n".join(commands))
    made = metadata.made
    facts = {} if made is None else {"written by": f"nnce {made.nnce}", **_how(made)}
    facts |= {"model": metadata.model, "table": subject.table}
    if subject.table_digest is not None:
        facts["SHA-256 of the table"] = subject.table_digest
    read = "\n".join(_file(name, content) for name, content in domain_files.items())
    head = f"<h2>The same result again</h2>\n{_claim(metadata)}"
    return f"{head}\n{shown}\n{read}\n{pairs(facts)}"


def _file(name: str, content: str) -> str:
    """Return a file that a command reads, to be unfolded where it is long."""
    lines = content.count("\n") + 1
    fold = " open" if lines <= LINES_SHOWN and len(content) < LINES_SHOWN * LINE_LENGTH else ""
    return f"<details{fold}><summary>{name}</summary>{preformatted(content)}</details>"


def _claim(metadata: Metadata) -> str:
    """Say what the commands give."""
    if metadata.made is None:
        return (
            "<p>The table does not say how it was made: these commands give the same cells, "
            "and perhaps other witnesses:</p>"
        )
    if metadata.stopped_by not in (None, MAX_CELLS):
        return (
            "<p>How far the enumeration came before it was stopped is a matter of time and not of "
            "its options; these commands give the whole table, of which this one has some rows:</p>"
        )
    return (
        "<p>The table does not depend on chance, time, or the number of workers: on one kind of "
        "machine and with one version of nnce and its libraries it is the same file, byte for "
        "byte.</p>"
    )


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


def _how(made: Made) -> dict[str, str]:
    """Return how a table was made, in words."""
    how = {"method": made.method}
    if made.lp is not None:
        how["linear programs"] = made.lp
    return how | {"with a certificate": "yes" if made.proof else "no"}


def _argument(name: str) -> str:
    """Return a file's name so that no command takes it for an option."""
    return f"./{name}" if name.startswith("-") else name


def _figure(figure: Figure, kind: str, caption: str) -> str:
    """Return a picture with its caption; a picture cannot run scripts."""
    content = base64.b64encode(picture(figure, kind, dpi=150)).decode()
    media = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return (
        f'<figure><img alt="{text(caption)}" src="data:{media};base64,{content}">'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )
