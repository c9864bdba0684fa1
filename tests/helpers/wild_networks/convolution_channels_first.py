"""A convolution with its channels first, written with loops, and a dense layer after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from diagnostics.adapters.tap import Tap
from tests.helpers.wild_networks.blobs_to_learn import CLASSES, Array, batches, judged, softmax, tap_of


class ConvolutionChannelsFirst:
    class LoopedConvolution:
        def __init__(self, kernel: Array, bias: Array) -> None:
            self.kernel, self.bias = kernel, bias

        def forward(self, x: Array) -> Array:
            self.inputs = x
            size = x.shape[2] - self.kernel.shape[2] + 1
            self.output = np.empty((len(x), len(self.kernel), size, size))
            for i in range(size):
                for j in range(size):
                    patch = x[:, :, i : i + 3, j : j + 3]
                    self.output[:, :, i, j] = np.tensordot(patch, self.kernel, ((1, 2, 3), (1, 2, 3))) + self.bias
            return self.output

        def backward(self, dout: Array) -> None:
            self.grad_kernel, self.grad_bias = np.zeros_like(self.kernel), dout.sum(axis=(0, 2, 3))
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    patch = self.inputs[:, :, i : i + 3, j : j + 3]
                    self.grad_kernel += np.tensordot(dout[:, :, i, j], patch, (0, 0))

    class ReluWithOut:
        def forward(self, x: Array) -> Array:
            self.out = np.maximum(x, 0)
            return self.out

    class FullyConnected:
        def __init__(self, weight: Array, bias: Array) -> None:
            self.weight, self.bias = weight, bias

        def forward(self, x: Array) -> Array:
            self.x = x.reshape(len(x), -1)
            self.out = self.x @ self.weight + self.bias
            return self.out

        def backward(self, dout: Array) -> Array:
            self.grad_weight, self.grad_bias = self.x.T @ dout, dout.sum(axis=0)
            return dout @ self.weight.T

    def __init__(self, bias: float = 0.0) -> None:
        draw = np.random.default_rng(0).standard_normal
        self.conv1 = self.LoopedConvolution(0.3 * draw((4, 1, 3, 3)), np.full(4, bias))
        self.relu1 = self.ReluWithOut()
        self.fc1 = self.FullyConnected(0.1 * draw((144, CLASSES)), np.zeros(CLASSES))
        self.network: Any = self

    options: ClassVar[dict[str, Any]] = {"unit_axis": 1}
    rate = 0.1

    def taps(self) -> list[Tap]:
        conv, dense = (
            {"weights": name, "biases": "bias", "dweights": f"grad_{name}", "dbiases": "grad_bias"}
            for name in ("kernel", "weight")
        )
        return [
            replace(tap_of(self.conv1, conv, lambda: self.relu1.out, "conv1", "relu"), unit_axis=1),
            tap_of(self.fc1, dense, lambda: self.fc1.out, "fc1", None),
        ]

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            images = x.reshape(-1, 1, 8, 8)
            hidden = self.relu1.forward(self.conv1.forward(images))
            answers = softmax(self.fc1.forward(hidden))
            loss, accuracy, dout = judged(answers, y)
            self.conv1.backward(self.fc1.backward(dout).reshape(hidden.shape) * (hidden > 0))
            for layer in (self.conv1, self.fc1):
                name = "kernel" if layer is self.conv1 else "weight"
                setattr(layer, name, getattr(layer, name) - rate * getattr(layer, f"grad_{name}"))
                layer.bias = layer.bias - rate * layer.grad_bias
            watched.step(loss=loss, accuracy=accuracy, inputs=images, lr=rate)
