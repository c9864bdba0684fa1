"""A network of two dense layers that a user wrote, in the convention of "Neural Networks from Scratch"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lenet import Hook, LayerTap, LoopMonitor
from tests.helpers.plain_layers import Dense, ReLU, Softmax
from tests.helpers.small_models import blobs


class ScratchNetwork:
    """64-6-3, trained by gradient descent on blobs of 50 samples in batches of 20."""

    def __init__(self, dtype: Any = np.float64) -> None:
        draw = np.random.default_rng(0).standard_normal
        self.dense1 = Dense((0.3 * draw((64, 6))).astype(dtype), np.zeros((1, 6), dtype))
        self.dense2 = Dense((0.3 * draw((6, 3))).astype(dtype), np.zeros((1, 3), dtype))
        self.relu, self.softmax = ReLU(), Softmax()
        images, self.labels = blobs(50)
        self.images = images.reshape(50, 64).astype(dtype)

    def layers(self) -> list[LayerTap]:
        return [
            LayerTap("dense1", self.dense1, "relu", self.relu),
            LayerTap("dense2", self.dense2, "softmax", self.softmax),
        ]

    def training(self, hooks: Sequence[Hook] = (), **options: Any) -> LoopMonitor:
        given = {"labels": self.labels, "batch_size": 20, "epochs": 2, "hooks": hooks, **options}
        return LoopMonitor(self.layers(), **given)

    def batches(self, epochs: int = 2) -> Iterator[slice]:
        return (slice(start, start + 20) for _ in range(epochs) for start in range(0, 50, 20))

    def gradients(self, rows: slice) -> tuple[float, float]:
        """Forward and backward; returns loss and accuracy."""
        labels = self.labels[rows]
        inputs = self.images[rows]
        for layer in (self.dense1, self.relu, self.dense2, self.softmax):
            layer.forward(inputs)
            inputs = layer.output
        dlogits = self.softmax.output.copy()
        right = dlogits[np.arange(len(labels)), labels]
        accuracy = float((dlogits.argmax(axis=1) == labels).mean())
        dlogits[np.arange(len(labels)), labels] -= 1
        self.dense2.backward(dlogits / len(labels))
        self.relu.backward(self.dense2.dinputs)
        self.dense1.backward(self.relu.dinputs)
        return float(-np.log(right).mean()), accuracy

    def update(self, rate: float = 0.1) -> None:
        """New arrays, as many write it: the old ones are replaced, not changed."""
        for layer in (self.dense1, self.dense2):
            layer.weights = layer.weights - rate * layer.dweights
            layer.biases = layer.biases - rate * layer.dbiases

    def train(self, training: LoopMonitor, epochs: int = 2) -> None:
        """The loop of the user."""
        with training:
            for rows in self.batches(epochs):
                training.before_update(self.images[rows], *self.gradients(rows), 0.1)
                self.update()
                training.after_update()
