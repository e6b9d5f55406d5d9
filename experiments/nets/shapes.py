"""The networks of the study by their kinds, with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from experiments.nets.layers import (
    AVERAGE,
    MAX,
    POOL,
    Chain,
    Convolution,
    Dense,
    Flatten,
    Layer,
    Pool,
    Relu,
    Skip,
)
from experiments.plan import AVERAGE_POOLING, MAX_FIRST, PLAIN, SKIP, STRIDES

FILTER = 3  # side of a filter


def make(kind: str, inputs: Sequence[int], hidden: Sequence[int], classes: int, seed: int) -> Chain:
    """Return a network with weights as scikit-learn draws them (Glorot & Bengio 2010).

    Args:
        kind: of `experiments.plan`. Networks with skip connections have as many weights as plain
            ones, and those with equal seeds have the same; so it is with kinds of pooling.
        inputs: the shape of a sample: (features,), or (channels, height, width).
        hidden: the widths of dense layers; of a convolution, its channels and a dense layer.
        classes: how many scores there are.
        seed: of the weights.
    """
    draw = _Draw(seed)
    if kind in (PLAIN, SKIP):
        return Chain(_dense(draw, kind, inputs[0], hidden, classes))
    (channels, height, _), (filters, width) = inputs, hidden
    side = (height - FILTER + 1) // POOL
    pool = Pool(AVERAGE if kind == AVERAGE_POOLING else MAX)
    bends: dict[str, list[Layer]] = {
        STRIDES: [Relu()],  # as many values, but those of other places are not computed
        MAX_FIRST: [pool, Relu()],
    }
    return Chain(
        [
            draw.convolution(channels, filters, POOL if kind == STRIDES else 1),
            *bends.get(kind, [Relu(), pool]),
            Flatten(),
            draw.dense(filters * side**2, width),
            Relu(),
            draw.dense(width, classes),
        ]
    )


def _dense(draw: _Draw, kind: str, inputs: int, hidden: Sequence[int], classes: int) -> list[Layer]:
    """Return dense layers with ReLUs; two by two after the first they may be blocks with skips."""
    sizes = [inputs, *hidden, classes]
    dense = [draw.dense(m, n) for m, n in pairwise(sizes)]
    layers: list[Layer] = [dense[0], Relu()]
    if kind == PLAIN:
        for each in dense[1:-1]:
            layers += [each, Relu()]
    else:
        for first, second in zip(dense[1:-1:2], dense[2:-1:2], strict=True):
            layers += [Skip(Chain([first, Relu(), second])), Relu()]
    return [*layers, dense[-1]]


class _Draw:
    """Weights and biases in ±(6 / (n_in + n_out)) ** 0.5."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def dense(self, n_in: int, n_out: int) -> Dense:
        reach = (6 / (n_in + n_out)) ** 0.5
        W = self._generator.uniform(-reach, reach, (n_out, n_in))
        return Dense(W, self._generator.uniform(-reach, reach, n_out))

    def convolution(self, n_in: int, n_out: int, stride: int) -> Convolution:
        reach = (6 / ((n_in + n_out) * FILTER**2)) ** 0.5
        K = self._generator.uniform(-reach, reach, (n_out, n_in, FILTER, FILTER))
        return Convolution(K, self._generator.uniform(-reach, reach, n_out), stride)
