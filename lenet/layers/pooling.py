"""Average pooling: every window of the image is replaced by its mean.

    o[n, i, j, c] = mean_{u, v} x[n, s i + u, s j + v, c]

over windows of ``window_size`` at distance ``stride`` s, which may overlap. Rows and
columns that no whole window covers are left out. In the backward pass every pixel gets
1 / (window area) of the gradient of each window that it lies in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lenet.arguments import expect_pair
from lenet.errors import ShapeError
from lenet.layers.base import Layer
from lenet.layers.sums import add_up
from lenet.layers.workspace import Array, Shape, Workspace, WorkspaceSpec


class AveragePooling(Layer):
    """The mean over windows of an image, channel by channel.

    Args:
        window_size: (height, width) of a window, or one number for both, 1 or more, default 2.
        stride: (rows, columns) between windows, or one number for both, 1 or more, default 2.

    Raises:
        SettingsError: an argument out of its range.
    """

    prefix = "pool"

    def __init__(self, window_size: int | tuple[int, int] = 2, stride: int | tuple[int, int] = 2) -> None:
        self.window_size = expect_pair("AveragePooling: window_size", window_size)
        self.stride = expect_pair("AveragePooling: stride", stride)

    def describe(self) -> dict[str, Any]:
        """The layer's class and arguments, in plain types."""
        return {"layer": "AveragePooling", "window_size": list(self.window_size), "stride": list(self.stride)}

    def output_shape(self, input_shape: Shape) -> Shape:
        """(H_out, W_out, C). Raises ShapeError for flat input or a window larger than the image."""
        if len(input_shape) != 3:
            raise ShapeError(f"{self.title}: received input {tuple(input_shape)}, expected (H, W, C)")
        if self.window_size[0] > input_shape[0] or self.window_size[1] > input_shape[1]:
            raise ShapeError(
                f"{self.title}: received a window of {self.window_size[0]}x{self.window_size[1]}, expected at most "
                f"the input's {input_shape[0]}x{input_shape[1]}"
            )
        height, width = (
            (side - window) // step + 1
            for side, window, step in zip(input_shape[:2], self.window_size, self.stride, strict=True)
        )
        return (height, width, input_shape[2])

    def workspace(self, spec: WorkspaceSpec) -> Workspace:
        """Sums over rows, then over columns, for one shard."""
        return PoolingWorkspace(self, spec)


class PoolingWorkspace(Workspace):
    """Sums shifted rows, then shifted columns: wh + ww additions for windows of wh rows and ww columns."""

    def __init__(self, layer: AveragePooling, spec: WorkspaceSpec) -> None:
        height, width, channels = spec.input_shape
        out_height, out_width, _ = output_shape = layer.output_shape(spec.input_shape)
        self.output = spec.share(output_shape)
        self.row_sums = spec.share((out_height, width, channels))
        self.rows = _taps(layer.window_size[0], layer.stride[0], out_height)
        self.columns = _taps(layer.window_size[1], layer.stride[1], out_width)
        self.scale = self.output.dtype.type(1.0 / (layer.window_size[0] * layer.window_size[1]))
        self.input_gradient = spec.input_gradient
        # Whether every pixel lies in exactly one window; then the backward pass adds nothing up.
        self.is_tiled = (
            layer.window_size == layer.stride
            and out_height * layer.stride[0] == height
            and out_width * layer.stride[1] == width
        )
        if spec.input_gradient:
            self.scaled = spec.share(output_shape)
            self.dinputs = spec.share(spec.input_shape)

    def forward(self, x: Array) -> Array:
        add_up([x[rows] for rows in self.rows], self.row_sums)
        add_up([self.row_sums[:, :, columns] for columns in self.columns], self.output)
        self.output *= self.scale
        return self.output

    def backward(self, d: Array) -> Array | None:
        if not self.input_gradient:
            return None
        np.multiply(d, self.scale, out=self.scaled)
        if self.is_tiled:
            out_height, channels, out_width, samples = self.scaled.shape
            windows = (out_height, len(self.rows), channels, out_width, len(self.columns), samples)
            self.dinputs.reshape(windows)[...] = self.scaled[:, None, :, :, None]
            return self.dinputs
        self.row_sums.fill(0)
        for columns in self.columns:
            self.row_sums[:, :, columns] += self.scaled
        self.dinputs.fill(0)
        for rows in self.rows:
            self.dinputs[rows] += self.row_sums
        return self.dinputs


def _taps(window: int, stride: int, outputs: int) -> list[slice]:
    """For each position in a window, the slice of the input that has one entry an output."""
    return [slice(u, u + stride * (outputs - 1) + 1, stride) for u in range(window)]
