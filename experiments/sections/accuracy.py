"""Test accuracy against cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from experiments.plan import EPOCHS
from experiments.results import Record
from experiments.sections.draw import colour, explain, logarithmic, panels, points
from experiments.sections.found import (
    AGREES,
    CANNOT_TELL,
    DISAGREES,
    IN_PART,
    Found,
    Section,
    grouped,
)
from experiments.sections.words import between, count, inputs, percent, table, widths
from experiments.statistics import Interval, correlation_along, correlation_within, rank_correlation

WEAK = 0.3  # a correlation below this

CLAIM = "The number of cells goes along with a network's accuracy."

Groups = Sequence[Sequence[Record]]


def accuracy_section(found: Found) -> Section:
    """Correlate accuracy with cells: over all, and where all else but the seed is equal."""
    over_all = correlate_all(found.trained)
    equal = correlate(equal_parameters(found.trained))
    summary = f"over all networks {_words(over_all)}; at equal parameter count {_words(equal)}"
    return Section(
        title="Accuracy against cells",
        claim=CLAIM,
        verdict=_verdict(over_all, equal),
        summary=summary,
        text=_text(found, over_all, equal),
        pictures={
            "accuracy": partial(_draw, found),
            "training": partial(_draw_training, found),
        },
    )


def equal_parameters(networks: Sequence[Record]) -> list[list[Record]]:
    """Return groups of networks that differ in their seed only."""
    return list(grouped(networks, "data", "hidden", "epochs").values())


def correlate_all(networks: Sequence[Record], x: str = "cells") -> Interval | None:
    """Return the rank correlation of test accuracy and ``x`` over all networks."""
    return rank_correlation(_pairs(equal_parameters(networks), x))


def correlate(groups: Groups) -> Interval | None:
    """Return the rank correlation of test accuracy and cells within groups of networks."""
    return correlation_within(_pairs(groups, "cells"))


def _pairs(groups: Groups, x: str) -> list[list[tuple[float, float]]]:
    return [[(each[x], each["test_accuracy"]) for each in group] for group in groups]


def _verdict(over_all: Interval | None, equal: Interval | None) -> str:
    if over_all is None or equal is None:
        return CANNOT_TELL
    if min(over_all.low, equal.low) > 0 and min(over_all.value, equal.value) >= WEAK:
        return AGREES
    if over_all.low > 0 or equal.low > 0:
        return IN_PART
    return DISAGREES if min(over_all.high, equal.high) < 0 else CANNOT_TELL


def _words(found: Interval | None) -> str:
    return "not defined" if found is None else f"ρ = {between(found)}"


def _said(found: Interval | None) -> str:
    """Say what a correlation tells."""
    if found is None:
        return "nothing can be said"
    if found.low > 0:
        much = ", but the correlation is weak" if found.value < WEAK else ""
        return f"networks with more cells are more accurate{much}"
    if found.high < 0:
        return "networks with more cells are less accurate"
    return "no correlation can be told from chance"


def _text(found: Found, over_all: Interval | None, equal: Interval | None) -> str:
    trained = found.trained
    by_parameters = correlate_all(trained, "parameters")
    return "\n\n".join(
        [
            "Accuracy is that on the quarter of the samples that is held out, of the float32 "
            "weights in the ONNX file. ρ is Spearman's rank correlation, with the interval of a "
            "bootstrap that draws whole architectures anew. At equal parameter count, ranks are "
            "taken among networks of one architecture on the same inputs, which differ in the "
            "seed of their training alone; the correlation is that of all these ranks together, "
            "and the bootstrap draws networks anew within each architecture.",
            _table(found),
            f"Over all networks, {_said(over_all)} (ρ = {_only(over_all)}). But they differ in "
            "their inputs and their size: the number of parameters, which nobody has to enumerate, "
            f"has ρ = {_only(by_parameters)} with the accuracy{_against(over_all, by_parameters)}. "
            f"At equal parameter count, {_said(equal)} (ρ = {_only(equal)}).",
            _along_training(found),
            "![Accuracy against cells](figures/accuracy.svg)",
            "![Cells and accuracy along training](figures/training.svg)",
        ]
    )


def _against(cells: Interval | None, parameters: Interval | None) -> str:
    if cells is None or parameters is None:
        return ""
    return ", which is less" if parameters.value < cells.value else ", which is no less"


def _only(found: Interval | None) -> str:
    return "(not defined)" if found is None else between(found)


def _table(found: Found) -> str:
    rows = []
    sets = [("all", found.trained)]
    sets += [
        (inputs(data), [each for each in found.trained if each["data"] == data])
        for data in found.data
    ]
    for name, networks in sets:
        over_all, equal = correlate_all(networks), correlate(equal_parameters(networks))
        rows.append([name, str(len(networks)), _only(over_all), _only(equal)])
    return table(["inputs", "networks", "ρ [95%]", "ρ at equal parameter count [95%]"], rows)


def trajectories(found: Found) -> list[list[Record]]:
    """Return the networks of which there are several moments of training, in their order."""
    groups = grouped(found.networks, "data", "hidden", "seed").values()
    return [sorted(group, key=lambda each: each["epochs"]) for group in groups if len(group) > 1]


def _along_training(found: Found) -> str:
    paths = trajectories(found)
    whole = correlation_along(_pairs(paths, "cells"))
    by_data = {
        data: correlation_along(
            _pairs([path for path in paths if path[0]["data"] == data], "cells")
        )
        for data in found.data
    }
    parts = ", ".join(
        f"{inputs(data)} {between(value)}" for data, value in by_data.items() if value
    )
    moments = grouped((each for path in paths for each in path), "data", "hidden", "epochs")
    rows = [
        [inputs(data), widths(hidden), str(epochs), *_medians(group)]
        for (data, hidden, epochs), group in moments.items()
    ]
    heads = ["inputs", "hidden layers", "epochs", "median cells", "median test accuracy"]
    return (
        f"Of some networks ({len(paths)} in number) several moments of their training were "
        f"enumerated, up to its end after {EPOCHS} epochs. Within the training of one network, "
        f"ρ = {_only(whole)} between cells and accuracy ({parts}): {_said_of_training(whole)}. "
        "Here the bootstrap draws whole trainings anew.\n\n" + table(heads, rows, left=2)
    )


def _said_of_training(found: Interval | None) -> str:
    if found is None or found.low <= 0 <= found.high:
        return "cells and accuracy do not go along"
    if found.low > 0:
        return "cells increase as it learns"
    return "cells decrease as it learns"


def _medians(group: Sequence[Record]) -> list[str]:
    cells = float(np.median([each["cells"] for each in group]))
    return [count(cells), percent(float(np.median([each["test_accuracy"] for each in group])))]


def _draw(found: Found) -> Figure:
    figure, places = panels(len(found.data), height=3.4)
    for place, (data, axes) in enumerate(zip(found.data, places, strict=True)):
        for depth in (2, 3):
            chosen = [
                each
                for each in found.trained
                if each["data"] == data and len(each["hidden"]) == depth
            ]
            shown = [100 * each["test_accuracy"] for each in chosen]
            points(axes, [each["cells"] for each in chosen], shown, place, depth)
        axes.set(xlabel="cells")
        axes.set_title(inputs(data))
        logarithmic(axes, "x")
    places[0].set_ylabel("test accuracy, %")
    explain(figure, found.data, "Test accuracy against cells, at the end of training")
    return figure


def _draw_training(found: Found) -> Figure:
    figure, places = panels(2, height=3.4)
    for path in trajectories(found):
        place = found.data.index(path[0]["data"])
        epochs = [each["epochs"] for each in path]
        cells = [each["cells"] for each in path]
        accuracies = [100 * each["test_accuracy"] for each in path]
        for axes, values in zip(places, (cells, accuracies), strict=True):
            (line,) = axes.plot(epochs, values, ".-", color=colour(place))
            line.set(linewidth=1, alpha=0.7)
    places[0].set(xlabel="epochs", ylabel="cells")
    places[1].set(xlabel="epochs", ylabel="test accuracy, %")
    logarithmic(places[0])
    logarithmic(places[1], "x")
    chosen = [data for data in found.data if any(p[0]["data"] == data for p in trajectories(found))]
    explain(figure, chosen, "Along training: a line is a network", shapes=False)
    return figure
