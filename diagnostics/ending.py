"""Symptoms that show only over a whole run: oscillation, stall, overfitting.

None of them is a defect; they are worth a line in a report. They are asked at the
end, of the last rows and of the sums of each epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from diagnostics.findings import Finding, Severity
from diagnostics.limits import Limit, Limits
from diagnostics.rules.base import Case, Rule, Window
from diagnostics.rules.examples import example

EpochSummary = tuple[int, float, float, float, float]
BLOCK = 20


@dataclass
class EpochSums:
    """Loss and accuracy of each epoch's training, added up row by row; one small entry an epoch."""

    sums: dict[int, list[float]] = field(default_factory=dict)

    def add(self, epoch: int, loss: float, accuracy: float, samples: float) -> None:
        """One row."""
        entry = self.sums.setdefault(epoch, [0.0, 0.0, 0.0])
        entry[0] += loss * samples
        entry[1] += accuracy * samples
        entry[2] += samples

    def with_validations(self, validations: Sequence[tuple[int, float, float]]) -> tuple[EpochSummary, ...]:
        """(epoch, training loss, training accuracy, validation loss, validation accuracy) where both are known."""
        means = {
            epoch: (loss / samples, right / samples) for epoch, (loss, right, samples) in self.sums.items() if samples
        }
        return tuple((epoch, *means[epoch], loss, right) for epoch, loss, right in validations if epoch in means)


class Oscillation(Rule):
    """The loss swings between learned and unlearned."""

    name = "oscillation"
    title = "the loss swings back and forth"
    limits = (
        Limit("oscillation", "swings", 4, "times", "mean of 20 rows crosses from below 0.5 H to above 0.9 H or back",
              "choice", 1),
    )  # fmt: skip

    def check(self, window: Window) -> list[Finding]:
        means = _block_means(window)
        states = [1 if m >= 0.9 * window.guessing_loss else -1 if m <= 0.5 * window.guessing_loss else 0 for m in means]
        clear = [state for state in states if state]
        swings = sum(a != b for a, b in pairwise(clear))
        limit = self.limit(window, "swings")
        if swings < limit:
            return []
        message = f"the loss swung {swings} times between learned and guessing"
        last = len(window) - 1
        return [self.finding(window, None, 0, last, swings, limit, message, severity=Severity.WARNING)]

    def cases(self, limits: Limits) -> tuple[Case, ...]:
        swinging = np.where(np.arange(200) // 40 % 2, 2.3, 0.5)
        return (
            Case("a loss that falls", example(limits, steps=200)),
            Case("five swings", example(limits, {"data_loss": swinging}, steps=200), (None,)),
        )


class Stall(Rule):
    """The loss stopped falling far from the end, and far from zero."""

    name = "stall"
    title = "the loss stopped falling far from the end"
    limits = (
        Limit("stall", "loss", 0.25, "H", "mean data loss still above this", "choice", 0, 1),
        Limit("stall", "gain", 0.02, "of the loss", "fell by less than this over the last half of the window", "choice",
              0, 1),
        Limit("stall", "rows", 200, "rows", "over at least so many rows", "choice", 40),
    )  # fmt: skip

    def check(self, window: Window) -> list[Finding]:
        rows = int(self.limit(window, "rows"))
        half = len(window) // 2
        if half < rows:
            return []
        loss = window.scalar("data_loss")[half:]
        quarter = len(loss) // 4
        early, late = loss[:quarter].mean(), loss[-quarter:].mean()
        high = self.limit(window, "loss") * window.guessing_loss
        if not (high < late < 0.9 * window.guessing_loss and early - late < self.limit(window, "gain") * early):
            return []
        message = f"mean loss {late:.2f}, no better than {early:.2f} some {len(loss)} rows earlier"
        last, level = len(window) - 1, Severity.WARNING
        return [self.finding(window, None, half, last, late, high, message, severity=level, confidence=0.6)]

    def cases(self, limits: Limits) -> tuple[Case, ...]:
        return (
            Case("a loss that falls", example(limits, {"data_loss": np.linspace(2.3, 0.1, 800)}, steps=800)),
            Case("1.2 for 800 steps", example(limits, {"data_loss": 1.2}, steps=800), (None,)),
        )


class Overfitting(Rule):
    """Training goes on getting better while validation gets worse."""

    name = "overfitting"
    title = "training gets better while validation gets worse"
    limits = (
        Limit("overfitting", "rise", 1.1, "times", "validation loss over its lowest", "choice", 1),
        Limit("overfitting", "gap", 0.02, "share", "training accuracy above validation accuracy", "choice", 0, 1),
    )

    def check(self, window: Window) -> list[Finding]:
        if len(window.epochs) < 2:
            return []
        lowest = min(summary[3] for summary in window.epochs)
        _, _, training, loss, validation = window.epochs[-1]
        rise, gap = self.limit(window, "rise"), self.limit(window, "gap")
        if not (loss > rise * lowest and training - validation > gap):
            return []
        message = f"training accuracy {training:.3f}, validation {validation:.3f}, its loss up {loss / lowest:.2f}x"
        last = len(window) - 1
        return [
            self.finding(window, None, 0, last, loss / lowest, rise, message, severity=Severity.WARNING, confidence=0.7)
        ]

    def cases(self, limits: Limits) -> tuple[Case, ...]:
        good = ((1, 0.5, 0.85, 0.3, 0.91), (2, 0.2, 0.94, 0.2, 0.94))
        bad = ((1, 0.2, 0.94, 0.2, 0.94), (2, 0.01, 1.0, 0.4, 0.93))
        return (
            Case("both get better", example(limits, epochs=good)),
            Case("validation loss doubles", example(limits, epochs=bad), (None,)),
        )


RULES: tuple[Rule, ...] = (Oscillation(), Stall(), Overfitting())
LIMITS = tuple(limit for rule in RULES for limit in rule.limits)


def _block_means(window: Window) -> list[float]:
    loss = window.scalar("data_loss")
    return [float(loss[i : i + BLOCK].mean()) for i in range(0, len(loss) - BLOCK + 1, BLOCK)]
