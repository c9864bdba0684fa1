"""Accuracy: the share of samples whose likeliest class is the right one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.layers.base import Array
from lenet.losses import Labels, sparse_labels


class AccuracyCategorical:
    """Share of right guesses; where classes tie, the first one counts as the guess."""

    def calculate(self, predictions: Array, y_true: NDArray[Any]) -> float:
        """Accuracy for probabilities (N, classes), or guessed classes (N,), and labels."""
        predictions = np.asarray(predictions)
        guesses = predictions.argmax(axis=1) if predictions.ndim == 2 else predictions
        classes = predictions.shape[1] if predictions.ndim == 2 else int(max(guesses.max(), np.max(y_true))) + 1
        return float(np.mean(guesses == sparse_labels(y_true, classes)))

    def shard_correct(self, probabilities: Array, labels: Labels) -> int:
        """Number of right guesses in one shard, probabilities (classes, N). NaN guesses nothing."""
        right = probabilities.argmax(axis=0) == labels
        return int(np.count_nonzero(right & ~np.isnan(probabilities[0])))
