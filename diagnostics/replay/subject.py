"""What a moment asks of a network, and the answers of a model of this library.

Every question is asked for parameters of its own, so that before, after and in between
are one question. Arrays: n samples, P parameters of all layers, P_l of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lenet.hooks import FloatArray, LayerInfo, TensorInfo
from lenet.layers.base import TrainableLayer
from lenet.losses import Labels
from lenet.model import Model
from lenet.training.engine import PORTION
from lenet.training.trace import LayerGradient, Trace, trace

Float64 = NDArray[np.float64]
Inputs = NDArray[Any]


class Subject(Protocol):
    """A network that can be asked about any parameters: flat, (P,), in the order of ``tensors``."""

    @property
    def tensors(self) -> Sequence[TensorInfo]:
        """Where each tensor lies in the flat parameters."""

    @property
    def layers(self) -> Sequence[LayerInfo]:
        """The layers with weights, in order."""

    def losses(self, values: FloatArray, inputs: Inputs, labels: Labels) -> Float64:
        """Data loss of each sample, (n,), nats."""

    def penalty(self, values: FloatArray) -> float:
        """What regularisation adds to the loss, nats."""

    def answers(self, values: FloatArray, inputs: Inputs) -> NDArray[np.intp]:
        """The class that the network gives to each sample, (n,)."""

    def passed(self, values: FloatArray, inputs: Inputs, layer: str) -> tuple[FloatArray, FloatArray]:
        """What comes out of a layer before and after its activation function, (n, H, W, C) or (n, F) each."""

    def mean_preactivations(self, values: FloatArray, inputs: Inputs, layer: str) -> Float64:
        """Of each unit of a layer the mean of what goes into its activation function, (units,), in float64."""

    def sample_gradients(self, values: FloatArray, inputs: Inputs, labels: Labels, layer: str) -> FloatArray:
        """Each sample's part of the gradient of the mean data loss, (n, P_l)."""

    def alignments(self, values: FloatArray, inputs: Inputs, labels: Labels) -> tuple[Float64, Float64]:
        """How far each sample's part of the gradient of the mean data loss points along the sum of all parts.

        Returns the inner products of each sample's part with the sum, by layer, (n, layers), and the squared
        norm of the sum, by layer, (layers,).
        """


class LibrarySubject:
    """A model of this library.

    Args:
        model: a finalized model of which nobody else makes use.
        wide: the same model in float64, for what has to be exact.
    """

    def __init__(self, model: Model, wide: Model) -> None:
        self._model, self._wide = model, wide
        self.tensors, self.layers = model.parameters.tensors, model.layer_infos

    def losses(self, values: FloatArray, inputs: Inputs, labels: Labels) -> Float64:
        return self._traced(values, inputs, labels).losses.astype(np.float64)

    def penalty(self, values: FloatArray) -> float:
        model = self._model
        if not model.penalty.is_active:
            return 0.0
        with np.errstate(all="ignore"):
            return model.penalty.add(np.asarray(values, model.dtype), np.zeros_like(model.parameters.values))

    def answers(self, values: FloatArray, inputs: Inputs) -> NDArray[np.intp]:
        probabilities = self._traced(values, inputs, np.zeros(len(inputs), np.intp)).probabilities
        return np.asarray(probabilities.argmax(axis=1), dtype=np.intp)

    def passed(self, values: FloatArray, inputs: Inputs, layer: str) -> tuple[FloatArray, FloatArray]:
        found = self._traced(values, inputs, np.zeros(len(inputs), np.intp), [layer]).layers[layer]
        return found.preactivations, found.outputs

    def mean_preactivations(self, values: FloatArray, inputs: Inputs, layer: str) -> Float64:
        wide, parts = self._wide, []
        wide.parameters.values[...] = values
        for first in range(0, len(inputs), PORTION):
            part = inputs[first : first + PORTION]
            found = trace(wide, part, np.zeros(len(part), np.intp), [layer]).layers[layer].preactivations
            parts.append(found.sum(axis=tuple(range(found.ndim - 1)), dtype=np.float64))
        positions = int(np.prod(found.shape[1:-1]))
        return np.asarray(np.sum(parts, axis=0) / (len(inputs) * positions))

    def sample_gradients(self, values: FloatArray, inputs: Inputs, labels: Labels, layer: str) -> FloatArray:
        n, chosen = len(inputs), self._trainable[layer]
        one = LayerGradient(chosen, 1, n)
        rows = np.empty((n, one.flat.size), one.flat.dtype)
        for first in range(0, n, PORTION):
            part = slice(first, min(first + PORTION, n))
            found = self._backward(values, inputs[part], labels[part], n, [layer]).layers[layer]
            for i in range(part.stop - first):
                rows[first + i] = one.of(found.inputs[i : i + 1], found.gradients[i : i + 1])
        return rows

    def alignments(self, values: FloatArray, inputs: Inputs, labels: Labels) -> tuple[Float64, Float64]:
        n, names = len(inputs), list(self._trainable)
        parts = [slice(first, min(first + PORTION, n)) for first in range(0, n, PORTION)]
        sizes = {name: LayerGradient(self._trainable[name], 1, n).flat.size for name in names}
        totals = {name: np.zeros(size) for name, size in sizes.items()}
        found: Trace | None = None
        for part in parts:
            found = self._backward(values, inputs[part], labels[part], n, names)
            for name in names:
                layer = found.layers[name]
                gradient = LayerGradient(self._trainable[name], part.stop - part.start, n)
                totals[name] += gradient.of(layer.inputs, layer.gradients)
        products = np.empty((n, len(names)))
        ones = {name: LayerGradient(self._trainable[name], 1, n) for name in names}
        for part in parts:
            if len(parts) > 1 or found is None:
                found = self._backward(values, inputs[part], labels[part], n, names)
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

    def _traced(self, values: FloatArray, inputs: Inputs, labels: Labels, layers: Sequence[str] = ()) -> Trace:
        self._model.parameters.values[...] = values
        return trace(self._model, inputs, labels, layers)

    def _backward(
        self, values: FloatArray, inputs: Inputs, labels: Labels, batch: int, layers: Sequence[str]
    ) -> Trace:
        self._model.parameters.values[...] = values
        return trace(self._model, inputs, labels, layers, backward=True, batch_samples=batch)
