"""Reads weights, gradients and outputs of a layer that a user wrote, for the hooks.

The layer has the attributes ``weights``, ``biases``, ``dweights``, ``dbiases`` and
``output`` of "Neural Networks from Scratch" (nnfs.io). The gradient check reads the
same attributes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from lenet.arguments import ROUNDING, expect_unmasked
from lenet.errors import SettingsError, ShapeError
from lenet.hooks import LayerInfo
from lenet.layers.workspace import Array, Shape

Function = Literal["relu", "sigmoid", "tanh", "softmax"]
RANGES = {"relu": (0.0, math.inf), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softmax": (0.0, 1.0)}
"""The range of each function's outputs."""


@runtime_checkable
class ObservedLayer(Protocol):
    """The interface that a loop monitor reads at every step: LayerTap, or any other object with these methods."""

    @property
    def name(self) -> str:
        """The name of the layer in logs and reports."""

    def parameter_shapes(self) -> dict[str, Shape]:
        """Shapes by tensor name."""

    def values(self) -> dict[str, Array]:
        """The tensors as they are now."""

    def gradients(self) -> dict[str, Array]:
        """Their gradients as they are now."""

    def output(self) -> Array | None:
        """The outputs after the activation function, (N, F) or (N, H, W, C); None where they are not known."""

    def info(self) -> LayerInfo:
        """The layer for the events of hooks. It needs an output for that."""


@dataclass(frozen=True)
class LayerTap:
    """Reads the tensors of one trainable layer that is not of this library.

    The attributes are read anew at every step, so their arrays may be replaced.

    Args:
        name: the name of the layer in logs and reports.
        layer: an object with ``weights`` and ``biases``, and after the backward pass
            ``dweights`` and ``dbiases`` of the same shapes.
        activation: the function after the layer: relu, sigmoid, tanh or softmax; None (default) for none.
        output_of: the object whose ``output`` is the output of that function, (N, F) or
            (N, H, W, C) with the units last; None (default) for ``layer`` itself.

    Raises:
        SettingsError: an unknown activation, or a layer without weights.
    """

    name: str
    layer: Any
    activation: Function | None = None
    output_of: Any = None

    def __post_init__(self) -> None:
        known = get_args(Function)
        if self.activation is not None and self.activation not in known:
            raise SettingsError(
                f"{self.name}: activation: received {self.activation!r}, expected one of {', '.join(known)}, or None"
            )
        self.values()

    def parameter_shapes(self) -> dict[str, Shape]:
        """Shapes by tensor name."""
        return {tensor: array.shape for tensor, array in self.values().items()}

    def values(self) -> dict[str, Array]:
        """The present weights and biases, the biases, (F,) or (1, F), as (F,)."""
        return self._tensors("")

    def gradients(self) -> dict[str, Array]:
        """The present gradients of both."""
        return self._tensors("d")

    def output(self) -> Array:
        """The output of the activation function, (N, F) or (N, H, W, C).

        Raises ShapeError for any other shape, and SettingsError for numbers that do not come out of that function.
        """
        source = self.layer if self.output_of is None else self.output_of
        output = self._read(source, "output")
        if output.ndim not in (2, 4):
            raise ShapeError(
                f"{self.name}: received an output of shape {output.shape}, expected (N, F) or (N, H, W, C)"
            )
        self._check_range(output)
        return output

    def _check_range(self, output: Array) -> None:
        """Raises SettingsError for outputs that do not come out of the activation; NaN may come out of any."""
        least, most = RANGES.get(self.activation or "", (-math.inf, math.inf))
        low, high = float(output.min()), float(output.max())
        if low < least - ROUNDING or high > most + ROUNDING:
            value = low if low < least - ROUNDING else high
            raise SettingsError(
                f"{self.name}: received an output of {value:g} after {self.activation}, expected {least:g} to "
                f"{most:g}; say in output_of whose output comes out of that function, or give another activation"
            )

    def info(self) -> LayerInfo:
        """The layer for the events of hooks. It needs an output for that."""
        shape = self.output().shape[1:]
        return LayerInfo(self.name, type(self.layer).__name__, self.activation, shape, shape[-1])

    def _tensors(self, prefix: str) -> dict[str, Array]:
        weights, biases = (self._read(self.layer, f"{prefix}{tensor}") for tensor in ("weights", "biases"))
        return {"weights": weights, "biases": biases.reshape(-1)}

    def _read(self, owner: Any, attribute: str) -> Array:
        found = getattr(owner, attribute, None)
        kind = type(owner).__name__
        if found is None:
            raise SettingsError(f"{self.name}: {kind} has no {attribute}, expected an array")
        expect_unmasked(f"{self.name}: {attribute} of {kind}", found)
        array = np.asarray(found)
        if array.dtype.kind != "f" or array.size == 0:
            what = f"an array of {array.dtype}, shape {array.shape}"
            raise SettingsError(f"{self.name}: {attribute} of {kind}: received {what}, expected floating-point numbers")
        return array
