"""Oscillation: the loss swings back and forth between learned and guessing.

What it looks at: the mean data loss of every 20 rows, one block after another. A swing is
a change from below 0.5 H to above 0.9 H or back, however many blocks lie in between. Of very
unequal classes the lower loss has to be below H by three times its noise as well. The
rule is asked at the end, about the last rows of the run.

What it means: the run learns and forgets again and again. The usual reason is a learning
rate that is too large there. An oscillation alone is no defect: the verdict says how the run
ended.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, Severity
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window

BLOCK = 20


class Oscillation(Rule):
    """The loss swings between learned and unlearned."""

    name = "oscillation"
    title = "the loss swings back and forth"
    needs_guessing = True
    thresholds = (
        threshold("swings", 4, "times", "mean of 20 rows crosses from below 0.5 H to above 0.9 H or back", "choice", 1),
    )

    def check(self, window: Window) -> list[Finding]:
        limit = self.threshold(window, "swings")
        self.require_rows(window, BLOCK * (int(limit) + 1))
        means = _block_means(window)
        high, low = 0.9 * window.guessing_loss, 0.5 * window.guessing_loss
        low = min(
            low, window.guessing_loss - 3 * window.info.guessing_noise / math.sqrt(BLOCK * window.info.batch_size)
        )
        states = [1 if m >= high else -1 if m <= low else 0 for m in means]
        clear = [state for state in states if state]
        swings = sum(a != b for a, b in pairwise(clear))
        if swings < limit:
            return []
        message = f"the loss swung {swings} times between learned and guessing"
        last = len(window) - 1
        return [self.finding(window, None, 0, last, swings, limit, message, severity=Severity.WARNING)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        swinging = np.where(np.arange(200) // 40 % 2, 2.3, 0.5)
        return (
            Case("a loss that falls", example(thresholds, steps=200)),
            Case("five swings", example(thresholds, {"data_loss": swinging}, steps=200), (None,)),
        )


def _block_means(window: Window) -> list[float]:
    loss = window.scalar("data_loss")
    return [float(loss[i : i + BLOCK].mean()) for i in range(0, len(loss) - BLOCK + 1, BLOCK)]
