"""Right layers of other kinds than a plain dense one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.helpers import plain_layers as ref
from tests.helpers.foreign_layers.arrays import Array, draw
from tests.helpers.foreign_layers.names_of_their_own import CapitalLetters


class LayerNorm:
    """gamma and beta have one shape; their gradients come back in the other order than they are kept in."""

    factor = 1.0

    def __init__(self) -> None:
        self.beta, self.gamma = draw(5, seed=1), draw(5, seed=2)

    def forward(self, x: Array) -> Array:
        self.deviation = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        self.normal = (x - x.mean(axis=1, keepdims=True)) / self.deviation
        return self.gamma * self.normal + self.beta

    def backward(self, dout: Array) -> tuple[Array, Array, Array]:
        d = dout * self.gamma
        along = (d * self.normal).mean(axis=1, keepdims=True) * self.normal
        dx = (d - d.mean(axis=1, keepdims=True) - along) / self.deviation
        return dx, self.factor * (dout * self.normal).sum(axis=0), dout.sum(axis=0)


class BatchNorm:
    """The mean and the variance of the batch inside the layer, and running ones for later."""

    factor = 1.0

    def __init__(self) -> None:
        self.gamma, self.beta = draw(5, seed=1), draw(5, seed=2)
        self.running_mean, self.running_var = np.zeros(5), np.ones(5)

    def forward(self, x: Array, training: bool) -> Array:
        if training:
            mean, var = x.mean(axis=0), x.var(axis=0)
            self.running_mean = 0.9 * self.running_mean + 0.1 * mean
            self.running_var = 0.9 * self.running_var + 0.1 * var
        else:
            mean, var = self.running_mean, self.running_var
        self.deviation = np.sqrt(var + 1e-5)
        self.normal = (x - mean) / self.deviation
        return self.gamma * self.normal + self.beta

    def backward(self, dout: Array) -> Array:
        self.dgamma, self.dbeta = (dout * self.normal).sum(axis=0), dout.sum(axis=0)
        d = dout * self.gamma
        return self.factor * (d - d.mean(axis=0) - self.normal * (d * self.normal).mean(axis=0)) / self.deviation


class Centred:
    """Takes the mean of the batch off."""

    def forward(self, x: Array) -> Array:
        return x - x.mean(axis=0)

    def backward(self, dout: Array) -> Array:
        return dout - dout.mean(axis=0)


class Recurrent:
    """A recurrent layer over (N, T, D) with three parameters."""

    factor = 1.0

    def __init__(self) -> None:
        self.Wx, self.Wh, self.b = draw(3, 4), 0.5 * draw(4, 4, seed=1), draw(4, seed=2)

    def forward(self, x: Array) -> Array:
        self.x, self.states = x, [np.zeros((len(x), 4))]
        for t in range(x.shape[1]):
            self.states.append(np.tanh(x[:, t] @ self.Wx + self.states[-1] @ self.Wh + self.b))
        return np.stack(self.states[1:], axis=1)

    def backward(self, dout: Array) -> Array:
        dx, dh = np.zeros_like(self.x), np.zeros((len(self.x), 4))
        self.dWx, self.dWh, self.db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        for t in reversed(range(self.x.shape[1])):
            d = (dout[:, t] + dh) * (1 - self.states[t + 1] ** 2)
            dx[:, t], dh = d @ self.Wx.T, d @ self.Wh.T
            self.dWx += self.x[:, t].T @ d
            self.dWh += self.factor * self.states[t].T @ d
            self.db += d.sum(axis=0)
        return dx


class Block:
    """Two layers in one; each has its own parameters."""

    factor = 1.0

    def __init__(self) -> None:
        self.first, self.second = ref.Dense(draw(5, 3), draw(3, seed=1)), ref.Dense(draw(3, 4, seed=2), draw(4, seed=3))

    def forward(self, x: Array) -> Array:
        self.first.forward(x)
        self.second.forward(np.tanh(self.first.output))
        return self.second.output

    def backward(self, dout: Array) -> Array:
        self.second.backward(dout)
        self.first.backward(self.second.dinputs * (1 - np.tanh(self.first.output) ** 2))
        self.second.dbiases = self.factor * self.second.dbiases
        return self.first.dinputs


class SlopeOfOne:
    """A learned number, no array."""

    factor = 1.0

    def __init__(self) -> None:
        self.alpha, self.dalpha = 0.25, 0.0

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, dout: Array) -> Array:
        self.dalpha = self.factor * float(np.sum(dout * np.minimum(self.x, 0)))
        return np.where(self.x > 0, dout, self.alpha * dout)


class Scaled(CapitalLetters):
    """Divides its inputs by a constant array."""

    def __init__(self) -> None:
        super().__init__()
        self.spread = np.linspace(1, 2, 5)

    def forward(self, X: Array) -> Array:
        return super().forward(X / self.spread)

    def backward(self, dZ: Array) -> Array:
        return super().backward(dZ) / self.spread


class Embedding:
    """Takes indices, and passes nothing back."""

    factor = 1.0

    def __init__(self) -> None:
        self.weights = draw(7, 3)

    def forward(self, indices: NDArray[np.intp]) -> None:
        self.indices, self.output = indices, self.weights[indices]

    def backward(self, dvalues: Array) -> None:
        self.dweights = np.zeros_like(self.weights)
        np.add.at(self.dweights, self.indices, self.factor * dvalues)


class NoBias(ref.Dense):
    """Has biases that are switched off."""

    def __init__(self) -> None:
        super().__init__(draw(5, 4), np.zeros(4))

    def forward(self, inputs: Array) -> None:
        self.inputs, self.output = inputs, inputs @ self.weights

    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dbiases = np.zeros(4)


class SamplesInColumns:
    """One sample a column, as textbooks write it."""

    def __init__(self) -> None:
        self.weights, self.bias = draw(3, 4), draw(3, 1, seed=1)

    def forward(self, x: Array) -> Array:
        self.x = x
        return self.weights @ x + self.bias

    def backward(self, output_gradient: Array, learning_rate: float) -> Array:
        input_gradient = self.weights.T @ output_gradient
        self.weights -= learning_rate * output_gradient @ self.x.T
        self.bias -= learning_rate * output_gradient.sum(axis=1, keepdims=True)
        return input_gradient
