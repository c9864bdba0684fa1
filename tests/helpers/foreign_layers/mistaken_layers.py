"""Layers with one mistake each."""

from __future__ import annotations

import numpy as np

from tests.helpers import plain_layers as ref
from tests.helpers.foreign_layers.arrays import Array
from tests.helpers.foreign_layers.changing_layers import KeepsAndUpdates, UpdatesWithRate
from tests.helpers.foreign_layers.names_of_their_own import CapitalLetters


class TiesMultiplied(ref.MaxPool):
    """Every input that equals the maximum gets the whole gradient."""

    def backward(self, dvalues: Array) -> None:
        self.dinputs = np.zeros(self.inputs.shape)
        for i, j, rows, columns in self.windows(self.inputs.shape):
            largest = self.inputs[:, rows, columns] == self.output[:, i, j][:, None, None]
            self.dinputs[:, rows, columns] += largest * dvalues[:, i, j][:, None, None]


class BiasNeverAdded(ref.Dense):
    def forward(self, inputs: Array) -> None:
        self.inputs, self.output = inputs, inputs @ self.weights


class BiasesNotSummed(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dbiases = dvalues


class DiagonalSoftmax(ref.Softmax):
    def backward(self, dvalues: Array) -> None:
        self.dinputs = dvalues * self.output * (1 - self.output)


class BackThroughUpdated(UpdatesWithRate):
    def backward(self, output_gradient: Array, learning_rate: float) -> Array:
        super().backward(output_gradient, learning_rate)
        return output_gradient @ self.weights.T


class BackThroughItsUpdated(KeepsAndUpdates):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs = dvalues @ self.weights.T


class UpdatesUphill(UpdatesWithRate):
    def backward(self, output_gradient: Array, learning_rate: float) -> Array:
        return super().backward(output_gradient, -learning_rate)


class TakesTheMeanOfWeightsOnly(CapitalLetters):
    def backward(self, dZ: Array) -> Array:
        dX = super().backward(dZ)
        self.dW = self.dW / len(dZ)
        return dX


class RaisesInBackward(CapitalLetters):
    def backward(self, dZ: Array) -> Array:
        return dZ @ self.W


class RaisesInForward(CapitalLetters):
    def forward(self, X: Array) -> Array:
        return X @ self.W.T + self.b


class NeedsACache(CapitalLetters):
    def backward(self, dZ: Array, cache: Array) -> Array:  # type: ignore[override]
        self.X = cache
        return super().backward(dZ)


class GrowingOutput(CapitalLetters):
    """Forgets to empty its list of outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Array] = []

    def forward(self, X: Array) -> Array:
        self.rows.append(super().forward(X))
        return np.concatenate(self.rows)


class GrowingGradient(CapitalLetters):
    """Keeps one gradient a call, and hands out all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Array] = []

    def backward(self, dZ: Array) -> Array:
        dX = super().backward(dZ)
        self.seen.append(self.dW)
        self.dW = np.concatenate(self.seen)
        return dX


class PositiveOnly(CapitalLetters):
    """The number of outputs depends on the values of the inputs."""

    def forward(self, X: Array) -> Array:
        output = super().forward(X)
        self.positive = output > 0
        return output[self.positive]

    def backward(self, dZ: Array) -> Array:
        spread = np.zeros(self.positive.shape)
        spread[self.positive] = dZ
        return super().backward(spread)
