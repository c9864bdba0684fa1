"""Overfitting: the training still gets better while the validation gets worse.

What it looks at: training loss and accuracy of each epoch, and the validation that
followed it. It fires where the last validation loss is above the lowest by the limit,
and the training accuracy above the validation accuracy. It needs two validations.

What it means: what the run learns now holds for the training images alone. It is no defect,
and the verdict never looks at a validation.
"""

from __future__ import annotations

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, Severity
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import TooFewRowsError, Window


class Overfitting(Rule):
    """The training still gets better while the validation gets worse."""

    name = "overfitting"
    title = "training gets better while validation gets worse"
    thresholds = (
        threshold("rise", 1.1, "times", "validation loss over its lowest", "choice", 1),
        threshold("gap", 0.02, "share", "training accuracy above validation accuracy", "choice", 0, 1),
    )
    value_unit = "times"

    def check(self, window: Window) -> list[Finding]:
        if len(window.epochs) < 2:
            raise TooFewRowsError("two epochs with a validation")
        lowest = min(summary[3] for summary in window.epochs)
        _, _, training, loss, validation = window.epochs[-1]
        rise, gap = self.threshold(window, "rise"), self.threshold(window, "gap")
        if not (loss > rise * lowest and training - validation > gap):
            return []
        message = f"training accuracy {training:.3f}, validation {validation:.3f}, its loss up {loss / lowest:.2f}x"
        last = len(window) - 1
        return [self.finding(window, None, 0, last, loss / lowest, rise, message, severity=Severity.WARNING)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        good = ((1, 0.5, 0.85, 0.3, 0.91), (2, 0.2, 0.94, 0.2, 0.94))
        bad = ((1, 0.2, 0.94, 0.2, 0.94), (2, 0.01, 1.0, 0.4, 0.93))
        return (
            Case("both get better", example(thresholds, epochs=good)),
            Case("validation loss doubles", example(thresholds, epochs=bad), (None,)),
        )
