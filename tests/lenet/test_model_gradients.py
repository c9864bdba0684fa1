"""The loss, and the gradients of whole networks, against formulas and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import (
    NETWORKS,
    AccuracyCategorical,
    ActivationSoftmax,
    Hook,
    LossCategoricalCrossEntropy,
    Model,
    OptimizerSGD,
    network_layers,
)
from lenet.gradcheck import check_loss, check_model
from lenet.hooks import GradientsReady
from tests.helpers import plain_layers as ref
from tests.helpers.examples import examples
from tests.helpers.plain_layers import Array


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


# Losses ------------------------------------------------------------------------------------------


@examples(40)
@given(n=st.integers(1, 5), classes=st.integers(2, 12), one_hot=st.booleans(), seed=st.integers(0, 1000))
def test_the_loss_agrees_with_its_formula_and_finite_differences(
    n: int, classes: int, one_hot: bool, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    # Well inside the clip of 1e-7.
    predictions = 0.98 * generator.dirichlet(np.ones(classes), size=n) + 0.02 / classes
    labels = generator.integers(0, classes, n)
    targets = np.eye(classes)[labels] if one_hot else labels
    loss, reference = LossCategoricalCrossEntropy(), ref.CrossEntropy()
    loss.backward(predictions, targets)
    reference.backward(predictions, labels)

    assert loss.calculate(predictions, targets) == pytest.approx(reference.calculate(predictions, labels), rel=1e-12)
    np.testing.assert_allclose(loss.forward(predictions, targets), reference.forward(predictions, labels))
    np.testing.assert_allclose(loss.dinputs, reference.dinputs, rtol=1e-12)
    result = check_loss(loss, predictions, targets, tolerance=1e-6)
    assert result.ok, str(result)


def test_softmax_and_loss_together_give_the_gradient_the_trainer_uses() -> None:
    logits, labels = draw(4, 6), np.array([0, 5, 2, 2])
    softmax, loss = ActivationSoftmax(), LossCategoricalCrossEntropy()
    probabilities = softmax.forward(logits)
    apart = softmax.backward(loss.backward(probabilities, labels))
    together = loss.shard_gradient(probabilities.T, labels, 4).T

    np.testing.assert_allclose(together, apart, atol=1e-12)
    np.testing.assert_allclose(loss.shard_loss(probabilities.T, labels) / 4, loss.calculate(probabilities, labels))


# Whole models ------------------------------------------------------------------------------------


class KeepGradient(Hook):
    """Keeps parameters and gradient of the first step."""

    def on_gradients_ready(self, event: GradientsReady) -> None:
        if event.step == 0:
            self.values, self.gradients = event.values.copy(), event.gradients.copy()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_gradient_the_trainer_computes_is_that_of_the_loss_of_the_whole_network(
    network: str, activation: str
) -> None:
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((40, 12, 12, 1)), generator.integers(0, 3, 40)  # two shards
    model = Model(dtype=np.float64, seed=1)
    for layer in network_layers(network, activation=activation, image=(12, 12, 1), classes=3):
        model.add(layer)
    loss = LossCategoricalCrossEntropy()
    model.set(loss=loss, optimizer=OptimizerSGD(0.1), accuracy=AccuracyCategorical())
    model.finalize()
    kept = KeepGradient()
    model.train(X, y, epochs=1, batch_size=40, print_every=0, hooks=[kept])

    def loss_at(values: Array) -> float:
        model.parameters.values[...] = values
        x = X
        for layer in model.layers:
            x = layer.forward(x)
        return loss.calculate(x, y)

    directions = [generator.standard_normal(len(kept.values)) for _ in range(3)]
    entries = [np.eye(1, len(kept.values), int(k))[0] for k in generator.integers(0, len(kept.values), 6)]
    for direction in directions + entries:
        step = 1e-6 * direction / np.abs(direction).max()
        numeric = (loss_at(kept.values + step) - loss_at(kept.values - step)) / 2

        assert numeric == pytest.approx(np.vdot(kept.gradients, step), rel=1e-5, abs=1e-15)


def test_check_model_names_every_layer_and_the_loss() -> None:
    layers = network_layers("conv-pool", image=(8, 8, 1), classes=3)
    results = check_model(layers, draw(2, 8, 8, 1), np.array([0, 2]), entries=8)

    assert [name.rstrip("0123456789") for name in results] == [*(type(layer).__name__ for layer in layers), "loss"]
    assert all(result.ok for result in results.values())
