"""Dense layers, each right, with the names, containers and conventions that their authors chose."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.helpers import plain_layers as ref
from tests.helpers.foreign_layers.arrays import Array, draw


class CapitalLetters:
    """W, b, dW, db; results are returned."""

    factor = 1.0

    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), draw(1, 4, seed=1)

    def forward(self, X: Array) -> Array:
        self.X = X
        return X @ self.W + self.b

    def backward(self, dZ: Array) -> Array:
        self.dW = self.factor * self.X.T @ dZ
        self.db = np.sum(dZ, axis=0, keepdims=True)
        return dZ @ self.W.T


class Dictionaries:
    """params["w"] and grads["w"], new dictionaries in every call."""

    factor = 1.0

    def __init__(self) -> None:
        self.params = {"w": draw(5, 4), "b": draw(4, seed=1)}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["w"] + self.params["b"]

    def backward(self, dout: Array) -> Array:
        self.grads = {"w": self.factor * self.x.T @ dout, "b": dout.sum(axis=0)}
        return dout @ self.params["w"].T


class KernelAndBias:
    """kernel, bias, and their names with _gradient."""

    factor = 1.0

    def __init__(self) -> None:
        self.kernel, self.bias = draw(5, 4), draw(4, seed=1)

    def forward(self, inputs: Array) -> Array:
        self.inputs = inputs
        self.output: Array = inputs @ self.kernel + self.bias
        return self.output

    def backward(self, dvalues: Array) -> None:
        self.kernel_gradient = self.inputs.T @ dvalues
        self.bias_gradient = self.factor * dvalues.sum(axis=0)
        self.dinputs = dvalues @ self.kernel.T


class Tensor:
    """A value and its gradient, in slots."""

    __slots__ = ("grad", "value")

    def __init__(self, value: Array) -> None:
        self.value, self.grad = value, np.zeros_like(value)


class ParameterObjects:
    """w.value and w.grad, set to zero at the start of each backward pass."""

    factor = 1.0

    def __init__(self) -> None:
        self.w, self.b = Tensor(draw(5, 4)), Tensor(draw(4, seed=1))

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.w.value + self.b.value

    def backward(self, grad: Array) -> Array:
        self.w.grad[...] = self.factor * self.x.T @ grad
        self.b.grad[...] = grad.sum(axis=0)
        return grad @ self.w.value.T


class ReturnsTuple:
    """backward returns dx, dW and db, and keeps nothing."""

    factor = 1.0

    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), draw(4, seed=1)

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout: Array) -> tuple[Array, Array, Array]:
        return dout @ self.W.T, self.factor * self.x.T @ dout, dout.sum(axis=0)


class ReturnsDictionary(ReturnsTuple):
    def backward(self, dout: Array) -> Any:
        dx, dW, db = super().backward(dout)
        return {"dW": dW, "db": db, "dx": dx}


class PlainLists:
    """Weights in lists of lists."""

    def __init__(self) -> None:
        self.weights: Any = draw(5, 4).tolist()
        self.biases: Any = draw(4, seed=1).tolist()

    def forward(self, inputs: Array) -> None:
        self.inputs, self.output = inputs, inputs @ np.array(self.weights) + np.array(self.biases)

    def backward(self, dvalues: Array) -> None:
        self.dweights, self.dbiases = (self.inputs.T @ dvalues).tolist(), dvalues.sum(axis=0).tolist()
        self.dinputs = dvalues @ np.array(self.weights).T


class Linked(CapitalLetters):
    """Knows the layers before and after it, as in the book's model."""

    def __init__(self) -> None:
        super().__init__()
        self.next = ref.Dense(draw(4, 3), draw(3))
        self.next.forward(draw(2, 4))
        self.next.backward(draw(2, 3))


class NameOfItsOwn:
    """A parameter whose gradient has a name that nobody can guess."""

    factor = 1.0

    def __init__(self) -> None:
        self.theta = draw(5, 4)

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.theta

    def backward(self, dout: Array) -> Array:
        self.steepest = self.factor * self.x.T @ dout
        return dout @ self.theta.T


class GradientOfInputsByAnotherName(CapitalLetters):
    """Keeps the gradient by the inputs as delta, and returns nothing."""

    inputs_factor = 1.0

    def backward(self, dZ: Array) -> None:  # type: ignore[override]
        self.delta = self.inputs_factor * super().backward(dZ)


class CacheForBackward(CapitalLetters):
    """forward returns the output and a cache, which backward takes."""

    def forward(self, X: Array) -> tuple[Array, Array]:  # type: ignore[override]
        return super().forward(X), X

    def backward(self, dZ: Array, cache: Array) -> Array:  # type: ignore[override]
        self.X = cache
        return super().backward(dZ)


class FirstLayer(CapitalLetters):
    """Nobody needs the gradient by the images."""

    def backward(self, dZ: Array) -> None:  # type: ignore[override]
        super().backward(dZ)


class TakesTheMeanAndDecays(CapitalLetters):
    """dW is the mean over the batch and the gradient of a penalty."""

    def backward(self, dZ: Array) -> Array:
        dX = super().backward(dZ)
        self.dW, self.db = self.dW / len(dZ) + 0.3 * self.W, self.db / len(dZ)
        return dX


class TakesTheMean(CapitalLetters):
    """dW and db are means over the batch, as in courses where the loss is differentiated sample by sample."""

    def backward(self, dZ: Array) -> Array:
        dX = super().backward(dZ)
        self.dW, self.db = self.dW / len(dZ), self.db / len(dZ)
        return dX
