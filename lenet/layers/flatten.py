"""Flatten: images (H, W, C) become rows of H W C numbers, in that order."""

from __future__ import annotations

import math

import numpy as np

from lenet.layers.base import Layer
from lenet.layers.workspace import Array, Shape, Workspace, WorkspaceSpec


class Flatten(Layer):
    """(N, H, W, C) -> (N, H W C); flat inputs stay as they are.

    Args:
        input_size: (height, width, depth) of one image. It is needed only for the first layer
            of a network; None (default) elsewhere.
    """

    prefix = "flatten"

    def __init__(self, input_size: tuple[int, int, int] | None = None) -> None:
        self.input_size = input_size

    def known_input_shape(self, following: Layer | None) -> Shape | None:
        """``input_size``, or the input of the following layer if that is flat."""
        if self.input_size is not None:
            return tuple(self.input_size)
        shape = following.known_input_shape(None) if following is not None else None
        return shape if shape is not None and len(shape) == 1 else None

    def output_shape(self, input_shape: Shape) -> Shape:
        """(H W C,)."""
        return (math.prod(input_shape),)

    def workspace(self, spec: WorkspaceSpec) -> Workspace:
        """One copy in each direction, since images are kept as (H, C, W, N)."""
        return FlattenWorkspace(spec)


class FlattenWorkspace(Workspace):
    """(H, C, W, N) -> (H W C, N) and back."""

    def __init__(self, spec: WorkspaceSpec) -> None:
        self.is_flat = len(spec.input_shape) == 1
        self.output = spec.share((math.prod(spec.input_shape),))
        self.image = self.output.reshape(*spec.input_shape, spec.samples)
        self.input_gradient = spec.input_gradient
        if not self.is_flat:
            self.dinputs = spec.share(spec.input_shape)

    def forward(self, x: Array) -> Array:
        np.copyto(self.image, x if self.is_flat else x.transpose(0, 2, 1, 3))
        return self.output

    def backward(self, d: Array) -> Array | None:
        if not self.input_gradient:
            return None
        if self.is_flat:
            return d
        np.copyto(self.dinputs, d.reshape(self.image.shape).transpose(0, 2, 1, 3))
        return self.dinputs
