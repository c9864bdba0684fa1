"""Learning rate jump: the learning rate is suddenly many times what it was.

What it looks at: the learning rate of each row against the row before, in the rows of
interest.

What it means: the jump explains what comes after it: an oversized update, dead units,
divergence. The usual schedules have no such jumps. A warm-up raises the rate by at most
2x a step, and by less after its first step.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import first_true
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window


class LearningRateJump(Rule):
    """A learning rate several times that of the step before."""

    name = "learning-rate-jump"
    title = "the learning rate jumps"
    rank = 10
    origin = Origin.SETTINGS
    is_fault = is_blow = True
    thresholds = (threshold("growth", 3, "times", "over the row before", "choice", 1.1),)
    value_unit = "times"
    remedies = ("rate-before-jump", "look-at-schedule")

    def check(self, window: Window) -> list[Finding]:
        limit = self.threshold(window, "growth")
        rate = window.scalar("learning_rate")
        jump = np.zeros(len(rate), bool)
        jump[1:] = (rate[:-1] > 0) & np.isfinite(rate[:-1]) & (rate[1:] >= limit * rate[:-1])
        first = first_true(jump, window.start)
        if first is None:
            return []
        growth = rate[first] / rate[first - 1]
        message = f"learning rate up {growth:.3g}x, from {rate[first - 1]:.3g} to {rate[first]:.3g}"
        return [self.finding(window, None, first, first, growth, limit, message)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        return (
            Case("a constant rate", example(thresholds)),
            Case("50 times larger at step 30", example(thresholds, {"learning_rate": (30, 5.0)}), (None,)),
            Case("an infinite rate throughout", example(thresholds, {"learning_rate": (0, np.inf)})),
            Case("decay", example(thresholds, {"learning_rate": 0.5 / (1 + 3e-4 * np.arange(60))})),
        )
