"""Keeps a whole run in a fixed number of cells: each has the smallest, largest and mean value of its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CELLS = 480


@dataclass(frozen=True)
class Curve:
    """One quantity over the whole run, one entry a cell; NaN where nothing was seen yet."""

    low: Array
    high: Array
    mean: Array

    def resampled(self, columns: int) -> Curve:
        """The same curve in ``columns`` cells; no extreme is lost where cells are put together."""
        n = len(self.mean)
        if columns >= n:
            places = np.arange(columns) * n // columns
            return Curve(self.low[places], self.high[places], self.mean[places])
        edges = np.arange(columns) * n // columns
        counts = np.add.reduceat(np.isfinite(self.mean).astype(float), edges)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.add.reduceat(np.nan_to_num(self.mean), edges) / np.where(counts > 0, counts, np.nan)
        return Curve(np.fmin.reduceat(self.low, edges), np.fmax.reduceat(self.high, edges), mean)


class History:
    """``quantities`` curves over ``total`` steps, in memory of fixed size.

    Where a run goes on beyond ``total``, each cell stands for twice as many steps.
    """

    def __init__(self, quantities: int, total: int, cells: int = CELLS) -> None:
        self.total = max(total, 1)
        self._cells = cells
        self._low = np.full((cells, quantities), np.nan)
        self._high = np.full((cells, quantities), np.nan)
        self._sum = np.zeros((cells, quantities))
        self._count = np.zeros((cells, quantities))

    def fold(self, steps: NDArray[Any], values: NDArray[Any]) -> None:
        """Add rows (n, quantities) of ascending ``steps``; values that are not finite leave gaps."""
        if not len(steps):
            return
        while int(steps[-1]) >= self.total:
            self._halve()
        cells = np.asarray(steps, dtype=np.int64) * self._cells // self.total
        values = np.asarray(values, dtype=np.float64)
        good = np.isfinite(values)
        starts = np.flatnonzero(np.diff(cells, prepend=-1))
        hit = cells[starts]
        gaps = np.where(good, values, np.nan)
        self._low[hit] = np.fmin(self._low[hit], np.fmin.reduceat(gaps, starts))
        self._high[hit] = np.fmax(self._high[hit], np.fmax.reduceat(gaps, starts))
        self._sum[hit] += np.add.reduceat(np.where(good, values, 0.0), starts)
        self._count[hit] += np.add.reduceat(good.astype(float), starts)

    def forget(self, step: int) -> None:
        """Empty the cells from the one of ``step`` on."""
        cells = slice(step * self._cells // self.total, None)
        self._low[cells] = self._high[cells] = np.nan
        self._sum[cells] = self._count[cells] = 0.0

    def curve(self, quantity: int, until: int | None = None) -> Curve:
        """One quantity, over all planned steps or only up to the step ``until``."""
        end = self._cells if until is None else min(until * self._cells // self.total + 1, self._cells)
        part = slice(0, max(end, 1))
        with np.errstate(invalid="ignore", divide="ignore"):
            count = self._count[part, quantity]
            mean = self._sum[part, quantity] / np.where(count > 0, count, np.nan)
        return Curve(self._low[part, quantity], self._high[part, quantity], mean)

    def _halve(self) -> None:
        half, rest = self._cells // 2, self._cells % 2
        if rest:
            raise ValueError("the number of cells must be even")
        self.total *= 2
        fills = {"_low": (np.fmin, np.nan), "_high": (np.fmax, np.nan), "_sum": (np.add, 0.0), "_count": (np.add, 0.0)}
        for name, (join, empty) in fills.items():
            old = getattr(self, name)
            new = np.full_like(old, empty)
            new[:half] = join(old[0::2], old[1::2])
            setattr(self, name, new)
