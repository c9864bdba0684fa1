"""Layers without biases, with two matrices, and with the tensors of a batch normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.helpers.wild_networks.blobs_to_learn import HIDDEN, Array, batches, first_weights, judged, softmax


class UnusualTensors:
    class WithoutBiases:
        def __init__(self, W: Array) -> None:
            self.W = W

        def forward(self, x: Array) -> Array:
            self.x, self.out = x, x @ self.W
            return self.out

        def backward(self, dout: Array) -> Array:
            self.dW = self.x.T @ dout
            return dout @ self.W.T

    class BatchNormalisation:
        def __init__(self, units: int) -> None:
            self.gamma, self.beta = np.ones(units), np.zeros(units)

        def forward(self, x: Array) -> Array:
            self.spread = x.std(axis=0) + 1e-5
            self.xhat = (x - x.mean(axis=0)) / self.spread
            return self.gamma * self.xhat + self.beta

        def backward(self, dout: Array) -> Array:
            self.dgamma, self.dbeta = (dout * self.xhat).sum(axis=0), dout.sum(axis=0)
            dxhat = dout * self.gamma
            along = self.xhat * (dxhat * self.xhat).mean(axis=0)
            return (dxhat - dxhat.mean(axis=0) - along) / self.spread

    class ReluAfterNormalisation:
        def forward(self, x: Array) -> Array:
            self.out = np.maximum(x, 0)
            return self.out

        def backward(self, dout: Array) -> Array:
            return dout * (self.out > 0)

    class TwoMatrices:
        def __init__(self, W_x: Array, b: Array) -> None:
            self.W_x, self.W_h, self.b = W_x, -W_x / 2, b

        def forward(self, x: Array) -> Array:
            self.x, self.out = x, x @ self.W_x + x @ self.W_h + self.b
            return self.out

        def backward(self, dout: Array) -> Array:
            self.dW_x = self.dW_h = self.x.T @ dout
            self.db = dout.sum(axis=0)
            return dout @ (self.W_x + self.W_h).T

    def __init__(self) -> None:
        (W1, _), (W2, b2) = first_weights(0.0)
        self.network: Any = [
            self.WithoutBiases(W1),
            self.BatchNormalisation(HIDDEN),
            self.ReluAfterNormalisation(),
            self.TwoMatrices(W2, b2),
        ]

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            out = x
            for layer in self.network:
                out = layer.forward(out)
            loss, accuracy, dout = judged(softmax(out), y)
            for layer in reversed(self.network):
                dout = layer.backward(dout)
            for layer in self.network:
                for name in ("W", "gamma", "beta", "W_x", "W_h", "b"):
                    if hasattr(layer, name):
                        setattr(layer, name, getattr(layer, name) - rate * getattr(layer, f"d{name}"))
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate)
