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

and the gradient by the input is the same thing the other way round (:class:`Scatter`).
The first layer of a network leaves that part out.

The bias is a weight whose input is 1: every row of the lowered image has a plane of
ones beside its kw C_in planes, so that adding the bias and summing its gradient cost a
few more multiplications instead of a pass over the output each.

Products are kept small on purpose. OpenBLAS multiplies matrices of up to a million
multiplications without packing them first, up to 1.7 times faster for shapes such as
these (measured). So the columns of a block are cut into parts, and dLoss/dw is done one
kernel row at a time, where the whole product would be larger.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike

from lenet.errors import SettingsError, ShapeError
from lenet.initializers import Initializer
from lenet.layers.base import Array, Shape, TrainableLayer, Workspace
from lenet.memory import Memory

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
        self,
        input_shape: Shape,
        samples: int,
        dtype: DTypeLike,
        memory: Memory | None = None,
        *,
        input_gradient: bool = True,
    ) -> Workspace:
        """The lowered image and the products on it, for one shard."""
        return ConvolutionWorkspace(self, samples, dtype, memory or Memory(), input_gradient)


class ConvolutionWorkspace(Workspace):
    """The arithmetic of the module's docstring on (H, C, W, N) arrays.

    Array letters: R padded rows, P = kw C_in + 1 planes of a row, M = W_out N columns.
    """

    def __init__(
        self, layer: ConvolutionLayer, samples: int, dtype: DTypeLike, memory: Memory, input_gradient: bool
    ) -> None:
        self.layer = layer
        channels = layer.input_size[2]
        kh, kw = layer.kernel_size
        out_height, out_width, filters = layer.output_shape(layer.input_size)
        columns = out_width * samples
        self.image = PaddedImage(layer, samples, dtype, memory)
        planes = memory.share((self.image.height, kw * channels + 1, columns), dtype)
        planes[:, -1] = 1
        self.lowered = planes[:, :-1].reshape(self.image.height, kw, channels, out_width, samples)
        self.output = memory.keep((out_height, filters, out_width, samples), dtype)
        self.kernel = np.zeros((kh, kw * channels + 1, filters), dtype)
        multiplications = self.kernel.size * columns
        parts = _parts(columns, multiplications)
        self.forward_blocks = in_columns(blocks(planes, kh, 1)[0], parts)
        self.forward_rows = in_columns(self.output.reshape(out_height, filters, columns), parts)
        cuts = kh if multiplications > SMALL_PRODUCT else 1
        self.backward_blocks = blocks(planes, kh, cuts)
        self.products = np.empty((cuts, out_height, kh // cuts * planes.shape[1], filters), dtype)
        self.dweights = np.empty(layer.parameter_shapes()["weights"], dtype)
        self.dbiases = np.empty(filters, dtype)
        self.scatter = Scatter(layer, samples, dtype, memory) if input_gradient else None

    def forward(self, x: Array) -> Array:
        np.copyto(self.lowered, self.image.windows(x))
        kh, planes, filters = self.kernel.shape
        self.kernel[:, :-1] = self.layer.weights.reshape(kh, planes - 1, filters)
        self.kernel[0, -1] = self.layer.biases
        weights = np.ascontiguousarray(self.kernel.reshape(-1, filters).T)
        np.matmul(weights, self.forward_blocks, out=self.forward_rows)
        return self.output

    def backward(self, d: Array) -> Array | None:
        rows = d.reshape(*d.shape[:2], -1)
        np.matmul(self.backward_blocks, rows.transpose(0, 2, 1), out=self.products)
        dkernel = self.products.sum(axis=1).reshape(self.kernel.shape)
        self.dweights.reshape(len(dkernel), -1, dkernel.shape[2])[...] = dkernel[:, :-1]
        self.dbiases[...] = dkernel[0, -1]
        return self.scatter.backward(rows) if self.scatter is not None else None


class Scatter:
    """The gradient by the input: blocks of output gradients times the kernel, upside down, then shifted and added.

    Padded row h of the image meets kernel row u in output row h - u. With kh - 1 rows
    of zeros above and below, the output gradients that h needs are again one contiguous
    block of kh rows, and again every row is one product. It gives the gradients of the
    kw shifted copies; with kw - 1 zeros on either side of each, copy v is found v places
    further left, and a skewed view lines them up to be added in one go.
    """

    def __init__(self, layer: ConvolutionLayer, samples: int, dtype: DTypeLike, memory: Memory) -> None:
        self.layer = layer
        height, width, channels = layer.input_size
        kh, kw = layer.kernel_size
        out_height, out_width, filters = layer.output_shape(layer.input_size)
        columns = out_width * samples
        padded = memory.share((out_height + 2 * (kh - 1), filters, columns), dtype)
        self.inside = padded[kh - 1 : kh - 1 + out_height]
        copies = memory.share((out_height + kh - 1, kw, channels, out_width + 2 * (kw - 1), samples), dtype)
        parts = _parts(columns, kh * filters * kw * channels * columns)
        self.blocks = in_columns(blocks(padded, kh, 1)[0], parts)
        by_row, by_copy, by_channel, by_column, by_sample = copies.strides
        begin = copies[0, 0, 0, kw - 1 :]
        rows = as_strided(begin, (len(copies), kw * channels, columns), (by_row, by_channel, by_sample))
        self.rows = in_columns(rows, parts)
        (above, _), (left, _) = (padding_widths(layer.padding, size) for size in (kh, kw))
        skewed = as_strided(
            begin,
            (len(copies), kw, channels, out_width + kw - 1, samples),
            (by_row, by_copy - by_column, by_channel, by_column, by_sample),
            writeable=False,
        )
        self.skewed = skewed[above : above + height, :, :, left : left + width]
        self.dinputs = memory.share((height, channels, width, samples), dtype)

    def backward(self, rows: Array) -> Array:
        """(H, C, W, N), for the gradient by the output rows (H_out, F, M)."""
        np.copyto(self.inside, rows)
        kh, kw, channels, filters = self.layer.weights.shape
        upside_down = self.layer.weights.reshape(kh, kw * channels, filters)[::-1]
        kernel = np.ascontiguousarray(upside_down.transpose(1, 0, 2)).reshape(kw * channels, kh * filters)
        np.matmul(kernel, self.blocks, out=self.rows)
        return np.add.reduce(self.skewed, axis=1, out=self.dinputs)


class PaddedImage:
    """The input with its border of zeros, and its view as kw shifted copies."""

    def __init__(self, layer: ConvolutionLayer, samples: int, dtype: DTypeLike, memory: Memory) -> None:
        height, width, channels = layer.input_size
        kh, self.kw = layer.kernel_size
        above, below = padding_widths(layer.padding, kh)
        left, right = padding_widths(layer.padding, self.kw)
        self.height, padded_width = height + above + below, width + left + right
        self.inside = (slice(above, above + height), slice(None), slice(left, left + width))
        self.is_padded = layer.padding != "valid"
        if self.is_padded:
            self.array = memory.share((self.height, channels, padded_width, samples), dtype)

    def windows(self, x: Array) -> Array:
        """The padded input (H, C, W, N) as a view (R, kw, C, W_out, N)."""
        padded = x
        if self.is_padded:
            self.array[self.inside] = x
            padded = self.array
        height, channels, width, samples = padded.shape
        by_row, by_channel, by_column, by_sample = padded.strides
        return as_strided(
            padded,
            (height, self.kw, channels, width - self.kw + 1, samples),
            (by_row, by_column, by_channel, by_column, by_sample),
            writeable=False,
        )


def blocks(rows: Array, kh: int, cuts: int) -> Array:
    """Overlapping view (cuts, R - kh + 1, kh P / cuts, M) of rows (R, P, M): each row and the kh - 1 below it.

    ``cuts`` is 1 for whole blocks, or kh for one of their rows at a time.
    """
    by_row, by_plane, by_column = rows.strides
    shape = (cuts, len(rows) - kh + 1, kh // cuts * rows.shape[1], rows.shape[2])
    return as_strided(rows, shape, (by_row, by_row, by_plane, by_column), writeable=False)


def in_columns(rows: Array, parts: int) -> Array:
    """View (H, K, M) as (H, parts, K, M / parts)."""
    height, inner, columns = rows.shape
    by_height, by_inner, by_column = rows.strides
    width = columns // parts
    return as_strided(rows, (height, parts, inner, width), (by_height, width * by_column, by_inner, by_column))


def _parts(columns: int, multiplications: int) -> int:
    """Into how many equal parts to cut the columns so that the product of one part is small."""
    for parts in range(1, columns):
        if columns % parts == 0 and multiplications <= SMALL_PRODUCT * parts:
            return parts
    return columns
