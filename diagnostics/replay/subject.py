"""The interface by which a moment asks what a network computes.

Every method takes the parameters, so that one method answers for those before the step, after it
and in between. Arrays: n samples, P parameters of all layers, P_l of one.
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
    """A network whose results can be computed for any parameters: flat, (P,), in the order of ``tensors``."""

    @property
    def tensors(self) -> Sequence[TensorInfo]:
        """The place of each tensor in the flat parameters."""

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
        """The outputs of a layer before and after its activation function, (n, H, W, C) or (n, F) each."""

    def mean_preactivations(self, values: FloatArray, batch: Batch, layer: str) -> Float64:
        """The mean preactivation of each unit of a layer, (units,), in float64."""

    def sample_gradients(self, values: FloatArray, batch: Batch, layer: str) -> FloatArray:
        """Each sample's part of the gradient of the mean data loss, (n, P_l)."""

    def alignments(self, values: FloatArray, batch: Batch) -> tuple[Float64, Float64]:
        """The inner products of each sample's part of the gradient of the mean data loss with the sum of all parts.

        Returns the inner products of each sample's part with the sum, by layer, (n, layers), and the squared
        norm of the sum, by layer, (layers,).
        """
