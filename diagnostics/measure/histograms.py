"""Histograms of tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.schema.tables import BINS

# Bins narrower than this need more than float32 (denormal ranges).
LARGEST_SCALE = 1e35
# Tensors from this size on are counted two entries at a time.
LARGE = 4096
# Ranges wider than this overflow in float32.
LARGEST_RANGE = 1e38


def histograms(
    parts: Sequence[NDArray[np.float32]],
    ends: NDArray[np.float32],
    counts: NDArray[np.uint32],
    ranges: NDArray[np.float32],
) -> None:
    """Write a histogram of each tensor.

    ``parts``: the tensors, flat.
    ``ends``: (2, tensor), the smallest and the largest entry of each, which are known already.
    ``counts``: (tensor, bin), where the counts are written.
    ``ranges``: (tensor, 2), where the ends of the bins are written.

    The bins are equal and go from the smallest to the largest finite entry. An entry on the border of two bins
    belongs to the upper one, and the largest entry to the last. Where all entries are equal, they are counted in
    the first bin. Where none is finite, the counts are 0 and the range is NaN.
    """
    for i, tensor in enumerate(parts):
        part: NDArray[np.floating[Any]] = tensor
        low, high = ends[:, i].tolist()
        if not high - low < LARGEST_RANGE:
            part = part[np.isfinite(part)].astype(np.float64)
            low, high = (float(part.min()), float(part.max())) if part.size else (math.nan, math.nan)
        counts[i] = _counts(part, low, high)
        ranges[i] = low, high


def _counts(part: NDArray[np.floating[Any]], low: float, high: float) -> NDArray[np.int64]:
    if not high > low:
        counts = np.zeros(BINS, dtype=np.int64)
        counts[0] = part.size
        return counts
    per_unit = BINS / (high - low)
    if per_unit > LARGEST_SCALE:
        part = part.astype(np.float64)
    scaled = part - part.dtype.type(low)
    scaled *= part.dtype.type(per_unit)
    counts = _occurrences(scaled.astype(np.int32))
    counts[BINS - 1] += counts[BINS]  # the largest entry itself
    return counts[:BINS]


def _occurrences(places: NDArray[np.int32]) -> NDArray[np.int64]:
    """How often each of 0 to BINS occurs. Counting pairs of entries in a square table takes half the time."""
    if places.size < LARGE:
        return np.bincount(places, minlength=BINS + 1)
    half = places.size // 2
    pairs = places[:half] * np.int32(BINS + 1)
    pairs += places[half : 2 * half]
    table = np.bincount(pairs, minlength=(BINS + 1) ** 2).reshape(BINS + 1, BINS + 1)
    counts: NDArray[np.int64] = table.sum(axis=0) + table.sum(axis=1)
    for left in places[2 * half :].tolist():
        counts[left] += 1
    return counts
