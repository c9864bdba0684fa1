"""Uninformative labels: every layer is alive, and the run still learns nothing.

What it looks at: whether the loss is at the entropy of the class prior, or at the loss of
guessing of another task, while every layer is alive: few silent or saturated units,
gradients that are not zero, updates of ordinary size. It fires where that holds for the last
rows of the window, and the loss was never clearly better after the last row, if any, at which
the run had learned.

What it means: the network outputs the class frequencies although its layers could change.
Either the labels carry no information (they were shuffled, or have nothing to do with the
images), or the updates do not follow the gradient (the backward pass is wrong, which a
gradient check finds). The rule cannot tell one from the other. It is the weakest
explanation, and is given only where no other rule has one.
"""

from __future__ import annotations

import math

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import means
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import loss_text


class UninformativeLabels(Rule):
    """Guessing with every layer alive."""

    name = "uninformative-labels"
    title = "labels that carry no information"
    spoken_name = "alive, but learning nothing"  # the rule cannot tell bad labels from a wrong gradient
    rank = 40
    is_last_resort = is_disproved_by_recovery = True
    is_lasting = True
    needs_guessing = True
    thresholds = (
        threshold("band", 0.05, "H", "mean loss at most so far from H, or 3 sigma", "choice", 0, 1),
        threshold("dead", 0.6, "share of units", "silent or saturated in any layer", CALIBRATION, 0, 1),
        threshold("ratio", 1e-5, "of the tensor's norm", "every layer's update at least", "choice", 0, 1),
        threshold("rows", 20, "rows", "over so many rows up to the last", "choice", 3, 1000),
    )
    remedies = ("exact-convolution", "look-at-pairs", "gradient-check")

    def check(self, window: Window) -> list[Finding]:
        rows = int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        band = max(self.threshold(window, "band"), 3 * _noise(window, rows))
        loss = window.scalar("data_loss")
        off = abs(loss[-rows:].mean() / window.guessing_loss - 1)
        if not off <= band:
            return []
        running = means(loss, rows)
        learned = np.flatnonzero(running <= window.thresholds["verdict.learned_loss"] * window.guessing_loss)
        # Rows whose mean still contains rows that had learned do not count: the loss rises there.
        since = int(learned[-1]) + rows if len(learned) else 0
        if not (running[since:] >= (1 - band) * window.guessing_loss).all():
            return []
        for layer in window.hidden:
            unresponsive = window.activation(layer, "dead_fraction")
            if window.function(layer) in ("sigmoid", "tanh"):
                unresponsive = window.activation(layer, "saturated_fraction")
            if not np.median(unresponsive[-rows:]) < self.threshold(window, "dead"):
                return []
        for layer in window.layers:
            ratio = np.median(window.tensor(layer, "weights", "update", "ratio")[-rows:])
            if not ratio >= self.threshold(window, "ratio"):
                return []
        first = len(window) - rows
        why = "labels that carry no information, or a wrong gradient"
        if any(layer.kind == "ReportConvolutionLayer" for layer in window.info.layers):
            why = "the paper's convolution does not follow the gradient, or the labels carry no information"
        level = window.info.task.level_words
        message = f"loss at {level} ({loss_text(window.guessing_loss)}) with every layer alive: {why}"
        plain = f"The loss stays at {level} ({loss_text(window.guessing_loss)}) though every layer is alive: {why}."
        return [self.finding(window, None, first, len(window) - 1, off, band, message, plain=plain)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        guessing = {"data_loss": 2.3026}
        begun = np.where(np.arange(60) < 35, 1.9, 2.3026)
        dead = {**guessing, "dense1/dead_fraction": 0.95}
        return (
            Case("a loss that falls", example(thresholds)),
            Case("loss 2.303 and all layers alive", example(thresholds, guessing), (None,)),
            Case("loss 2.303 and a dead layer", example(thresholds, dead)),
            Case("it had begun to learn", example(thresholds, {"data_loss": begun})),
        )


def _noise(window: Window, rows: int) -> float:
    """Standard error of the mean loss of guessing over ``rows`` batches, as a share of H: few samples vary more."""
    samples = rows * window.info.batch_size
    return window.info.guessing_noise / math.sqrt(samples) / window.guessing_loss if window.guessing_loss > 0 else 0.0
