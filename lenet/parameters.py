"""All parameters of a model in one flat buffer, all gradients in another.

Layers hold views into both. So an update, a penalty, the norm of the gradient, a
checkpoint and a measurement are each one operation on a vector.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lenet.hooks import TensorInfo
from lenet.layers.workspace import Array, Shape

AnyArray = TypeVar("AnyArray", bound=NDArray[Any])


class HasParameters(Protocol):
    """The part of a layer that is needed here: its name, and the shapes of its tensors by their names."""

    @property
    def name(self) -> str: ...
    def parameter_shapes(self) -> Mapping[str, Shape]: ...


class FlatParameters(Protocol):
    """What hooks are told of parameters: the tensors, and two flat buffers, empty where the numbers lie elsewhere."""

    tensors: tuple[TensorInfo, ...]
    values: Array
    gradients: Array

    def digest(self) -> str:
        """SHA-256 of the bytes of all parameters, 64 hex digits; empty where nobody computed it."""


class Parameters:
    """The flat buffers ``values`` and ``gradients``; ``tensors`` has the place of each tensor in them.

    Args:
        layers: the layers with weights, in order.
        dtype: float32 or float64.
    """

    def __init__(self, layers: Sequence[HasParameters], dtype: DTypeLike) -> None:
        tensors: list[TensorInfo] = []
        offset = 0
        for layer in layers:
            for tensor, shape in layer.parameter_shapes().items():
                tensors.append(TensorInfo(layer.name, tensor, tuple(shape), offset, math.prod(shape)))
                offset += math.prod(shape)
        self.tensors = tuple(tensors)
        self.values = np.zeros(offset, dtype)
        self.gradients = np.zeros(offset, dtype)

    def views(self, flat: Array, layer: str) -> dict[str, Array]:
        """Views of one layer's tensors, by name, in a flat buffer of the parameters' size."""
        return {t.tensor: flat[t.offset : t.offset + t.size].reshape(t.shape) for t in self.tensors if t.layer == layer}

    def digest(self) -> str:
        """SHA-256 of the bytes of all parameters, 64 hex digits."""
        return hashlib.sha256(self.values.tobytes()).hexdigest()


def read_only(array: AnyArray) -> AnyArray:
    """A view of ``array`` that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
