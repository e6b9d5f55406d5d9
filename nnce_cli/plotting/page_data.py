"""The data of a report as one JSON block, for the page's script and for programs."""

from __future__ import annotations

from typing import Any

from nnce_cli.analysis import bounds
from nnce_cli.plotting.classes import classes
from nnce_cli.plotting.fills import usual_colouring
from nnce_cli.plotting.map_data import map_data
from nnce_cli.plotting.page_colours import page_colours
from nnce_cli.plotting.subject import Subject

FORMAT, VERSION = "nnce report", 1
LARGEST = 10**300  # what a number of JSON can be for most programs


def page_data(subject: Subject) -> dict[str, Any]:
    """Return what the page says, and what its script needs, as JSON values.

    ``docs/plots.md`` describes the keys.
    """
    metadata, stats = subject.metadata, subject.stats
    limits = [bounds(stats.sizes.of(subject.dimension, k)) for k in range(1, len(stats.widths))]
    partition = subject.partition
    has_map = subject.has_map and partition is not None
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": {"file": subject.model, "digest": subject.stack.digest},
        "table": {
            "file": subject.table,
            "sha256": subject.table_digest,
            "complete": metadata.complete,
            "stopped_by": metadata.stopped_by,
            "certified": metadata.certified,
            "decisions": metadata.decisions,
        },
        "domain": metadata.domain,
        "task": subject.task.value,
        "statistics": _for_json(stats.to_dict()),
        "bounds": _for_json(limits),
        "network": None if subject.network is None else subject.network.to_dict(),
        "colouring": usual_colouring(subject.task),
        "colours": page_colours(),
        "map": map_data(partition, classes(partition), subject.marks)
        if has_map and partition is not None
        else None,
        "space": None if subject.space is None else subject.space.values(),
    }


def _for_json(value: Any) -> Any:
    """Return a value without integers that other programs' numbers cannot be; null for them."""
    if isinstance(value, dict):
        return {str(key): _for_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(item) for item in value]
    return None if isinstance(value, int) and abs(value) > LARGEST else value
