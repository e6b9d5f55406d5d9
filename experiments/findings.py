"""The page of findings: every number of it comes from the table of results.

``python -m experiments.findings RESULTS DOCS`` writes the page and its pictures.
"""

from __future__ import annotations

import argparse
import re
import sys
from functools import partial
from pathlib import Path

from experiments.plan import EPOCHS
from experiments.sections.accuracy import accuracy_section
from experiments.sections.boundary import boundary_section
from experiments.sections.depth import depth_section
from experiments.sections.found import Found, Section, grouped
from experiments.sections.maps import maps_section
from experiments.sections.planes import planes_section
from experiments.sections.ranks import ranks_section
from experiments.sections.skips import skips_section
from experiments.sections.time import time_section
from experiments.sections.words import (
    count,
    decimals,
    inputs,
    middle,
    percent,
    table,
    widths,
)
from experiments.sections.workers import workers_section
from nnce_cli.base.errors import InputError
from nnce_cli.plotting.style import our_style, picture
from nnce_cli.table import Output

SECTIONS = (
    time_section,
    workers_section,
    accuracy_section,
    ranks_section,
    depth_section,
    skips_section,
    maps_section,
    planes_section,
    boundary_section,
)


def main() -> None:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, metavar="RESULTS", help="folder of the results")
    parser.add_argument("docs", type=Path, metavar="DOCS", help="folder of the page")
    options = parser.parse_args()
    try:
        print(write_findings(options.results, options.docs))
    except InputError as error:
        sys.exit(f"findings: {error}")


def write_findings(results: Path, docs: Path) -> Path:
    """Write ``findings.md`` and ``figures/`` into a folder; return the path of the page.

    Raises:
        InputError: there are no results, or a section of the page has no numbers.
    """
    found = Found.read(results)
    sections = [section(found) for section in SECTIONS]
    text = page(found, sections)
    figures = docs / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    with our_style():
        for section in sections:
            for name, draw in section.pictures.items():
                _write(figures / f"{name}.svg", picture(draw(), "svg"))
    _write(docs / "findings.md", text.encode())
    return docs / "findings.md"


def page(found: Found, sections: list[Section]) -> str:
    """Return the page.

    Raises:
        InputError: a section has no numbers.
    """
    for section in sections:
        if not re.search(r"\d\.\d", section.summary + section.text):
            raise InputError(f"the section {section.title!r} has no numbers; measure more networks")
    parts = [_HEAD, _short(sections), _what_was_done(found), _how_far(found)]
    for section in sections:
        parts += [f"## {section.title}", section.text]
    parts += ["## The same again", _AGAIN]
    return "\n\n".join(parts) + "\n"


_HEAD = """# What the cells tell

<!-- Written by experiments/findings.py from the table of results; `make study` writes it anew. -->

## In short

Networks were trained and *all* their cells enumerated, exactly, to hold what is said of cells
against numbers. The first four claims are those of Drammis, Zheng, Srinivasan, Berwick, Lynch and
Ajemian ([arXiv:2403.00860](https://arxiv.org/abs/2403.00860)), drawn from their enumerations; the
others are said elsewhere, or expected. Numbers in square brackets are 95% confidence intervals."""

_AGAIN = """`make study` trains the networks, enumerates them and writes this page and its pictures.
What is finished is kept in `build/study`, so a study that was stopped goes on where it was, and a
second call measures nothing again; remove the folder to begin anew. `make study-small` does the
same with a few small networks, in `build/study-small`. The results are in `experiments/results`, a
JSON object a line; `python -m experiments.findings experiments/results docs` writes the page from
them alone. Cells and ranks are exact; they are the same on every machine on which training rounds
alike. Times are of the machine on which it was measured, and of what else ran there."""


def _what_was_done(found: Found) -> str:
    pixels = next((each for each in found.networks if each["inputs"] == 64), None)
    box = (
        f" Of the 64 pixels {pixels['inputs_that_vary']} vary at all; the others have no width in "
        "the box and are dropped."
        if pixels
        else ""
    )
    rational = sum(each["exact_cells"] for each in found.networks)
    total = sum(each["cells"] for each in found.networks)
    return (
        "## What was done\n\n"
        f"{len(found.networks)} classifiers with two and three hidden layers were trained with "
        f"Adam (scikit-learn's `MLPClassifier`, {EPOCHS} epochs, fixed seeds, one fixed split "
        "into training and test samples) and written as ONNX with float32 weights. They see all "
        "64 pixels, under a first layer that is narrower (the paper's main setting), or the "
        "first principal components of the pixels, with more neurons than inputs. `nnce "
        "enumerate` listed the cells of each on the bounding box of all samples, and certified "
        f"every one of these lists as complete: {count(total)} cells in all, {count(rational)} "
        f"of them examined in rational arithmetic.{box}\n\n{_networks(found)}\n\n"
        "Given are the median and the extremes over the seeds, at the end of training; seconds "
        "are processor time of the whole command."
    )


def _how_far(found: Found) -> str:
    trainings = (*found.boxes, *found.planes, *found.boundaries)
    moments = [moment for each in trainings for moment in each["moments"]]
    minutes = sum(each["processor_seconds"] for each in trainings) / 60
    seeds = [
        len(group)
        for part in (found.boxes, found.planes, found.boundaries)
        for group in grouped(part, "data", "kind", "hidden").values()
    ]
    neurons = max(sum(each["hidden"]) for each in (*found.networks, *found.boxes))
    return (
        "A second part has networks that are more than layers in a row, and looks at them before "
        f"and during training: {count(len(trainings))} trainings of {min(seeds)} to {max(seeds)} "
        f"seeds each, {count(len(moments))} moments, {decimals(minutes, 1)} minutes of processor "
        "for training and enumeration together. They are trained as the others are (Adam with the "
        "same rate, batches and penalty, first weights drawn in the same way), by a few lines of "
        "NumPy, and every list of cells is certified, too.\n\n"
        "**What this supports, and what not.** Counts are exact, and hold for these networks and "
        "domains. What is said of kinds of networks rests on few seeds of one split of small data: "
        f"images of 64 pixels, their principal components, points in two and three dimensions. No "
        f"dense network has more than {count(neurons)} neurons. Nothing here is about networks of "
        "the size that is in use, about other optimisers, or about data with noise in the labels; "
        "an interval says what another seed would change, and not what other data would. Planes "
        "are a few at random. Times are those of one machine that did other things, too."
    )


def _networks(found: Found) -> str:
    rows = []
    networks = sorted(found.trained, key=lambda each: found.data.index(each["data"]))
    for (data, hidden), group in grouped(networks, "data", "hidden").items():
        rows.append(
            [
                inputs(data),
                widths(hidden),
                f"{group[0]['parameters']:,}",
                str(len(group)),
                middle([each["cells"] for each in group], count),
                middle([each["test_accuracy"] for each in group], percent),
                middle([each["processor_seconds"] for each in group], partial(decimals, places=1)),
            ]
        )
    heads = ["inputs", "hidden layers", "parameters", "seeds", "cells", "test accuracy", "seconds"]
    return table(heads, rows, left=2)


def _short(sections: list[Section]) -> str:
    rows = [[section.claim, f"**{section.verdict}**: {section.summary}"] for section in sections]
    return table(["claim", "what we found"], rows, left=2)


def _write(path: Path, content: bytes) -> None:
    with Output(str(path), force=True) as output:
        output.write(content)
        output.commit()


if __name__ == "__main__":
    main()
