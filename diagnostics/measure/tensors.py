"""Statistics of all tensors of a step at once.

The tensors lie in one flat buffer, which a compiled loop reads once. Some cannot be measured by float32 sums:
those with entries that are not finite, with squares that under- or overflow, or with a mean far larger than the
deviation. They are measured again in float64, by the definitions in :mod:`diagnostics.schema.measures`.
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
    """Tensors in one buffer, and their statistics.

    ``sizes``: the number of entries of each tensor.
    ``out`` (kind, statistic, tensor): where the statistics go, in the order of TENSOR_STATISTICS.

    ``entries`` (kind, entry) is the buffer, to be filled by its owner; ``parts`` are for each kind the tensors in it.
    """

    def __init__(self, sizes: Sequence[int], out: NDArray[np.float32]) -> None:
        ends = np.cumsum([0, *sizes])
        self.entries = np.zeros((len(out), ends[-1]), dtype=np.float32)
        self.parts = [np.split(flat, ends[1:-1]) for flat in self.entries]
        self._out = out
        self._out[:, NONFINITE] = 0
        self._doubtful = np.zeros(len(out) * len(sizes), dtype=np.uint8)
        flat, sums = self.entries.reshape(-1), np.zeros((len(out) * len(sizes), 3))
        self._loops = compiled_loops()
        self._summed = (flat, flat.view(np.int32), ends, sums, np.array([MIN, MAX, NORM]), out, out.view(np.int32))
        self._found = (sums, np.array(sizes), np.array([MEAN, STD, ZERO]), out, self._doubtful)

    def measure(self) -> None:
        """Fill ``out``."""
        out = self._out
        self._loops.tensor_sums(*self._summed)
        if self._loops.moments(*self._found):
            for i in np.flatnonzero(self._doubtful).tolist():
                kind, tensor = divmod(i, out.shape[2])
                out[kind, :, tensor] = exact_statistics(self.parts[kind][tensor])
        for place, statistic in OTHERS:
            out[:, place] = [[statistic.of(part.astype(np.float64)) for part in parts] for parts in self.parts]


def exact_statistics(x: NDArray[np.floating[Any]]) -> tuple[float, ...]:
    """The statistics of one tensor in float64, by their definitions, in the order of TENSOR_STATISTICS.

    Where entries are not finite, mean, deviation, extremes and norm are what
    NumPy makes of them: NaN or infinite.
    """
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        return tuple(float(statistic.of(wide)) for statistic in TENSOR_STATISTICS)
