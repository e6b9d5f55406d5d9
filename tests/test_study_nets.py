"""The study's networks with skip connections and convolutions: gradients, training, ONNX files."""

from __future__ import annotations

import warnings

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("sklearn")

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from experiments.nets import Optimiser, loss_and_gradients, make, onnx_graph, predicted
from experiments.plan import AVERAGE_POOLING, MAX_FIRST, MAX_POOLING, PLAIN, SKIP, STRIDES

DENSE, IMAGES = (PLAIN, SKIP), (MAX_POOLING, MAX_FIRST, AVERAGE_POOLING, STRIDES)


def some_net(kind, seed=0):
    """Return a small network, the shape of its inputs, samples and labels."""
    shape, hidden = ((3,), (5, 5, 5)) if kind in DENSE else ((2, 8, 8), (3, 4))
    generator = np.random.default_rng(seed)
    points, labels = generator.normal(size=(7, *shape)), generator.integers(0, 3, 7)
    return make(kind, shape, hidden, 3, seed), shape, points, labels


@pytest.mark.parametrize("kind", [*DENSE, *IMAGES])
def test_gradients_are_those_of_central_differences(kind):
    net, _, points, labels = some_net(kind)
    _, gradients = loss_and_gradients(net, points, labels)
    step, generator = 1e-6, np.random.default_rng(1)
    assert [g.shape for g in gradients] == [array.shape for array in net.weights]
    for array, gradient in zip(net.weights, gradients, strict=True):
        for place in generator.integers(array.size, size=4):
            index, values = np.unravel_index(place, array.shape), []
            for sign in (1, -1):
                array[index] += sign * step
                values.append(loss_and_gradients(net, points, labels)[0])
                array[index] -= sign * step
            difference = (values[0] - values[1]) / (2 * step)
            assert gradient[index] == pytest.approx(difference, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("kind", [*DENSE, *IMAGES])
def test_the_file_computes_what_the_network_does(kind):
    net, shape, points, _ = some_net(kind)
    session = onnxruntime.InferenceSession(onnx_graph(net, shape, 3).SerializeToString())
    (found,) = session.run(None, {"input": points.astype(np.float32)})
    assert found == pytest.approx(net.forward(points)[0], rel=1e-4, abs=1e-5)
    assert (predicted(net, points) == found.argmax(axis=1)).all()


def test_training_is_that_of_scikit_learn():
    """With a single batch the order of samples has no part in it, and the weights are known."""
    generator = np.random.default_rng(2)
    points, labels = generator.normal(size=(50, 4)), np.arange(50) % 3
    other = MLPClassifier(
        (6, 5), alpha=0.01, learning_rate_init=0.003, max_iter=8, n_iter_no_change=8, random_state=3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        other.fit(points, labels)
    net, draw = make(PLAIN, (4,), (6, 5), 3, 0), np.random.RandomState(3)
    for W, b in zip(net.weights[::2], net.weights[1::2], strict=True):
        reach = (6 / sum(W.shape)) ** 0.5
        W[...] = draw.uniform(-reach, reach, W.shape[::-1]).T
        b[...] = draw.uniform(-reach, reach, len(b))
    optimiser = Optimiser(net, points, labels, seed=0)
    for _ in range(8):
        optimiser.epoch()
    for W, b, coefficients, intercepts in zip(
        net.weights[::2], net.weights[1::2], other.coefs_, other.intercepts_, strict=True
    ):
        assert pytest.approx(coefficients.T, rel=1e-8, abs=1e-10) == W
        assert pytest.approx(intercepts, rel=1e-8, abs=1e-10) == b


def test_kinds_of_one_seed_begin_with_the_same_weights_and_are_other_functions():
    for kinds in (DENSE, IMAGES):
        nets = [some_net(kind)[0] for kind in kinds]
        for net in nets[1:]:
            for one, other in zip(nets[0].weights, net.weights, strict=True):
                assert (one == other).all()
    points = some_net(MAX_POOLING)[2]
    scores = [some_net(kind)[0].forward(points)[0] for kind in IMAGES]
    assert (scores[0] == scores[1]).all(), "a ReLU before or behind max pooling: one function"
    assert not np.allclose(scores[0], scores[2])
    assert not np.allclose(scores[0], scores[3])


def test_max_pooling_trains_alike_in_both_orders():
    nets = []
    for kind in (MAX_POOLING, MAX_FIRST):
        net, _, points, labels = some_net(kind)
        optimiser = Optimiser(net, points, labels, seed=0)
        for _ in range(5):
            optimiser.epoch()
        nets.append(net)
    for one, other in zip(nets[0].weights, nets[1].weights, strict=True):
        assert (one == other).all()
