"""A list of layers that keep W, b, dW and db, and cache their inputs; the ReLU keeps a mask only."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from diagnostics.adapters.tap import Tap
from tests.helpers.wild_networks.blobs_to_learn import Array, batches, first_weights, judged, softmax, tap_of


class LayersWithDW:
    class DenseWithDW:
        def __init__(self, W: Array, b: Array) -> None:
            self.W, self.b = W, b

        def forward(self, x: Array) -> Array:
            self.x = x
            return x @ self.W + self.b

        def backward(self, dout: Array) -> Array:
            self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
            return dout @ self.W.T

    class ReluWithMask:
        def forward(self, x: Array) -> Array:
            self.mask = x <= 0
            out = x.copy()
            out[self.mask] = 0
            return out

        def backward(self, dout: Array) -> Array:
            return np.where(self.mask, 0, dout)

    class SoftmaxLoss:
        def forward(self, x: Array) -> Array:
            self.y = softmax(x)
            return self.y

    def __init__(self, bias: float = 0.0) -> None:
        (W1, b1), (W2, b2) = first_weights(bias)
        self.layers: list[Any] = [
            self.DenseWithDW(W1, b1),
            self.ReluWithMask(),
            self.DenseWithDW(W2, b2),
            self.SoftmaxLoss(),
        ]
        self.network: Any = self

    options: ClassVar[dict[str, Any]] = {}
    rate = 0.1

    def taps(self) -> list[Tap]:
        names = {"weights": "W", "biases": "b", "dweights": "dW", "dbiases": "db"}
        first, _, second, last = self.layers
        return [
            tap_of(first, names, lambda: second.x, "densewithdw1", "relu"),
            tap_of(second, names, lambda: last.y, "densewithdw2", "softmax"),
        ]

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            out = x
            for layer in self.layers:
                out = layer.forward(out)
            loss, accuracy, dout = judged(out, y)
            for layer in reversed(self.layers[:-1]):
                dout = layer.backward(dout)
            for layer in (self.layers[0], self.layers[2]):
                layer.W -= rate * layer.dW
                layer.b -= rate * layer.db
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate)
