"""The exact convolution layer, fast in plain NumPy.

Output (cross-correlation, as in every deep learning library), stride 1:

    o[n, i, j, f] = b[f] + sum_{u, v, c} x[n, i + u, j + v, c] w[u, v, c, f]

with x padded by zeros: ``valid`` not at all, ``same`` by (k-1)//2 before and
k//2 after, ``full`` by k-1 on both sides.

How it is made fast. Activations are kept as (H, C, W, N), batch last. The
padded image is *lowered along its width only*: L[h, v, c, j, n] = x[h, c, j+v, n],
kw copies instead of the kh kw of im2col. The kh rows that output row i needs,
L[i : i+kh], are then one contiguous block of shape (kh kw C_in, W_out N): the
rows of the kernel, in the very order (u, v, c) in which the weights are stored.
A strided view with overlapping blocks shows all of them at once, and every
output row is one matrix product on a view, with no further copy:

    o[i] = w^T (C_out, kh kw C_in) @ block_i (kh kw C_in, W_out N)

Backward, with d = dLoss/do:

    dLoss/dw = sum_i block_i @ d[i]^T          dLoss/db[f] = sum_{n, i, j} d[n, i, j, f]
    dLoss/dblock_i = w @ d[i]

and the last one is scattered back where the block came from: one kernel row u at a
time for all output rows at once (the product with w[u] is added to rows u, u+1, ...
of the lowered image's gradient; a product for all u together would not fit into the
processor's cache), then the kw shifted copies. That makes kh products and kh + kw
additions of whole arrays. The first layer of a network leaves this part out.

Products are kept small on purpose. OpenBLAS multiplies matrices of up to a million
multiplications without packing them first, up to 1.7 times faster for shapes such as
these (measured). So the forward pass cuts the columns of a block into parts, and
dLoss/dw is done one kernel row at a time, where the whole product would be larger.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike

from lenet.errors import SettingsError, ShapeError
from lenet.initializers import Initializer
from lenet.layers.base import Array, Shape, TrainableLayer, Workspace

PADDINGS = ("valid", "same", "full")
SMALL_PRODUCT = 1_000_000


def padding_widths(padding: str, size: int) -> tuple[int, int]:
    """Zeros before and after, along an axis where the kernel has ``size`` entries."""
    if padding == "valid":
        return 0, 0
    if padding == "same":
        return (size - 1) // 2, size // 2
    return size - 1, size - 1


class ConvolutionLayer(TrainableLayer):
    """A layer of ``depth`` kernels of ``kernel_size``, (height, width) or one number.

    ``padding`` is valid, same or full; ``input_size`` is (height, width, depth)
    of one image. Weights have the shape (kh, kw, C_in, C_out), biases (C_out,).
    ``l1`` and ``l2`` penalise this layer's weights. Raises SettingsError or
    ShapeError for arguments that cannot be.
    """

    prefix = "conv"

    def __init__(
        self,
        depth: int,
        kernel_size: tuple[int, int] | int,
        padding: str = "valid",
        input_size: tuple[int, int, int] | None = None,
        *,
        initializer: Initializer | str | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(initializer, l1, l2, seed)
        kind = type(self).__name__
        if isinstance(kernel_size, int):
            kernel_size = (kernel_size, kernel_size)
        if depth < 1:
            raise SettingsError(f"{kind}: received depth={depth}, expected at least 1")
        if len(kernel_size) != 2 or min(kernel_size) < 1:
            raise SettingsError(f"{kind}: received kernel_size={kernel_size}, expected two numbers of at least 1")
        if padding not in PADDINGS:
            raise SettingsError(f"{kind}: received padding={padding!r}, expected one of {', '.join(PADDINGS)}")
        if input_size is None or len(input_size) != 3 or min(input_size) < 1:
            raise SettingsError(f"{kind}: received input_size={input_size}, expected (height, width, depth)")
        self.depth = int(depth)
        self.kernel_size = (int(kernel_size[0]), int(kernel_size[1]))
        self.padding = padding
        self.input_size = (int(input_size[0]), int(input_size[1]), int(input_size[2]))
        self.output_size = self.output_shape(self.input_size)

    def describe(self) -> dict[str, Any]:
        """The layer's class and arguments, in plain types."""
        return {
            "layer": type(self).__name__,
            "depth": self.depth,
            "kernel_size": list(self.kernel_size),
            "padding": self.padding,
            "input_size": list(self.input_size),
        }

    def parameter_shapes(self) -> dict[str, Shape]:
        """(kh, kw, C_in, C_out) and (C_out,)."""
        return {"weights": (*self.kernel_size, self.input_size[2], self.depth), "biases": (self.depth,)}

    def output_shape(self, input_shape: Shape) -> Shape:
        """(H_out, W_out, depth). Raises ShapeError for another input, or a kernel larger than it."""
        if tuple(input_shape) != self.input_size:
            raise ShapeError(f"{self.title}: received input {tuple(input_shape)}, expected {self.input_size}")
        sides = []
        for side, size in zip(input_shape[:2], self.kernel_size, strict=True):
            if self.padding != "full" and size > side:
                raise ShapeError(
                    f"{self.title}: received a kernel of {self.kernel_size[0]}x{self.kernel_size[1]}, expected at "
                    f"most the input's {input_shape[0]}x{input_shape[1]} with padding {self.padding!r}"
                )
            sides.append(side + sum(padding_widths(self.padding, size)) - size + 1)
        return (sides[0], sides[1], self.depth)

    def workspace(
        self, input_shape: Shape, samples: int, dtype: DTypeLike, *, input_gradient: bool = True
    ) -> Workspace:
        """The lowered image and the products on it, for one shard."""
        return ConvolutionWorkspace(self, samples, dtype, input_gradient)


class ConvolutionWorkspace(Workspace):
    """The arithmetic of the module's docstring on (H, C, W, N) arrays."""

    def __init__(self, layer: ConvolutionLayer, samples: int, dtype: DTypeLike, input_gradient: bool) -> None:
        self.layer = layer
        height, width, channels = layer.input_size
        kh, kw = layer.kernel_size
        out_height, out_width, filters = layer.output_shape(layer.input_size)
        self.image = PaddedImage(layer, samples, dtype)
        self.lowered = np.zeros((self.image.height, kw, channels, out_width, samples), dtype)
        self.output = np.empty((out_height, filters, out_width, samples), dtype)
        self.output_rows = self.output.reshape(out_height, filters, out_width * samples)
        multiplications = kh * kw * channels * filters * out_width * samples
        parts = _parts(out_width * samples, multiplications)
        self.forward_blocks = _in_columns(_blocks(self.lowered, kh, out_height), parts)
        self.forward_rows = _in_columns(self.output_rows, parts)
        self.kernel_rows = kh if multiplications > SMALL_PRODUCT else 1
        self.backward_blocks = _blocks_by_kernel_row(self.lowered, kh, out_height, self.kernel_rows)
        self.products = np.empty((self.kernel_rows, out_height, self.backward_blocks.shape[2], filters), dtype)
        self.dweights = np.empty(layer.parameter_shapes()["weights"], dtype)
        self.dbiases = np.empty(filters, dtype)
        self.ones = np.ones(out_width * samples, dtype)
        self.kernel_shape = (kh * kw * channels, filters)
        self.input_gradient = input_gradient
        if input_gradient:
            self.row_gradient = np.empty((out_height, kw * channels, out_width * samples), dtype)
            self.dlowered = np.empty_like(self.lowered)
            self.dpadded = np.empty((self.image.height, channels, self.image.width, samples), dtype)

    def forward(self, x: Array) -> Array:
        np.copyto(self.lowered, self.image.windows(x))
        weights = np.ascontiguousarray(self.layer.weights.reshape(self.kernel_shape).T)
        np.matmul(weights, self.forward_blocks, out=self.forward_rows)
        self.output += self.layer.biases[:, None, None]
        return self.output

    def backward(self, d: Array) -> Array | None:
        rows = d.reshape(self.output_rows.shape)
        np.matmul(self.backward_blocks, rows.transpose(0, 2, 1), out=self.products)
        np.sum(self.products, axis=1, out=self.dweights.reshape(self.kernel_rows, -1, rows.shape[1]))
        np.sum(rows @ self.ones, axis=0, out=self.dbiases)
        if not self.input_gradient:
            return None
        return self.scatter(rows)

    def scatter(self, rows: Array) -> Array:
        """Gradient by the input, for that by the output rows (H_out, F, W_out N)."""
        kh, kw = self.layer.kernel_size
        out_height, filters, out_width, _ = self.output.shape
        kernel_rows = self.layer.weights.reshape(kh, -1, filters)
        lowered_rows = self.dlowered.reshape(len(self.dlowered), -1, rows.shape[-1])
        self.dlowered.fill(0)
        for u in range(kh):
            np.matmul(kernel_rows[u], rows, out=self.row_gradient)
            lowered_rows[u : u + out_height] += self.row_gradient
        self.dpadded.fill(0)
        for v in range(kw):
            self.dpadded[:, :, v : v + out_width] += self.dlowered[:, v]
        return self.dpadded[self.image.rows, :, self.image.columns]


class PaddedImage:
    """The input with its border of zeros, and its view as kw shifted copies."""

    def __init__(self, layer: ConvolutionLayer, samples: int, dtype: DTypeLike) -> None:
        height, width, channels = layer.input_size
        kh, self.kw = layer.kernel_size
        above, below = padding_widths(layer.padding, kh)
        left, right = padding_widths(layer.padding, self.kw)
        self.height, self.width = height + above + below, width + left + right
        self.rows, self.columns = slice(above, above + height), slice(left, left + width)
        self.is_padded = layer.padding != "valid"
        if self.is_padded:
            self.array = np.zeros((self.height, channels, self.width, samples), dtype)

    def windows(self, x: Array) -> Array:
        """x (H, C, W, N), padded, as a view (H_padded, kw, C, W_out, N)."""
        padded = x
        if self.is_padded:
            self.array[self.rows, :, self.columns] = x
            padded = self.array
        height, channels, width, samples = padded.shape
        by_row, by_channel, by_column, by_sample = padded.strides
        return as_strided(
            padded,
            (height, self.kw, channels, width - self.kw + 1, samples),
            (by_row, by_column, by_channel, by_column, by_sample),
            writeable=False,
        )


def _blocks(lowered: Array, kh: int, out_height: int) -> Array:
    """Overlapping view (H_out, kh kw C, W_out N) of lowered (H_padded, kw, C, W_out, N)."""
    whole: Array = _blocks_by_kernel_row(lowered, kh, out_height, 1)[0]
    return whole


def _blocks_by_kernel_row(lowered: Array, kh: int, out_height: int, kernel_rows: int) -> Array:
    """The blocks, cut into ``kernel_rows`` (1 or kh) parts: (kernel_rows, H_out, kh kw C / kernel_rows, W_out N)."""
    _, kw, channels, out_width, samples = lowered.shape
    item, columns = lowered.itemsize, out_width * samples
    image_row = kw * channels * columns * item
    return as_strided(
        lowered,
        (kernel_rows, out_height, kh * kw * channels // kernel_rows, columns),
        (image_row, image_row, columns * item, item),
        writeable=False,
    )


def _parts(columns: int, multiplications: int) -> int:
    """Into how many equal parts to cut the columns so that the product of one part is small."""
    for parts in range(1, columns):
        if columns % parts == 0 and multiplications <= SMALL_PRODUCT * parts:
            return parts
    return columns


def _in_columns(rows: Array, parts: int) -> Array:
    """View (H, K, columns) as (H, parts, K, columns / parts)."""
    height, inner, columns = rows.shape
    by_height, by_inner, by_column = rows.strides
    width = columns // parts
    return as_strided(rows, (height, parts, inner, width), (by_height, width * by_column, by_inner, by_column))
