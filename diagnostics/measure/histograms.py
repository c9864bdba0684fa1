"""Histograms of tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.compiler import compiled_loops


def histograms(
    parts: Sequence[NDArray[np.float32]],
    ends: NDArray[np.float32],
    counts: NDArray[np.uint32],
    ranges: NDArray[np.float32],
) -> None:
    """Write a histogram of each tensor.

    ``parts``: the tensors, flat.
    ``ends``: (2, tensor), the smallest and the largest entry of each.
    ``counts``: (tensor, bin), receives the counts.
    ``ranges``: (tensor, 2), receives the ends of the bins.

    The bins are equal and go from the smallest to the largest finite entry. An entry on the border of two bins
    belongs to the upper one, and the largest entry to the last. Where all entries are equal, they are counted in
    the first bin. Where none is finite, the counts are 0 and the range is NaN.
    """
    count = compiled_loops().histogram
    for i, part in enumerate(parts):
        low, high = ends[:, i].tolist()
        if not math.isfinite(high - low):
            part = part[np.isfinite(part)]
            low, high = (float(part.min()), float(part.max())) if part.size else (math.nan, math.nan)
        counts[i] = 0
        ranges[i] = low, high
        if high > low:
            count(part, low, high, counts[i])
        else:
            counts[i, 0] = part.size
