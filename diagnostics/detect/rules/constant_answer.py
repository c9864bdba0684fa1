"""Constant answer: loss or accuracy show by their value that the outputs are the same for every input.

What it looks at: two numbers, at the end of a run.

- The accuracy of whole epochs. It equals the share of class 0, to the sample, where every answer is class 0: outputs
  of NaN, of which the first counts as the largest, or outputs that never change. It equals the share of the commonest
  class where the outputs depend on the biases of the last layer alone.
- The loss of the last 40 rows, in a run that guesses. It varies about H, the entropy of the class prior (ln k where
  all k classes are equally frequent), by no more than the batches differ.

What it means: it is a state and no cause. Where every layer is alive, the labels carry no information, or the steps are
too small. Where a layer is dead, nothing of the input reaches the last layer.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from diagnostics.detect.contradiction import NEARLY_ONE
from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, Severity, sentence
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window

CLASS_0 = "class 0 (outputs of NaN, or outputs that never change)"
TELLING = 0.1  # of H: up to this error of its mean the loss of the last rows shows that it is the loss of guessing
COMMONEST = "the commonest class (by the biases of the last layer alone)"


class ConstantAnswer(Rule):
    """Answers that do not depend on the input."""

    name = "constant-answer"
    title = "loss or accuracy show by their value that the outputs are the same for every input"
    is_fault = True
    needs_cross_entropy = True
    thresholds = (
        threshold("rows", 40, "rows", "the loss of the last so many", "choice", 5, 1000),
        threshold("below", 3, "sigma", "mean loss at most so far below H", "choice", 0, 10),
        threshold("above", 0.01, "H", "mean loss at most so far above H", "choice", 0, 0.1),
    )

    def check(self, window: Window) -> list[Finding]:
        return [*self._accuracy(window), *self._loss(window)]

    def _accuracy(self, window: Window) -> list[Finding]:
        """A finding where the number of right answers in the last whole epoch is that of one class."""
        prior, samples = window.info.prior, window.info.samples
        whole = [(epoch, right) for epoch, right, seen in window.epoch_counts if seen == samples]
        if len(prior) < 2 or not whole or not len(window) or not window.info.steps_per_epoch:
            return []
        epoch, right = whole[-1]
        counts = [round(share * samples) for share in prior]
        if right not in (counts[0], max(counts)):
            return []
        # Of very unequal classes a network that has learned some is easily right so often by chance.
        if max(prior) >= NEARLY_ONE and not _guesses(window, int(self.threshold(window, "rows"))):
            return []
        answer = COMMONEST if right == max(counts) else CLASS_0
        words = (
            f"the accuracy of epoch {epoch} is {right:,} of {samples:,} to the sample: the answer is always {answer}"
        )
        found = self._found(window, right / samples, right / samples, words)
        first = (epoch - 1) * window.info.steps_per_epoch
        return [replace(found, first_step=first, last_step=first + window.info.steps_per_epoch - 1)]

    def _loss(self, window: Window) -> list[Finding]:
        """A finding where the loss of the last rows is that of answering with the class shares."""
        rows, entropy = int(self.threshold(window, "rows")), window.guessing_loss
        prior = np.array([share for share in window.info.prior if share > 0])
        if len(window) < rows or len(prior) < 2:
            return []
        loss, samples = window.scalar("data_loss")[-rows:], window.scalar("samples")[-rows:].sum()
        commonest = prior.max()
        chance = commonest + 3 * math.sqrt(commonest * (1 - commonest) / samples)
        error = window.info.guessing_noise / math.sqrt(samples)
        if error > TELLING * entropy:  # of very unequal classes the loss says little about so few samples
            return []
        least = entropy - self.threshold(window, "below") * error - 1e-6
        is_there = least <= loss.mean() <= (1 + self.threshold(window, "above")) * entropy
        if not is_there or window.scalar("accuracy")[-rows:].mean() > chance:
            return []
        words = (
            f"the loss varies about the entropy of the class prior, {entropy:.4f}: the outputs are the class shares "
            "for every input; where every layer is alive, the labels carry no information or the steps are too small"
        )
        return [self._found(window, float(loss.mean()), entropy, words, rows)]

    def _found(self, window: Window, value: float, limit: float, words: str, rows: int = 1) -> Finding:
        last = len(window) - 1
        plain, level = sentence(words), Severity.INFO
        return self.finding(window, None, last + 1 - rows, last, value, limit, words, severity=level, plain=plain)

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        wobble = np.log(10) + 0.01 * np.sin(np.arange(60))
        guessing = {"data_loss": wobble, "accuracy": 0.1}
        healthy = example(thresholds)
        return (
            Case("a loss that falls", replace(healthy, epoch_counts=((1, 54_000, 60_000),))),
            Case("ln 10 and what the batches add", example(thresholds, guessing), (None,)),
            Case("the same at an accuracy of 0.3", example(thresholds, {**guessing, "accuracy": 0.3})),
            Case("right in 6,000 of 60,000", replace(healthy, epoch_counts=((1, 6_000, 60_000),)), (None,)),
            Case("right in 6,001 of 60,000", replace(healthy, epoch_counts=((1, 6_001, 60_000),))),
            Case("half an epoch", replace(healthy, epoch_counts=((1, 6_000, 30_000),))),
        )


def _guesses(window: Window, rows: int) -> bool:
    """Whether the loss of the last rows is not lower than that of guessing."""
    loss = float(window.scalar("data_loss")[-rows:].mean())
    return not loss < window.thresholds["verdict.guessing_loss"] * window.guessing_loss
