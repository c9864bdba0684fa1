"""Columns (F, 1), one sample at a time, and updates inside backward, which keeps no gradient."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from diagnostics.adapters.tap import Tap
from tests.helpers.wild_networks.blobs_to_learn import Array, data, first_weights, judged, softmax, tap_of


class BatchOfOne:
    class DenseOfColumns:
        def __init__(self, weights: Array, bias: Array) -> None:
            self.weights, self.bias = weights, bias

        def forward(self, input: Array) -> Array:
            self.input = input
            return self.weights @ input + self.bias

        def backward(self, output_gradient: Array, learning_rate: float) -> Array:
            input_gradient: Array = self.weights.T @ output_gradient
            self.weights = self.weights - learning_rate * output_gradient @ self.input.T
            self.bias = self.bias - learning_rate * output_gradient
            return input_gradient

    class ReluOfColumns:
        def forward(self, input: Array) -> Array:
            self.input = input
            return np.maximum(input, 0)

        def backward(self, output_gradient: Array, learning_rate: float) -> Array:
            return output_gradient * (self.input > 0)

    class SoftmaxOfColumns:
        def forward(self, input: Array) -> Array:
            self.output = softmax(input.T).T
            return self.output

    def __init__(self, bias: float = 0.0) -> None:
        (W1, b1), (W2, b2) = first_weights(bias)
        self.network: Any = [
            self.DenseOfColumns(W1.T.copy(), b1[:, None].copy()),
            self.ReluOfColumns(),
            self.DenseOfColumns(W2.T.copy(), b2[:, None].copy()),
            self.SoftmaxOfColumns(),
        ]

    options: ClassVar[dict[str, Any]] = {}
    rate = 0.1

    def taps(self) -> list[Tap]:
        names = {"weights": "weights", "biases": "bias"}
        first, _, second, last = self.network
        return [
            tap_of(first, names, lambda: second.input, "denseofcolumns1", "relu"),
            tap_of(second, names, lambda: last.output, "denseofcolumns2", "softmax"),
        ]

    def train(self, watched: Any, rate: float) -> None:
        X, y = data()
        for _ in range(2):
            for x, label in zip(X, y, strict=True):
                out = x[:, None]
                for layer in self.network:
                    out = layer.forward(out)
                loss, accuracy, dout = judged(out.T, np.array([label]))
                grad = dout.T
                for layer in reversed(self.network[:-1]):
                    grad = layer.backward(grad, rate)
                watched.step(loss=loss, accuracy=accuracy, inputs=x[:, None], lr=rate)
