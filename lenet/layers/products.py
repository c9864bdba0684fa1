"""Views for matrix products: overlapping blocks of rows, and small parts of large matrices.

OpenBLAS does not pack the matrices of a product of up to a million multiplications,
which is up to a seventh faster for the shapes here (measured). So the columns or rows of
a larger product are cut into equal parts, which NumPy multiplies one after the other in
a single call. The cut depends on the shapes alone.
"""

from __future__ import annotations

from numpy.lib.stride_tricks import as_strided

from lenet.layers.workspace import Array

SMALL_PRODUCT = 1_000_000


def parts(length: int, multiplications: int) -> int:
    """How many equal parts an axis of ``length`` has to be cut into, so that the product of one part is small."""
    for count in range(1, length):
        if length % count == 0 and multiplications <= SMALL_PRODUCT * count:
            return count
    return length


def in_columns(matrices: Array, count: int) -> Array:
    """View (..., K, M) as (..., count, K, M / count)."""
    *outer, inner, columns = matrices.shape
    *by_outer, by_inner, by_column = matrices.strides
    width = columns // count
    return as_strided(matrices, (*outer, count, inner, width), (*by_outer, width * by_column, by_inner, by_column))


def blocks(rows: Array, kh: int, cuts: int) -> Array:
    """Overlapping view (cuts, R - kh + 1, kh P / cuts, M) of rows (R, P, M).

    A block is a row and the kh - 1 rows below it; ``cuts`` is 1 for whole blocks, or kh for
    one row of each at a time.
    """
    by_row, by_plane, by_column = rows.strides
    shape = (cuts, len(rows) - kh + 1, kh // cuts * rows.shape[1], rows.shape[2])
    return as_strided(rows, shape, (by_row, by_row, by_plane, by_column), writeable=False)


def in_rows(matrix: Array, count: int) -> Array:
    """View (K, M) as (count, K / count, M)."""
    return matrix.reshape(count, -1, matrix.shape[1])
