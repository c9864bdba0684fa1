"""Acts out the faults of the zoo: on the arrays of a training, on its gradients, its updates or its initial weights.

Everything acts from outside. The trainer and the recorder know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.zoo.faults import Injected
from lenet.data import Dataset
from lenet.hooks import Hook, StepStart
from lenet.layers.base import TrainableLayer
from lenet.layers.workspace import Array
from lenet.losses import Labels, LossCategoricalCrossEntropy
from lenet.model import Model
from lenet.optim.optimizers import OptimizerSGD

TIMES = {"scaled-weights": 100.0, "shrunk-weights": 0.01}
"""By what the weights of a layer are multiplied in one step."""
GROWTH_A_STEP = 1.02
RAISED_MOMENTUM = 0.995
SPIKE, SPIKE_STEPS = 60.0, 3
PUSH = 20.0
BURST = 1000.0


def prepare(fault: Injected, model: Model, data: Dataset) -> tuple[Array, Any, list[Hook]]:
    """X, y and hooks for the training with a fault; the model may get another optimiser or other weights."""
    X: Array = data.X_train
    y, seed = data.y_train, fault.settings.seed
    first = fault.at * fault.settings.batch_size
    layers = {layer.name: layer for layer in model.trainable_layers}
    match fault.fault:
        case "nan-batch":
            X = X.copy()
            return X, y, [_Poison(X, fault.at, slice(first, first + 1))]
        case "unscaled-input":
            X = X.copy()
            X[first:] *= 255
        case "shuffled-labels" | "random-labels":
            y = y.copy()
            np.random.default_rng(seed).shuffle(y[first:])
        case "one-class-labels":
            y = y.copy()
            y[first:] = 3
        case "saturated-start":
            layer = layers[fault.layer or ""]
            layer.weights = 30 * np.abs(layer.weights)
        case "equal-weights":
            layer = layers[fault.layer or ""]
            layer.weights = np.full_like(layer.weights, np.abs(layer.weights).mean())
        case "noise-gradient":
            _tamper_gradient(layers[fault.layer or ""], fault.at, _noise(seed))
        case "gradient-burst":
            _tamper_gradient(layers[fault.layer or ""], fault.at, _times(BURST), steps=1)
        case "summed-gradient":
            for layer in layers.values():
                _tamper_gradient(layer, 0, _times(fault.settings.batch_size))
        case "divided-gradient":
            for layer in layers.values():
                _tamper_gradient(layer, 0, _times(1 / fault.settings.batch_size))
        case "softmax-twice":
            model._loss = _OfSoftmaxTwice()
        case "wrong-sign":
            for layer in layers.values():
                _tamper_gradient(layer, 0, _times(-1))
        case "accumulated-gradient":
            for layer in layers.values():
                _tamper_gradient(layer, 0, _add_up())
        case "large-rate" | "tiny-rate":
            pass  # the settings are the fault
        case _:
            model._optimizer = Tampering(fault, model)
    return X, y, []


class Tampering(OptimizerSGD):
    """Gradient descent with a fault from one step on."""

    def __init__(self, fault: Injected, model: Model) -> None:
        super().__init__(fault.settings.lr)
        self._fault = fault
        self._velocity: Array = np.zeros(0, np.float32)
        self._slices = {
            (tensor.layer, tensor.tensor): slice(tensor.offset, tensor.offset + tensor.size)
            for tensor in model.parameters.tensors
        }

    @property
    def current_learning_rate(self) -> float:
        spiking = self._fault.fault == "rate-spike" and 0 <= self.iterations - self._fault.at < SPIKE_STEPS
        return self.learning_rate * (SPIKE if spiking else 1.0)

    def update(self, values: Array, gradients: Array) -> None:
        fault, since = self._fault.fault, self.iterations - self._fault.at
        layer = self._fault.layer or ""
        if fault == "flipped-sign" and since >= 0:
            gradients = gradients.copy()
            for tensor in ("weights", "biases"):
                gradients[self._slices[layer, tensor]] *= -1
        if fault == "raised-momentum" and since >= 0:
            self._velocity = gradients.copy() if since == 0 else RAISED_MOMENTUM * self._velocity + gradients
            gradients = self._velocity
        frozen = fault == "frozen-layer" and since >= 0
        kept = {name: values[part].copy() for name, part in self._slices.items() if frozen and name[0] == layer}
        super().update(values, gradients)
        for name, before in kept.items():
            values[self._slices[name]] = before
        if fault == "dead-biases" and since == 0:
            values[self._slices[layer, "biases"]] -= PUSH
        if fault == "zero-weights" and since >= 0:
            values[self._slices[layer, "weights"]] = 0
        if fault in TIMES and since == 0:
            values[self._slices[layer, "weights"]] *= TIMES[fault]
        if fault == "growing-weights" and since >= 0:
            values[self._slices[layer, "weights"]] *= GROWTH_A_STEP
        if fault == "redrawn-weights" and since == 0:
            weights = values[self._slices[layer, "weights"]]
            weights[...] = np.random.default_rng(self._fault.settings.seed).normal(0, weights.std(), weights.shape)


Change = Callable[[TrainableLayer], None]
"""Changes the gradients of a layer in place."""


def _tamper_gradient(layer: TrainableLayer, at: int, change: Change, steps: int | None = None) -> None:
    """Change the gradients of a layer from step ``at`` on, for ``steps`` steps; None for all that follow."""
    complete, made = layer.complete_gradients, 0

    def complete_and_change(samples: int) -> None:
        nonlocal made
        complete(samples)
        if made >= at and (steps is None or made < at + steps):
            change(layer)
        made += 1

    tampered: Any = layer
    tampered.complete_gradients = complete_and_change


def _times(factor: float) -> Change:
    """The gradients, multiplied."""

    def change(layer: TrainableLayer) -> None:
        layer.dweights[...] *= factor
        layer.dbiases[...] *= factor

    return change


def _noise(seed: int) -> Change:
    """Random numbers instead of the gradient of the weights, with its norm."""
    generator = np.random.default_rng(seed)

    def change(layer: TrainableLayer) -> None:
        noise = generator.standard_normal(layer.dweights.shape)
        layer.dweights[...] = noise * (np.linalg.norm(layer.dweights) / np.linalg.norm(noise))

    return change


def _add_up() -> Change:
    """The gradients of all steps so far, added up, as where nobody sets them to zero."""
    sums: dict[str, Array] = {}

    def change(layer: TrainableLayer) -> None:
        for name in ("dweights", "dbiases"):
            gradient = getattr(layer, name)
            gradient += sums.get(name, 0)
            sums[name] = gradient.copy()

    return change


class _OfSoftmaxTwice(LossCategoricalCrossEntropy):
    """The loss of a network whose probabilities go through softmax once more."""

    def shard_loss(self, probabilities: Array, labels: Labels) -> float:
        return super().shard_loss(_softmax(probabilities), labels)

    def shard_gradient(self, probabilities: Array, labels: Labels, batch: int) -> Array:
        d = super().shard_gradient(_softmax(probabilities), labels, batch)
        through: Array = probabilities * (d - (d * probabilities).sum(axis=0))
        return through


def _softmax(x: Array) -> Array:
    """Softmax over the classes of x (classes, N), which lies between 0 and 1."""
    powers: Array = np.exp(x)
    return powers / powers.sum(axis=0)


class _Poison(Hook):
    """Writes NaN into the script's own array when the step begins, after the checks at the start."""

    def __init__(self, X: Array, at: int, rows: slice) -> None:
        self._X, self._at, self._rows = X, at, rows

    def on_step_start(self, event: StepStart) -> None:
        if event.step == self._at:
            self._X[self._rows] = np.nan
