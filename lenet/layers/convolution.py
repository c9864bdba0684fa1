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
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike

from lenet.arguments import expect_pair, expect_whole
from lenet.errors import SettingsError, ShapeError
from lenet.initializers import Initializer
from lenet.layers.base import Array, Shape, TrainableLayer, TrainableWorkspace, Workspace
from lenet.layers.products import SMALL_PRODUCT, in_columns, parts
from lenet.memory import Memory

PADDINGS = ("valid", "same", "full")


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
        expect_whole(f"{kind}: depth", depth, 1)
        self.kernel_size = expect_pair(f"{kind}: kernel_size", kernel_size)
        if padding not in PADDINGS:
            raise SettingsError(f"{kind}: received padding={padding!r}, expected one of {', '.join(PADDINGS)}")
        if not isinstance(input_size, (tuple, list)) or len(input_size) != 3:
            raise SettingsError(f"{kind}: received input_size={input_size}, expected (height, width, depth)")
        for size in input_size:
            expect_whole(f"{kind}: input_size", size, 1)
        self.depth = int(depth)
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


class ConvolutionWorkspace(TrainableWorkspace):
    """The arithmetic of the module's docstring on (H, C, W, N) arrays.

    Array letters: R padded rows, P = kw C_in planes of a row, M = W_out N columns.
    """

    def __init__(
        self, layer: ConvolutionLayer, samples: int, dtype: DTypeLike, memory: Memory, input_gradient: bool
    ) -> None:
        channels = layer.input_size[2]
        kh, kw = layer.kernel_size
        out_height, out_width, filters = layer.output_shape(layer.input_size)
        planes, columns = kw * channels, out_width * samples
        self.image = PaddedImage(layer, samples, dtype, memory)
        rows = memory.share((self.image.height, planes, columns), dtype)
        self.lowered = rows.reshape(self.image.height, kw, channels, out_width, samples)
        self.output = memory.keep((out_height, filters, out_width, samples), dtype)
        self.output_rows = self.output.reshape(out_height, -1)
        self.bias_row = np.empty((filters, columns), dtype)
        multiplications = kh * planes * filters * columns
        count = parts(columns, multiplications)
        self.forward_blocks = in_columns(blocks(rows, kh, 1)[0], count)
        self.forward_rows = in_columns(self.output.reshape(out_height, filters, columns), count)
        # Where the product of a whole block is large, one kernel row at a time.
        cuts = kh if multiplications > SMALL_PRODUCT else 1
        self.backward_blocks = blocks(rows, kh, cuts)
        self.products = np.empty((cuts, out_height, kh // cuts * planes, filters), dtype)
        self.ones = np.ones(columns, dtype)
        self.scatter = Scatter(layer, samples, dtype, memory) if input_gradient else None

    def prepare(self) -> None:
        filters = len(self.biases)
        self.by_filter = self.weights.reshape(-1, filters).T
        self.bias_column = self.biases[:, None]
        self.dweight_cuts = self.dweights.reshape(len(self.products), -1, filters)
        if self.scatter is not None:
            self.scatter.bind(self.weights)

    def forward(self, x: Array) -> Array:
        np.copyto(self.lowered, self.image.windows(x))
        np.matmul(self.by_filter.copy(), self.forward_blocks, out=self.forward_rows)
        # Whole rows of biases for whole rows of the output: short ones, said again and again, take twice as long.
        np.copyto(self.bias_row, self.bias_column)
        np.add(self.output_rows, self.bias_row.reshape(-1), out=self.output_rows)
        return self.output

    def backward(self, d: Array) -> Array | None:
        rows = d.reshape(*d.shape[:2], -1)
        np.matmul(self.backward_blocks, rows.transpose(0, 2, 1), out=self.products)
        np.add.reduce(self.products, axis=1, out=self.dweight_cuts)
        np.add.reduce(np.matmul(rows, self.ones), axis=0, out=self.dbiases)
        return self.scatter.backward(rows) if self.scatter is not None else None


class Scatter:
    """The gradient by the input: blocks of output gradients times the kernel, upside down, then shifted and added.

    Padded row h of the image meets kernel row u in output row h - u. The output rows that
    h meets lie one below the other, at most kh of them and fewer near the border, so again
    they are one contiguous block and again every row is one product. It gives the gradients
    of the kw shifted copies. They are kept with kw - 1 columns of zeros between them; copy v
    is found v places further left, so that a skewed view lines them up to be added in one go.
    """

    def __init__(self, layer: ConvolutionLayer, samples: int, dtype: DTypeLike, memory: Memory) -> None:
        height, width, channels = layer.input_size
        kh, kw = layer.kernel_size
        out_height, out_width, filters = layer.output_shape(layer.input_size)
        (above, _), (left, _) = (padding_widths(layer.padding, size) for size in (kh, kw))
        pitch, gap = out_width + kw - 1, kw - 1
        store = memory.share(((height * kw * channels * pitch + gap) * samples,), dtype)
        item = store.itemsize
        by_column, by_plane = samples * item, pitch * samples * item
        by_copy, by_row = channels * by_plane, kw * channels * by_plane
        begin = store[gap * samples :]
        rows = as_strided(begin, (height, kw * channels, out_width * samples), (by_row, by_plane, item))
        skewed = as_strided(
            begin,
            (height, kw, channels, pitch, samples),
            (by_row, by_copy - by_column, by_plane, by_column, item),
            writeable=False,
        )
        self.skewed = skewed[:, :, :, left : left + width]
        self.dinputs = memory.share((height, channels, width, samples), dtype)
        # A copy, so that the views of it that the products need are made once.
        self.rows = memory.share((out_height, filters, out_width * samples), dtype)
        self.products = [
            RowProduct(self.rows, rows[first - above : last + 1 - above], first, kh)
            for first, last in _alike(range(above, above + height), kh, out_height)
        ]

    def bind(self, weights: Array) -> None:
        """Use these weights (kh, kw, C, F) from now on."""
        kh, kw, channels, filters = weights.shape
        self.upside_down = weights.reshape(kh, kw * channels, filters)[::-1].transpose(1, 0, 2)

    def backward(self, rows: Array) -> Array:
        """(H, C, W, N), for the gradient by the output rows (H_out, F, M)."""
        np.copyto(self.rows, rows)
        kernel = self.upside_down.reshape(len(self.upside_down), -1)
        for product in self.products:
            np.matmul(kernel[:, product.kernel], product.blocks, out=product.out)
        return np.add.reduce(self.skewed, axis=1, out=self.dinputs)


class RowProduct:
    """The product for the padded rows from ``first`` on that meet the same rows of the kernel.

    ``blocks`` of the output gradient (H_out, F, M) times columns ``kernel`` of the kernel,
    (P, kh F), upside down, make ``out``.
    """

    def __init__(self, rows: Array, out: Array, first: int, kh: int) -> None:
        filters = rows.shape[1]
        count, planes, columns = out.shape
        top, bottom = _met(first, kh, len(rows))
        height = bottom - top + 1
        above = kh - 1 - (first - top)
        self.kernel = slice(above * filters, (above + height) * filters)
        cut = parts(columns, height * filters * planes * columns)
        self.blocks = in_columns(blocks(rows[top : bottom + count], height, 1)[0], cut)
        self.out = in_columns(out, cut)


def _met(row: int, kh: int, out_height: int) -> tuple[int, int]:
    """First and last output row that a padded row of the image meets."""
    return max(0, row - kh + 1), min(row, out_height - 1)


def _alike(rows: range, kh: int, out_height: int) -> list[tuple[int, int]]:
    """Runs (first, last) of padded rows that meet the same rows of the kernel."""

    def kernel_rows(row: int) -> tuple[int, int]:
        top, bottom = _met(row, kh, out_height)
        return row - bottom, row - top

    runs = [list(run) for _, run in groupby(rows, kernel_rows)]
    return [(run[0], run[-1]) for run in runs]


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
