"""The convolution of the paper's author, with its faults, which are kept on purpose.

Many of the author's runs collapsed late and never recovered. Runs with this layer do the
same; runs with the exact :class:`ConvolutionLayer` nearly always die early or not at all.
So both layers are offered, and the faults of this one must stay. For input x (N, H, W, C),
output gradient d (N, Ho, Wo, F) and kernels w (kh, kw, C, F) it departs from a correct
convolution in six ways:

1. *Only the last input channel counts.* The correlation of each channel overwrites that
   of the channel before, instead of being added to it:
   o[n, :, :, f] = correlation(x[n, :, :, C-1], w[:, :, C-1, f]) + b[f].
2. *The gradient pairs the wrong channels.* Output channel c stands in for filter f:
   G[i, j, c] = sum_n valid_correlation(x[n, :, :, c], d[n, :, :, c])[i, j],
   the same for every filter. Only the first C of the F channels of d are used, so F has
   to be at least C.
3. *The gradient ignores the padding.* The correlation is taken with the unpadded image.
   With ``same`` padding both images have one size, so the result is one number, which all
   kh kw weights of a kernel get. With ``full`` padding d is the larger image: the roles
   are swapped and the result is reversed, as in ``scipy.signal.correlate2d``.
4. *Gradients are not reset between steps.* G is added to G', the gradient of the step before.
5. *The batch size is divided out twice*: G = (G' + sum_n ...) / N and
   db[f] = (db'[f] + sum d[..., f]) / N, although the loss is a mean already.
6. *The input gradient rotates its kernel once too often*, and pairs channels as in 2:
   dx[n, :, :, c] = sum_f convolution(d[n, :, :, c], rotated w[:, :, c, f]), which is a
   correlation. Its mode is full for valid padding, same for same and valid for full. Mode
   same takes the middle of a full convolution; for an even kernel SciPy has the odd zero
   before the image there, while the output has it after the image.

So the second convolution of a LeNet uses one channel of six and learns almost nothing.
The dense layers have to learn from features that drift.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lenet.errors import ShapeError
from lenet.layers.convolution import ConvolutionLayer
from lenet.layers.padding import padding_widths
from lenet.layers.workspace import Array, TrainableWorkspace, Workspace, WorkspaceSpec

BACKWARD_PADDING = {"valid": "full", "same": "same", "full": "valid"}


class ReportConvolutionLayer(ConvolutionLayer):
    """A convolution layer with the paper's arithmetic; its arguments are those of :class:`ConvolutionLayer`.

    Raises:
        SettingsError: an argument out of its range.
        ShapeError: a kernel larger than the image, or fewer kernels than input channels.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channels = self.input_size[2]
        if self.depth < channels:
            raise ShapeError(
                f"{self.title}: received depth={self.depth}, expected at least the {channels} input channels "
                "(the paper's gradient pairs each of them with an output channel)"
            )
        shapes = self.parameter_shapes()
        self._left_by_last_step = {
            "dweights": np.zeros(shapes["weights"], np.float32),
            "dbiases": np.zeros(shapes["biases"], np.float32),
        }

    def bind(self, values: dict[str, Array], gradients: dict[str, Array]) -> None:
        """As in any layer; G' and db' get the model's precision."""
        super().bind(values, gradients)
        for name, array in self._left_by_last_step.items():
            self._left_by_last_step[name] = array.astype(self.weights.dtype)

    def memory(self) -> dict[str, Array]:
        """G' and db' of departure 4."""
        return self._left_by_last_step

    def gradient_factor(self, samples: int) -> float:
        """Departure 5."""
        return 1.0 / samples

    def complete_gradients(self, samples: int) -> None:
        """Departures 4 and 5: add the gradient of the step before, and divide by the batch size once more."""
        left = self._left_by_last_step
        for name, gradient in (("dweights", self.dweights), ("dbiases", self.dbiases)):
            left[name] = left[name].astype(gradient.dtype, copy=False)
            gradient += left[name]
            gradient /= samples
            left[name][...] = gradient

    def workspace(self, spec: WorkspaceSpec) -> Workspace:
        """The paper's arithmetic for one shard."""
        return ReportConvolutionWorkspace(self, spec)


class ReportConvolutionWorkspace(TrainableWorkspace):
    """The formulas above on (H, C, W, N) arrays; gradients are sums over n, which are not divided yet."""

    def __init__(self, layer: ReportConvolutionLayer, spec: WorkspaceSpec) -> None:
        self.layer = layer
        height, width, channels = spec.input_shape
        out_height, out_width, _ = output_shape = layer.output_shape(spec.input_shape)
        self.output = spec.keep(output_shape)
        border = tuple(padding_widths(layer.padding, size) for size in layer.kernel_size)
        self.seen = LoweredChannels(spec, layer.kernel_size, (height, width, 1), border)
        self.ones = np.ones(out_width * spec.samples, spec.dtype)
        if layer.padding == "valid":
            self.unpadded = LoweredChannels(spec, layer.kernel_size, (height, width, channels), border)
        self.input_gradient = spec.input_gradient
        if spec.input_gradient:
            mode = BACKWARD_PADDING[layer.padding]
            border = tuple(padding_widths(mode, size)[::-1] for size in layer.kernel_size)
            self.dlowered = LoweredChannels(spec, layer.kernel_size, (out_height, out_width, channels), border)

    def forward(self, x: Array) -> Array:
        self.x = x
        weights, size = self.weights, self.weights.shape[:2]
        last = np.ascontiguousarray(weights[:, :, -1].reshape(size[0] * size[1], -1).T)
        rows = self.output.reshape(*self.output.shape[:2], -1)
        np.matmul(last, self.seen.blocks(x[:, -1:])[0], out=rows)
        self.output += self.biases[:, None, None]
        return self.output

    def backward(self, d: Array) -> Array | None:
        channels = self.x.shape[1]
        self.dweights[...] = self.kernel_correlations(d[:, :channels])[..., None]
        np.sum(d.reshape(*d.shape[:2], -1) @ self.ones, axis=0, out=self.dbiases)
        if not self.input_gradient:
            return None
        kernels = self.weights.sum(axis=3)
        size = kernels.shape[0] * kernels.shape[1]
        per_channel = kernels.reshape(size, channels).T[:, None, None, :]
        blocks = self.dlowered.blocks(d[:, :channels])
        dx: Array = np.matmul(per_channel, blocks)
        height = dx.shape[1]
        return dx.reshape(channels, height, -1, d.shape[-1]).transpose(1, 0, 2, 3)

    def kernel_correlations(self, d: Array) -> Array:
        """sum_n valid_correlation(x[c], d[c]) for each channel c: (kh, kw, C), or (1, 1, C) for same padding."""
        kh, kw = self.layer.kernel_size
        channels = d.shape[1]
        if self.layer.padding == "same":
            products: Array = np.einsum("hcwn,hcwn->c", self.x, d)
            return products[None, None]
        if self.layer.padding == "valid":
            by_channel = d.transpose(1, 0, 2, 3).reshape(channels, d.shape[0], -1, 1)
            sums: Array = np.matmul(self.unpadded.blocks(self.x), by_channel).sum(axis=1)
            return sums.reshape(channels, kh, kw).transpose(1, 2, 0)
        windows = sliding_window_view(d, self.x.shape[:1] + self.x.shape[2:3], axis=(0, 2))
        reversed_sums: Array = np.einsum("ucvnhw,hcwn->uvc", windows, self.x)
        return reversed_sums[::-1, ::-1]


class LoweredChannels:
    """Images lowered along their width, channel by channel, so that channels can be kept apart.

    Args:
        spec: what the workspace is made for.
        kernel_size: (height, width) of the kernels.
        image: (height, width, channels) of the images.
        border: the zeros around an image, (above, below) and (left, right).
    """

    def __init__(
        self,
        spec: WorkspaceSpec,
        kernel_size: tuple[int, int],
        image: tuple[int, int, int],
        border: tuple[tuple[int, int], ...],
    ) -> None:
        kh, kw = kernel_size
        (above, below), (left, right) = border
        channels, memory, samples = image[2], spec.memory, spec.samples
        height, width = image[0] + above + below, image[1] + left + right
        padded = memory.share((channels, height, width, samples), spec.dtype)
        array = memory.share((channels, height, kw, width - kw + 1, samples), spec.dtype)
        # The views are made once: NumPy takes longer to make them than to copy a small image.
        self.inside = padded[:, above : above + image[0], left : left + image[1]]
        self.windows = sliding_window_view(padded, kw, axis=2).transpose(0, 1, 4, 2, 3)
        self.array = array
        rows = array.reshape(channels, height, kw, -1)
        by_channel, by_row, by_column, by_item = rows.strides
        self.overlapping = np.lib.stride_tricks.as_strided(
            rows,
            (channels, height - kh + 1, kh * kw, rows.shape[-1]),
            (by_channel, by_row, by_column, by_item),
            writeable=False,
        )

    def blocks(self, x: Array) -> Array:
        """x (H, C, W, N) as an overlapping view (C, H_out, kh kw, W_out N), which the next call fills anew."""
        self.inside[...] = x.transpose(1, 0, 2, 3)
        np.copyto(self.array, self.windows)
        return self.overlapping
