"""The digits of scikit-learn, the boxes around them, and networks trained on them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
from threadpoolctl import threadpool_limits

from experiments.plan import COMPONENTS, PIXELS, Network
from nnce_cli.table import Output
from sample_models.train import Split, accuracy, digits_pca, digits_pixels, fit, onnx_model


@cache
def inputs(data: str) -> Split:
    """Return the training and test parts of a data set; the split is always the same."""
    if data == PIXELS:
        return digits_pixels()
    return digits_pca(int(data.removeprefix(COMPONENTS)))


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
