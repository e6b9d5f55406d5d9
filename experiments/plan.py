"""Which networks are studied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EPOCHS = 200
PIXELS = "pixels"  # all 64 pixels of the digits
COMPONENTS = "components-"  # and a number: the first principal components
CIRCLES, MOONS, SPIRALS, SHELL = "circles", "moons", "spirals", "shell"  # two classes of points

PLAIN, SKIP = "plain", "skip"  # kinds of networks; see `experiments.nets`
MAX_POOLING, MAX_FIRST, AVERAGE_POOLING, STRIDES = "max", "max-first", "average", "stride"


@dataclass(frozen=True)
class Network:
    """A classifier of the digits: its inputs, hidden widths, and how it is trained."""

    data: str
    hidden: tuple[int, ...]
    seed: int
    epochs: int = EPOCHS

    @property
    def name(self) -> str:
        """A name that no other network of a study has."""
        widths = "-".join(map(str, self.hidden))
        return f"{self.data}_{widths}_seed{self.seed}_epochs{self.epochs}"


@dataclass(frozen=True)
class Training:
    """A network of some kind, looked at after some numbers of epochs (0: before training)."""

    data: str
    kind: str
    hidden: tuple[int, ...]
    seed: int
    moments: tuple[int, ...]

    @property
    def name(self) -> str:
        """A name that no other training of a study has."""
        widths = "-".join(map(str, self.hidden))
        return f"{self.data}_{self.kind}_{widths}_seed{self.seed}"


@dataclass(frozen=True)
class Plan:
    """The networks of a study, those whose parallel runs are measured, and the trainings.

    ``boxes`` are looked at on the box around their data, ``planes`` on planes through samples, and
    of ``boundaries`` the topology of the decision boundary.
    """

    networks: tuple[Network, ...]
    parallel: tuple[Network, ...]
    rounds: int  # of each measurement of a parallel run
    boxes: tuple[Training, ...] = ()
    planes: tuple[Training, ...] = ()
    boundaries: tuple[Training, ...] = ()


def full() -> Plan:
    """Return the study of docs/findings.md.

    Architectures come in pairs: as many neurons in two hidden layers as in three.
    """
    architectures = {
        PIXELS: ((6, 6), (4, 4, 4), (8, 8), (6, 5, 5), (12, 12), (8, 8, 8)),
        COMPONENTS + "4": ((12, 12), (8, 8, 8), (24, 24), (16, 16, 16), (36, 36), (24, 24, 24)),
        COMPONENTS + "6": ((12, 12), (8, 8, 8), (18, 18), (12, 12, 12), (24, 24), (16, 16, 16)),
        COMPONENTS + "8": ((12, 12), (8, 8, 8)),
    }
    large = {COMPONENTS + "8": ((18, 18), (12, 12, 12)), COMPONENTS + "6": ((24, 24, 24),)}
    snapshots = ((PIXELS, (8, 8)), (COMPONENTS + "4", (24, 24)), (COMPONENTS + "6", (12, 12)))
    return Plan(
        networks=_union(
            _grid(architectures, range(10)),
            _grid(large, range(5)),
            _along_training(snapshots, range(5)),
        ),
        parallel=(
            Network(PIXELS, (12, 12), 0),
            Network(COMPONENTS + "6", (24, 24), 0),
            Network(COMPONENTS + "8", (18, 18), 0),
        ),
        rounds=3,
        boxes=_boxes((4, 6, 8, 10), (2, 3, 5), range(5)),
        planes=_convolutions(range(4), (0, 1, 10, 60)),
        boundaries=(
            *_boundaries((CIRCLES, MOONS, SPIRALS), (12, 12), range(5), (0, 3, 10, 30, 100, 300)),
            *_boundaries((SHELL,), (8, 8), range(4), (0, 10, 100, 300)),
        ),
    )


def small() -> Plan:
    """Return a study of small networks, all of whose parts take a minute or so."""
    architectures = {
        PIXELS: ((6, 6), (4, 4, 4)),
        COMPONENTS + "6": ((12, 12), (8, 8, 8), (18, 18), (12, 12, 12)),
    }
    snapshots = ((PIXELS, (6, 6)),)
    return Plan(
        networks=_union(
            _grid(architectures, range(2)), _along_training(snapshots, range(1), (1, 10, EPOCHS))
        ),
        parallel=(Network(COMPONENTS + "6", (18, 18), 0),),
        rounds=1,
        boxes=_boxes((4,), (2, 3), range(2)),
        planes=_convolutions(range(1), (0, 5)),
        boundaries=(
            *_boundaries((CIRCLES, MOONS), (6, 6), range(2), (0, 10, 100)),
            *_boundaries((SHELL,), (4, 4), range(1), (0, 100)),
        ),
    )


def _grid(
    architectures: Mapping[str, tuple[tuple[int, ...], ...]], seeds: range
) -> tuple[Network, ...]:
    return tuple(
        Network(data, hidden, seed)
        for data, widths in architectures.items()
        for hidden in widths
        for seed in seeds
    )


def _along_training(
    chosen: tuple[tuple[str, tuple[int, ...]], ...],
    seeds: range,
    epochs: tuple[int, ...] = (1, 3, 10, 30, 100, EPOCHS),
) -> tuple[Network, ...]:
    """Return networks at several moments of their training."""
    return tuple(
        Network(data, hidden, seed, at)
        for data, hidden in chosen
        for seed in seeds
        for at in epochs
    )


def _boxes(widths: tuple[int, ...], depths: tuple[int, ...], seeds: range) -> tuple[Training, ...]:
    """Return plain networks and, of the same widths, those with skip connections."""
    return tuple(
        Training(COMPONENTS + "4", kind, (width,) * depth, seed, (0, EPOCHS))
        for width in widths
        for depth in depths
        for kind in ((PLAIN, SKIP) if depth % 2 and depth > 1 else (PLAIN,))
        for seed in seeds
    )


def _convolutions(seeds: range, moments: tuple[int, ...]) -> tuple[Training, ...]:
    """Return convolutional networks that differ in how they go from 36 places to 9."""
    return tuple(
        Training(PIXELS, kind, (4, 16), seed, moments)
        for kind in (MAX_POOLING, AVERAGE_POOLING, STRIDES, MAX_FIRST)
        for seed in seeds
    )


def _boundaries(
    data: tuple[str, ...], hidden: tuple[int, ...], seeds: range, moments: tuple[int, ...]
) -> tuple[Training, ...]:
    return tuple(Training(name, PLAIN, hidden, seed, moments) for name in data for seed in seeds)


def _union(*parts: tuple[Network, ...]) -> tuple[Network, ...]:
    return tuple(dict.fromkeys(network for part in parts for network in part))
