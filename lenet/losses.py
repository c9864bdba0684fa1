"""Categorical cross-entropy.

    loss = -mean_n log clip(p[n, y_n], 1e-7, 1 - 1e-7)

The paper clips in this way: no loss is above 16.12 nats, and only a NaN gives a NaN.
The gradient by the probabilities is -onehot(y) / p / N. The trainer uses the gradient by
the input of the softmax before the loss, (p - onehot(y)) / N.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import expect_unmasked
from lenet.errors import DataError, ShapeError
from lenet.layers.workspace import Array

CLIP = 1e-7
Labels = NDArray[np.integer[Any]]


def sparse_labels(y: NDArray[Any], classes: int) -> NDArray[np.intp]:
    """The classes (N,) of labels.

    Args:
        y: class numbers, (N,), or one-hot rows, (N, classes).
        classes: the number of classes.

    Raises:
        DataError: a class out of range, or a row that is not one-hot.
    """
    expect_unmasked("labels", y)
    y = np.asarray(y)
    if y.dtype.kind not in "fiub":
        raise DataError(f"labels: received an array of {y.dtype}, expected class numbers")
    if y.ndim == 2:
        if y.shape[1] != classes:
            raise DataError(f"labels: received one-hot rows of {y.shape[1]}, expected {classes} classes")
        if not (np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()):
            raise DataError("labels: received rows that are not one-hot, expected a single 1 among 0s in each")
        return np.asarray(y.argmax(axis=1), dtype=np.intp)
    if y.ndim != 1:
        raise DataError(f"labels: received shape {y.shape}, expected (N,) or one-hot (N, {classes})")
    with np.errstate(invalid="ignore"):  # NaN is refused below
        labels = y.astype(np.intp)
    if not np.array_equal(labels, y):
        raise DataError("labels: received numbers that are not whole, expected class numbers")
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        wrong = labels.max() if labels.max() >= classes else labels.min()
        raise DataError(
            f"labels: received class {wrong}, expected 0 to {classes - 1} (the network has {classes} outputs)"
        )
    return labels


class LossCategoricalCrossEntropy:
    """The mean over a batch of the negative log-probability of the right class, in nats."""

    def forward(self, y_pred: Array, y_true: NDArray[Any]) -> Array:
        """Loss of each sample (N,), for probabilities (N, classes) and labels (N,) or one-hot."""
        y_pred = np.asarray(y_pred)
        labels = self._checked(y_pred, y_true)
        chosen = np.clip(y_pred[np.arange(len(labels)), labels], CLIP, 1 - CLIP)
        losses: Array = -np.log(chosen)
        return losses

    def calculate(self, y_pred: Array, y_true: NDArray[Any]) -> float:
        """Mean loss of the batch."""
        return float(self.forward(y_pred, y_true).mean(dtype=np.float64))

    def backward(self, dvalues: Array, y_true: NDArray[Any]) -> Array:
        """Gradient of the mean loss by the probabilities, which are ``dvalues`` (N, classes); kept as ``dinputs``.

        It is finite everywhere, since a probability below 1e-7 counts as 1e-7.
        """
        dvalues = np.asarray(dvalues)
        labels = self._checked(dvalues, y_true)
        rows = np.arange(len(labels))
        self.dinputs = np.zeros_like(dvalues)
        self.dinputs[rows, labels] = -1.0 / (np.maximum(dvalues[rows, labels], CLIP) * len(labels))
        return self.dinputs

    def shard_loss(self, probabilities: Array, labels: Labels) -> float:
        """Sum of the losses of one shard, probabilities (classes, N)."""
        chosen = probabilities[labels, np.arange(len(labels))]
        # For so few numbers np.clip takes five times as long.
        clipped = np.minimum(np.maximum(chosen, CLIP), 1 - CLIP)
        return -float(np.add.reduce(np.log(clipped), dtype=np.float64))

    def shard_gradient(self, probabilities: Array, labels: Labels, batch: int) -> Array:
        """Gradient by the softmax's input, (classes, N), of the mean over ``batch`` samples."""
        d = probabilities.copy()
        d[labels, np.arange(len(labels))] -= 1
        d *= d.dtype.type(1.0 / batch)
        return d

    def _checked(self, probabilities: Array, y_true: NDArray[Any]) -> NDArray[np.intp]:
        if probabilities.ndim != 2:
            raise ShapeError(f"loss: received predictions {probabilities.shape}, expected (N, classes)")
        labels = sparse_labels(y_true, probabilities.shape[1])
        if len(labels) != len(probabilities):
            raise ShapeError(f"loss: received {len(labels)} labels, expected {len(probabilities)}, one a prediction")
        return labels
