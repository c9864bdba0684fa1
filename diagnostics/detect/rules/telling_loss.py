"""Telling loss: the loss stays at a number that a known mistake gives.

What it looks at: loss and accuracy of the last 40 rows, row by row, against numbers that
follow from formulas (k: number of classes, a: accuracy of the row):

- below 0: no cross-entropy of probabilities;
- ln k, or the entropy of the class prior, to six digits in every row: the outputs are the same for all samples, and no
  gradient moves them;
- (1 - a) x 16.118: probabilities that are exactly 0 or 1, clipped at 1e-7 (likewise 18.42, 20.72, 23.03, 27.63 and
  34.54 for 1e-8, -9, -10, -12 and -15, and 15.94 and 87.34 for the precision and the smallest number of float32);
- ln(1 + (k - 1) / e) + 1 - a, for ten classes 1.4612 + 1 - a: softmax applied twice, since its second input lies
  between 0 and 1. An accuracy of 0.1 gives 2.3612.

It also looks at the first rows, as many as hold 32 samples: a loss of more than twice ln k, with k
the number of outputs, says that initial weights or inputs are too large.

What it means: a known mistake gives each of these numbers, and it is the first thing to check.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, sentence
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import number_text
from diagnostics.schema.task import BINARY

CLIPPED_AT = {
    16.118: "1e-7",
    18.42: "1e-8",
    20.72: "1e-9",
    23.03: "1e-10",
    27.63: "1e-12",
    34.54: "1e-15",
    15.94: "the precision of float32",
    87.34: "the smallest float32",
}
FAR_ABOVE_CHANCE = 0.55
SHARE = 0.9  # of the rows have to fit a formula with the accuracy
LARGE, SUMMED = "first loss", "first loss, summed"
LARGEST_MEAN = 34.54  # a mean may be this large too, where all answers are wrong and clipped at 1e-15
FIRST_SAMPLES = 32  # the loss of fewer samples may be several times ln k by chance


class TellingLoss(Rule):
    """A loss whose value says what is wrong."""

    name = "telling-loss"
    title = "the loss stays at a number that a known mistake gives"
    rank = 6
    origin = Origin.CODE
    is_fault = is_about_the_start = is_lasting = True
    needs_cross_entropy = True
    thresholds = (
        threshold("rows", 40, "rows", "the last so many", "choice", 5, 1000),
        threshold("fit", 0.005, "of the loss", "a row fits a formula to within this", "choice", 0, 0.1),
        threshold("first", 2, "ln k", "loss of the first row above so many times", CALIBRATION, 1),
    )
    remedies = ("probabilities", "one-sigmoid", "gradient-check")

    def lasts(self, finding: Finding) -> bool:
        return finding.detail not in (LARGE, SUMMED)  # the first loss is no state of the steps after it

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        of_first = {LARGE: ("lecun-init", "scaled-inputs", "gradient-check"), SUMMED: ("gradient-check",)}
        return of_first.get(finding.detail, self.remedies)

    def check(self, window: Window) -> list[Finding]:
        classes = sum(share > 0 for share in window.info.prior)
        if classes < 2:
            return []
        findings = self._first(window, classes)
        rows, fit = int(self.threshold(window, "rows")), self.threshold(window, "fit")
        if len(window) < rows:
            return findings
        loss, accuracy = window.scalar("data_loss")[-rows:], window.scalar("accuracy")[-rows:]
        is_binary = window.info.task.kind == BINARY
        for value, words in _readings(loss, accuracy, classes, window.guessing_loss, fit, has_softmax=not is_binary):
            first = len(window) - rows
            plain = f"The loss says by its value what is wrong: {words}."
            findings.append(
                self.finding(window, None, first, len(window) - 1, float(loss.mean()), value, words, plain=plain)
            )
            break
        return findings

    def _first(self, window: Window, classes: int) -> list[Finding]:
        outputs = max(classes, window.outputs)
        most = self.threshold(window, "first") * math.log(outputs)
        rows = max(1, math.ceil(FIRST_SAMPLES / max(1, window.info.batch_size)))
        if window.is_of_large_batches:  # no chance chose the samples, and updates have a part in later losses
            rows = 1
        if len(window) < rows or window.steps[0] != 0:
            return []
        loss = float(window.scalar("data_loss")[:rows].mean())
        if not most < loss < math.inf:
            return []
        times = loss / math.log(outputs)
        first = number_text(loss)
        detail = LARGE
        message = f"the first loss is {first}, {times:.1f} x ln {outputs}: initial weights or inputs are too large"
        batch = window.info.batch_size
        if 0.8 * batch <= times <= 1.6 * batch and batch > 1:
            summed = f"the first loss is {first}, about {batch} x ln {outputs}: it is summed over the batch"
            detail, message = SUMMED, summed
            if loss <= LARGEST_MEAN:
                detail, message = LARGE, f"{summed}, or initial weights or inputs are too large"
        found = self.finding(window, None, 0, rows - 1, loss, most, message, plain=sentence(message))
        return [replace(found, detail=detail)]

    def origin_of(self, finding: Finding, window: Window) -> Origin:
        return Origin.UNKNOWN if finding.detail in (LARGE, SUMMED) else Origin.CODE

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        t = np.arange(100)
        accuracy = np.round(0.3 + 0.1 * np.sin(t), 3)

        def shown(loss: object, right: object = accuracy) -> Window:
            return example(thresholds, {"data_loss": loss, "accuracy": right}, steps=100)

        return (
            Case("a loss that falls", example(thresholds, steps=100)),
            Case("a loss that varies about guessing", shown(2.3 + 0.01 * np.sin(t), 0.1)),
            Case("negative", shown(-4.0), (None,)),
            Case("ln 10 in every row", shown(math.log(10), 0.1), (None,)),
            Case("ln 10 in all but 4 of 40 rows", shown(np.where(t < 64, 2.4, math.log(10)), 0.1)),
            Case("(1 - accuracy) x 16.118", shown((1 - accuracy) * 16.118), (None,)),
            Case("1.4612 + 1 - accuracy", shown(2.4612 - accuracy), (None,)),
            Case("1.4612 where every answer is right", shown(1.4612, 1.0), (None,)),
            Case("a first loss of 295", shown(np.where(t == 0, 295.0, 0.3)), (None,)),
            Case("a first loss of 30", shown(np.where(t == 0, 30.0, 0.3)), (None,)),
        )


def _readings(
    loss: Series, accuracy: Series, classes: int, entropy: float, fit: float, has_softmax: bool
) -> list[tuple[float, str]]:
    """What the values of a loss say, with the number that they were compared with."""
    wrong = 1 - accuracy

    def fits(expected: Series, within: float = fit, share: float = SHARE) -> bool:
        near = np.abs(loss - expected) <= within * np.maximum(np.abs(expected), 1e-9)
        return bool(np.mean(near) >= share)

    uniform, floor = math.log(classes), math.log(1 + (classes - 1) / math.e)
    found: list[tuple[float, str]] = []
    if (loss < 0).mean() >= SHARE:
        found.append((0.0, f"a cross-entropy of {loss.mean():.3g} is negative: the outputs are no probabilities"))
    levels = {f"ln {classes}": uniform, "the entropy of the class prior": entropy}
    for level, value in levels.items():
        if fits(np.full_like(loss, value), 1e-6, share=1):  # fewer where a large update silenced the network first
            rows = f"to six digits in the last {len(loss)} rows"
            found.append((value, f"the loss is {level} = {value:.6f} {rows}: no gradient moves anything"))
    varies = wrong.mean() > 0.02 and wrong.std() > 0
    for clip, at in CLIPPED_AT.items():
        if varies and fits(wrong * clip):
            words = f"the loss is (1 - accuracy) x {clip:g}: probabilities are exactly 0 or 1, clipped at {at}"
            found.append((clip, words))
    twice = floor + wrong
    near = fits(twice, 8 * fit) and abs(loss.mean() - twice.mean()) <= 3 * fit * twice.mean()
    # With a hundred classes and more, guessing has nearly the same loss as this.
    tells = has_softmax and not any(fits(np.full_like(loss, value)) for value in levels.values())
    # The loss of a healthy run passes these numbers as it falls, while the accuracy is still low.
    is_at_floor = bool(wrong.mean() <= 0.02)
    if tells and (varies or is_at_floor) and (fits(twice) or (near and accuracy.mean() >= FAR_ABOVE_CHANCE)):
        words = f"the loss is {floor:.4f} + 1 - accuracy: softmax applied twice ends at ln(1 + {classes - 1}/e)"
        found.append((floor, words))
    return found
