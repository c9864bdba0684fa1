"""Stall: the loss stopped falling far from the end, and far from zero.

What it looks at: the mean data loss at the beginning and at the end of the last half of
the window. It fires where the loss is still high, clearly better than guessing, and hardly
fell. Where the loss of guessing is not known, the mean loss of the first W rows takes its
place. The rule is asked at the end, about the last rows of the run.

What it means: the run learned something and then nothing more. The learning rate may be
too small or too large by then, the network too small for the task, or some layers dead. It
is no defect.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, Severity
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import loss_text


class Stall(Rule):
    """The loss stopped falling far from the end, and far from zero."""

    name = "stall"
    title = "the loss stopped falling far from the end"
    thresholds = (
        threshold("loss", 0.25, "H", "mean data loss still above this", "choice", 0, 1),
        threshold(
            "gain", 0.02, "of the loss", "fell by less than this over the last half of the window", "choice", 0, 1
        ),
        threshold("rows", 200, "rows", "over at least so many rows", "choice", 40),
    )

    def check(self, window: Window) -> list[Finding]:
        rows = int(self.threshold(window, "rows"))
        half = len(window) // 2
        self.require_rows(window, 2 * rows)
        loss = window.scalar("data_loss")[half:]
        quarter = len(loss) // 4
        early, late = loss[:quarter].mean(), loss[-quarter:].mean()
        bad = window.first_loss if np.isnan(window.guessing_loss) else window.guessing_loss
        high = self.threshold(window, "loss") * bad
        if not (high < late < 0.9 * bad and early - late < self.threshold(window, "gain") * early):
            return []
        better = "hardly better" if late < early else "no better"
        between = f"steps {window.steps[half]:,} to {window.steps[half + quarter - 1]:,}"
        message = f"mean loss {loss_text(late, 2)} at the end, {better} than the {loss_text(early, 2)} of {between}"
        last, level = len(window) - 1, Severity.WARNING
        return [self.finding(window, None, half, last, late, high, message, severity=level)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        return (
            Case("a loss that falls", example(thresholds, {"data_loss": np.linspace(2.3, 0.1, 800)}, steps=800)),
            Case("1.2 for 800 steps", example(thresholds, {"data_loss": 1.2}, steps=800), (None,)),
        )
