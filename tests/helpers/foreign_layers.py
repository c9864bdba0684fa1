"""Small layers and losses in the styles in which people write them: right ones, and each with one mistake."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.helpers import plain_layers as ref

Array = NDArray[np.float64]
MODULE_GENERATOR = np.random.default_rng(7)


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


# Names that a user chose --------------------------------------------------------------------------------


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


class Scaled(CapitalLetters):
    """Divides its inputs by a constant array."""

    def __init__(self) -> None:
        super().__init__()
        self.spread = np.linspace(1, 2, 5)

    def forward(self, X: Array) -> Array:
        return super().forward(X / self.spread)

    def backward(self, dZ: Array) -> Array:
        return super().backward(dZ) / self.spread


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


# Layers that change when they are used -------------------------------------------------------------


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


# One mistake each ----------------------------------------------------------------------------------


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


# Losses --------------------------------------------------------------------------------------------


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
