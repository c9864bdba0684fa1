"""Impossible accuracy: more answers are wrong than a mean cross-entropy as low as this one allows.

What it looks at: the mean loss and the share of right answers over the last rows. An answer is wrong where another
class has a larger probability, so that the right one has at most 1/2 and the loss of the sample is at least ln 2. A
mean loss L therefore allows at most L / ln 2 wrong answers. It fires where there are more, by more than the noise of
so many samples.

What it means: loss and accuracy are not of the same answers or labels, or the loss is no mean cross-entropy in nats:
classes with weights, a focal loss, another logarithm, a loss that is divided twice, an accuracy of the validation. The
run may be worse than its loss says.
"""

from __future__ import annotations

import math

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, Severity, sentence
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window


class ImpossibleAccuracy(Rule):
    """Fewer right answers than the loss allows."""

    name = "impossible-accuracy"
    title = "more answers are wrong than a loss as low as this one allows"
    is_fault = True
    needs_cross_entropy = True
    thresholds = (
        threshold("rows", 20, "rows", "the last so many", "choice", 1, 1000),
        threshold("sigmas", 5, "sigma", "fewer right answers by at least so much", "choice", 0, 20),
    )
    value_unit = "share"

    def check(self, window: Window) -> list[Finding]:
        rows = int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        loss = float(window.scalar("data_loss")[-rows:].mean())
        accuracy = float(window.scalar("accuracy")[-rows:].mean())
        samples = float(window.scalar("samples")[-rows:].sum())
        least = 1 - loss / math.log(2)
        noise = math.sqrt(max(least * (1 - least), 0.0) / samples) if samples > 0 else math.inf
        # A negative loss is none of a cross-entropy, which another rule says.
        if not loss >= 0 or not accuracy < least - self.threshold(window, "sigmas") * noise:
            return []
        message = (
            f"{accuracy:.0%} of the answers are right at a mean loss of {loss:.2g}, which allows no less than "
            f"{least:.0%}: a wrong answer has a loss of ln 2 or more"
        )
        plain = (
            f"{sentence(message)} Loss and accuracy are not of the same answers, or the loss is no mean cross-entropy."
        )
        first, last = len(window) - rows, len(window) - 1
        severity = Severity.WARNING
        return [self.finding(window, None, first, last, accuracy, least, message, severity=severity, plain=plain)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        def ending(loss: float, accuracy: float) -> Window:
            return example(thresholds, {"data_loss": loss, "accuracy": accuracy})

        return (
            Case("half of the answers right at ln 2", ending(0.6931, 0.5)),
            Case("90 % right at a loss of 0.3", ending(0.3, 0.9)),
            Case("57 % right at a loss of 0.3, the least that is possible", ending(0.3, 0.567)),
            Case("45 % right at a loss of 0.3", ending(0.3, 0.45), (None,)),
            Case("10 % right at a loss of 0.01", ending(0.01, 0.1), (None,)),
        )
