"""Two dictionaries, of parameters and of gradients, and a cache that the forward pass returns."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from diagnostics.adapters.tap import Tap
from tests.helpers.wild_networks.blobs_to_learn import batches, first_weights, judged, softmax


class DictOfParameters:
    def __init__(self, bias: float = 0.0) -> None:
        (W1, b1), (W2, b2) = first_weights(bias)
        self.network: Any = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

    options: ClassVar[dict[str, Any]] = {}
    rate = 0.1

    def taps(self) -> list[Tap]:
        return [self._tap("1", "relu"), self._tap("2", "softmax")]

    def _tap(self, number: str, activation: Any) -> Tap:
        tensors = {"weights": lambda: self.network[f"W{number}"], "biases": lambda: self.network[f"b{number}"]}
        gradients = {"weights": lambda: self.grads[f"dW{number}"], "biases": lambda: self.grads[f"db{number}"]}
        return Tap(f"layer{number}", tensors, gradients, lambda: self.cache[f"A{number}"], activation, kind="dict")

    def train(self, watched: Any, rate: float) -> None:
        p = self.network
        for x, y in batches():
            A1 = np.maximum(0, x @ p["W1"] + p["b1"])
            A2 = softmax(A1 @ p["W2"] + p["b2"])
            loss, accuracy, dZ2 = judged(A2, y)
            dZ1 = (dZ2 @ p["W2"].T) * (A1 > 0)
            grads = {"dW1": x.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": A1.T @ dZ2, "db2": dZ2.sum(axis=0)}
            for name in p:
                p[name] = p[name] - rate * grads["d" + name]
            self.grads, self.cache = grads, {"A1": A1, "A2": A2}
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate, gradients=grads, outputs=self.cache)
