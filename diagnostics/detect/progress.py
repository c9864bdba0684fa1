"""Whether a run still moves: its loss, its accuracy and the outputs of its layers, compared with their own noise.

A plateau is no defect while the layers still change: many runs with sigmoids, and some with small
rates, leave their plateau after hundreds of steps. A run that still guesses after six times the
patience is called never-learned only where nothing moves any more. A run that ends while its loss
falls or its accuracy rises is slow, and undecided.

The last rows are split into two halves, and the difference of the halves' means is measured in
units of the noise of these means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.recent_rows import RecentRows
from diagnostics.detect.thresholds import CALIBRATION, Threshold, Thresholds
from diagnostics.schema.run_info import RunInfo

HALF, LEAST_HALF = 50, 10  # rows of a half; with fewer than the least nothing is decided
LEAST_HALF_IMPORTED = 4  # the same in a log of another tool, which may have few rows
FIRST_ROWS = 2  # of such a log: the loss falls there whether a run learns or not
LONG_HALF = 150  # rows of a half where the run is long enough
SETTLING = 20  # the first rows: the loss falls there whether a run learns or not
PROGRESS = (
    Threshold("verdict", "drift", 4, "noise", "layers move: outputs of two 50 rows differ so", CALIBRATION, 0),
    Threshold("verdict", "gain", 3, "noise", "loss falls, within up to 300 rows", CALIBRATION, 0),
    Threshold("verdict", "late_gain", 5, "noise", "slow: loss or accuracy gain, in the last 300 rows", CALIBRATION, 0),
)


class Progress:
    """Looks for movement in the last rows of a run."""

    def __init__(self, info: RunInfo, thresholds: Thresholds) -> None:
        columns = info.columns
        self._drift, self._gain = thresholds["verdict.drift"], thresholds["verdict.gain"]
        self._late_gain = thresholds["verdict.late_gain"]
        self._loss, self._accuracy = columns.scalar("data_loss"), columns.find("accuracy")
        self._is_blind = info.is_imported
        found = [columns.find(f"{layer.name}/std") for layer in info.hidden_layers]
        self._spreads = [place for place in found if place is not None]

    @property
    def sees_layers(self) -> bool:
        """Whether the outputs of a hidden layer are known; a run that was recorded here counts as one with them."""
        return bool(self._spreads) or not self._is_blind

    def is_moving(self, rows: NDArray[np.float32]) -> bool:
        """Whether the loss falls over the last 300 of ``rows``, or the outputs of a hidden layer drift over 100.

        A slow fall of the loss shows only over many rows, so as many rows are compared as there are, up to 300. Where
        the outputs of no layer are known, as in most logs of other tools, the loss alone is compared.
        """
        if self._is_blind:
            rows = rows[FIRST_ROWS:]
        half = min(HALF, len(rows) // 2)
        if self._is_blind and half < LEAST_HALF_IMPORTED:
            return True  # too few rows to show that anything stands still
        if not self._is_blind and half < LEAST_HALF:
            return False
        long_half = min(LONG_HALF, max(half, (len(rows) - SETTLING) // 2))
        if -change(rows[:, self._loss], long_half) > self._gain:
            return True
        return any(abs(change(rows[:, place], half)) > self._drift for place in self._spreads)

    def improves(self, rows: NDArray[np.float32]) -> bool:
        """Whether loss or accuracy still get better in the last 300 rows of ``rows``."""
        half = min(LONG_HALF, len(rows) // 2)
        if half < LEAST_HALF:
            return False
        gains = [-change(rows[:, self._loss], half)]
        if self._accuracy is not None:
            gains.append(change(rows[:, self._accuracy], half))
        return max(gains) > self._late_gain


class MovingNow:
    """Asks every ten rows whether a run still moves, since the answer costs too much to be sought in every row."""

    EVERY = 10

    def __init__(self, progress: Progress, history: RecentRows) -> None:
        self._progress, self._history = progress, history
        self._asked, self._is_moving = -math.inf, True

    def __call__(self, step: int) -> bool:
        """Whether the run moved when that was last asked."""
        if step - self._asked >= self.EVERY:
            self._asked = step
            self._is_moving = self._progress.is_moving(self._history.ordered()[1])
        return self._is_moving


def change(values: NDArray[np.float32] | Sequence[float], half: int) -> float:
    """The mean of the last ``half`` values minus that of the ``half`` before, in units of the noise of both.

    0 where the values are not finite; infinite where they differ and have no noise.
    """
    last = np.asarray(values[-2 * half :], np.float64)
    if not np.isfinite(last).all():
        return 0.0
    before, after = last[:half], last[half:]
    difference = float(after.mean() - before.mean())
    noise = math.sqrt((before.var() + after.var()) / half)
    if noise == 0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / noise
