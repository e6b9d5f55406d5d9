"""The digits of scikit-learn and points in the plane and in space: boxes, planes, networks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.datasets import make_circles, make_moons
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from experiments.nets import Floats, Optimiser, make, onnx_graph
from experiments.plan import (
    CIRCLES,
    COMPONENTS,
    MOONS,
    PIXELS,
    PLAIN,
    SHELL,
    SKIP,
    SPIRALS,
    Network,
    Training,
)
from nnce_cli.table import Output
from sample_models.train import (
    Split,
    accuracy,
    digits_pca,
    digits_pixels,
    fit,
    onnx_model,
    spirals,
)

SAMPLES = 1000  # of points of two classes
IMAGE = (1, 8, 8)
PLANES = 2  # through three digits each


@cache
def inputs(data: str) -> Split:
    """Return the training and test parts of a data set; the split is always the same."""
    if data == PIXELS:
        return digits_pixels()
    if not data.startswith(COMPONENTS):
        return two_classes(data)
    return digits_pca(int(data.removeprefix(COMPONENTS)))


def two_classes(data: str) -> Split:
    """Return points of two classes that no line (no plane) divides."""
    if data == SPIRALS:
        return spirals(SAMPLES, arms=2, noise=0.15)
    if data == SHELL:
        points, labels = _ball_and_shell()
    elif data == CIRCLES:
        points, labels = make_circles(SAMPLES, noise=0.08, factor=0.5, random_state=0)
    else:
        assert data == MOONS
        points, labels = make_moons(SAMPLES, noise=0.12, random_state=0)
    return Split(*train_test_split(points, labels, test_size=0.25, random_state=0))


def _ball_and_shell() -> tuple[Floats, NDArray[np.int64]]:
    """Return points in space: class 0 within 0.5 of the origin, class 1 from 0.75 to 1."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, SAMPLES)
    ways = generator.normal(size=(SAMPLES, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    least, most = np.where(labels, 0.75, 0.0), np.where(labels, 1.0, 0.5)
    radii = generator.uniform(least**3, most**3) ** (1 / 3)
    return radii[:, None] * ways, labels


def planes() -> list[Floats]:
    """Return three test digits (3, 64) of different classes for each plane."""
    split, found = inputs(PIXELS), []
    for k in range(PLANES):
        generator = np.random.default_rng(k)
        classes = generator.choice(10, 3, replace=False)
        rows = [generator.choice(np.flatnonzero(split.test_labels == label)) for label in classes]
        found.append(split.test[rows])
    return found


def bounds(data: str) -> np.ndarray:
    """Return the bounding box of all samples: rows lower, upper."""
    split = inputs(data)
    samples = np.concatenate([split.train, split.test])
    return np.stack([samples.min(axis=0), samples.max(axis=0)], axis=1)


def write_bounds(data: str, folder: Path) -> Path:
    """Write a bounding box as ``nnce enumerate --bounds`` reads it."""
    path = folder / f"{data}.csv"
    lines = (f"{lower!r},{upper!r}\n" for lower, upper in bounds(data).tolist())
    _write(path, "".join(lines).encode())
    return path


def write_model(network: Network, folder: Path) -> Path:
    """Train a network, on one core so that sums are always in one order, and write it as ONNX."""
    path = folder / f"{network.name}.onnx"
    if not path.exists():
        with threadpool_limits(1):
            layers = fit(inputs(network.data), network.hidden, network.epochs, network.seed)
        _write(path, onnx_model(layers).SerializeToString())
    return path


def write_moments(training: Training, folder: Path) -> dict[int, Path]:
    """Train a network, and write it as ONNX at each moment; return the files by epochs."""
    split, dense = inputs(training.data), training.kind in (PLAIN, SKIP)
    shape = (split.train.shape[1],) if dense else IMAGE
    classes = int(split.train_labels.max()) + 1
    found = {}
    with threadpool_limits(1):
        net = make(training.kind, shape, training.hidden, classes, training.seed)
        points = split.train.reshape(-1, *shape)
        optimiser = Optimiser(net, points, split.train_labels, training.seed)
        for epoch in range(max(training.moments) + 1):
            if epoch in training.moments:
                found[epoch] = folder / f"{training.name}_epochs{epoch}.onnx"
                _write(found[epoch], onnx_graph(net, shape, classes).SerializeToString())
            optimiser.epoch()
    return found


def accuracy_on_test(training: Training, path: Path) -> float:
    """Return the share of test samples that a model of this training classifies correctly."""
    split = inputs(training.data)
    if training.kind not in (PLAIN, SKIP):
        split = split._replace(test=split.test.reshape(-1, *IMAGE))
    return accuracy(path, split)


def parameters(path: Path) -> int:
    """Return the number of weights and biases in a model."""
    return sum(int(np.prod(tensor.dims)) for tensor in onnx.load(path).graph.initializer)


def accuracies(network: Network, path: Path) -> tuple[float, float]:
    """Return the shares of training and of test samples that a model classifies correctly."""
    split = inputs(network.data)
    on_training = split._replace(test=split.train, test_labels=split.train_labels)
    return accuracy(path, on_training), accuracy(path, split)


def _write(path: Path, content: bytes) -> None:
    with Output(str(path), force=True) as output:
        output.write(content)
        output.commit()
