"""Tap: where the tensors, gradients and outputs of one layer are read, whatever network it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lenet.errors import SettingsError
from lenet.training.custom_layer import Function

Read = Callable[[], Any]


@dataclass(frozen=True)
class Tap:
    """One layer, read by functions that are called at every step.

    Args:
        name: what logs and reports call the layer.
        tensors: reads each trainable tensor, by what logs call it: "weights", "biases" (F,), or any other name.
        gradients: reads the gradient of each tensor by the same names; of those that are missing the gradient of
            plain SGD is derived from the update.
        output: reads the outputs of the layer for the batch, after its activation function.
        activation: that function: relu, sigmoid, tanh or softmax; None (default) for none.
        unit_axis: the axis of the outputs that counts units: 1 where channels come first; None (default) to find it.
        kind: what logs call the class of the layer.

    Raises:
        SettingsError: no tensor, or a gradient of a tensor that there is not.
    """

    name: str
    tensors: Mapping[str, Read]
    gradients: Mapping[str, Read] = field(default_factory=dict)
    output: Read | None = None
    activation: Function | None = None
    unit_axis: int | None = None
    kind: str = "layer"

    def __post_init__(self) -> None:
        if not self.tensors:
            raise SettingsError(f"{self.name}: tensors: received none, expected at least one")
        if unknown := set(self.gradients) - set(self.tensors):
            raise SettingsError(
                f"{self.name}: gradients: received {', '.join(sorted(unknown))}, expected some of "
                f"{', '.join(self.tensors)}"
            )
