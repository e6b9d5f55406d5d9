"""Small networks with skip connections and convolutions, trained with NumPy alone."""

from experiments.nets.graph import onnx_graph
from experiments.nets.layers import Floats, Layer
from experiments.nets.shapes import make
from experiments.nets.training import Optimiser, loss_and_gradients, predicted

__all__ = [
    "Floats",
    "Layer",
    "Optimiser",
    "loss_and_gradients",
    "make",
    "onnx_graph",
    "predicted",
]
