"""What the arrays are that a network keeps as gradients, or that a step hands over, as its first update says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from diagnostics.adapters.read_layer import Array, ReadLayer
from lenet.errors import SettingsError

SAME = 0.01
"""How far the norm of two arrays that are the same may differ by rounding, as a share."""
Pairs = Sequence[tuple[Array, Array]]
"""Gradients, and the updates of their tensors, each from before minus after."""


def kind_of(layers: Sequence[ReadLayer]) -> Literal["gradients", "sums", "steps"]:
    """Whether arrays are gradients, or sums over the batch that the update divides, or steps that it adds or subtracts.

    Their sign is left as it is: an update that adds what it should subtract is a fault that a diagnosis is to find.

    layers: those of the network, which show their tensors from before the first update.

    Raises SettingsError for gradients that come with the last layer first.
    """
    size, rate = layers[0].samples, layers[0].rate
    of_layers = [_updates(layer) for layer in layers]
    pairs = [pair for layer in of_layers for pair in layer.values()]
    if not rate or not any(gradient.any() for gradient, _ in pairs) or _are_times(pairs, rate):
        return "gradients"
    if _are_times(pairs, rate / size):
        return "sums"
    turned = _turned(of_layers)
    if turned and (_are_times(turned, rate) or _are_times(turned, rate / size)):
        raise SettingsError(
            "gradients: received those of the last layer first, expected the order of the tensors, or names such as dW1"
        )
    return "steps" if _are_times(pairs, 1.0) else "gradients"


def _updates(layer: ReadLayer) -> dict[str, tuple[Array, Array]]:
    """The gradients that are kept and the updates of a layer, by its tensors."""
    before, after, gradients = layer.values(), layer.live(), layer.gradients()
    return {name: (gradients[name], before[name] - after[name]) for name in before if name in layer.tap.gradients}


def _turned(of_layers: Sequence[dict[str, tuple[Array, Array]]]) -> Pairs:
    """The gradients of the last layers with the updates of the first ones; none where shapes do not agree."""
    pairs: list[tuple[Any, Array]] = []
    for layer, other in zip(of_layers, reversed(of_layers), strict=True):
        pairs += [(other[name][0] if name in other else np.empty(0), update) for name, (_, update) in layer.items()]
    return pairs if all(gradient.shape == update.shape for gradient, update in pairs) else []


def _are_times(pairs: Pairs, factor: float) -> bool:
    """Whether each update is its gradient times a factor, or all are that with the other sign."""
    with np.errstate(all="ignore"):
        return any(
            all(
                np.linalg.norm(update - one * gradient) <= SAME * abs(factor) * np.linalg.norm(gradient)
                for gradient, update in pairs
            )
            for one in (factor, -factor)
        )
