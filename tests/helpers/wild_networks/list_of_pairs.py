"""Pairs (W, b) in a list that every update makes anew."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from diagnostics.adapters.tap import Tap
from tests.helpers.wild_networks.blobs_to_learn import batches, first_weights, judged, softmax


class ListOfPairs:
    def __init__(self, bias: float = 0.0) -> None:
        self.parameters = first_weights(bias)
        self.network: Any = lambda: self.parameters

    options: ClassVar[dict[str, Any]] = {}
    rate = 0.1

    def taps(self) -> list[Tap]:
        return [self._tap(0, "relu"), self._tap(1, "softmax")]

    def _tap(self, k: int, activation: Any) -> Tap:
        tensors = {"weights": lambda: self.parameters[k][0], "biases": lambda: self.parameters[k][1]}
        gradients = {"weights": lambda: self.gradients[k][0], "biases": lambda: self.gradients[k][1]}
        return Tap(f"layer{k + 1}", tensors, gradients, lambda: self.answers[k], activation, kind="tuple")

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            (W1, b1), (W2, b2) = self.parameters
            hidden = np.maximum(0, x @ W1 + b1)
            answers = softmax(hidden @ W2 + b2)
            loss, accuracy, d2 = judged(answers, y)
            d1 = (d2 @ W2.T) * (hidden > 0)
            gradients = [(x.T @ d1, d1.sum(axis=0)), (hidden.T @ d2, d2.sum(axis=0))]
            self.parameters = [
                (W - rate * dW, b - rate * db) for (W, b), (dW, db) in zip(self.parameters, gradients, strict=True)
            ]
            self.gradients, self.answers = gradients, (hidden, answers)
            outputs = {"layer1": hidden, "layer2": answers}
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate, gradients=gradients, outputs=outputs)
