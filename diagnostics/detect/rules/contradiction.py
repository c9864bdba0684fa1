"""Contradiction: the loss says that the run has learned and the accuracy that it guesses, or the opposite.

What it looks at: the mean loss and accuracy of the last W steps. They contradict each
other where the loss is at most 0.7 H, the entropy of the class prior, and the accuracy no
better than chance, or where the loss is at least 0.95 H and the accuracy 0.8 or more
(unless one class has most of the samples).

What it means: one of the two numbers is not what it is called. Labels that were scaled
or are all of one class give a low loss at an accuracy of chance; so does a loss that is no
mean cross-entropy in nats. A loss that is summed over the batch, softmax that is applied
twice, or a metric that counts the elements of one-hot rows give the opposite.

What it does not mean: a contradiction does not say whether the run is a defect run. No verdict
rests on a window with a contradiction, and a run that ends in one is undecided.
"""

from __future__ import annotations

from diagnostics.detect.contradiction import CONTRADICTION
from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.rule import Case
from diagnostics.detect.symptom_rule import Symptom
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window


class ContradictingNumbers(Symptom):
    """Loss and accuracy that say the opposite of each other."""

    name = CONTRADICTION
    title = "loss and accuracy say the opposite of each other"

    def check(self, window: Window) -> list[Finding]:
        seen = self.judged(window).recent.contradiction
        return [seen.finding] if seen else []

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        low = {"data_loss": 0.09, "accuracy": 0.1}
        high = {"data_loss": 2.302, "accuracy": 0.89}
        return (
            Case("it learns within forty steps", example(thresholds, steps=200)),
            Case("loss 0.09 at accuracy 0.10", example(thresholds, low, steps=200), (None,)),
            Case("loss 2.302 at accuracy 0.89", example(thresholds, high, steps=200), (None,)),
            Case("a low accuracy for one batch", example(thresholds, {"accuracy": [0.9] * 50 + [0.1] + [0.9] * 9})),
        )
