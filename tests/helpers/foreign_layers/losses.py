"""Losses in the styles in which people write them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.helpers import plain_layers as ref
from tests.helpers.foreign_layers.arrays import Array


class BookLoss:
    """Sums up the losses of an epoch, which new_pass begins; calculate can add the loss of penalties."""

    factor = 1.0

    def calculate(self, output: Array, y: Array, *, include_regularization: bool = False) -> Any:
        losses = self.forward(output, y)
        self.accumulated_sum += np.sum(losses)
        self.accumulated_count += len(losses)
        return (np.mean(losses), 0.0) if include_regularization else np.mean(losses)

    def new_pass(self) -> None:
        self.accumulated_sum, self.accumulated_count = 0.0, 0

    def forward(self, y_pred: Array, y_true: Array) -> Array:
        clipped = np.clip(y_pred, 1e-7, 1 - 1e-7)
        return -np.log(clipped[np.arange(len(y_pred)), y_true])

    def backward(self, dvalues: Array, y_true: Array) -> None:
        one_hot = np.eye(dvalues.shape[1])[y_true]
        self.dinputs = self.factor * -one_hot / dvalues / len(dvalues)


class SquaredErrorTargetsFirst:
    factor = 1.0

    def forward(self, y_true: Array, y_pred: Array) -> float:
        return float(np.mean((y_pred - y_true) ** 2))

    def backward(self, y_true: Array, y_pred: Array) -> Array:
        return self.factor * 2 * (y_pred - y_true) / y_true.size


class SoftmaxWithLoss:
    """forward takes logits and labels; backward takes a gradient of 1."""

    factor = 1.0

    def forward(self, x: Array, t: Array) -> float:
        self.t, softmax = t, ref.Softmax()
        softmax.forward(x)
        self.y = softmax.output
        return float(-np.log(self.y[np.arange(len(t)), t]).mean())

    def backward(self, dout: float = 1.0) -> Array:
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return self.factor * dout * dx / len(self.t)


class SoftmaxWithLossUnasked(SoftmaxWithLoss):
    def backward(self) -> Array:  # type: ignore[override]
        return super().backward(1.0)


class BookSoftmaxAndLoss:
    """An activation and a loss inside; backward takes the softmax's output."""

    factor = 1.0

    def __init__(self) -> None:
        self.activation, self.loss = ref.Softmax(), BookLoss()
        self.loss.new_pass()

    def forward(self, inputs: Array, y_true: Array) -> Any:
        self.activation.forward(inputs)
        self.output = self.activation.output
        return self.loss.calculate(self.output, y_true)

    def backward(self, dvalues: Array, y_true: Array) -> None:
        self.dinputs = dvalues.copy()
        self.dinputs[np.arange(len(dvalues)), y_true] -= 1
        self.dinputs = self.factor * self.dinputs / len(dvalues)


class BookSoftmaxLossBackwardOnly:
    """The book's last version of it: the softmax runs elsewhere, and the loss too."""

    factor = 1.0

    def backward(self, dvalues: Array, y_true: Array) -> None:
        self.dinputs = dvalues.copy()
        self.dinputs[np.arange(len(dvalues)), y_true] -= 1
        self.dinputs = self.factor * self.dinputs / len(dvalues)
