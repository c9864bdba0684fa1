"""Compares rows that were made again with the rows of the log: which columns have to be equal, and which differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.compiler import measuring_code
from diagnostics.run.run import Run
from diagnostics.schema.columns import Columns

TIMES = frozenset({"seconds"})
"""Columns that differ in every replay: the time of a step."""
EXACT = frozenset({"min", "max", "nonfinite"})
"""Statistics of tensors that are no sums, so that all measuring code finds the same bits."""
ALL = "bit for bit"
WITHOUT_SUMS = "in all but the columns of sums, since the log was measured by other code"


def compared(run: Run) -> str:
    """The columns of a row of this run that can be compared, in words."""
    return ALL if run.header.measuring == measuring_code() else WITHOUT_SUMS


class RowComparison:
    """Compares rows of a replay with those of the log.

    ``run``: the run as it was logged.
    ``columns``: the columns of the rows that were made again.

    ``names`` are the columns that are compared.
    """

    def __init__(self, run: Run, columns: Columns) -> None:
        self._is_same_code = compared(run) == ALL
        known = [c for c in columns if c.statistic not in TIMES and run.columns.find(c.name) is not None]
        if not self._is_same_code:
            known = [c for c in known if c.group == "scalar" or c.statistic in EXACT]
        self.names = np.array([c.name for c in known])
        self._here = np.array([columns.find(c.name) for c in known], np.intp)
        self._there = np.array([run.columns.find(c.name) for c in known], np.intp)

    def common(self, here: NDArray[Any], there: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The columns that are compared, of rows of the replay and of the log, (..., column) each."""
        return here[..., self._here], there[..., self._there]

    def differ(self, here: NDArray[Any], there: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of the :attr:`names` differ in rows of the replay and of the log, (..., column) each."""
        here, there = (np.ascontiguousarray(rows, np.float32) for rows in self.common(here, there))
        same = (here.view(np.uint32) == there.view(np.uint32)) | (np.isnan(here) & np.isnan(there))
        if not self._is_same_code:
            same |= here == there  # other code may find -0 for 0
        return np.asarray(~same)
