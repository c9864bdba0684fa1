"""L1 and L2 penalties of the weights, in the loss as well as in the gradient.

    penalty = sum_w l1 |w| + l2 w^2          gradient: l1 sign(w) + 2 l2 w

Biases are not penalised. A layer's own ``l1`` and ``l2`` are added to the model's.
The penalty of all weights is computed in a few vector operations. With plain SGD at
rate r, an ``l2`` of x shrinks every weight by the factor 1 - 2 r x at each step. The
weight decay of an optimiser (:mod:`lenet.optim.optimizers`) is not part of the loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lenet.errors import SettingsError
from lenet.layers.workspace import Array
from lenet.parameters import Parameters


class Penalty:
    """The penalty of all weights of a model.

    Args:
        parameters: the flat buffers of the model.
        strengths: (l1, l2) by the name of the layer, each 0 or more; a layer that is missing has none.
    """

    def __init__(self, parameters: Parameters, strengths: Mapping[str, tuple[float, float]]) -> None:
        dtype = parameters.values.dtype
        l1, l2 = np.zeros_like(parameters.values), np.zeros_like(parameters.values)
        for tensor in parameters.tensors:
            if tensor.tensor == "weights":
                place = slice(tensor.offset, tensor.offset + tensor.size)
                with np.errstate(over="ignore"):  # a strength beyond float32 becomes infinite, and the run diverges
                    l1[place], l2[place] = strengths.get(tensor.layer, (0.0, 0.0))
        self._l1 = l1 if l1.any() else None
        self._l2 = l2 if l2.any() else None
        self._scratch = np.empty(len(l1), dtype)

    @property
    def is_active(self) -> bool:
        """Whether any weight is penalised."""
        return self._l1 is not None or self._l2 is not None

    def add(self, values: Array, gradients: Array) -> float:
        """The penalty at flat ``values``. Its gradient is added to flat ``gradients``."""
        total = 0.0
        if self._l2 is not None:
            np.multiply(values, self._l2, out=self._scratch)
            total += float(np.dot(self._scratch, values))
            self._scratch *= 2
            gradients += self._scratch
        if self._l1 is not None:
            np.sign(values, out=self._scratch)
            self._scratch *= self._l1
            total += float(np.dot(self._scratch, values))
            gradients += self._scratch
        return total


def strengths_by_layer(name: str, value: float | str, layers: Sequence[str]) -> dict[str, float]:
    """The strength of every layer that has one.

    Args:
        name: the name of the setting in messages.
        value: one number for all layers, or text such as ``dense1=0.01,conv1=0.001``.
        layers: the names of the layers with weights.

    Raises:
        SettingsError: the text cannot be read, a layer is unknown or comes twice, or a strength is below 0.
    """
    if not isinstance(value, str):
        return dict.fromkeys(layers, value)
    strengths: dict[str, float] = {}
    for part in value.split(","):
        layer, equals, text = (piece.strip() for piece in part.partition("="))
        try:
            strength = float(text) if equals else math.nan
        except ValueError:
            strength = math.nan
        if layer not in layers:
            raise SettingsError(
                f"{name}: received {part.strip()!r}, expected a number for all layers, or LAYER=NUMBER "
                f"for some of {', '.join(layers)}"
            )
        if layer in strengths:
            raise SettingsError(f"{name}: received {layer} twice in {value!r}, expected every layer once")
        if not (math.isfinite(strength) and strength >= 0):
            raise SettingsError(f"{name}: received {part.strip()!r}, expected {layer}=NUMBER with 0 or more")
        strengths[layer] = strength
    return strengths
