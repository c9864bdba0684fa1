"""Statistics of all tensors of a step at once.

Parameters, gradients, updates and outputs lie in one buffer of rows, and each tensor
begins with a new row. Few calls then measure all of them: the sums of rows are one
matrix-vector product, the sums of squares one product of rows with themselves, and
``reduceat`` adds up the rows of a tensor. Some tensors cannot be measured by float32
sums: those with entries that are not finite, with squares that under- or overflow, or
with a mean far larger than the deviation. They are measured again in float64, by the
definitions in :mod:`diagnostics.schema.measures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.schema.measures import TENSOR_STATISTICS, others, positions

Float32 = NDArray[np.float32]
NAMES = ("mean", "std", "min", "max", "norm", "zero_fraction", "nonfinite")
MEAN, STD, MIN, MAX, NORM, ZERO, NONFINITE = positions(TENSOR_STATISTICS, *NAMES)
OTHERS = others(TENSOR_STATISTICS, *NAMES)

# Entries of a row. Longer rows make the products faster; shorter rows leave less of them unused.
WIDTH = 256
# Float32 squares keep their digits above this mean of squares; where they overflow, the mean is infinite.
SMALLEST_SQUARE = 1e-32
# Below this share of the mean square, the variance has lost digits to cancellation.
SMALLEST_SHARE = 0.02


class TensorStatistics:
    """Tensors in one buffer, and their statistics.

    ``sizes``: the number of entries of each tensor.
    ``whole``: so many tensors, from the first on, get every statistic; None means all. The others (subsamples of
    outputs) get only those that sums give: mean, deviation, norm, zeros.

    ``parts`` are the tensors, flat, to be filled by their owner. What lies between them stays zero: it adds
    nothing to sums and is subtracted from the count of zeros.
    """

    def __init__(self, sizes: Sequence[int], whole: int | None = None) -> None:
        rows = [-(-size // WIDTH) for size in sizes]
        firsts = np.cumsum([0, *rows])
        self._rows = np.zeros((int(firsts[-1]) + 1, WIDTH), dtype=np.float32)
        self._flat = self._rows.reshape(-1)
        starts = (firsts[:-1] * WIDTH).tolist()
        self.parts = [self._flat[a : a + size] for a, size in zip(starts, sizes, strict=True)]
        self._first_rows = firsts
        # Pairs of where a tensor starts and ends: reduceat answers for it, then for what lies behind it.
        ends = np.array([(a, a + size) for a, size in zip(starts, sizes, strict=True)], dtype=np.intp)
        self._whole = len(sizes) if whole is None else whole
        self._ends = ends[: self._whole].ravel()
        self._flat_of_whole = self._flat[: int(firsts[self._whole]) * WIDTH + 1]
        self._per_entry = 1.0 / np.array(sizes, dtype=np.float64)
        self._zero = np.empty(self._flat.size, dtype=np.bool_)
        self._zeros_of_64 = np.empty(self._flat.size // 64, dtype=np.uint8)
        self._padding = np.array(rows) * WIDTH - np.array(sizes)
        self._ones = np.ones(WIDTH, dtype=np.float32)
        self._float32_zero = np.float32(0)

    def tail(self, first: int) -> tuple[Float32, list[int]]:
        """The buffer from tensor ``first`` on, flat, and where the tensors start in it."""
        starts = (self._first_rows[first:-1] * WIDTH).tolist()
        return self._flat[starts[0] :], [start - starts[0] for start in starts]

    def measure(self, out: Float32) -> None:
        """Write the statistics into ``out`` (statistic, tensor), in the order of TENSOR_STATISTICS."""
        whole = self._whole
        if whole:
            out[MIN, :whole] = np.minimum.reduceat(self._flat_of_whole, self._ends)[::2]
            out[MAX, :whole] = np.maximum.reduceat(self._flat_of_whole, self._ends)[::2]
        firsts = self._first_rows
        mean = np.add.reduceat(self._rows @ self._ones, firsts)[:-1] * self._per_entry
        sums_of_squares = np.add.reduceat(np.vecdot(self._rows, self._rows), firsts)[:-1]
        np.sqrt(sums_of_squares, out=out[NORM])
        squares = sums_of_squares * self._per_entry
        variance = squares - mean * mean
        np.sqrt(variance, out=out[STD], casting="same_kind")
        out[MEAN] = mean
        out[ZERO] = self._zeros() * self._per_entry
        out[NONFINITE] = 0.0
        # Comparisons with NaN, and of infinity with itself, are false: what is not finite is not good.
        good = variance > np.maximum(squares * SMALLEST_SHARE, SMALLEST_SQUARE)
        if not all(good.tolist()):
            self._repair(out, np.flatnonzero(~good).tolist())
        for place, statistic in OTHERS:
            out[place, :whole] = [statistic.of(part.astype(np.float64)) for part in self.parts[:whole]]

    def _zeros(self) -> NDArray[np.int64]:
        """The number of zeros of each tensor: a bit an entry, counted sixty-four at a time."""
        np.equal(self._flat, self._float32_zero, out=self._zero)
        np.bitwise_count(np.packbits(self._zero).view(np.uint64), out=self._zeros_of_64)
        firsts = self._first_rows * (WIDTH // 64)
        found: NDArray[np.int64] = np.add.reduceat(self._zeros_of_64, firsts, dtype=np.int64)[:-1]
        found -= self._padding
        return found

    def _repair(self, out: Float32, doubtful: list[int]) -> None:
        """Measure tensors again whose sums cannot be trusted."""
        for i in doubtful:
            if out[ZERO, i] == 1.0:  # nothing but zeros
                out[MEAN, i] = out[STD, i] = out[NORM, i] = 0.0
            else:
                out[:, i] = exact_statistics(self.parts[i])


def exact_statistics(x: NDArray[np.floating[Any]]) -> tuple[float, ...]:
    """The statistics of one tensor in float64, by their definitions, in the order of TENSOR_STATISTICS.

    Where entries are not finite, mean, deviation, extremes and norm are what
    NumPy makes of them: NaN or infinite.
    """
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        return tuple(float(statistic.of(wide)) for statistic in TENSOR_STATISTICS)
