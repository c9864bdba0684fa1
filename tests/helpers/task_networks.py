"""A small network for each kind of task, as people write them, whose loop calls ``watch`` once a step.

It learns with ``rate``, and dies at once where the first biases are far below 0, since no ReLU ever opens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics import Task
from diagnostics.adapters import Watch, watch
from tests.helpers.small_models import blobs

Array = NDArray[np.floating[Any]]
BATCH, EPOCHS, HIDDEN, SAMPLES = 20, 20, 8, 200


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class TaskNetwork:
    """A task with its output function, and what its loss is of answers and targets.

    task: the task. outputs: how many. function: the function after the last layer, by name. answer: the same as code.
    loss: loss and its gradient by the weighted sums of the last layer, of answers and targets.
    """

    task: Task
    outputs: int
    function: str | None
    answer: Callable[[Array], Array]
    loss: Callable[[Array, Array], tuple[float, Array]]
    rate: float


def cross_entropy(answers: Array, targets: Array) -> tuple[float, Array]:
    right = np.clip((answers * targets).sum(axis=1), 1e-7, 1)
    return float(-np.log(right).mean()), (answers - targets) / len(targets)


def binary_cross_entropy(answers: Array, targets: Array) -> tuple[float, Array]:
    safe = np.clip(answers, 1e-7, 1 - 1e-7)
    loss = -(targets * np.log(safe) + (1 - targets) * np.log(1 - safe)).mean()
    return float(loss), (answers - targets) / targets.size


def squared_of_sigmoids(answers: Array, targets: Array) -> tuple[float, Array]:
    wrong = answers - targets
    return float((wrong**2).mean()), 2 * wrong * answers * (1 - answers) / targets.size


def squared(answers: Array, targets: Array) -> tuple[float, Array]:
    wrong = answers - targets
    return float((wrong**2).mean()), 2 * wrong / targets.size


def half_squared(answers: Array, targets: Array) -> tuple[float, Array]:
    loss, gradient = squared(answers, targets)
    return loss / 2, gradient / 2


def absolute(answers: Array, targets: Array) -> tuple[float, Array]:
    wrong = answers - targets
    return float(np.abs(wrong).mean()), np.sign(wrong) / targets.size


def same(z: Array) -> Array:
    return z


NETWORKS = {
    "classes": TaskNetwork(Task.classes(), 3, "softmax", softmax, cross_entropy, 0.1),
    "classes, squared error": TaskNetwork(
        Task.classes("squared-error"), 3, "sigmoid", sigmoid, squared_of_sigmoids, 1.0
    ),
    "classes, binary cross-entropy": TaskNetwork(
        Task.classes("binary-cross-entropy"), 3, "sigmoid", sigmoid, binary_cross_entropy, 0.3
    ),
    "binary": TaskNetwork(Task.binary(), 1, "sigmoid", sigmoid, binary_cross_entropy, 0.1),
    "binary, squared error": TaskNetwork(Task.binary("squared-error"), 1, "sigmoid", sigmoid, squared_of_sigmoids, 0.5),
    "binary, several outputs": TaskNetwork(Task.binary(), 3, "sigmoid", sigmoid, binary_cross_entropy, 0.3),
    "regression": TaskNetwork(Task.regression(), 2, None, same, squared, 0.02),
    "regression, half the squared error": TaskNetwork(Task.regression(scale=0.5), 2, None, same, half_squared, 0.04),
    "regression, absolute error": TaskNetwork(Task.regression("absolute-error"), 2, None, same, absolute, 0.05),
    "losses only": TaskNetwork(Task.loss_only(), 2, None, same, squared, 0.02),
}


def targets_of(network: TaskNetwork) -> tuple[Array, Array, NDArray[Any]]:
    """Inputs (200, 64), targets (200, outputs), and what ``watch`` is told as labels."""
    images, labels = blobs(SAMPLES)
    X = images.reshape(SAMPLES, 64).astype(np.float64)
    if network.task.kind == "classes":
        return X, np.eye(3)[labels], labels
    if network.task.kind == "binary" and network.outputs > 1:
        several = np.stack([labels == 0, labels <= 1, labels >= 1], axis=1).astype(np.float64)
        return X, several, several
    if network.task.kind == "binary":
        yes = (labels == 0).astype(np.float64)[:, None]
        return X, yes, yes[:, 0]
    numbers = np.stack([3 + 2.0 * labels, X.mean(axis=1) * 4], axis=1)
    return X, numbers, numbers


def trained(
    network: TaskNetwork,
    path: Path | None = None,
    *,
    bias: float = 0.0,
    rate: float | None = None,
    tells_labels: bool = True,
    tells_accuracy: bool = True,
    epochs: int = EPOCHS,
    **options: Any,
) -> Watch:
    """Train it, watched; ``bias``: of the hidden layer before the first step."""
    X, y, labels = targets_of(network)
    draw = np.random.default_rng(0).standard_normal
    layers = {
        "W1": 0.2 * draw((64, HIDDEN)),
        "b1": np.full(HIDDEN, bias),
        "W2": 0.3 * draw((HIDDEN, network.outputs)),
        "b2": np.zeros(network.outputs),
    }
    rate = network.rate if rate is None else rate
    told: dict[str, Any] = {"labels": labels} if tells_labels else {"samples": SAMPLES}
    activations: dict[str, Any] = {"layer1": "relu", "layer2": network.function}
    with (
        np.errstate(all="ignore"),
        watch(layers, path, task=network.task, epochs=epochs, lr=rate, activations=activations, **told, **options) as w,
    ):
        for start in [*range(0, SAMPLES, BATCH)] * epochs:
            x, t = X[start : start + BATCH], y[start : start + BATCH]
            hidden = np.maximum(0, x @ layers["W1"] + layers["b1"])
            answers = network.answer(hidden @ layers["W2"] + layers["b2"])
            loss, d2 = network.loss(answers, t)
            d1 = (d2 @ layers["W2"].T) * (hidden > 0)
            gradients = {"W1": x.T @ d1, "b1": d1.sum(axis=0), "W2": hidden.T @ d2, "b2": d2.sum(axis=0)}
            for name in layers:
                layers[name] -= rate * gradients[name]
            seen = labels[start : start + BATCH] if network.task.has_classes else t
            w.step(
                loss=loss,
                inputs=x,
                targets=seen if tells_accuracy else None,
                gradients={f"d{name}": value for name, value in gradients.items()},
                outputs={"layer1": hidden, "layer2": answers},
            )
    return w
