"""BatchLayout: the inputs of a step with their samples first, whether they come as rows, as columns or as one image.

Where nobody says it, the tensors of the first layer do: inputs (784, 64) before weights (784, 40) can only be columns,
and inputs (28, 28) before kernels (8, 3, 3) can only be one image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.read_layer import units_of
from lenet.errors import SettingsError

Tensors = Mapping[str, NDArray[Any]]


class BatchLayout:
    """Reads the inputs of each step in the layout of the first one.

    Args:
        sample_axis: the axis of the samples; None to find it.
        unit_axis: the axis of the channels, 1 where they come first; None for the last.
    """

    def __init__(self, sample_axis: int | None, unit_axis: int | None) -> None:
        self._sample_axis, self._unit_axis, self._is_image = sample_axis, unit_axis, False

    def read(self, inputs: NDArray[Any], first_layer: Callable[[], Tensors]) -> NDArray[Any]:
        """The batch with its samples first and its channels last.

        first_layer: returns the tensors of the first layer; it is called for the first batch.

        Raises SettingsError for inputs that hold no numbers.
        """
        batch = np.asarray(inputs)
        if not batch.ndim or not batch.size or batch.dtype.kind not in "fiub":
            shown = f"an array of {batch.dtype}, shape {batch.shape}" if batch.ndim else repr(inputs)
            raise SettingsError(f"inputs: received {shown}, expected the numbers of the batch, such as (N, F)")
        if batch.ndim == 1:
            return batch.reshape(1, -1)
        if self._sample_axis is None:
            found = layout_of(batch, first_layer())
            self._sample_axis, self._is_image = -1 if found == "columns" else 0, found == "image"
        if self._is_image:
            batch = batch[np.newaxis]
        elif self._sample_axis:
            batch = np.moveaxis(batch, self._sample_axis, 0)
        if batch.ndim == 4 and self._unit_axis == 1:
            batch = np.moveaxis(batch, 1, -1)
        return batch.reshape(len(batch), -1) if batch.ndim not in (2, 3, 4) else batch


def layout_of(batch: NDArray[Any], tensors: Tensors) -> Literal["rows", "columns", "image"]:
    """The only layout in which the first layer, with these tensors, can take a batch; rows where it takes several."""
    if kernels := [array for array in tensors.values() if array.ndim in (3, 4)]:
        is_image = batch.shape[2:] == (1,) or (batch.ndim == 2 and kernels[0].ndim == 3)
        return "image" if is_image and batch.shape[0] == batch.shape[1] else "rows"
    matrices = [array for array in tensors.values() if array.ndim == 2]
    if len(matrices) != 1 or batch.ndim != 2:
        return "rows"
    sides = set(matrices[0].shape)
    inputs = sides - {units_of(tensors)} or sides
    lengths = inputs | {side - 1 for side in inputs}  # one input may be the constant 1 of merged biases
    return "columns" if batch.shape[0] in lengths and batch.shape[1] not in lengths else "rows"
