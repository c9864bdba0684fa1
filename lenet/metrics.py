"""Accuracy: the share of samples whose likeliest class is the right one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.errors import ShapeError
from lenet.layers.workspace import Array
from lenet.losses import Labels, sparse_labels


class AccuracyCategorical:
    """The share of samples that are guessed right; of classes that tie, the first one is the guess."""

    def calculate(self, predictions: Array, y_true: NDArray[Any]) -> float:
        """Accuracy of a batch.

        Args:
            predictions: probabilities, (N, classes), or guessed classes, (N,).
            y_true: labels, (N,) or one-hot (N, classes).

        Raises:
            ShapeError, DataError: the labels do not fit.
        """
        predictions, y_true = np.asarray(predictions), np.asarray(y_true)
        guesses = predictions.argmax(axis=1) if predictions.ndim == 2 else predictions
        if predictions.ndim == 2:
            classes = predictions.shape[1]
        elif y_true.ndim == 2:
            classes = y_true.shape[1]
        else:
            classes = int(max(guesses.max(), y_true.max())) + 1
        labels = sparse_labels(y_true, classes)
        if len(labels) != len(guesses):
            raise ShapeError(f"accuracy: received {len(labels)} labels, expected {len(guesses)}, one a prediction")
        return float(np.mean(guesses == labels))

    def shard_correct(self, probabilities: Array, labels: Labels) -> int:
        """Number of right guesses in one shard, for probabilities (classes, N); NaN is never right."""
        right = probabilities.argmax(axis=0) == labels
        return int(np.count_nonzero(right & ~np.isnan(probabilities[0])))
