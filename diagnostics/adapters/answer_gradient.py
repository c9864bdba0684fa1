"""AnswerGradient: what the gradient of the last biases has to be, as far as outputs and targets or the loss say it.

That of a cross-entropy after a softmax or a sigmoid is the mean of the outputs minus the targets, and that of a squared
error without an activation function twice this. Without targets, a mean cross-entropy still says how large it is at
most: what is larger is a sum over the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.batch_span import Origin
from diagnostics.adapters.read_layer import ReadLayer
from diagnostics.adapters.told_loss import as_answers
from diagnostics.schema.task import BINARY, CLASSES, REGRESSION, SQUARED_ERROR, Task

Array = NDArray[np.floating[Any]]
SAME = 0.01
"""How far two gradients that are the same may differ, as a share."""


class AnswerGradient:
    """Compares the gradient of the last biases with that of the outputs and targets, at the first two steps.

    Args:
        task: that of the run.
        layer: the last layer.
        outputs: how many numbers the network puts out for a sample; 0 where that is not known.
    """

    def __init__(self, task: Task, layer: ReadLayer, outputs: int) -> None:
        self._task, self._layer, self._outputs = task, layer, outputs
        self._has_biases = "biases" in layer.tap.tensors
        self._matched = False

    def origin(self, targets: NDArray[Any] | None) -> Origin:
        """Where the gradient of this step comes from: "other" only where that of the step before was the expected one.

        targets: those of the batch; None where they are not known.
        """
        expected = self._expected(targets)
        if expected is None or not expected.any():
            return "unknown"
        matches = bool(np.linalg.norm(self._gradient() - expected) <= SAME * np.linalg.norm(expected))
        before, self._matched = self._matched, matches
        return "batch" if matches else "other" if before else "unknown"

    def is_sum(self, targets: NDArray[Any] | None) -> bool:
        """Whether the gradient is a sum over the batch, and the loss is a mean.

        targets: those of the batch; None where they are not known.
        """
        samples, expected = self._layer.samples, self._expected(targets)
        if not self._has_biases or samples == 1:
            return False
        if expected is not None:
            total = samples * expected
            return bool(np.linalg.norm(self._gradient() - total) <= SAME * np.linalg.norm(total)) and bool(total.any())
        if self._task.loss == SQUARED_ERROR or not self._task.has_classes or len(self._gradient()) != self._outputs:
            return False
        most = self._task.scale * (2.0 if self._task.kind == CLASSES else 1.0)
        return bool(np.abs(self._gradient()).sum() > most * (1 + SAME))

    def _gradient(self) -> Array:
        return self._layer.gradients()["biases"].astype(np.float64)

    def _expected(self, targets: NDArray[Any] | None) -> Array | None:
        """The gradient of the mean loss by the last biases; None where nothing says it."""
        output, task, activation = self._layer.output(), self._task, self._layer.tap.activation
        if targets is None or not self._has_biases or output is None or output.ndim != 2:
            return None
        is_entropy = task.is_cross_entropy and (task.kind, activation) in ((CLASSES, "softmax"), (BINARY, "sigmoid"))
        is_square = task.kind == REGRESSION and task.loss == SQUARED_ERROR and activation is None
        answers = as_answers(task, targets, output.shape)
        if answers is None or not (is_entropy or is_square) or not np.isfinite(output).all():
            return None
        wrong = (output - answers).mean(axis=0, dtype=np.float64)
        if task.kind == BINARY:
            return np.asarray(wrong / output.shape[1])
        return np.asarray(2 * task.scale / output.shape[1] * wrong if is_square else wrong)
