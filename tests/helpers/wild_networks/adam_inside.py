"""Parameters as objects with value and grad, and the state of Adam in each layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from diagnostics.adapters.tap import Tap
from tests.helpers.wild_networks.blobs_to_learn import Array, batches, first_weights, judged, softmax


class AdamInside:
    class ParameterWithAdam:
        def __init__(self, value: Array) -> None:
            self.value, self.grad = value, np.zeros_like(value)
            self.m, self.v, self.t = np.zeros_like(value), np.zeros_like(value), 0

        def adam(self, rate: float) -> None:
            self.t += 1
            self.m = 0.9 * self.m + 0.1 * self.grad
            self.v = 0.999 * self.v + 0.001 * self.grad**2
            corrected = self.v / (1 - 0.999**self.t)
            self.value = self.value - rate * self.m / (1 - 0.9**self.t) / (np.sqrt(corrected) + 1e-8)

    class LayerWithAdam:
        def __init__(self, make: Callable[[Array], Any], weight: Array, bias: Array, activation: str | None) -> None:
            self.weight, self.bias, self.activation = make(weight), make(bias), activation

        def forward(self, x: Array) -> Array:
            self.input = x
            out = x @ self.weight.value + self.bias.value
            self.output = np.maximum(out, 0) if self.activation == "relu" else softmax(out)
            return self.output

        def backward(self, grad: Array) -> Array:
            if self.activation == "relu":
                grad = grad * (self.output > 0)
            self.weight.grad, self.bias.grad = self.input.T @ grad, grad.sum(axis=0)
            return grad @ self.weight.value.T

        def update(self, rate: float) -> None:
            self.weight.adam(rate)
            self.bias.adam(rate)

    def __init__(self, bias: float = 0.0) -> None:
        (W1, b1), (W2, b2) = first_weights(bias)
        self.hidden = self.LayerWithAdam(self.ParameterWithAdam, W1, b1, "relu")
        self.answer = self.LayerWithAdam(self.ParameterWithAdam, W2, b2, "softmax")
        self.network: Any = self

    options: ClassVar[dict[str, Any]] = {"description": {"optimizer": "Adam"}}
    rate = 0.01

    def taps(self) -> list[Tap]:
        return [self._tap("hidden", self.hidden), self._tap("answer", self.answer)]

    def _tap(self, name: str, layer: Any) -> Tap:
        tensors = {"weights": lambda: layer.weight.value, "biases": lambda: layer.bias.value}
        gradients = {"weights": lambda: layer.weight.grad, "biases": lambda: layer.bias.grad}
        return Tap(name, tensors, gradients, lambda: layer.output, layer.activation, kind="LayerWithAdam")

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            loss, accuracy, grad = judged(self.answer.forward(self.hidden.forward(x)), y)
            self.hidden.backward(self.answer.backward(grad))
            self.hidden.update(rate)
            self.answer.update(rate)
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate)
