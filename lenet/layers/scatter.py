"""The gradient of a convolution by its input: products with the kernel upside down, then shifted and added.

Padded row h of the image meets kernel row u in output row h - u. The output rows that
h meets lie one below the other, at most kh of them and fewer near the border, so they
are one contiguous block, and every row is one product, as on the way forward. It gives
the gradients of the kw shifted copies. They are kept with kw - 1 columns of zeros between
them; copy v is found v places further left, so that a skewed view lines them up to be
added in one go.

Array letters: P = kw C_in planes of a row, F output channels, M = W_out N columns.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.lib.stride_tricks import as_strided

from lenet.layers.base import Array, Shape, WorkspaceSpec
from lenet.layers.padding import padding_widths
from lenet.layers.products import blocks, in_columns, parts


class Scatter:
    """The products, and the store of the shifted copies that they fill."""

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
        # A copy, so that the views of it that the products need are made once.
        self.rows = spec.memory.share((out_height, filters, out_width * samples), spec.dtype)
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
