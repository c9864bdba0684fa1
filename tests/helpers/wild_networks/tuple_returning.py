"""Backward returns (dx, dW, db), and an optimiser of its own gets the gradients as a list."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from diagnostics.adapters.tap import Tap
from tests.helpers.wild_networks.blobs_to_learn import Array, batches, first_weights, judged, softmax


class TupleReturning:
    class AffineWithoutGradients:
        def __init__(self, W: Array, b: Array) -> None:
            self.W, self.b = W, b

        def forward(self, X: Array) -> Array:
            self.X = X
            return X @ self.W + self.b

        def backward(self, dY: Array) -> tuple[Array, Array, Array]:
            return dY @ self.W.T, self.X.T @ dY, dY.sum(axis=0)

    def __init__(self, bias: float = 0.0) -> None:
        (W1, b1), (W2, b2) = first_weights(bias)
        self.affine1, self.affine2 = self.AffineWithoutGradients(W1, b1), self.AffineWithoutGradients(W2, b2)
        self.network: Any = self

    options: ClassVar[dict[str, Any]] = {}
    rate = 0.1

    def taps(self) -> list[Tap]:
        return [self._tap(0, self.affine1, "relu"), self._tap(1, self.affine2, "softmax")]

    def _tap(self, k: int, layer: Any, activation: Any) -> Tap:
        tensors = {"weights": lambda: layer.W, "biases": lambda: layer.b}
        gradients = {"weights": lambda: self.gradients[2 * k], "biases": lambda: self.gradients[2 * k + 1]}
        return Tap(
            f"affine{k + 1}", tensors, gradients, lambda: self.answers[k], activation, kind="AffineWithoutGradients"
        )

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            hidden = np.maximum(self.affine1.forward(x), 0)
            answers = softmax(self.affine2.forward(hidden))
            loss, accuracy, dY = judged(answers, y)
            dX, dW2, db2 = self.affine2.backward(dY)
            _, dW1, db1 = self.affine1.backward(dX * (hidden > 0))
            gradients = [dW1, db1, dW2, db2]
            parameters = [self.affine1.W, self.affine1.b, self.affine2.W, self.affine2.b]
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= rate * gradient
            self.gradients, self.answers = gradients, (hidden, answers)
            outputs = {"affine2": answers}
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate, gradients=gradients, outputs=outputs)
