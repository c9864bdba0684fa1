"""What a moment asks of a network.

Every question is asked for parameters of its own, so that before, after and in between
are one question. Arrays: n samples, P parameters of all layers, P_l of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from diagnostics.replay.batch import Batch
from lenet.hooks import FloatArray, LayerInfo, TensorInfo

Float64 = NDArray[np.float64]


class Subject(Protocol):
    """A network that can be asked about any parameters: flat, (P,), in the order of ``tensors``."""

    @property
    def tensors(self) -> Sequence[TensorInfo]:
        """Where each tensor lies in the flat parameters."""

    @property
    def layers(self) -> Sequence[LayerInfo]:
        """The layers with weights, in order."""

    def losses(self, values: FloatArray, batch: Batch) -> Float64:
        """Data loss of each sample, (n,), nats."""

    def mean_loss(self, values: FloatArray, batch: Batch) -> float:
        """Mean loss of the batch, penalties included, nats."""

    def answers(self, values: FloatArray, batch: Batch) -> NDArray[np.intp]:
        """The class that the network gives to each sample, (n,)."""

    def passed(self, values: FloatArray, batch: Batch, layer: str) -> tuple[FloatArray, FloatArray]:
        """What comes out of a layer before and after its activation function, (n, H, W, C) or (n, F) each."""

    def mean_preactivations(self, values: FloatArray, batch: Batch, layer: str) -> Float64:
        """Of each unit of a layer the mean of what goes into its activation function, (units,), in float64."""

    def sample_gradients(self, values: FloatArray, batch: Batch, layer: str) -> FloatArray:
        """Each sample's part of the gradient of the mean data loss, (n, P_l)."""

    def alignments(self, values: FloatArray, batch: Batch) -> tuple[Float64, Float64]:
        """How far each sample's part of the gradient of the mean data loss points along the sum of all parts.

        Returns the inner products of each sample's part with the sum, by layer, (n, layers), and the squared
        norm of the sum, by layer, (layers,).
        """
