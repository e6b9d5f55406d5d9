"""Count a network's cells with relucent, in a Python that has it, and print what it took as JSON.

``python relucent_peer.py FILE [MOST]``. FILE is NumPy's .npz with the weights ``W0``, ``b0``, …;
the domain is [-1, 1]^n. After about MOST cells the search stops. Nothing of nnce is imported here.
relucent's breadth-first search runs with one worker process and its default checks; the processor
time of both processes counts. That of a search of two cells, which is start-up, is taken off.
"""

from __future__ import annotations

import json
import math
import os
import sys

import numpy as np
import relucent
from relucent.model.model import LinearLayer, ReLULayer, ReLUNetwork


def search(maps: list[tuple[np.ndarray, np.ndarray]], most: float) -> tuple[float, int]:
    """Return the processor seconds of the search, and the cells that it found."""
    layers: list[LinearLayer | ReLULayer] = []
    for weight, bias in maps:
        layers += [LinearLayer(weight, bias[None, :]), ReLULayer()]
    found = relucent.Complex(ReLUNetwork(layers[:-1]))
    n_inputs = maps[0][0].shape[1]
    start = np.random.default_rng(0).uniform(-0.1, 0.1, size=(1, n_inputs))
    before = os.times()
    found.bfs(start, max_polys=most, nworkers=1, cube_radius=1.0, cube_mode="intersect", verbose=0)
    return sum(os.times()[:4]) - sum(before[:4]), len(found)


def main(path: str, most: float) -> None:
    """Search, and search a network of one hyperplane; print the difference."""
    with np.load(path) as arrays:
        maps = [(arrays[f"W{k}"], arrays[f"b{k}"]) for k in range(len(arrays) // 2)]
    line = [(np.ones((1, 2)), np.full(1, 0.25)), (np.ones((1, 1)), np.zeros(1))]
    start_up, _ = search(line, math.inf)
    seconds, cells = search(maps, most)
    print(json.dumps({"seconds": max(seconds - start_up, 0.0), "cells": cells}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else math.inf)
