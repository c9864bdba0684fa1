"""The gradient of the last biases is compared with the outputs and targets, and with what a mean can be at most."""

from __future__ import annotations

from types import SimpleNamespace as Holder
from typing import Any

import numpy as np
import pytest

from diagnostics import Task
from diagnostics.adapters import watch
from lenet.errors import SettingsError

SAMPLES, INPUTS, RATE = 30, 4, 0.1
DRAW = np.random.default_rng(5)
BATCH = DRAW.standard_normal((SAMPLES, INPUTS))
ONE_HOT = np.eye(3)[np.arange(SAMPLES) % 3 // 2]
YES, NUMBERS = (DRAW.random((SAMPLES, 2)) > 0.2).astype(float), DRAW.standard_normal((SAMPLES, 2)) + 1
SUMS, OTHER, ASSUMED = (
    "larger than those of the mean loss",
    "they do not follow from the updates",
    "so they are derived",
)


def softmax(sums: Any, targets: Any) -> tuple[Any, Any]:
    answers = np.exp(sums) / np.exp(sums).sum(axis=1, keepdims=True)
    return answers, (answers - targets) / SAMPLES


def sigmoid(sums: Any, targets: Any) -> tuple[Any, Any]:
    answers = 1 / (1 + np.exp(-sums))
    return answers, (answers - targets) / targets.size


def linear(sums: Any, targets: Any) -> tuple[Any, Any]:
    return sums, 2 * (sums - targets) / targets.size


TASKS: dict[str, tuple[Task, Any, Any, Any]] = {
    "classes": (Task.classes(), softmax, ONE_HOT, "softmax"),
    "binary": (Task.binary(), sigmoid, YES, "sigmoid"),
    "regression": (Task.regression(), linear, NUMBERS, None),
}


def warned(
    name: str,
    log: pytest.LogCaptureFixture,
    *,
    scale: float = 1,
    momentum: float = 0,
    keep: bool = False,
    tell: bool = True,
) -> str:
    """What is warned of in two steps of a layer with fewer inputs than samples, so that its inputs say nothing."""
    log.clear()
    task, slope, targets, function = TASKS[name]
    layer = Holder(W=np.zeros((INPUTS, targets.shape[1])), b=np.zeros(targets.shape[1]))
    velocity: dict[str, Any] = {}
    with watch([layer], task=task, labels=targets, lr=RATE, activations={"simplenamespace1": function}) as watched:
        for _ in range(2):
            answers, wrong = slope(BATCH @ layer.W + layer.b, targets)
            for tensor, gradient in (("W", scale * BATCH.T @ wrong), ("b", scale * wrong.sum(axis=0))):
                velocity[tensor] = momentum * velocity.get(tensor, 0.0) + gradient
                setattr(layer, tensor, getattr(layer, tensor) - RATE * velocity[tensor])
                if keep:
                    setattr(layer, f"d{tensor}", gradient)
            told = {"targets": targets, "outputs": {"simplenamespace1": answers}} if tell else {"accuracy": 0.5}
            watched.step(loss=1.0, inputs=BATCH, **told)
    return log.text


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("keep", [True, False])
def test_gradients_that_are_sums_are_warned_of(name: str, keep: bool, caplog: pytest.LogCaptureFixture) -> None:
    assert SUMS not in warned(name, caplog, keep=keep)
    assert SUMS in warned(name, caplog, keep=keep, scale=SAMPLES)


@pytest.mark.parametrize("name", ["classes", "binary"])
def test_without_targets_a_sum_is_known_by_its_size(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert SUMS not in warned(name, caplog, keep=True, tell=False)
    assert SUMS in warned(name, caplog, keep=True, tell=False, scale=SAMPLES)


@pytest.mark.parametrize("name", TASKS)
def test_outputs_and_targets_say_whether_gradients_may_be_derived(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert ASSUMED not in warned(name, caplog)
    assert OTHER in warned(name, caplog, momentum=0.9)
    assert ASSUMED in warned(name, caplog, scale=0.5)


def test_gradients_of_the_last_layer_first_are_refused() -> None:
    layers = [Holder(W=np.ones((3, 3)), b=np.ones(3)) for _ in range(2)]
    gradients = [[DRAW.standard_normal((3, 3)), DRAW.standard_normal(3)] for _ in range(2)]
    watched = watch(layers, labels=np.arange(3), lr=RATE)
    for layer, (of_weights, of_biases) in zip(layers, gradients, strict=True):
        layer.W, layer.b = layer.W - RATE * of_weights, layer.b - RATE * of_biases
    with pytest.raises(SettingsError, match="gradients: received those of the last layer first"):
        watched.step(loss=1.0, accuracy=0.5, inputs=np.ones((5, 3)), gradients=[*gradients[1], *gradients[0]])
