"""Where the channels are: (N, H, W, C) with kernels (kh, kw, C_in, C_out), or channels first."""

from __future__ import annotations

from dataclasses import dataclass

from lenet.gradcheck.differences import Array

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The order of axes that puts a layer's arrays into the form of this house.

    The methods return views, so that writing to them writes to the array.
    """

    image_axes: Shape
    kernel_axes: Shape

    def images(self, array: Array) -> Array:
        """Inputs or outputs as (N, H, W, C) or (N, F)."""
        return array.transpose(self.image_axes)

    def kernels(self, array: Array) -> Array:
        """Weights as (kh, kw, C_in, C_out) or (n_inputs, n_neurons)."""
        return array.transpose(self.kernel_axes)

    def view(self, name: str, array: Array) -> Array:
        """The array called ``dinputs``, ``dweights`` or ``dbiases``, as above; biases as they are."""
        if name == "dinputs":
            return self.images(array)
        return self.kernels(array) if name == "dweights" else array


def layout_of(inputs: Shape, output: Shape, weights: Shape | None) -> Layout | None:
    """Read the layout off the shapes; None where they fit neither a dense nor a convolution layer."""
    if weights is None or len(inputs) != len(output):
        return None
    if len(inputs) == len(weights) == 2:
        if weights == (inputs[1], output[1]):
            return Layout((0, 1), (0, 1))
        return Layout((0, 1), (1, 0)) if weights == (output[1], inputs[1]) else None
    if len(inputs) == len(weights) == 4:
        if weights[2:] == (inputs[3], output[3]):
            return Layout((0, 1, 2, 3), (0, 1, 2, 3))
        if weights[:2] == (output[1], inputs[1]):
            return Layout((0, 2, 3, 1), (2, 3, 1, 0))
    return None
