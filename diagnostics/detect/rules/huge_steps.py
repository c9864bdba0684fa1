"""Huge steps: every update changes a layer by a large part of itself, and nothing is learned.

What it looks at: the norm of each layer's update over the norm of its parameters, weights and biases together. It
fires where that has been above the limit in a layer to the end of the window, while the loss is that of guessing or
higher.

What it means: healthy training moves a layer by about a thousandth of its norm a step. With steps this long each update
undoes the one before, as where a bias jumps to and fro. The learning rate is too large, or the targets spread far.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, Severity, sentence
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import lasting_from
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import share_words


class HugeSteps(Rule):
    """Updates as large as the layer, step after step."""

    name = "huge-steps"
    title = "the steps are too large for this network"
    rank = 30
    origin = Origin.SETTINGS
    is_last_resort = is_lasting = is_fault = True
    needs_guessing = True
    thresholds = (
        threshold("ratio", 0.25, "of the layer's norm", "norm of the update", "choice", 1e-6),
        threshold("rows", 20, "rows", "for at least so many rows, up to the last", "choice", 1, 1000),
    )
    remedies = ("scaled-targets", "smaller-rate", "clip", "warm-up")

    def check(self, window: Window) -> list[Finding]:
        limit, rows = self.threshold(window, "ratio"), int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        longest: tuple[float, str, int] | None = None
        for layer in window.layers:
            ratio = window.layer_norm(layer, "update") / window.layer_norm(layer, "value")
            first = lasting_from((ratio >= limit) & window.is_guessing, rows)
            if first is not None:
                usual = float(np.median(ratio[first:]))
                longest = max(longest or (0.0, "", 0), (usual, layer, first))
        if longest is None or not window.guessing_loss > 0:
            return []
        usual, layer, first = longest
        message = f"the steps are too large for this network: each moves {layer} by {share_words(usual)} its norm"
        plain, level, last = sentence(message), Severity.WARNING, len(window) - 1
        return [self.finding(window, layer, first, last, usual, limit, message, severity=level, plain=plain)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        name, t = "dense2/biases/update/norm", np.arange(60)
        guessing, jumps = {"data_loss": 2.5}, {name: 20.0}
        return (
            Case("updates of a hundredth while guessing", example(thresholds, guessing)),
            Case("the last biases jump at each step", example(thresholds, {**guessing, **jumps}), ("dense2",)),
            Case("the same in a run that learns", example(thresholds, jumps)),
            Case("one large update", example(thresholds, {**guessing, name: np.where(t == 40, 20.0, 0.01)})),
        )
