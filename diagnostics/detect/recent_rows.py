"""Keeps the last rows of a run for the rules, in a ring buffer of fixed size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class RecentRows:
    """Keeps the last ``size`` rows of ``columns`` float32 numbers and their steps. The memory is of fixed size."""

    def __init__(self, size: int, columns: int) -> None:
        self._steps = np.zeros(size, np.int64)
        self._rows = np.zeros((size, columns), np.float32)
        self._count = 0

    def append(self, step: int, row: NDArray[np.float32]) -> None:
        """Keep a copy of ``row``."""
        place = self._count % len(self._steps)
        self._steps[place] = step
        self._rows[place] = row
        self._count += 1

    @property
    def is_half_new(self) -> bool:
        """Whether all places are taken and half of the rows are new since that was last so. The rest goes next."""
        beyond = self._count - len(self._steps)
        return beyond >= 0 and beyond % (len(self._steps) // 2) == 0

    def ordered(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Copies of steps (n,) and rows (n, columns), oldest first."""
        size = len(self._steps)
        if self._count <= size:
            return self._steps[: self._count].copy(), self._rows[: self._count].copy()
        order = np.arange(self._count - size, self._count) % size
        return self._steps[order], self._rows[order]
