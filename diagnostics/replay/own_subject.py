"""Answers what a network that a user wrote computes with given parameters, for a moment of a run.

The network offers only a forward and backward pass, so the gradient of a sample is that of
a batch of one. That is right where the loss of a batch is the mean over its samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import ReplayError
from diagnostics.replay.batch import Batch
from diagnostics.replay.own_network import OwnNetwork, flat
from diagnostics.replay.subject import Float64
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import FloatArray, LayerInfo, TensorInfo


class OwnSubject:
    """A network that a user wrote, as a subject.

    Args:
        network: the network, which nothing else uses.
        info: what the log says of its run.
    """

    def __init__(self, network: OwnNetwork, info: RunInfo) -> None:
        self._network = network
        self.tensors: tuple[TensorInfo, ...] = info.tensors
        self.layers: tuple[LayerInfo, ...] = info.layers
        self._taps = {tap.name: tap for tap in network.layers}

    def losses(self, values: FloatArray, batch: Batch) -> Float64:
        self._take(values)
        return np.array([self._pass(batch, slice(i, i + 1)) for i in range(len(batch.labels))], dtype=np.float64)

    def mean_loss(self, values: FloatArray, batch: Batch) -> float:
        self._take(values)
        return self._pass(batch) + float(getattr(self._network, "penalty", 0.0))

    def answers(self, values: FloatArray, batch: Batch) -> NDArray[np.intp]:
        self._take(values)
        self._pass(batch)
        return np.asarray(self._taps[self.layers[-1].name].output().argmax(axis=-1), dtype=np.intp)

    def passed(self, values: FloatArray, batch: Batch, layer: str) -> tuple[FloatArray, FloatArray]:
        self._take(values)
        self._pass(batch)
        tap = self._taps[layer]
        if tap.activation is not None and tap.output_of is None:
            raise ReplayError(
                f"{layer}: its preactivations are not known; give LayerTap(output_of=...) the object that computes the "
                "activation function, so that the layer's own output is the preactivation"
            )
        return np.array(tap.layer.output), np.array(tap.output())

    def mean_preactivations(self, values: FloatArray, batch: Batch, layer: str) -> Float64:
        found = self.passed(values, batch, layer)[0]
        return np.asarray(found.mean(axis=tuple(range(found.ndim - 1)), dtype=np.float64))

    def sample_gradients(self, values: FloatArray, batch: Batch, layer: str) -> FloatArray:
        rows = [parts[layer] for parts in self._sample_parts(values, batch)]
        return np.array(rows) / len(rows)

    def alignments(self, values: FloatArray, batch: Batch) -> tuple[Float64, Float64]:
        n, names = len(batch.labels), [one.name for one in self.layers]
        totals: dict[str, Any] = dict.fromkeys(names, 0.0)
        for parts in self._sample_parts(values, batch):
            totals = {name: totals[name] + parts[name] / n for name in names}
        products = np.array(
            [[np.dot(parts[name] / n, totals[name]) for name in names] for parts in self._sample_parts(values, batch)]
        )
        return products, np.array([float(np.dot(totals[name], totals[name])) for name in names])

    # ---- inside

    def _sample_parts(self, values: FloatArray, batch: Batch) -> Iterator[dict[str, Float64]]:
        """The gradient of each sample's own loss, by layer."""
        self._take(values)
        for i in range(len(batch.labels)):
            self._pass(batch, slice(i, i + 1))
            yield {name: flat(tap.gradients()).astype(np.float64) for name, tap in self._taps.items()}

    def _pass(self, batch: Batch, part: slice = slice(None)) -> float:
        return float(self._network.gradients(batch.inputs[part], batch.classes[part])[0])

    def _take(self, values: FloatArray) -> None:
        """Give the network these parameters."""
        for tensor in self.tensors:
            array = getattr(self._taps[tensor.layer].layer, tensor.tensor)
            array[...] = values[tensor.offset : tensor.offset + tensor.size].reshape(array.shape)
