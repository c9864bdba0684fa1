"""The gradient of a convolution by its input: products with the kernel upside down, shifted and added.

Kernel row u takes padded row h of the image to output row h - u. The output rows that
row h contributes to lie one below the other, at most kh of them and fewer near the
border. So they are one contiguous block, and the gradient of a row is one product, as in
the forward pass. The product gives the gradients of the kw shifted copies of the row.
They are stored with kw - 1 columns of zeros between them. The gradient of copy v belongs
v places further left, and a skewed view of the store lines the copies up, so that one
call adds them.

Array letters: P = kw C_in planes of a row, F output channels, M = W_out N columns.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.lib.stride_tricks import as_strided

from lenet.layers.padding import padding_widths
from lenet.layers.products import blocks, in_columns, parts
from lenet.layers.workspace import Array, Shape, WorkspaceSpec


class Scatter:
    """The products, and the store of shifted copies that they fill.

    Args:
        spec: what the workspace is made for.
        kernel_size: (height, width) of the kernels.
        padding: valid, same or full.
        output_shape: (H_out, W_out, F) of the convolution.
    """

    def __init__(self, spec: WorkspaceSpec, kernel_size: tuple[int, int], padding: str, output_shape: Shape) -> None:
        height, width, channels = spec.input_shape
        samples = spec.samples
        kh, kw = kernel_size
        out_height, out_width, filters = output_shape
        (above, _), (left, _) = (padding_widths(padding, size) for size in (kh, kw))
        pitch, gap = out_width + kw - 1, kw - 1
        store = spec.memory.share(((height * kw * channels * pitch + gap) * samples,), spec.dtype)
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
        self.dinputs = spec.share(spec.input_shape)
        # A copy of the output gradient in one place, so that the views of it are made only once.
        self.rows = spec.memory.share((out_height, filters, out_width * samples), spec.dtype)
        self.products = [
            RowProduct(self.rows, rows[first - above : last + 1 - above], first, kh)
            for first, last in _same_kernel_rows(range(above, above + height), kh, out_height)
        ]

    def bind(self, weights: Array) -> None:
        """Use the weights (kh, kw, C, F) from now on."""
        kh, kw, channels, filters = weights.shape
        self.upside_down = weights.reshape(kh, kw * channels, filters)[::-1].transpose(1, 0, 2)

    def backward(self, rows: Array) -> Array:
        """The gradient by the input, (H, C, W, N), for that by the output rows, (H_out, F, M)."""
        np.copyto(self.rows, rows)
        kernel = self.upside_down.reshape(len(self.upside_down), -1)
        for product in self.products:
            np.matmul(kernel[:, product.kernel], product.blocks, out=product.out)
        return np.add.reduce(self.skewed, axis=1, out=self.dinputs)


class RowProduct:
    """The product for consecutive padded rows that need the same rows of the kernel.

    Args:
        rows: the output gradient, (H_out, F, M).
        out: where the product goes, (padded rows, P, M).
        first: the first of the padded rows.
        kh: the height of the kernel.

    ``blocks`` of the output gradient, times the columns ``kernel`` of the kernel upside down,
    (P, kh F), make ``out``.
    """

    def __init__(self, rows: Array, out: Array, first: int, kh: int) -> None:
        filters = rows.shape[1]
        count, planes, columns = out.shape
        top, bottom = _output_rows(first, kh, len(rows))
        height = bottom - top + 1
        above = kh - 1 - (first - top)
        self.kernel = slice(above * filters, (above + height) * filters)
        cut = parts(columns, height * filters * planes * columns)
        self.blocks = in_columns(blocks(rows[top : bottom + count], height, 1)[0], cut)
        self.out = in_columns(out, cut)


def _output_rows(row: int, kh: int, out_height: int) -> tuple[int, int]:
    """First and last output row that a padded row of the image contributes to."""
    return max(0, row - kh + 1), min(row, out_height - 1)


def _same_kernel_rows(rows: range, kh: int, out_height: int) -> list[tuple[int, int]]:
    """Runs (first, last) of padded rows that need the same rows of the kernel."""

    def kernel_rows(row: int) -> tuple[int, int]:
        top, bottom = _output_rows(row, kh, out_height)
        return row - bottom, row - top

    runs = [list(run) for _, run in groupby(rows, kernel_rows)]
    return [(run[0], run[-1]) for run in runs]
