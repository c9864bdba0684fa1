"""The outputs of the layers, as hooks get them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet import Hook, Settings
from tests.helpers.small_models import STEP_EVENTS, Everything, blobs, mnist, small_model


class Activations(Hook):
    """Copies of all activations, a dictionary a portion."""

    def __init__(self) -> None:
        self.portions: list[tuple[Any, dict[str, Any]]] = []

    def on_activations_ready(self, event: Any) -> None:
        self.portions.append((event, {name: np.concatenate(parts) for name, parts in event.outputs.items()}))


@pytest.mark.parametrize("threads", [1, 2])
def test_activations_are_those_of_the_batch_in_order_after_each_layers_activation_function(threads: int) -> None:
    model, heard = small_model(threads=threads), Activations()
    X, y = blobs(50)
    expected, x = {"input": X}, X
    for layer in model.layers:
        x = layer.forward(x)
        expected[layer.name] = x
    model.train(X, y, print_every=0, hooks=[heard])
    [(event, outputs)] = heard.portions

    assert list(outputs) == ["input", "conv1", "conv2", "dense1", "dense2"]
    assert (event.step, event.first_sample, event.samples, event.batch_samples) == (0, 0, 50, 50)
    after = {"input": "input", "conv1": "relu1", "conv2": "relu2", "dense1": "relu3", "dense2": "softmax1"}
    for name, followed_by in after.items():
        np.testing.assert_allclose(outputs[name], expected[followed_by], rtol=1e-4, atol=1e-6)


def test_batches_above_1024_samples_are_announced_in_portions_before_the_step_goes_on() -> None:
    heard, activations = Everything(), Activations()
    X, y = blobs(2500)
    small_model().train(X, y, steps=1, print_every=0, hooks=[heard, activations])

    assert [(e.first_sample, e.samples, e.batch_samples) for e, _ in activations.portions] == [
        (0, 1024, 2500),
        (1024, 1024, 2500),
        (2048, 452, 2500),
    ]
    assert np.array_equal(np.concatenate([outputs["input"] for _, outputs in activations.portions]), X)
    assert heard.names()[1:7] == ["on_step_start", *3 * ["on_activations_ready"], *STEP_EVENTS[2:4]]


def test_the_activations_of_real_digits_in_lenet_are_finite_and_not_negative_after_relu() -> None:
    data, heard = mnist(), Activations()
    model = Settings(threads=2).build_model(samples=128)
    model.train(data.X_train[:128], data.y_train[:128], batch_size=128, print_every=0, hooks=[heard])
    [(_, outputs)] = heard.portions

    assert {name: array.shape for name, array in outputs.items()} == {
        "input": (128, 28, 28, 1),
        "conv1": (128, 28, 28, 6),
        "conv2": (128, 10, 10, 16),
        "dense1": (128, 120),
        "dense2": (128, 84),
        "dense3": (128, 10),
    }
    assert all(np.isfinite(array).all() and (array >= 0).all() for array in outputs.values())
