"""The interface of a network that a user wrote, whose run can then be made again.

An object with

    layers            its layers with weights, a sequence of LayerTap
    learning_rate     the learning rate of the next update
    gradients(images, labels)   passes a batch forward and back, and returns its mean loss and accuracy
    update()          changes weights and biases by the gradients
    penalty           what regularisation adds to the loss (may be left out: 0)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from lenet.hooks import FloatArray
from lenet.training.custom_layer import LayerTap


class OwnNetwork(Protocol):
    """The interface of a network that a user wrote: see the module."""

    @property
    def layers(self) -> Sequence[LayerTap]:
        """Its layers with weights, in the order of the forward pass."""

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update."""

    def gradients(self, images: Any, labels: Any) -> tuple[float, float]:
        """Pass a batch forward and back; returns its mean loss without penalty, and its accuracy."""

    def update(self) -> None:
        """Change weights and biases by the gradients."""


NetworkMaker = Callable[[], OwnNetwork]
BatchMaker = Callable[[], Iterable[tuple[Any, Any]]]
NEEDED = ("layers", "learning_rate", "gradients", "update")


def flat_values(network: OwnNetwork) -> FloatArray:
    """All parameters, flat, (P,), in their common precision."""
    return np.concatenate([flat(tap.values()) for tap in network.layers])


def flat(tensors: Mapping[str, FloatArray]) -> FloatArray:
    """The tensors of one layer, flat: weights in C order, then biases."""
    return np.concatenate([array.ravel() for array in tensors.values()])
