"""Parameters that the first forward pass creates."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from diagnostics.adapters.tap import Tap
from tests.helpers.wild_networks.blobs_to_learn import CLASSES, HIDDEN, Array, batches, judged, softmax


class Lazy:
    class LazyLinear:
        def __init__(self, units: int, scale: float, bias: float = 0.0) -> None:
            self.units, self.scale, self.bias = units, scale, bias
            self.params: dict[str, Array] = {}
            self.grads: dict[str, Array] = {}

        def forward(self, x: Array) -> Array:
            if not self.params:
                draw = np.random.default_rng(self.units).standard_normal
                self.params = {"w": self.scale * draw((x.shape[1], self.units)), "b": np.full(self.units, self.bias)}
            self.x = x
            self.y = x @ self.params["w"] + self.params["b"]
            return self.y

        def backward(self, dy: Array) -> Array:
            self.grads = {"w": self.x.T @ dy, "b": dy.sum(axis=0)}
            return dy @ self.params["w"].T

    class LazyRelu:
        def forward(self, x: Array) -> Array:
            self.y = np.maximum(x, 0)
            return self.y

        def backward(self, dy: Array) -> Array:
            return dy * (self.y > 0)

    def __init__(self, bias: float = 0.0) -> None:
        self.blocks: list[Any] = [self.LazyLinear(HIDDEN, 0.2, bias), self.LazyRelu(), self.LazyLinear(CLASSES, 0.3)]
        self.network: Any = self

    options: ClassVar[dict[str, Any]] = {}
    rate = 0.1

    def taps(self) -> list[Tap]:
        first, relu, second = self.blocks
        return [self._tap("lazylinear1", first, relu, "relu"), self._tap("lazylinear2", second, second, None)]

    def _tap(self, name: str, layer: Any, last: Any, activation: Any) -> Tap:
        tensors = {"weights": lambda: layer.params["w"], "biases": lambda: layer.params["b"]}
        gradients = {"weights": lambda: layer.grads["w"], "biases": lambda: layer.grads["b"]}
        return Tap(name, tensors, gradients, lambda: last.y, activation, kind="LazyLinear")

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            out = x
            for block in self.blocks:
                out = block.forward(out)
            loss, accuracy, grad = judged(softmax(out), y)
            for block in reversed(self.blocks):
                grad = block.backward(grad)
            for block in (self.blocks[0], self.blocks[2]):
                for name, grad_of in block.grads.items():
                    block.params[name] -= rate * grad_of
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate)
