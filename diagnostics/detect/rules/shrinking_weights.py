"""Shrinking weights: the weights of a layer went towards zero, and the network guesses.

What it looks at: the norm of each layer's weights beside the largest that they had. It fires where that of a layer
has fallen below the limit, to the end of the window, while the loss is that of guessing.

What it means: a penalty on the weights, or a weight decay, pulls more than the gradient of the loss. The outputs then
hardly depend on the input. Training without a penalty does not lead to it.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import lasting_from
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window


class ShrinkingWeights(Rule):
    """Weights that a penalty or a decay has pulled to zero."""

    name = "shrinking-weights"
    title = "the weights of a layer shrink towards zero"
    rank = 1
    origin = Origin.SETTINGS
    blocks_learning = 2
    is_fault = is_lasting = is_about_the_start = True
    needs_guessing = True
    explains = ("telling-loss", "tiny-steps", "vanishing-gradient", "faint-gradient")
    thresholds = (
        threshold("share", 0.01, "of their largest norm", "norm of a layer's weights", "choice", 0, 1),
        threshold("rows", 20, "rows", "for at least so many rows, up to the last", "choice", 1, 1000),
    )
    remedies = ("less-decay",)

    def check(self, window: Window) -> list[Finding]:
        limit, rows = self.threshold(window, "share"), int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        for layer in window.layers:
            norm = window.tensor(layer, "weights", "value", "norm")
            share = norm / np.maximum.accumulate(norm)
            first = lasting_from((norm > 0) & (share < limit) & window.is_guessing, rows)
            if first is not None:
                message = f"the weights of {layer} shrank to {share[-1]:.1g} of their norm"
                plain = f"Up to step {window.steps[-1]:,} {message}: a penalty or a decay pulls them to zero."
                return [self.finding(window, layer, first, len(window) - 1, share[-1], limit, message, plain=plain)]
        return []

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        name = "dense1/weights/value/norm"
        guessing, shrinking = {"data_loss": 2.3}, {name: 10.0 * 0.85 ** np.arange(60)}
        return (
            Case("weights of one size while guessing", example(thresholds, guessing)),
            Case("weights that lose 15 % a step", example(thresholds, {**guessing, **shrinking}), ("dense1",)),
            Case("the same in a run that learns", example(thresholds, shrinking)),
            Case("weights that were set to zero", example(thresholds, {**guessing, name: (20, 0.0)})),
        )
