"""What a study found, as the sections read it, and what a section is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from experiments.plan import EPOCHS
from experiments.results import Record, Results
from nnce_cli.base.errors import InputError

NETWORKS, PARALLEL = "networks.jsonl", "parallel.jsonl"
BOXES, PLANES, BOUNDARIES = "boxes.jsonl", "planes.jsonl", "boundaries.jsonl"
TABLES = (NETWORKS, PARALLEL, BOXES, PLANES, BOUNDARIES)


@dataclass(frozen=True)
class Found:
    """The records of a study.

    ``networks`` are the classifiers of digits, ``trained`` those at the end of their training;
    ``boxes``, ``planes`` and ``boundaries`` are trainings with their moments (`plan.Plan`).
    """

    networks: list[Record]
    parallel: list[Record]
    boxes: list[Record]
    planes: list[Record]
    boundaries: list[Record]

    @staticmethod
    def read(folder: Path) -> Found:
        """Read the tables of results in a folder.

        Raises:
            InputError: one is missing, or is none.
        """
        tables = [Results(folder / name).records() for name in TABLES]
        if not all(tables):
            raise InputError(f"there are no results in {folder}; run python -m experiments.study")
        return Found(*tables)

    @property
    def trained(self) -> list[Record]:
        """The networks at the end of their training."""
        return [network for network in self.networks if network["epochs"] == EPOCHS]

    @property
    def data(self) -> list[str]:
        """The names of the data sets."""
        return list(dict.fromkeys(each["data"] for each in self.networks))


@dataclass(frozen=True)
class Section:
    """A part of the page.

    ``claim`` is what the paper says, ``verdict`` and ``summary`` what we say to it. ``pictures``
    are drawn within the project's style, and stand in ``text`` by their names.
    """

    title: str
    claim: str
    verdict: str
    summary: str
    text: str
    pictures: dict[str, Callable[[], Figure]] = field(default_factory=dict)


AGREES, IN_PART, DISAGREES = "agrees", "agrees in part", "does not agree"
CANNOT_TELL = "cannot tell"


def start(training: Record) -> Record:
    """Return a network as it was before training."""
    first: Record = min(training["moments"], key=lambda each: each["epochs"])
    return first


def end(training: Record) -> Record:
    """Return a network as it was at the end of training."""
    last: Record = max(training["moments"], key=lambda each: each["epochs"])
    return last


def grouped(networks: Iterable[Record], *keys: str) -> dict[tuple[Any, ...], list[Record]]:
    """Return the networks by the values of some keys, in the order in which these first occur."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for network in networks:
        values = (network[key] for key in keys)
        place = tuple(tuple(value) if isinstance(value, list) else value for value in values)
        groups.setdefault(place, []).append(network)
    return groups
