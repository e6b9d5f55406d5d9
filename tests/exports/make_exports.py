"""Export small networks by the exporters that people use, to ``tests/exports/*.onnx``.

Run ``python -m tests.exports.make_exports`` in the folder of the project, in an environment with
some of PyTorch, Keras, scikit-learn with skl2onnx, TensorFlow with tf2onnx, and JAX with jax2onnx:
it makes the files for those that are there. The weights are random and not trained; each run makes
others where a library has no seed for them. The files are named after the exporter.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

Export = Callable[[Path], None]
EXPORTS: dict[str, Export] = {}
NEEDED: dict[str, tuple[str, ...]] = {}


def export(name: str, *needed: str) -> Callable[[Export], Export]:
    """Enter a function that writes a file, under the name of the file; it needs some libraries."""

    def enter(function: Export) -> Export:
        EXPORTS[name], NEEDED[name] = function, needed
        return function

    return enter


def is_possible(name: str) -> bool:
    """Tell whether the libraries that an export needs are installed."""
    return all(importlib.util.find_spec(library) for library in NEEDED[name])


# PyTorch: each network by the exporter of TorchScript and by that of torch.export ("dynamo").


def by_torch(path: Path, network, example, *, dynamo: bool) -> None:
    """Export a PyTorch network with a free batch."""
    import torch

    inputs = [f"input_{i}" for i in range(len(example))]
    names = {"input_names": inputs, "opset_version": 18 if dynamo else 17}
    if dynamo:
        batch = torch.export.Dim("batch")
        shapes = [{0: batch} for _ in example]
        program = torch.onnx.export(
            network.eval(), example, dynamic_shapes=shapes, dynamo=True, verbose=False, **names
        )
        model = program.model_proto
        for node in model.graph.node:  # stack traces, with folders of this machine
            del node.metadata_props[:]
        path.write_bytes(model.SerializeToString())
    else:
        axes = {name: {0: "batch"} for name in inputs}
        torch.onnx.export(network.eval(), example, path, dynamic_axes=axes, dynamo=False, **names)


def torch_networks() -> dict[str, tuple]:
    """Return networks, with the shapes of their inputs, by name."""
    import torch
    from torch import nn

    class Function(nn.Module):
        def __init__(self, function, **layers):
            super().__init__()
            self.function = function
            for name, layer in layers.items():
                setattr(self, name, layer)

        def forward(self, x, y=None):
            return self.function(self, x) if y is None else self.function(self, x, y)

    torch.manual_seed(0)
    statistics = nn.BatchNorm1d(4)
    statistics.running_mean, statistics.running_var = torch.randn(4), torch.rand(4) + 0.5
    two = torch.tensor([0.5, -0.25, 0.0])
    return {
        "activations": (
            nn.Sequential(
                nn.Linear(2, 4), nn.LeakyReLU(0.1), nn.Linear(4, 3), nn.ReLU6(), nn.Linear(3, 3),
                nn.PReLU(3), nn.Linear(3, 2), nn.Hardtanh(), nn.Softmax(dim=1),
            ),
            [(1, 2)],
        ),
        "residual": (
            Function(
                lambda net, x: net.last(net.block(net.first(x)) + net.first(x)),
                first=nn.Sequential(nn.Linear(2, 4), nn.ReLU()),
                block=nn.Sequential(nn.Linear(4, 4), statistics),
                last=nn.Sequential(nn.ReLU(), nn.Linear(4, 1)),
            ),
            [(1, 2)],
        ),
        "images": (
            Function(
                lambda net, x: net.last(net.features(x).view(x.size(0), -1)),
                features=nn.Sequential(
                    nn.Conv2d(1, 2, 2, padding=1, stride=2), nn.ReLU(), nn.MaxPool2d(2, stride=1)
                ),
                last=nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 3), nn.LogSoftmax(1)),
            ),
            [(1, 1, 2, 3)],
        ),
        "averages": (
            nn.Sequential(
                nn.Conv1d(1, 2, 2), nn.ReLU(), nn.AvgPool1d(2, stride=1), nn.Flatten(),
                nn.Dropout(), nn.Linear(4, 2), nn.ReLU(),
            ),
            [(1, 1, 4)],
        ),
        "extremes": (
            Function(
                lambda net, x: torch.minimum(
                    torch.maximum(net.a(x), net.b(x)), torch.clamp(net.c(x).abs(), min=0.25)
                ) + torch.where(x[:, :1] > 0, x[:, :1], 0.5 * x[:, :1]),
                a=nn.Linear(2, 3), b=nn.Linear(2, 3), c=nn.Linear(2, 3),
            ),
            [(1, 2)],
        ),
        "maxout": (
            Function(
                lambda net, x: net.b(net.a(x).view(-1, 2, 3).max(dim=2).values).amax(dim=1),
                a=nn.Linear(2, 6), b=nn.Linear(2, 4),
            ),
            [(1, 2)],
        ),
        "branches": (
            Function(
                lambda net, x, y: (
                    net.c(torch.cat([torch.relu(net.a(x)), net.b(y).clamp(-1, 1)], dim=1)),
                    torch.relu(net.a(x)).mean(dim=1, keepdim=True) - two.sum(),
                ),
                a=nn.Linear(2, 3), b=nn.Linear(1, 2), c=nn.Linear(5, 2),
            ),
            [(1, 2), (1, 1)],
        ),
        "upsampling": (
            nn.Sequential(
                nn.Linear(2, 3), nn.ReLU(), nn.Unflatten(1, (1, 3)), nn.Upsample(scale_factor=2),
                nn.ConvTranspose1d(1, 1, 2), nn.ReLU(), nn.Flatten(),
            ),
            [(1, 2)],
        ),
    }  # fmt: skip


TORCH_NETWORKS = (
    "activations", "residual", "images", "averages", "extremes", "maxout", "branches", "upsampling",
)  # fmt: skip


def enter_torch(name: str, exporter: str) -> None:
    """Enter the export of a PyTorch network by one of the two exporters."""

    @export(f"torch-{exporter}-{name}", "torch", "onnxscript")
    def write(path: Path) -> None:
        import torch

        network, shapes = torch_networks()[name]
        for parameter in network.parameters():  # PyTorch's own are small: few units cut the domain
            torch.nn.init.normal_(parameter)
        # A batch of one is taken for a constant by torch.export.
        example = tuple(torch.randn(2, *shape[1:]) for shape in shapes)
        by_torch(path, network, example, dynamo=exporter == "dynamo")


for name in TORCH_NETWORKS:
    for exporter in ("script", "dynamo"):
        enter_torch(name, exporter)


# scikit-learn


def toy_data():
    """Return points of the plane, a number and one of three classes for each."""
    import numpy as np

    points = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    numbers = np.abs(points).sum(axis=1)
    return points, numbers, np.digitize(numbers, [1.0, 2.0])


def by_skl2onnx(path: Path, model, points) -> None:
    """Export a fitted scikit-learn model."""
    from skl2onnx import to_onnx

    path.write_bytes(to_onnx(model, points[:1]).SerializeToString())


def enter_sklearn(name: str, make: Callable[[], object], *, classes: int = 0) -> None:
    """Enter the export of a scikit-learn model for numbers, or for classes."""

    @export(f"sklearn-{name}", "sklearn", "skl2onnx")
    def write(path: Path) -> None:
        points, numbers, labels = toy_data()
        target = labels.clip(max=classes - 1) if classes else numbers
        by_skl2onnx(path, make().fit(points, target), points)


def scaled_regressor():
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(5, 4), max_iter=50, random_state=0)
    )


def classifier():
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(hidden_layer_sizes=(5, 4), max_iter=50, random_state=0)


def logistic_regression():
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


enter_sklearn("regressor", scaled_regressor)
enter_sklearn("two-classes", classifier, classes=2)
enter_sklearn("three-classes", classifier, classes=3)
enter_sklearn("logistic-regression", logistic_regression, classes=3)


# Keras, on any of its back ends.


def by_keras(path: Path, model) -> None:
    """Export a Keras model, which has to have been called once."""
    import numpy as np

    model(np.zeros((2, *model.input_shape[1:]), np.float32))
    model.export(path, format="onnx", verbose=False)


@export("keras-dense", "keras", "torch", "onnxscript")
def keras_dense(path: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(4),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Dense(4, activation="relu6"),
            layers.Dense(3, activation="hard_tanh"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    by_keras(path, model)


@export("keras-images", "keras", "torch", "onnxscript")
def keras_images(path: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((3, 2, 1))
    a = layers.Conv2D(2, 2, padding="same", strides=(2, 1), activation="relu")(image)
    b = layers.MaxPooling2D(2)(a)
    c = layers.Concatenate()([layers.Flatten()(b), layers.GlobalAveragePooling2D()(a)])
    model = keras.Model(image, layers.Dense(1)(layers.Dense(2, activation="relu")(c)))
    by_keras(path, model)


# TensorFlow and JAX.


@export("tensorflow-function", "tensorflow", "tf2onnx")
def tensorflow_function(path: Path) -> None:
    import numpy as np
    import tensorflow as tf
    import tf2onnx

    random = np.random.default_rng(0)
    weight, bias = (tf.Variable(random.normal(size=s), dtype=tf.float32) for s in ((2, 4), (4,)))

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, name="input")])
    def function(x):
        a = x @ weight + bias
        b = tf.nn.relu(a) - tf.nn.leaky_relu(a, 0.1) + tf.nn.relu6(4 * a)
        c = tf.reduce_max(tf.reshape(b, (-1, 2, 2)), axis=2)
        return tf.nn.softmax(c + tf.clip_by_value(x, -0.5, 0.5))

    tf2onnx.convert.from_function(
        function, input_signature=function.input_signature, opset=17, output_path=path
    )


@export("jax-function", "jax", "jax2onnx")
def jax_function(path: Path) -> None:
    import jax
    import jax.numpy as jnp
    from jax2onnx import to_onnx

    keys = jax.random.split(jax.random.key(0), 4)
    weights = [jax.random.normal(k, s) for k, s in zip(keys, ((2, 4), (4,), (4, 3)), strict=False)]

    def function(x):
        a = jax.nn.leaky_relu(x @ weights[0] + weights[1], 0.1)
        b = jnp.concatenate([jax.nn.relu(a @ weights[2]), jnp.clip(x, -0.5, 0.5)], axis=1)
        return jax.nn.softmax(jnp.maximum(b[:, :2], jnp.abs(b[:, 3:])) + b[:, 2:3])

    to_onnx(function, [("B", 2)], return_mode="file", output_path=path)


def main() -> None:
    """Write all files that can be made here."""
    for name, write in EXPORTS.items():
        if len(sys.argv) > 1 and not any(name.startswith(prefix) for prefix in sys.argv[1:]):
            continue
        if not is_possible(name):
            print(f"{name}: skipped, needs {', '.join(NEEDED[name])}")
            continue
        path = FOLDER / f"{name}.onnx"
        write(path)
        print(f"{name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
