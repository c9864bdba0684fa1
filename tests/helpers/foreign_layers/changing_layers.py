"""Right layers that change when they are used: they update, draw numbers, or keep their weights closed."""

from __future__ import annotations

import numpy as np

from tests.helpers import plain_layers as ref
from tests.helpers.foreign_layers.arrays import Array, draw
from tests.helpers.foreign_layers.names_of_their_own import CapitalLetters

MODULE_GENERATOR = np.random.default_rng(7)


class AddsUntilZeroed(CapitalLetters):
    """Gradients add up on purpose, until zero_grad."""

    def __init__(self) -> None:
        super().__init__()
        self.zero_grad()

    def zero_grad(self) -> None:
        self.dW, self.db = np.zeros((5, 4)), np.zeros((1, 4))

    def backward(self, dZ: Array) -> Array:
        dW, db = self.dW, self.db
        dX = super().backward(dZ)
        self.dW, self.db = dW + self.dW, db + self.db
        return dX


class UpdatesWithRate:
    """backward takes the learning rate, updates, and keeps no gradient."""

    factor = 1.0

    def __init__(self) -> None:
        self.weights, self.bias = draw(5, 4), draw(1, 4, seed=1)

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.weights + self.bias

    def backward(self, output_gradient: Array, learning_rate: float) -> Array:
        input_gradient = output_gradient @ self.weights.T
        self.weights -= learning_rate * self.factor * self.x.T @ output_gradient
        self.bias -= learning_rate * output_gradient.sum(axis=0, keepdims=True)
        return input_gradient


class UpdatesItself(UpdatesWithRate):
    """The same with a rate of its own, and new arrays."""

    lr = 0.01

    def backward(self, output_gradient: Array) -> Array:  # type: ignore[override]
        input_gradient = output_gradient @ self.weights.T
        self.weights = self.weights - self.lr * self.factor * self.x.T @ output_gradient
        self.bias = self.bias - self.lr * output_gradient.sum(axis=0, keepdims=True)
        return input_gradient


class UpdatesWithMomentum(UpdatesWithRate):
    """Velocities from earlier steps go on."""

    def __init__(self) -> None:
        super().__init__()
        self.velocity, self.velocity_b = draw(5, 4, seed=5), draw(1, 4, seed=6)

    def backward(self, output_gradient: Array) -> Array:  # type: ignore[override]
        input_gradient = output_gradient @ self.weights.T
        self.velocity = 0.9 * self.velocity - 0.05 * self.x.T @ output_gradient
        self.velocity_b = 0.9 * self.velocity_b - 0.05 * output_gradient.sum(axis=0)
        self.weights += self.velocity
        self.bias += self.velocity_b
        return input_gradient


class KeepsAndUpdates(ref.Dense):
    """The book's attributes, and an update at the end of backward."""

    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.weights -= 0.1 * self.dweights
        self.biases -= 0.1 * self.dbiases


class DrawsWhenFirstCalled(CapitalLetters):
    """Weights are drawn when the size of the inputs is known."""

    def __init__(self) -> None:
        self.W = self.b = None  # type: ignore[assignment]

    def forward(self, X: Array) -> Array:
        if self.W is None:
            self.W, self.b = np.random.randn(X.shape[1], 4), np.zeros((1, 4))  # type: ignore[unreachable]  # noqa: NPY002
        return super().forward(X)


class Dropout:
    """Draws from NumPy's global generator."""

    factor = 1.0

    def forward(self, inputs: Array, training: bool = True) -> None:
        keep = 0.6
        self.mask = np.random.binomial(1, keep, inputs.shape) / keep if training else 1.0  # noqa: NPY002
        self.output = inputs * self.mask

    def backward(self, dvalues: Array) -> None:
        self.dinputs = self.factor * dvalues * self.mask


class DropoutOfItsOwn(Dropout):
    def __init__(self) -> None:
        self.generator = np.random.default_rng(3)

    def forward(self, inputs: Array, training: bool = True) -> None:
        self.mask = (self.generator.random(inputs.shape) < 0.6) / 0.6
        self.output = inputs * self.mask


class DropoutOfTheModule(Dropout):
    def forward(self, inputs: Array, training: bool = True) -> None:
        self.mask = (MODULE_GENERATOR.random(inputs.shape) < 0.6) / 0.6
        self.output = inputs * self.mask


class DropoutMadeAnew(Dropout):
    def forward(self, inputs: Array, training: bool = True) -> None:
        self.mask = np.random.default_rng().random(inputs.shape)
        self.output = inputs * self.mask


class UpdatesWithAdam(CapitalLetters):
    """The step is no multiple of the gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.square = np.zeros((5, 4)), np.zeros((5, 4))

    def backward(self, dZ: Array) -> Array:
        dX, gradient = dZ @ self.W.T, self.X.T @ dZ
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        self.W -= 0.01 * self.mean / (np.sqrt(self.square) + 1e-8)
        self.b -= 0.01 * np.sign(dZ.sum(axis=0))
        return dX


class KeepsItsNorm(CapitalLetters):
    """forward changes the weights."""

    def forward(self, X: Array) -> Array:
        self.W = self.W / np.linalg.norm(self.W)
        return super().forward(X)


class ReadOnly(ref.Dense):
    """Weights that nobody may write into."""

    def __init__(self) -> None:
        super().__init__(draw(5, 4), draw(4, seed=1))
        self.weights.flags.writeable = False
        self.biases.flags.writeable = False


class NoSetter(ref.Dense):
    """Weights that cannot be replaced, only written into."""

    weights = property(lambda self: self._w)  # type: ignore[assignment]

    def __init__(self) -> None:
        self._w, self.biases = draw(5, 4), draw(4, seed=1)


class Sealed(ref.Dense):
    """Weights that can be neither replaced nor written into."""

    weights = property(lambda self: np.broadcast_to(self._rows()[:, None], (5, 4)))  # type: ignore[assignment]

    def __init__(self) -> None:
        self.biases = draw(4, seed=1)

    def _rows(self) -> Array:
        return np.arange(1.0, 6.0)
