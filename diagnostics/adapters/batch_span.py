"""BatchSpan: whether the gradients of a step can come from its batch alone.

The gradient of a dense layer by its weights is a sum of the inputs of the layer, each times numbers of its sample; a
penalty adds a multiple of the weights. Where a layer has more inputs than there are samples, most arrays are no such
sum: neither are those that hold parts of earlier batches, as updates with momentum do, nor those of Adam. This is
linear algebra and no test of chance: rounding alone could raise a false alarm, and the tolerance is far above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.read_layer import ReadLayer

Array = NDArray[np.floating[Any]]
Origin = Literal["batch", "other", "unknown"]
"""Where gradients come from: the batch alone, something else too, or nothing says it."""
OUTSIDE = 1e-3
"""The share of its norm from which on an array is no sum of inputs and weights."""
NEW = 0.05
"""The share of the gradient before that has to be no such sum, or the next batch is too much like the one before."""
Arrangement = tuple[int, int | None]
"""The axis of the inputs in weights, and where the constant 1 of merged biases is: 0 before them, 1 after, or None."""
ARRANGEMENTS: tuple[Arrangement, ...] = tuple((axis, ones) for axis in (0, 1) for ones in (None, 0, 1))
LARGEST = 4_000_000
"""Numbers of a batch above which nothing is computed with it; more would take seconds."""
LEAST_ENTRIES, LIKE = 10, 0.75
"""Entries, and the share of them that have to be equally large, for an update that follows from signs alone."""


class BatchSpan:
    """Follows the gradients of some layers from the first step to the second.

    Args:
        layers: the layers in the order of the forward pass, while they show their tensors from before the update.
        batch: the inputs of the first of them, samples first.

    Attributes:
        origin: where the gradients of the first step come from.
    """

    def __init__(self, layers: Sequence[ReadLayer], batch: Array) -> None:
        self._followed: list[tuple[int, str, Arrangement, Array]] = []
        is_other = False
        for number, inputs in _inputs(layers, batch):
            for name, weights, step in _steps(layers[number]):
                of_step = {one: _outside(step, weights, inputs, one) for one in ARRANGEMENTS}
                shares = {one: share for one, share in of_step.items() if share is not None}
                if shares and min(shares.values()) < OUTSIDE:
                    self._followed.append((number, name, min(shares, key=lambda one: shares[one]), step))
                elif shares and number == 0 and batch.ndim == 2:
                    is_other = True
        self.origin: Origin = "other" if is_other else "batch" if self._followed else "unknown"

    def next(self, layers: Sequence[ReadLayer], batch: Array) -> Origin:
        """Where the gradients of the second step come from, with the same layers."""
        inputs = dict(_inputs(layers, batch))
        answers: set[Origin] = set()
        for number, name, arrangement, before in self._followed:
            for _, weights, step in [one for one in _steps(layers[number]) if one[0] == name and number in inputs]:
                new, outside = (_outside(one, weights, inputs[number], arrangement) for one in (before, step))
                if outside is not None and new is not None and new > NEW:
                    answers.add("other" if outside > OUTSIDE else "batch")
        return "other" if "other" in answers else "batch" if answers else "unknown"


def are_of_signs(updates: Sequence[Array], rate: float) -> bool:
    """Whether most entries of the first updates are equally large: those of Adam, RMSProp and Adagrad are.

    Their size is the learning rate or a multiple of it. The updates of plain gradient descent are this large and alike
    where all gradients are 1 or -1, as those of a perceptron may be.
    """
    sizes = np.abs(np.concatenate([update.reshape(-1) for update in updates]))
    sizes = sizes[sizes > 0]
    if len(sizes) < LEAST_ENTRIES:
        return False
    middle = float(np.median(sizes))
    return middle > 0.9 * abs(rate) and bool((np.abs(sizes - middle) < 0.05 * middle).mean() > LIKE)


def _steps(layer: ReadLayer) -> list[tuple[str, Array, Array]]:
    """The matrices of a layer, by name, and their gradients times the learning rate."""
    gradients = layer.gradients()
    return [(name, array, gradients[name] * layer.rate) for name, array in layer.values().items() if array.ndim == 2]


def _inputs(layers: Sequence[ReadLayer], batch: Array) -> Iterator[tuple[int, Array]]:
    """The inputs of the layers that have vectors for inputs, by the number of the layer."""
    for number in range(len(layers)):
        inputs = layers[number - 1].output() if number else batch.reshape(len(batch), -1)
        if inputs is not None and inputs.ndim == 2:
            yield number, np.asarray(inputs, np.float64)


def _outside(array: Array, weights: Array, inputs: Array, arrangement: Arrangement) -> float | None:
    """How much of an array is no sum of inputs and weights, as a share of its norm; None where nothing says it.

    That is so where all arrays of its shape are such sums, and where rounding hides the rest.
    """
    axis, ones = arrangement
    rows = inputs if ones is None else np.insert(inputs, ones * inputs.shape[1], 1.0, axis=1)
    wide, of_weights = (np.moveaxis(np.asarray(one, np.float64), axis, -1) for one in (array, weights))
    norm, rounding = float(np.linalg.norm(wide)), float(np.finfo(array.dtype).eps * np.linalg.norm(of_weights))
    if wide.shape[1] != rows.shape[1] or len(rows) + 1 >= rows.shape[1] or rows.size > LARGEST:
        return None
    if not 0 < norm < np.inf or not rounding < OUTSIDE * norm or not np.isfinite(rows).all():
        return None
    rows = np.vstack([rows, np.ones(rows.shape[1])])  # the network may take a number from all inputs
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    directions = directions[sizes > 1e-6 * sizes[0]]
    rest, of_weights = (one - (one @ directions.T) @ directions for one in (wide, of_weights))
    if square := float((of_weights**2).sum()):
        rest = rest - float((rest * of_weights).sum()) / square * of_weights
    return float(np.linalg.norm(rest)) / norm
