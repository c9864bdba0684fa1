"""A network of two dense layers as somebody else would write it: the convention of "Neural Networks from Scratch"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet import Hook, LayerTap, LoopMonitor
from tests.helpers.small_models import blobs

Array = NDArray[Any]


class Dense:
    """x W + b."""

    def __init__(self, weights: Array, biases: Array) -> None:
        self.weights, self.biases = weights, biases

    def forward(self, inputs: Array) -> Array:
        self.inputs, self.output = inputs, inputs @ self.weights + self.biases
        return self.output

    def backward(self, dvalues: Array) -> Array:
        self.dweights, self.dbiases = self.inputs.T @ dvalues, dvalues.sum(axis=0, keepdims=True)
        return dvalues @ self.weights.T


class ReLU:
    """What is above zero."""

    def forward(self, inputs: Array) -> Array:
        self.output = np.maximum(inputs, 0)
        return self.output

    def backward(self, dvalues: Array) -> Array:
        return dvalues * (self.output > 0)


class Softmax:
    """Probabilities."""

    def forward(self, inputs: Array) -> Array:
        powers = np.exp(inputs - inputs.max(axis=1, keepdims=True))
        self.output = powers / powers.sum(axis=1, keepdims=True)
        return self.output


class Network:
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
        hidden = self.relu.forward(self.dense1.forward(self.images[rows]))
        dlogits = self.softmax.forward(self.dense2.forward(hidden)).copy()
        right = dlogits[np.arange(len(labels)), labels]
        accuracy = float((dlogits.argmax(axis=1) == labels).mean())
        dlogits[np.arange(len(labels)), labels] -= 1
        self.dense1.backward(self.relu.backward(self.dense2.backward(dlogits / len(labels))))
        return float(-np.log(right).mean()), accuracy

    def update(self, rate: float = 0.1) -> None:
        """New arrays, as many write it: the old ones are replaced, not changed."""
        for layer in (self.dense1, self.dense2):
            layer.weights = layer.weights - rate * layer.dweights
            layer.biases = layer.biases - rate * layer.dbiases

    def train(self, training: LoopMonitor, epochs: int = 2) -> None:
        """The loop of one's own."""
        with training:
            for rows in self.batches(epochs):
                training.before_update(self.images[rows], *self.gradients(rows), 0.1)
                self.update()
                training.after_update()
