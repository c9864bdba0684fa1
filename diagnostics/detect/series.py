"""Functions over a series with one number a row: where a state begins, the level before a row, running means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
LASTING_SHARE = 0.9
LENIENT_ROWS = 5


def first_true(mask: NDArray[Any], start: int = 0) -> int | None:
    """Position of the first True from ``start`` on, or None."""
    found = np.flatnonzero(mask[start:])
    return int(found[0]) + start if len(found) else None


def lasting_from(mask: NDArray[Any], at_least: int) -> int | None:
    """The row at which a state begins that lasts to the end; None where it lasts less than ``at_least`` rows.

    A state lasts from a row on where that row and the ``at_least`` - 1 rows after it are True, 9 of 10 rows up to the
    end are True, and at most one of the last ``at_least`` rows is False. So a unit that is not silent for a single
    batch does not end the state. More than five False rows one after another end it: the state begins again after them.
    """
    n = len(mask)
    if n < at_least or np.count_nonzero(~mask[n - at_least :]) > (at_least >= LENIENT_ROWS):
        return None
    total = np.concatenate(([0], np.cumsum(mask)))
    from_here = (total[n] - total[:n]) / np.arange(n, 0, -1)
    starts = total[at_least:] - total[: n - at_least + 1] == at_least
    found = np.flatnonzero(starts & (from_here[: len(starts)] >= LASTING_SHARE))
    breaks = [last for first, last in groups(~mask) if last - first >= LENIENT_ROWS]
    found = found[found > breaks[-1]] if breaks else found
    return int(found[0]) if len(found) else None


def median_before(values: Series, start: int, rows: int = 20) -> float:
    """Median of the finite values in the ``rows`` rows before ``start``; NaN where there are none."""
    before = values[max(0, start - rows) : start]
    before = before[np.isfinite(before)]
    return float(np.median(before)) if len(before) else math.nan


def means(values: Series, rows: int) -> Series:
    """The mean of every ``rows`` values one after another."""
    return np.convolve(values, np.full(rows, 1 / rows), "valid")


def medians(values: Series, rows: int) -> Series:
    """The median of every ``rows`` values one after another."""
    found: Series = np.median(np.lib.stride_tricks.sliding_window_view(values, rows), axis=1)
    return found


def medians_up_to(values: Series, rows: int) -> Series:
    """The median of each value and the ``rows`` - 1 values before it, or as many as there are."""
    found = np.array([np.median(values[: row + 1]) for row in range(min(rows - 1, len(values)))])
    return found if len(values) < rows else np.concatenate((found, medians(values, rows)))


def groups(mask: NDArray[Any], start: int = 0, pause: int = 0) -> list[tuple[int, int]]:
    """First and last position of each group of True from ``start`` on; gaps of at most ``pause`` rows end no group."""
    found = np.flatnonzero(mask[start:]) + start
    if not len(found):
        return []
    ends = np.flatnonzero(np.diff(found) > pause + 1)
    firsts, lasts = found[np.r_[0, ends + 1]], found[np.r_[ends, len(found) - 1]]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))
