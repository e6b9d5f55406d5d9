"""Train the sample networks that are more than dense layers in a row, and write them as ONNX files.

Run ``python -m sample_models.train_torch`` in the folder of the project; it needs PyTorch and
scikit-learn and takes about a minute. Seeds are fixed, so a machine repeats itself; another one
may round differently.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sample_models.train import DATA, FOLDER, Split, accuracy

OPSET = 13  # an old one, so that older versions of onnxruntime can read the files


class Residual(nn.Module):
    """A dense layer, a block of two more whose input is added to its output, a last layer."""

    def __init__(self, inputs: int, width: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.block = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.last = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        a = torch.relu(self.first(x))
        return self.last(torch.relu(a + self.block(a)))


def convolution(channels: int = 4, width: int = 16) -> nn.Module:
    """Return a classifier of 8x8 images: convolution, pooling, two dense layers."""
    return nn.Sequential(
        nn.Conv2d(1, channels, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(channels * 9, width),
        nn.ReLU(),
        nn.Linear(width, 10),
    )


NETWORKS = {
    "digits-convolution": convolution,
    "digits-residual": lambda: Residual(4, 8, 10),
}
PATCH = [27, 28, 35]  # pixels in the middle of the image: two of a row, and one below
EPOCHS = {"digits-convolution": 150, "digits-residual": 1500}


def train(network: nn.Module, data: Split, epochs: int) -> None:
    """Train with Adam on batches of 128."""
    points = torch.tensor(data.train, dtype=torch.float32)
    labels = torch.tensor(data.train_labels)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.003, weight_decay=1e-4)
    for _ in range(epochs):
        for batch in torch.randperm(len(points)).split(128):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(points[batch]), labels[batch]).backward()
            optimizer.step()


def patch_of(image: NDArray[np.float64], pixels: Sequence[int]) -> str:
    """Return the bounds of images that differ from a given one in a few pixels, as CSV."""
    lower, upper = image.ravel().copy(), image.ravel().copy()
    lower[pixels], upper[pixels] = 0, 1
    rows = (f"{lo:g},{hi:g}\n" for lo, hi in zip(lower, upper, strict=True))
    return "lo,hi\n" + "".join(rows)


def main() -> None:
    """Write the networks and print their test accuracy, and write bounds for the images."""
    torch.set_num_threads(1)
    for name, make in NETWORKS.items():
        torch.manual_seed(0)
        network, data, path = make(), DATA[name](), FOLDER / f"{name}.onnx"
        train(network, data, EPOCHS[name])
        torch.onnx.export(
            network.eval(),
            (torch.tensor(data.test[:1], dtype=torch.float32),),
            path,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
        print(f"{path.name}: test accuracy {accuracy(path, data):.1%}")
    image = DATA["digits-convolution"]().test[0]
    (FOLDER / "digits-convolution.csv").write_text(patch_of(image, PATCH))


if __name__ == "__main__":
    main()
