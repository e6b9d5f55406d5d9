"""The report of a cell table as one HTML page that needs nothing from anywhere else."""

from __future__ import annotations

import base64
from typing import Any

from matplotlib.figure import Figure

from nnce_cli.base.task import Task
from nnce_cli.plotting import page_sections as sections
from nnce_cli.plotting import reproduce
from nnce_cli.plotting.domain_files import domain_options
from nnce_cli.plotting.draw_cells import draw_cells
from nnce_cli.plotting.draw_stats import draw_layers, draw_ranks
from nnce_cli.plotting.fills import usual_colouring
from nnce_cli.plotting.page_data import page_data
from nnce_cli.plotting.style import our_style, picture
from nnce_cli.plotting.subject import Subject
from nnce_cli.plotting.template import page_of
from nnce_cli.plotting.titles import cells_words, seen_words, title
from nnce_cli.table import domain_words

VECTOR_CELLS = 2_000  # more are smaller as an image of points
LINES_SHOWN, LINE_LENGTH = 40, 80  # of a file that is not folded
SCRIPTS = (
    "dom.js", "network.js", "shades.js", "facts.js", "map.js", "slices.js", "cells.js", "page.js",
)  # fmt: skip
MOST_OF_RELUS = (
    "the number of regions of n hyperplanes in general position in as many dimensions as the rank."
)
MOST_OF_UNITS = "how many parts the units of that layer can make of as many dimensions as the rank."


def report_page(subject: Subject) -> str:
    """Return the page. Equal input gives equal text."""
    interactive = subject.has_map or subject.space is not None
    return page_of(
        "report.html.j2",
        SCRIPTS if interactive else (),
        page_data(subject),
        subject=subject,
        metadata=subject.metadata,
        stats=subject.stats,
        sections=sections,
        heading=f"{subject.model}: {cells_words(subject.metadata, subject.stats.cells)}",
        domain=domain_words(subject.metadata),
        has_classes=subject.task is not Task.REGRESSION,
        changed=list(subject.metadata.layer_cells) != subject.stats.layer_cells,
        thin=_thin(subject),
        seen="" if subject.partition is None else seen_words(subject.partition),
        drawn=_drawn_cells(subject),
        diagrams=_diagrams(subject),
        names=reproduce.names(subject),
        claim=reproduce.claim(subject.metadata),
        commands=reproduce.commands(subject),
        files=_files(subject),
        facts=reproduce.facts(subject),
    )


def _thin(subject: Subject) -> int:
    """Return how many cells are too thin for float64 polygons."""
    partition = subject.partition
    if partition is None:
        return 0
    return int((partition.polygons.areas() <= 0).sum()) - partition.outside


def _drawn_cells(subject: Subject) -> dict[str, str] | None:
    """Return a picture of the cells where they are drawn and not on a map."""
    partition = subject.partition
    if partition is None or subject.has_map:
        return None
    words = title(subject.metadata, subject.model, subject.stats.cells, seen_words(partition))
    colouring = usual_colouring(subject.task)
    kind = "svg" if subject.stats.cells <= VECTOR_CELLS else "png"
    with our_style():
        figure = draw_cells(partition, colouring, words, marks=subject.marks)
        return _figure(figure, kind, "The cells of the domain and the outputs on them.")


def _diagrams(subject: Subject) -> list[dict[str, str]]:
    """Return the pictures of the statistics."""
    stats, found = subject.stats, []
    with our_style():
        if stats.sub_cells_by_rank:
            most = MOST_OF_RELUS if stats.sizes.is_relu else MOST_OF_UNITS
            caption = (
                "Cells of the next layer inside a cell, by its rank. The theoretical maximum is "
            )
            found.append(_figure(draw_ranks(stats, subject.title), "svg", caption + most))
        growth = draw_layers(stats, subject.dimension, subject.title)
        caption = "Growth of the number of cells from layer to layer."
        return [*found, _figure(growth, "svg", caption)]


def _figure(figure: Figure, kind: str, caption: str) -> dict[str, str]:
    """Return a picture with its caption; a picture cannot run scripts."""
    content = base64.b64encode(picture(figure, kind, dpi=150)).decode()
    media = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return {"source": f"data:{media};base64,{content}", "caption": caption}


def _files(subject: Subject) -> list[dict[str, Any]]:
    """Return the files that the commands read; long ones are folded."""
    _, found = domain_options(subject.metadata)
    return [
        {
            "name": name,
            "lines": content.splitlines(),
            "open": content.count("\n") < LINES_SHOWN and len(content) < LINES_SHOWN * LINE_LENGTH,
        }
        for name, content in found.items()
    ]
