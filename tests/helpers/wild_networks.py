"""Eight small networks as people write them from scratch, each with a loop of its own.

All learn the same three blobs, and die at once where the first biases are far below 0, since no ReLU ever opens.
``train(watched, rate)`` is the loop of the author: it calls ``watched.step`` once a step. ``taps()`` says by hand what
is to be found. ``options`` are what ``watch`` cannot know, ``rate`` is a learning rate that learns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.tap import Tap
from tests.helpers.small_models import blobs

Array = NDArray[np.floating[Any]]
BATCH, EPOCHS, HIDDEN, CLASSES = 20, 40, 8, 3


def data() -> tuple[Array, NDArray[np.intp]]:
    """200 samples of 64 numbers, and their classes."""
    images, labels = blobs(200)
    return images.reshape(200, 64).astype(np.float64), labels.astype(np.intp)


def first_weights(bias: float) -> list[tuple[Array, Array]]:
    draw = np.random.default_rng(0).standard_normal
    return [(0.2 * draw((64, HIDDEN)), np.full(HIDDEN, bias)), (0.3 * draw((HIDDEN, CLASSES)), np.zeros(CLASSES))]


def softmax(logits: Array) -> Array:
    with np.errstate(all="ignore"):
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)


def judged(probabilities: Array, labels: NDArray[np.intp]) -> tuple[float, float, Array]:
    """Loss, accuracy, and the gradient by the logits."""
    rows = np.arange(len(labels))
    loss = -np.log(np.clip(probabilities[rows, labels], 1e-7, 1)).mean()
    wrong = probabilities.copy()
    wrong[rows, labels] -= 1
    return float(loss), float((probabilities.argmax(axis=1) == labels).mean()), wrong / len(labels)


def batches() -> Any:
    X, y = data()
    for _ in range(EPOCHS):
        for start in range(0, len(X), BATCH):
            yield X[start : start + BATCH], y[start : start + BATCH]


def tap_of(layer: Any, names: dict[str, str], output: Callable[[], Any], name: str, activation: Any) -> Tap:
    """A tap of an object with attributes: those of its tensors, and of their gradients, by what logs call them."""
    reads = {what: (lambda one=where: getattr(layer, one)) for what, where in names.items()}
    tensors = {what: read for what, read in reads.items() if not what.startswith("d")}
    gradients = {what[1:]: read for what, read in reads.items() if what.startswith("d")}
    return Tap(name, tensors, gradients, output, activation, kind=type(layer).__name__)


class LayersWithDW:
    """A list of layers that keep W, b, dW and db, and cache their inputs; the ReLU keeps a mask only."""

    class DenseWithDW:
        def __init__(self, W: Array, b: Array) -> None:
            self.W, self.b = W, b

        def forward(self, x: Array) -> Array:
            self.x = x
            return x @ self.W + self.b

        def backward(self, dout: Array) -> Array:
            self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
            return dout @ self.W.T

    class ReluWithMask:
        def forward(self, x: Array) -> Array:
            self.mask = x <= 0
            out = x.copy()
            out[self.mask] = 0
            return out

        def backward(self, dout: Array) -> Array:
            return np.where(self.mask, 0, dout)

    class SoftmaxLoss:
        def forward(self, x: Array) -> Array:
            self.y = softmax(x)
            return self.y

    def __init__(self, bias: float = 0.0) -> None:
        (W1, b1), (W2, b2) = first_weights(bias)
        self.layers: list[Any] = [
            self.DenseWithDW(W1, b1),
            self.ReluWithMask(),
            self.DenseWithDW(W2, b2),
            self.SoftmaxLoss(),
        ]
        self.network: Any = self

    options: ClassVar[dict[str, Any]] = {}
    rate = 0.1

    def taps(self) -> list[Tap]:
        names = {"weights": "W", "biases": "b", "dweights": "dW", "dbiases": "db"}
        first, _, second, last = self.layers
        return [
            tap_of(first, names, lambda: second.x, "densewithdw1", "relu"),
            tap_of(second, names, lambda: last.y, "densewithdw2", "softmax"),
        ]

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            out = x
            for layer in self.layers:
                out = layer.forward(out)
            loss, accuracy, dout = judged(out, y)
            for layer in reversed(self.layers[:-1]):
                dout = layer.backward(dout)
            for layer in (self.layers[0], self.layers[2]):
                layer.W -= rate * layer.dW
                layer.b -= rate * layer.db
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate)


class DictOfParameters:
    """Two dictionaries, of parameters and of gradients, and a cache that the forward pass returns."""

    def __init__(self, bias: float = 0.0) -> None:
        (W1, b1), (W2, b2) = first_weights(bias)
        self.network: Any = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

    options: ClassVar[dict[str, Any]] = {}
    rate = 0.1

    def taps(self) -> list[Tap]:
        return [self._tap("1", "relu"), self._tap("2", "softmax")]

    def _tap(self, number: str, activation: Any) -> Tap:
        tensors = {"weights": lambda: self.network[f"W{number}"], "biases": lambda: self.network[f"b{number}"]}
        gradients = {"weights": lambda: self.grads[f"dW{number}"], "biases": lambda: self.grads[f"db{number}"]}
        return Tap(f"layer{number}", tensors, gradients, lambda: self.cache[f"A{number}"], activation, kind="dict")

    def train(self, watched: Any, rate: float) -> None:
        p = self.network
        for x, y in batches():
            A1 = np.maximum(0, x @ p["W1"] + p["b1"])
            A2 = softmax(A1 @ p["W2"] + p["b2"])
            loss, accuracy, dZ2 = judged(A2, y)
            dZ1 = (dZ2 @ p["W2"].T) * (A1 > 0)
            grads = {"dW1": x.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": A1.T @ dZ2, "db2": dZ2.sum(axis=0)}
            for name in p:
                p[name] = p[name] - rate * grads["d" + name]
            self.grads, self.cache = grads, {"A1": A1, "A2": A2}
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate, gradients=grads, outputs=self.cache)


class ListOfPairs:
    """Pairs (W, b) in a list that every update makes anew."""

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


class ConvolutionChannelsFirst:
    """A convolution with its channels first, written with loops, and a dense layer after it."""

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


class BatchOfOne:
    """Columns (F, 1), one sample at a time, and updates inside backward, which keeps no gradient."""

    class DenseOfColumns:
        def __init__(self, weights: Array, bias: Array) -> None:
            self.weights, self.bias = weights, bias

        def forward(self, input: Array) -> Array:
            self.input = input
            return self.weights @ input + self.bias

        def backward(self, output_gradient: Array, learning_rate: float) -> Array:
            input_gradient: Array = self.weights.T @ output_gradient
            self.weights = self.weights - learning_rate * output_gradient @ self.input.T
            self.bias = self.bias - learning_rate * output_gradient
            return input_gradient

    class ReluOfColumns:
        def forward(self, input: Array) -> Array:
            self.input = input
            return np.maximum(input, 0)

        def backward(self, output_gradient: Array, learning_rate: float) -> Array:
            return output_gradient * (self.input > 0)

    class SoftmaxOfColumns:
        def forward(self, input: Array) -> Array:
            self.output = softmax(input.T).T
            return self.output

    def __init__(self, bias: float = 0.0) -> None:
        (W1, b1), (W2, b2) = first_weights(bias)
        self.network: Any = [
            self.DenseOfColumns(W1.T.copy(), b1[:, None].copy()),
            self.ReluOfColumns(),
            self.DenseOfColumns(W2.T.copy(), b2[:, None].copy()),
            self.SoftmaxOfColumns(),
        ]

    options: ClassVar[dict[str, Any]] = {"sample_axis": -1}
    rate = 0.1

    def taps(self) -> list[Tap]:
        names = {"weights": "weights", "biases": "bias"}
        first, _, second, last = self.network
        return [
            tap_of(first, names, lambda: second.input, "denseofcolumns1", "relu"),
            tap_of(second, names, lambda: last.output, "denseofcolumns2", "softmax"),
        ]

    def train(self, watched: Any, rate: float) -> None:
        X, y = data()
        for _ in range(2):
            for x, label in zip(X, y, strict=True):
                out = x[:, None]
                for layer in self.network:
                    out = layer.forward(out)
                loss, accuracy, dout = judged(out.T, np.array([label]))
                grad = dout.T
                for layer in reversed(self.network[:-1]):
                    grad = layer.backward(grad, rate)
                watched.step(loss=loss, accuracy=accuracy, inputs=x[:, None], lr=rate)


class Lazy:
    """Parameters that the first forward pass creates."""

    class LazyLinear:
        def __init__(self, units: int, scale: float, bias: float = 0.0) -> None:
            self.units, self.scale, self.bias = units, scale, bias
            self.params: dict[str, Array] = {}
            self.grads: dict[str, Array] = {}

        def forward(self, x: Array) -> Array:
            if not self.params:
                draw = np.random.default_rng(self.units).standard_normal
                self.params = {"w": self.scale * draw((x.shape[1], self.units)), "b": np.full(self.units, self.bias)}
            self.x = x
            self.y = x @ self.params["w"] + self.params["b"]
            return self.y

        def backward(self, dy: Array) -> Array:
            self.grads = {"w": self.x.T @ dy, "b": dy.sum(axis=0)}
            return dy @ self.params["w"].T

    class LazyRelu:
        def forward(self, x: Array) -> Array:
            self.y = np.maximum(x, 0)
            return self.y

        def backward(self, dy: Array) -> Array:
            return dy * (self.y > 0)

    def __init__(self, bias: float = 0.0) -> None:
        self.blocks: list[Any] = [self.LazyLinear(HIDDEN, 0.2, bias), self.LazyRelu(), self.LazyLinear(CLASSES, 0.3)]
        self.network: Any = self

    options: ClassVar[dict[str, Any]] = {}
    rate = 0.1

    def taps(self) -> list[Tap]:
        first, relu, second = self.blocks
        return [self._tap("lazylinear1", first, relu, "relu"), self._tap("lazylinear2", second, second, None)]

    def _tap(self, name: str, layer: Any, last: Any, activation: Any) -> Tap:
        tensors = {"weights": lambda: layer.params["w"], "biases": lambda: layer.params["b"]}
        gradients = {"weights": lambda: layer.grads["w"], "biases": lambda: layer.grads["b"]}
        return Tap(name, tensors, gradients, lambda: last.y, activation, kind="LazyLinear")

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            out = x
            for block in self.blocks:
                out = block.forward(out)
            loss, accuracy, grad = judged(softmax(out), y)
            for block in reversed(self.blocks):
                grad = block.backward(grad)
            for block in (self.blocks[0], self.blocks[2]):
                for name, grad_of in block.grads.items():
                    block.params[name] -= rate * grad_of
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate)


class TupleReturning:
    """Backward returns (dx, dW, db), and an optimiser of its own gets the gradients as a list."""

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


class AdamInside:
    """Parameters as objects with value and grad, and the state of Adam in each layer."""

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


class UnusualTensors:
    """Layers without biases, with two matrices, and with the tensors of a batch normalisation."""

    class WithoutBiases:
        def __init__(self, W: Array) -> None:
            self.W = W

        def forward(self, x: Array) -> Array:
            self.x, self.out = x, x @ self.W
            return self.out

        def backward(self, dout: Array) -> Array:
            self.dW = self.x.T @ dout
            return dout @ self.W.T

    class BatchNormalisation:
        def __init__(self, units: int) -> None:
            self.gamma, self.beta = np.ones(units), np.zeros(units)

        def forward(self, x: Array) -> Array:
            self.spread = x.std(axis=0) + 1e-5
            self.xhat = (x - x.mean(axis=0)) / self.spread
            return self.gamma * self.xhat + self.beta

        def backward(self, dout: Array) -> Array:
            self.dgamma, self.dbeta = (dout * self.xhat).sum(axis=0), dout.sum(axis=0)
            dxhat = dout * self.gamma
            along = self.xhat * (dxhat * self.xhat).mean(axis=0)
            return (dxhat - dxhat.mean(axis=0) - along) / self.spread

    class ReluAfterNormalisation:
        def forward(self, x: Array) -> Array:
            self.out = np.maximum(x, 0)
            return self.out

        def backward(self, dout: Array) -> Array:
            return dout * (self.out > 0)

    class TwoMatrices:
        def __init__(self, W_x: Array, b: Array) -> None:
            self.W_x, self.W_h, self.b = W_x, -W_x / 2, b

        def forward(self, x: Array) -> Array:
            self.x, self.out = x, x @ self.W_x + x @ self.W_h + self.b
            return self.out

        def backward(self, dout: Array) -> Array:
            self.dW_x = self.dW_h = self.x.T @ dout
            self.db = dout.sum(axis=0)
            return dout @ (self.W_x + self.W_h).T

    def __init__(self) -> None:
        (W1, _), (W2, b2) = first_weights(0.0)
        self.network: Any = [
            self.WithoutBiases(W1),
            self.BatchNormalisation(HIDDEN),
            self.ReluAfterNormalisation(),
            self.TwoMatrices(W2, b2),
        ]

    def train(self, watched: Any, rate: float) -> None:
        for x, y in batches():
            out = x
            for layer in self.network:
                out = layer.forward(out)
            loss, accuracy, dout = judged(softmax(out), y)
            for layer in reversed(self.network):
                dout = layer.backward(dout)
            for layer in self.network:
                for name in ("W", "gamma", "beta", "W_x", "W_h", "b"):
                    if hasattr(layer, name):
                        setattr(layer, name, getattr(layer, name) - rate * getattr(layer, f"d{name}"))
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate)


NETWORKS: tuple[type[Any], ...] = (
    LayersWithDW,
    DictOfParameters,
    ListOfPairs,
    ConvolutionChannelsFirst,
    BatchOfOne,
    Lazy,
    TupleReturning,
    AdamInside,
)
