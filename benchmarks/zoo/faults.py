"""Faults put into a healthy run on purpose, each with its first bad step, layer and mechanism.

They act from outside: on the arrays of the training, through the optimiser, or on the
initial weights. The trainer and the recorder know nothing of them.

The right causes were written down here before any result was known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lenet.data import Dataset
from lenet.hooks import Hook, StepStart
from lenet.layers.base import TrainableLayer
from lenet.layers.workspace import Array
from lenet.model import Model
from lenet.optim.optimizers import OptimizerSGD
from lenet.settings import Settings

FAULTS = (
    "rate-spike",
    "dead-biases",
    "zero-weights",
    "nan-batch",
    "shuffled-labels",
    "flipped-sign",
    "unscaled-input",
    "saturated-start",
)
# Faults that may leave a run alive. The detector has to report them whatever the verdict.
QUIET_FAULTS = (
    "frozen-layer",
    "one-class-labels",
    "scaled-weights",
    "shrunk-weights",
    "redrawn-weights",
    "raised-momentum",
    "noise-gradient",
)
IN_A_LAYER = (
    "dead-biases",
    "zero-weights",
    "flipped-sign",
    "frozen-layer",
    "scaled-weights",
    "shrunk-weights",
    "redrawn-weights",
    "noise-gradient",
)
TIMES = {"scaled-weights": 100.0, "shrunk-weights": 0.01}
RAISED_MOMENTUM = 0.995
HIDDEN = {"lenet": ("conv1", "conv2", "dense1", "dense2"), "conv-pool": ("conv1", "dense1", "dense2")}
SPIKE, SPIKE_STEPS = 60.0, 3
PUSH = 20.0


@dataclass(frozen=True)
class Truth:
    """The injected fault: the first step whose row is bad, the layer, and the mechanisms that count as right."""

    fault: str
    step: int
    layer: str | None
    mechanisms: tuple[str, ...]
    is_one_step: bool


@dataclass(frozen=True)
class Injected:
    """A healthy setting and the fault to inject; the seed decides everything else."""

    fault: str
    settings: Settings
    at: int
    layer: str | None

    @property
    def truth(self) -> Truth:
        """The label of the run."""
        step, layer, mechanisms, is_one_step = {
            "rate-spike": (self.at + 1, None, ("learning-rate-jump",), True),
            "dead-biases": (self.at + 1, self.layer, ("foreign-change", "dead-units", "oversized-update"), True),
            "zero-weights": (self.at + 1, self.layer, ("zero-weights",), True),
            "nan-batch": (self.at, "input", ("non-finite",), True),
            "shuffled-labels": (self.at, None, ("changed-labels", "uninformative-labels"), True),
            "flipped-sign": (self.at + 1, self.layer, ("wrong-direction",), False),
            "unscaled-input": (self.at, "input", ("input-scale",), True),
            "saturated-start": (0, self.layer, ("saturated-units",), False),
            "frozen-layer": (self.at, self.layer, ("frozen-layer",), False),
            "one-class-labels": (self.at, None, ("one-class-labels",), False),
            "scaled-weights": (self.at, self.layer, ("foreign-change",), True),
            "shrunk-weights": (self.at, self.layer, ("foreign-change",), True),
            "redrawn-weights": (self.at, self.layer, ("foreign-change",), True),
            "raised-momentum": (self.at, None, ("growing-steps",), False),
            "noise-gradient": (self.at, self.layer, ("noise-gradient",), False),
        }[self.fault]
        return Truth(self.fault, step, layer, mechanisms, is_one_step)

    def prepare(self, model: Model, data: Dataset) -> tuple[Array, Any, list[Hook]]:
        """X, y and hooks for the training; the model may get another optimiser or other weights."""
        X: Array = data.X_train
        y, hooks = data.y_train, list[Hook]()
        first = self.at * self.settings.batch_size
        if self.fault == "nan-batch":
            X = X.copy()
            hooks = [_Poison(X, self.at, slice(first, first + 1))]
        elif self.fault == "unscaled-input":
            X = X.copy()
            X[first:] *= 255
        elif self.fault == "shuffled-labels":
            y = y.copy()
            np.random.default_rng(self.settings.seed).shuffle(y[first:])
        elif self.fault == "one-class-labels":
            y = y.copy()
            y[first:] = 3
        elif self.fault in ("saturated-start", "noise-gradient"):
            layer = next(one for one in model.trainable_layers if one.name == self.layer)
            if self.fault == "saturated-start":
                layer.weights = 30 * np.abs(layer.weights)
            else:
                noisy: Any = layer
                noisy.complete_gradients = NoisyBackward(layer, self.at, self.settings.seed)
        else:
            model._optimizer = Tampering(self, model)
        return X, y, hooks


def injected(fault: str, seed: int) -> Injected:
    """The fault of a seed: network, layer and step are drawn from it."""
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(7,)))
    network = str(generator.choice(list(HIDDEN)))
    layer = str(generator.choice(HIDDEN[network]))
    at = int(generator.integers(120, 300))
    if fault == "saturated-start":
        layer = str(generator.choice(("dense1", "dense2")))
        settings = Settings(network="feedforward", activation="sigmoid", lr=0.5, epochs=1, seed=seed)
        return Injected(fault, settings, 0, layer)
    needs_layer = fault in IN_A_LAYER
    settings = Settings(network=network, lr=0.1, epochs=1, seed=seed)
    return Injected(fault, settings, at, layer if needs_layer else None)


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
        if fault == "redrawn-weights" and since == 0:
            weights = values[self._slices[layer, "weights"]]
            weights[...] = np.random.default_rng(self._fault.settings.seed).normal(0, weights.std(), weights.shape)


class NoisyBackward:
    """Replaces a layer's ``complete_gradients``: from a step on the gradient of its weights is noise.

    Args:
        layer: the layer.
        at: the first such step.
        seed: the seed of the noise, which has the norm of the gradient that it replaces.
    """

    def __init__(self, layer: TrainableLayer, at: int, seed: int) -> None:
        self._layer, self._at, self._steps = layer, at, 0
        self._generator = np.random.default_rng(seed)

    def __call__(self, samples: int) -> None:
        if self._steps >= self._at:
            gradient = self._layer.dweights
            noise = self._generator.standard_normal(gradient.shape)
            gradient[...] = noise * (np.linalg.norm(gradient) / np.linalg.norm(noise))
        self._steps += 1


class _Poison(Hook):
    """Writes NaN into the script's own array when the step begins, after the checks at the start."""

    def __init__(self, X: Array, at: int, rows: slice) -> None:
        self._X, self._at, self._rows = X, at, rows

    def on_step_start(self, event: StepStart) -> None:
        if event.step == self._at:
            self._X[self._rows] = np.nan
