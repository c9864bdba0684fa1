"""Statistics of all tensors of one kind at once.

A compiled loop reads the tensors once. Its float32 sums are not exact enough for tensors with entries that are not
finite, with squares that under- or overflow, or with a mean far larger than the deviation. These are measured again
in float64, by the definitions in :mod:`diagnostics.schema.measures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.compiler import compiled_loops
from diagnostics.schema.measures import TENSOR_STATISTICS, others, positions

NAMES = ("mean", "std", "norm", "zero_fraction", "min", "max", "nonfinite")
MEAN, STD, NORM, ZERO, MIN, MAX, NONFINITE = positions(TENSOR_STATISTICS, *NAMES)
OTHERS = others(TENSOR_STATISTICS, *NAMES)


class TensorStatistics:
    """Measures tensors that lie one after the other.

    ``sizes``: the number of entries of each tensor.
    ``out`` (statistic, tensor): receives the statistics, in the order of TENSOR_STATISTICS.

    ``starts``: the place at which each tensor after the first begins.
    """

    def __init__(self, sizes: Sequence[int], out: NDArray[np.float32]) -> None:
        ends, sums = np.cumsum([0, *sizes]), np.zeros((len(sizes), 3))
        self.starts = ends[1:-1]
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


def exact_statistics(x: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The statistics of one tensor, found in float64 by their definitions, in the order of TENSOR_STATISTICS.

    Where entries are not finite, mean, deviation, extremes and norm are those of NumPy: NaN or infinite.
    """
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        return np.array([statistic.of(wide) for statistic in TENSOR_STATISTICS]).astype(np.float32)
