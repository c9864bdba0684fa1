"""One-class labels: from some step on all labels are the same.

What it looks at: the accuracy of each batch. It fires where all samples of every batch are
right from some row on to the last, a few rows after rows in which no batch was all right, and right
after rows in which many samples were wrong.

What it means: from this step on there is one class, and the network gives it for every input.
A training that gets perfect without that gets there slowly: its last wrong answers are few.
Accuracy and loss of such a run look perfect, and its validation is that of guessing.
"""

from __future__ import annotations

import math

import numpy as np

from diagnostics.detect.examples import example, with_info
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window

WITHIN, BEFORE, SWITCH = 30, 20, 10
USUAL_BATCH = 32  # samples; with smaller batches as many more rows are looked at


class OneClassLabels(Rule):
    """Every answer is right from one step to the next."""

    name = "one-class-labels"
    spoken_name = "labels of one class"
    title = "all labels are of one class from some step on"
    rank = 5
    origin = Origin.DATA
    is_fault = is_about_the_start = is_blow = True
    thresholds = (
        threshold("before", 0.97, "share", "accuracy of the rows before, at most", "choice", 0, 1),
        threshold("rows", 40, "rows", "right to the last sample, up to the last", "choice", 5, 1e4),
    )
    remedies = ("look-at-pairs",)

    def check(self, window: Window) -> list[Finding]:
        most, rows = self.threshold(window, "before"), int(self.threshold(window, "rows"))
        smaller = max(1, math.ceil(USUAL_BATCH / window.info.batch_size))
        self.require_rows(window, smaller * rows + BEFORE)
        if window.is_of_large_batches:  # the labels are all those of the training set, whose classes are known
            return []
        wrong = np.flatnonzero(~(window.scalar("accuracy") >= 1))  # an accuracy that is NaN is not right
        since = int(wrong[-1]) + 1 if len(wrong) else 0
        accuracy = window.scalar("accuracy")
        before = accuracy[max(0, since - WITHIN - BEFORE) : max(0, since - WITHIN)]
        if len(window) - since < smaller * rows or not len(before) or not before.max() < 1 or before.mean() > most:
            return []
        if (
            accuracy[max(0, since - smaller * SWITCH) : since].mean() > most
        ):  # a small training set that was learned by heart
            return []
        message = "every batch is right to the last sample: labels of one class"
        lasted, plain = len(window) - since, f"From step {window.steps[since]:,} on {message}."
        return [self.finding(window, None, since, len(window) - 1, lasted, rows, message, plain=plain)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        t = np.arange(200)
        one_class = np.where(t < 100, 0.9, np.where(t < 110, 0.3, 1.0))
        by_itself = np.where(t < 100, 0.98, np.where((t < 150) & (t % 3 == 0), 0.99, 1.0))
        by_heart = np.minimum(1, 0.95 + np.maximum(0, t - 90) * 0.002)
        small = np.where((t % 2 == 0) & (t < 130), 14 / 16, 1.0)
        gone = np.where(t < 100, 0.9, np.nan)
        return (
            Case("accuracies that are not finite from step 100 on", example(thresholds, {"accuracy": gone}, steps=200)),
            Case("accuracies of a run that learns", example(thresholds, steps=200)),
            Case("one class from step 100 on", example(thresholds, {"accuracy": one_class}, steps=200), (None,)),
            Case("it gets perfect by itself", example(thresholds, {"accuracy": by_itself}, steps=200)),
            Case(
                "70 small batches right", with_info(example(thresholds, {"accuracy": small}, steps=200), batch_size=16)
            ),
            Case("one batch is learned by heart", example(thresholds, {"accuracy": by_heart}, steps=200)),
        )
