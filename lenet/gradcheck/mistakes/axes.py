"""The order of axes of a layer: (N, H, W, C) with kernels (kh, kw, C_in, C_out), or channels first."""

from __future__ import annotations

from dataclasses import dataclass

from lenet.gradcheck.differences import Array

Shape = tuple[int, ...]


@dataclass(frozen=True)
class AxisOrder:
    """The order of axes that puts a layer's arrays into the form of this library.

    A dense layer counts as a convolution of images of one pixel. The methods
    return views, so that writing to them writes to the array.
    """

    image_axes: Shape
    kernel_axes: Shape

    @property
    def is_dense(self) -> bool:
        """Whether there are no rows and columns."""
        return len(self.image_axes) == 2

    def images(self, array: Array) -> Array:
        """Inputs or outputs as (N, H, W, C)."""
        ordered = array.transpose(self.image_axes)
        return ordered[:, None, None] if self.is_dense else ordered

    def kernels(self, array: Array) -> Array:
        """Weights as (kh, kw, C_in, C_out)."""
        ordered = array.transpose(self.kernel_axes)
        return ordered[None, None] if self.is_dense else ordered


def axis_order(inputs: Shape, output: Shape, weights: Shape | None) -> AxisOrder | None:
    """Read the order of axes off the shapes; None where they fit neither a dense nor a convolution layer."""
    if weights is None or len(inputs) != len(output):
        return None
    if len(inputs) == len(weights) == 2:
        if weights == (inputs[1], output[1]):
            return AxisOrder((0, 1), (0, 1))
        return AxisOrder((0, 1), (1, 0)) if weights == (output[1], inputs[1]) else None
    if len(inputs) == len(weights) == 4:
        if weights[2:] == (inputs[3], output[3]):
            return AxisOrder((0, 1, 2, 3), (0, 1, 2, 3))
        if weights[:2] == (output[1], inputs[1]):
            return AxisOrder((0, 2, 3, 1), (2, 3, 1, 0))
    return None
