"""Statistics of all tensors of one kind at once.

A compiled loop reads the tensors once. Its float32 sums are not exact enough for tensors with entries that are not
finite, with squares that under- or overflow, or with a mean far larger than the deviation. These are measured again
in float64, by the definitions in :mod:`diagnostics.schema.measures`. Tensors of float64 networks that are beyond the
range of float32 are measured as they are, by :func:`wide_statistics`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.compiler import compiled_loops
from diagnostics.schema.measures import RATIO, TENSOR_STATISTICS, others, positions
from diagnostics.schema.number_range import logged_numbers

NAMES = ("mean", "std", "norm", "zero_fraction", "min", "max", "nonfinite")
MEAN, STD, NORM, ZERO, MIN, MAX, NONFINITE = positions(TENSOR_STATISTICS, *NAMES)
MOMENTS = [MEAN, STD, MIN, MAX, NORM]
"""The statistics that have the unit of the entries."""
OTHERS = others(TENSOR_STATISTICS, *NAMES)


class TensorStatistics:
    """Measures tensors that lie one after the other.

    ``sizes``: the number of entries of each tensor.
    ``out`` (statistic, tensor): receives the statistics, in the order of TENSOR_STATISTICS.

    ``starts``: the place at which each tensor after the first begins.
    ``wide_norms`` (tensor,): the norms as they are where some are beyond the range of float32, else None.
    """

    def __init__(self, sizes: Sequence[int], out: NDArray[np.float32]) -> None:
        ends, sums = np.cumsum([0, *sizes]), np.zeros((len(sizes), 3))
        self.starts = ends[1:-1]
        self.wide_norms: NDArray[np.float64] | None = None
        self._out, self._doubtful = out, np.zeros(len(sizes), dtype=np.uint8)
        self._loops = compiled_loops()
        self._summed = (ends, sums, np.array([MIN, MAX, NORM]), out, out.view(np.int32))
        self._found = (sums, np.array(sizes), np.array([MEAN, STD, ZERO]), out, self._doubtful)

    def measure(self, entries: NDArray[np.float32]) -> None:
        """Fill ``out`` with the statistics of ``entries``, flat and contiguous."""
        self._out[NONFINITE] = 0
        self._loops.tensor_sums(entries, entries.view(np.int32), *self._summed)
        if self._loops.moments(*self._found) or OTHERS:
            parts = np.split(entries, self.starts)
            for i in np.flatnonzero(self._doubtful).tolist():
                self._out[:, i] = exact_statistics(parts[i])
            for place, statistic in OTHERS:
                self._out[place] = [statistic.of(part.astype(np.float64)) for part in parts]

    def measure_wide(self, entries: NDArray[np.float32], source: Callable[[], NDArray[np.floating[Any]]]) -> None:
        """Measure again what has left the range of float32, after :meth:`measure`.

        ``entries``: what was measured; receives the largest float32 where finite entries are beyond it.
        ``source``: returns the entries that those were rounded from.
        """
        self.wide_norms = None
        lost = np.flatnonzero(~np.isfinite(self._out[MOMENTS]).all(axis=0)).tolist()
        if not lost:
            return
        self.wide_norms = self._out[NORM].astype(np.float64)
        rounded, wide = np.split(entries, self.starts), np.split(source(), self.starts)
        for i in lost:
            rounded[i][...] = logged_numbers(wide[i])
            found = wide_statistics(wide[i])
            self._out[:, i], self.wide_norms[i] = logged_numbers(found), found[NORM]


def exact_statistics(x: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The statistics of one tensor, found in float64 by their definitions, in the order of TENSOR_STATISTICS.

    Where entries are not finite, mean, deviation, extremes and norm are those of NumPy: NaN or infinite.
    """
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        return np.array([statistic.of(wide) for statistic in TENSOR_STATISTICS]).astype(np.float32)


def rounded_statistics(x: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The statistics of one tensor as float32; where that overflows they are those of the tensor as it is."""
    with np.errstate(all="ignore"):
        found = exact_statistics(x.astype(np.float32))
    if x.dtype.itemsize > found.dtype.itemsize and not np.isfinite(found[MOMENTS]).all():
        return logged_numbers(wide_statistics(x))
    return found


def wide_statistics(x: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The statistics of one tensor as they are, in the order of TENSOR_STATISTICS, however large its finite entries.

    They are found with entries that are divided by a power of two, so that no square and no sum overflows.
    """
    wide = x.astype(np.float64)
    finite = np.abs(wide[np.isfinite(wide)])
    power = math.frexp(finite.max() if finite.size else 1.0)[1]
    with np.errstate(all="ignore"):
        found = np.array([statistic.of(wide) for statistic in TENSOR_STATISTICS], np.float64)
        small = np.ldexp(wide, -power)
        moments = np.array([TENSOR_STATISTICS[place].of(small) for place in MOMENTS])
        scaled = np.ldexp(moments, power)
    lost = np.isinf(scaled) & np.isfinite(moments)
    scaled[lost] = np.copysign(np.finfo(np.float64).max, moments[lost])
    found[MOMENTS] = scaled
    return found


def logged_ratios(
    update_norms: NDArray[np.floating[Any]], value_norms: NDArray[np.floating[Any]]
) -> NDArray[np.float32]:
    """The ratios of a row; norms of float64 are norms beyond the range of float32, as they are."""
    with np.errstate(all="ignore"):
        return logged_numbers(RATIO.of(update_norms, value_norms))
