"""Train the sample multilayer perceptrons and write them as ONNX files beside this script.

Run ``python sample_models/train.py``; it needs scikit-learn and takes about ten seconds. Seeds
are fixed, so a machine repeats itself; another one may round differently, and its files then
differ a little from the committed ones. ``train_torch.py`` makes the other sample networks.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

FOLDER = Path(__file__).resolve().parent

Floats = NDArray[np.float64]
Layers = list[tuple[Floats, Floats]]  # (W, b) of each layer, of shapes (n_out, n_in) and (n_out,)


class Split(NamedTuple):
    """Inputs (samples, features) and class labels, to train on and to test on."""

    train: Floats
    test: Floats
    train_labels: NDArray[np.int64]
    test_labels: NDArray[np.int64]


def digits_pixels() -> Split:
    """Return scikit-learn's 8x8 digits: 64 pixels row by row, scaled from 0…16 to [0, 1]."""
    digits = load_digits()
    return Split(
        *train_test_split(
            digits.data / 16, digits.target, test_size=0.25, random_state=0, stratify=digits.target
        )
    )


def digits_images() -> Split:
    """Return the same digits as images with one channel: (samples, 1, 8, 8)."""
    pixels = digits_pixels()
    train, test = (part.reshape(-1, 1, 8, 8) for part in (pixels.train, pixels.test))
    return pixels._replace(train=train, test=test)


def three_digits() -> Floats:
    """Return the first 3, the first 5 and the first 8 of the test data (3, 64): points of a slice.

    The pixels are sixteenths, so that few digits hold them exactly.
    """
    pixels = digits_pixels()
    return np.stack([pixels.test[pixels.test_labels == label][0] for label in (3, 5, 8)])


def digits_pca(components: int = 4) -> Split:
    """Return the digits' first principal components, scaled so that training is in [-1, 1].

    Each component is divided by its largest absolute value on the training part.
    """
    pixels = digits_pixels()
    pca = PCA(components, svd_solver="full").fit(pixels.train)
    train, test = pca.transform(pixels.train), pca.transform(pixels.test)
    scale = np.abs(train).max(axis=0)
    return pixels._replace(train=train / scale, test=test / scale)


def spirals(samples: int = 4000, arms: int = 3, noise: float = 0.4) -> Split:
    """Return points of three noisy spiral arms in the unit disc; the label is the arm."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, arms, samples)
    radius = rng.uniform(0.1, 1, samples)
    angle = 2 * np.pi * (labels / arms + 0.75 * radius) + rng.normal(0, noise, samples)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Split(*train_test_split(points, labels, test_size=0.25, random_state=0))


DATA = {
    "digits-pixels": digits_pixels,
    "digits-pca": digits_pca,
    "toy-2d": spirals,
    "digits-convolution": digits_images,
    "digits-residual": digits_pca,
}
HIDDEN = {"digits-pixels": (6, 8), "digits-pca": (12, 12), "toy-2d": (16, 16)}
EPOCHS = {"digits-pixels": 1500, "digits-pca": 1500, "toy-2d": 300}
MOMENTS = (1, 4, 16, 64)
"""Epochs after which toy-2d is kept on its way to what it is at the end."""


def trained(name: str) -> Layers:
    """Train a sample classifier and return its layers."""
    return fit(DATA[name](), HIDDEN[name], EPOCHS[name], seed=0)


def fit(data: Split, hidden: tuple[int, ...], epochs: int, seed: int) -> Layers:
    """Train a classifier with Adam and return its layers, the last without ReLU.

    More epochs with the same seed go on from where fewer end.
    """
    model = MLPClassifier(
        hidden,
        alpha=0.01,
        learning_rate_init=0.003,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it runs for a fixed number of epochs
        model.fit(data.train, data.train_labels)
    return [(W.T, b) for W, b in zip(model.coefs_, model.intercepts_, strict=True)]


def hand_made() -> Layers:
    """Return the network whose cells README.md counts: |x|, |y|, then their diagonals."""
    return [
        (np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]), np.zeros(4)),
        (np.array([[1, 1, 1, 1], [1, 1, -1, -1]]), np.array([-1, 0])),
        (np.array([[1, 1]]), np.array([-0.5])),
        (np.array([[1]]), np.zeros(1)),
    ]


def onnx_model(layers: Layers) -> onnx.ModelProto:
    """Return Gemm, Relu, …, Gemm with float32 weights and a symbolic batch dimension."""
    nodes, weights, value = [], [], "input"
    for k, (W, b) in enumerate(layers, start=1):
        names = [f"layer_{k}.weight", f"layer_{k}.bias"]
        arrays = [np.ascontiguousarray(t, dtype=np.float32) for t in (W, b)]
        weights += [numpy_helper.from_array(t, n) for t, n in zip(arrays, names, strict=True)]
        last = k == len(layers)
        affine = "output" if last else f"layer_{k}"
        nodes.append(helper.make_node("Gemm", [value, *names], [affine], f"gemm_{k}", transB=1))
        if not last:
            value = f"active_{k}"
            nodes.append(helper.make_node("Relu", [affine], [value], f"relu_{k}"))
    ends = [("input", layers[0][0].shape[1]), ("output", layers[-1][0].shape[0])]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", n])] for name, n in ends
    )
    graph = helper.make_graph(nodes, "mlp", inputs, outputs, weights)
    # An old opset and format version, so that older versions of onnxruntime can read the files.
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="nnce samples")


def accuracy(path: Path, data: Split) -> float:
    """Return the share of test samples that the network in ``path`` classifies correctly."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (outputs,) = session.run(None, {"input": data.test.astype(np.float32)})
    return float(np.mean(outputs.argmax(axis=1) == data.test_labels))


def main() -> None:
    """Write the networks and print the test accuracy of the trained ones."""
    for name in HIDDEN:
        path = FOLDER / f"{name}.onnx"
        onnx.save(onnx_model(trained(name)), path)
        print(f"{path.name}: test accuracy {accuracy(path, DATA[name]()):.1%}")
    for epochs in MOMENTS:
        path = FOLDER / "training" / f"toy-2d-{epochs:03}.onnx"
        onnx.save(onnx_model(fit(spirals(), HIDDEN["toy-2d"], epochs, seed=0)), path)
        print(f"{path.name}: test accuracy {accuracy(path, spirals()):.1%}")
    onnx.save(onnx_model(hand_made()), FOLDER / "hand-made.onnx")
    np.savetxt(FOLDER / "digits-3-5-8.csv", three_digits(), delimiter=",", fmt="%g")


if __name__ == "__main__":
    main()
