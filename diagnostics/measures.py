"""Statistics of all tensors of a step at once.

Parameters, gradients and updates lie in one flat float32 vector with a tensor
on every stretch of it, so a handful of vector operations measures all of them
together. Sums of squares come from one dot product a tensor. Where float32
sums could mislead (entries that are not finite, squares that under- or
overflow, a mean that dwarfs the deviation) that tensor alone is measured again
in float64 by :func:`exact_statistics`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.columns import TENSOR_STATISTICS

Float32 = NDArray[np.float32]
MEAN, STD, MIN, MAX, NORM, ZERO, NONFINITE = range(len(TENSOR_STATISTICS))

# Float32 squares keep their digits between these means of squares.
SMALLEST_SQUARE, LARGEST_SQUARE = 1e-32, 1e32
# Below this share of the mean square, the variance has lost digits to cancellation.
SMALLEST_SHARE = 0.02


class Segments:
    """A flat float32 vector cut into tensors, and the statistics of each.

    ``vector`` is filled by its owner; ``parts`` are its tensors, as views.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        ends = np.cumsum([0, *sizes]).tolist()
        self.count = len(sizes)
        self.vector = np.zeros(ends[-1], dtype=np.float32)
        self.parts = [self.vector[a:b] for a, b in pairwise(ends)]
        self._dots = [(part.dot, part) for part in self.parts]
        self._starts = np.array(ends[:-1], dtype=np.intp)
        self._per_entry = 1.0 / np.array(sizes, dtype=np.float64)
        self._zero = np.empty(ends[-1], dtype=np.bool_)
        self._zero_parts = [self._zero[a:b] for a, b in pairwise(ends)]
        self._squares = np.empty(self.count, dtype=np.float64)
        self._float32_zero = np.float32(0)

    def statistics(self, out: Float32) -> None:
        """Write all statistics into ``out`` (statistic, tensor), in the order of TENSOR_STATISTICS."""
        out[NONFINITE] = 0.0
        vector, starts, squares = self.vector, self._starts, self._squares
        np.minimum.reduceat(vector, starts, out=out[MIN])
        np.maximum.reduceat(vector, starts, out=out[MAX])
        mean = np.add.reduceat(vector, starts) * self._per_entry
        squares[:] = [dot(part) for dot, part in self._dots]
        np.sqrt(squares, out=out[NORM], casting="same_kind")
        squares *= self._per_entry
        variance = squares - mean * mean
        np.sqrt(variance, out=out[STD], casting="same_kind")
        out[MEAN] = mean
        self._count_zeros(out[ZERO])
        # Comparisons with NaN are false, so what is not finite is not good.
        good = [
            v > SMALLEST_SHARE * s and SMALLEST_SQUARE < s < LARGEST_SQUARE
            for v, s in zip(variance.tolist(), squares.tolist(), strict=True)
        ]
        if not all(good):
            self._repair(out, [i for i, is_good in enumerate(good) if not is_good])

    def _repair(self, out: Float32, doubtful: list[int]) -> None:
        """Measure tensors again whose sums cannot be trusted."""
        for i in doubtful:
            if out[MIN, i] == 0.0 == out[MAX, i]:  # nothing but zeros
                out[MEAN, i] = out[STD, i] = out[NORM, i] = 0.0
            else:
                out[:, i] = exact_statistics(self.parts[i])

    def _count_zeros(self, out: Float32) -> None:
        np.equal(self.vector, self._float32_zero, out=self._zero)
        out[:] = [np.count_nonzero(part) for part in self._zero_parts]
        out *= self._per_entry


def exact_statistics(x: NDArray[np.floating[Any]]) -> tuple[float, ...]:
    """The same statistics of one tensor in float64, in the order of TENSOR_STATISTICS.

    Where entries are not finite, mean, deviation, extremes and norm are what
    NumPy makes of them: NaN or infinite.
    """
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        return (
            float(wide.mean()),
            float(wide.std()),
            float(wide.min()),
            float(wide.max()),
            math.sqrt(np.dot(wide, wide)),
            np.count_nonzero(wide == 0) / wide.size,
            float(wide.size - np.count_nonzero(np.isfinite(wide))),
        )


def saturated_fraction(x: Float32, activation: str | None) -> float:
    """The share of ``x`` where the function is flat; NaN for functions without a flat end.

    Sigmoid: outside [0.01, 0.99]; tanh: outside [-0.98, 0.98].
    """
    ends = {"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}.get(activation or "")
    if ends is None:
        return math.nan
    low, high = ends
    return float((np.count_nonzero(x < low) + np.count_nonzero(x > high)) / x.size)


def window_steps(batch_size: int) -> int:
    """W of the design: 20 steps or 2,560 samples, whichever is more."""
    return max(20, -(-2560 // batch_size))
