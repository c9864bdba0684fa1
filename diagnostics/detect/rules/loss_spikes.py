"""Loss spikes: the loss jumps far above its usual level and comes back.

What it looks at: the data loss of each row against the 20 rows before. A spike begins where
the loss is above their median by the limit, both in units of their noise (1.48 times the
median distance from the median) and as a share of the median, and it ends within 20 rows
at no more than half of that rise. It is asked at the end, of the last rows of a run of which
nothing but the loss is known; any other run has a verdict that says more.

What it means: single batches, or steps that are too large for where the run is. A run that
has more and more of them is on its way to diverge. On its own this is no defect.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, Severity
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import number_text

BEFORE, AFTER = 20, 20
OF_NORMAL = 1.4826  # standard deviations of normal noise in one median distance from the median
BACK = 0.5  # of the rise: a loss that is lower again has come back


class LossSpikes(Rule):
    """Jumps of the loss that do not last."""

    name = "loss-spikes"
    title = "the loss jumps and comes back"
    thresholds = (
        threshold("noise", 10, "sigma", "rise of the loss over its median of 20 rows", "choice", 1),
        threshold("share", 0.5, "of the median", "and as a share of that median", "choice", 0),
        threshold("spikes", 1, "times", "at least so many spikes", "choice", 1, 1e6),
    )

    def check(self, window: Window) -> list[Finding]:
        loss = window.scalar("data_loss")
        self.require_rows(window, BEFORE + AFTER)
        spikes = _spikes(loss, self.threshold(window, "noise"), self.threshold(window, "share"))
        least = int(self.threshold(window, "spikes"))
        if len(spikes) < least:
            return []
        largest = max(spikes, key=lambda at: float(loss[at]))
        usual = float(np.median(loss[largest - BEFORE : largest]))
        often = "once" if len(spikes) == 1 else f"{len(spikes)} times"
        message = (
            f"the loss jumped {often} and came back, at most from {number_text(usual)} to "
            f"{number_text(loss[largest])} at step {window.steps[largest]:,}"
        )
        first, last, level = spikes[0], spikes[-1], Severity.WARNING
        return [self.finding(window, None, first, last, len(spikes), least, message, severity=level, peak=largest)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        t = np.arange(120)
        noisy = 0.5 + 0.05 * np.sin(7.0 * t)
        spikes = np.where((t == 50) | (t == 90), 4.0, noisy)
        step_up = np.where(t < 60, noisy, 4.0)
        infinite = np.where(t == 60, np.inf, noisy)
        return (
            Case("a loss with its usual noise", example(thresholds, {"data_loss": noisy}, steps=120)),
            Case("two jumps", example(thresholds, {"data_loss": spikes}, steps=120), (None,)),
            Case("a jump that lasts", example(thresholds, {"data_loss": step_up}, steps=120)),
            Case("a loss that is infinite once", example(thresholds, {"data_loss": infinite}, steps=120)),
        )


def _spikes(loss: Series, noise: float, share: float) -> list[int]:
    """The rows of the largest loss of each spike."""
    found: list[int] = []
    row = BEFORE
    while row < len(loss):
        before = loss[row - BEFORE : row]
        usual = float(np.median(before))
        sigma = OF_NORMAL * float(np.median(np.abs(before - usual)))
        rise = float(loss[row]) - usual
        if not max(noise * sigma, share * abs(usual)) < rise < np.inf:  # what is not finite is no spike
            row += 1
            continue
        after = loss[row : row + AFTER]
        back = np.flatnonzero(after <= usual + BACK * rise)
        if len(back):
            found.append(row + int(np.argmax(after[: back[0]])))
        row += int(back[0]) if len(back) else AFTER
    return found
