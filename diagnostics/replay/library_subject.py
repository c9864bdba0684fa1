"""Answers what a model of this library computes with given parameters, for a moment of a run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from diagnostics.replay.batch import Batch
from diagnostics.replay.subject import Float64
from lenet.hooks import FloatArray
from lenet.layers.base import TrainableLayer
from lenet.model import Model
from lenet.training.engine import single_threaded_blas
from lenet.training.shards import PORTION
from lenet.training.trace import LayerGradient, Trace, Tracer


class LibrarySubject:
    """A model of this library.

    Args:
        model: a finalized model that nothing else uses.
        wide: the same model in float64, for results that have to be exact.
    """

    def __init__(self, model: Model, wide: Model) -> None:
        self._model, self._wide = model, wide
        self._tracer, self._wide_tracer = Tracer(model), Tracer(wide)
        self.tensors, self.layers = model.parameters.tensors, model.layer_infos

    def losses(self, values: FloatArray, batch: Batch) -> Float64:
        return self._traced(values, batch).losses.astype(np.float64)

    def mean_loss(self, values: FloatArray, batch: Batch) -> float:
        model, penalty = self._model, 0.0
        if model.penalty.is_active:
            with np.errstate(all="ignore"):
                penalty = model.penalty.add(np.asarray(values, model.dtype), np.zeros_like(model.parameters.values))
        return float(self.losses(values, batch).mean()) + penalty

    def answers(self, values: FloatArray, batch: Batch) -> NDArray[np.intp]:
        return np.asarray(self._traced(values, batch).probabilities.argmax(axis=1), dtype=np.intp)

    def passed(self, values: FloatArray, batch: Batch, layer: str) -> tuple[FloatArray, FloatArray]:
        found = self._traced(values, batch, [layer]).layers[layer]
        return found.preactivations, found.outputs

    def mean_preactivations(self, values: FloatArray, batch: Batch, layer: str) -> Float64:
        wide, labels, sums = self._wide, batch.labels, []
        wide.parameters.values[...] = values
        for part in _portions(len(labels)):
            found = self._wide_tracer.follow(batch.inputs[part], labels[part], [layer]).layers[layer].preactivations
            sums.append(found.sum(axis=tuple(range(found.ndim - 1)), dtype=np.float64))
        positions = int(np.prod(found.shape[1:-1]))
        return np.asarray(np.sum(sums, axis=0) / (len(labels) * positions))

    @single_threaded_blas()
    def sample_gradients(self, values: FloatArray, batch: Batch, layer: str) -> FloatArray:
        n = len(batch.labels)
        one = LayerGradient(self._trainable[layer], 1, n)
        rows = np.empty((n, one.flat.size), one.flat.dtype)
        for part in _portions(n):
            found = self._backward(values, batch, part, [layer]).layers[layer]
            for i in range(part.stop - part.start):
                rows[part.start + i] = one.of(found.inputs[i : i + 1], found.gradients[i : i + 1])
        return rows

    @single_threaded_blas()
    def alignments(self, values: FloatArray, batch: Batch) -> tuple[Float64, Float64]:
        n, names = len(batch.labels), list(self._trainable)
        ones = {name: LayerGradient(self._trainable[name], 1, n) for name in names}
        totals = {name: np.zeros(one.flat.size) for name, one in ones.items()}
        found: Trace | None = None
        for part in _portions(n):
            found = self._backward(values, batch, part, names)
            for name in names:
                layer = found.layers[name]
                gradient = LayerGradient(self._trainable[name], part.stop - part.start, n)
                totals[name] += gradient.of(layer.inputs, layer.gradients)
        products = np.empty((n, len(names)))
        for part in _portions(n):
            if n > PORTION or found is None:
                found = self._backward(values, batch, part, names)
            for column, name in enumerate(names):
                layer, total = found.layers[name], totals[name]
                for i in range(part.stop - part.start):
                    mine = ones[name].of(layer.inputs[i : i + 1], layer.gradients[i : i + 1])
                    products[part.start + i, column] = np.dot(mine.astype(np.float64), total)
        return products, np.array([float(np.dot(totals[name], totals[name])) for name in names])

    # ---- inside

    @cached_property
    def _trainable(self) -> dict[str, TrainableLayer]:
        return {layer.name: layer for layer in self._model.trainable_layers}

    def _traced(self, values: FloatArray, batch: Batch, layers: Sequence[str] = ()) -> Trace:
        self._model.parameters.values[...] = values
        return self._tracer.follow(batch.inputs, batch.labels, layers)

    def _backward(self, values: FloatArray, batch: Batch, part: slice, layers: Sequence[str]) -> Trace:
        """A forward and a backward pass of part of a batch."""
        self._model.parameters.values[...] = values
        labels = batch.labels
        return self._tracer.follow(batch.inputs[part], labels[part], layers, backward=True, batch_samples=len(labels))


def _portions(samples: int) -> list[slice]:
    """The samples in portions, so that a batch of any size fits into memory."""
    return [slice(first, min(first + PORTION, samples)) for first in range(0, samples, PORTION)]
