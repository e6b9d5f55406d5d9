"""Training as scikit-learn's `MLPClassifier` does it, for networks that it does not have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.nets.layers import Floats, Layer

BATCH = 200
RATE = 0.003
DECAYS = (0.9, 0.999)  # of the running means of gradients and of their squares
TINY = 1e-8
PENALTY = 0.01  # on the squares of the weights, over the samples of a batch

Labels = NDArray[np.int64]


class Optimiser:
    """Adam (Kingma & Ba 2015) for the cross-entropy of classes, an epoch at a time."""

    def __init__(self, net: Layer, points: Floats, labels: Labels, seed: int) -> None:
        """Train ``net`` in place on ``points`` (samples, …) with ``labels`` (samples,)."""
        self._net, self._points, self._labels = net, points, labels
        self._order = np.random.default_rng(seed)
        self._means = [np.zeros_like(array) for array in net.weights]
        self._squares = [np.zeros_like(array) for array in net.weights]
        self._steps = 0

    def epoch(self) -> None:
        """Take each sample once, in a random order."""
        order = self._order.permutation(len(self._points))
        for start in range(0, len(order), BATCH):
            self._step(order[start : start + BATCH])

    def _step(self, some: Labels) -> None:
        _, gradients = loss_and_gradients(self._net, self._points[some], self._labels[some])
        self._steps += 1
        first, second = DECAYS
        rate = RATE * (1 - second**self._steps) ** 0.5 / (1 - first**self._steps)
        for k, array in enumerate(self._net.weights):
            gradient = gradients[k]
            if array.ndim > 1:  # biases are free
                gradient = gradient + PENALTY / len(some) * array
            self._means[k] += (1 - first) * (gradient - self._means[k])
            self._squares[k] += (1 - second) * (gradient**2 - self._squares[k])
            array[...] -= rate * self._means[k] / (np.sqrt(self._squares[k]) + TINY)


def loss_and_gradients(net: Layer, points: Floats, labels: Labels) -> tuple[float, list[Floats]]:
    """Return the mean cross-entropy of samples, and its gradients by the weights."""
    scores, backward = net.forward(points)
    scores = scores - scores.max(axis=1, keepdims=True)
    logarithms = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    rows = np.arange(len(points))
    gradient = np.exp(logarithms)
    gradient[rows, labels] -= 1
    _, gradients = backward(gradient / len(points))
    return -float(logarithms[rows, labels].mean()), gradients


def predicted(net: Layer, points: Floats) -> Labels:
    """Return the class of each sample."""
    found: Labels = net.forward(points)[0].argmax(axis=1)
    return found
