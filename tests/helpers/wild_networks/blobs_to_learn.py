"""What the networks learn, and what their authors share: three blobs, first weights, the softmax and its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.tap import Tap
from tests.helpers.small_models import blobs

Array = NDArray[np.floating[Any]]
BATCH, EPOCHS, HIDDEN, CLASSES = 20, 20, 8, 3
STEPS = 200  # enough for a window of 128 steps in which the network has learned, or guesses


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
