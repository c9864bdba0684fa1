"""Summed gradient: the gradient is the sum over the batch, not the mean.

What it looks at: the gradient of the last layer's biases, in a network that ends with
softmax and a cross-entropy; softmax may be a part of the loss, so that the last layer has no
function of its own. For one sample it is the answer minus the label, (p - y),
whose L2 norm is at most the root of 2, and the norm of a mean over the batch is no larger. It
fires where the norm is above the limit.

What it means: the gradient is about as many times larger than that of the mean loss as the
batch has samples. The learning rate acts as if it were multiplied by the batch size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, sentence
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import first_true
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import number_text

BEGINNING = 2  # a gradient that is summed is so from the first rows on


class SummedGradient(Rule):
    """A gradient of the last biases that no mean over a batch can have."""

    name = "summed-gradient"
    title = "the gradient is summed over the batch instead of averaged"
    rank = 6
    origin = Origin.CODE
    is_fault = is_about_the_start = True
    needs_cross_entropy = True
    thresholds = (threshold("norm", 2.0, "1", "last biases' gradient; a mean has 1.41 at most", "definition", 1.42),)
    remedies = ("rate-over-batch", "gradient-check")

    def check(self, window: Window) -> list[Finding]:
        last, limit = window.layers[-1], self.threshold(window, "norm")
        norm = window.tensor(last, "biases", "gradient", "norm")
        if not window.ends_with_softmax:
            return []
        finite = np.isfinite(norm)
        # Gradients that add up from step to step are small at first, and so are those of another loss.
        first = first_true(finite & (norm > limit))
        if first is None or (window.steps[0] == 0 and first > BEGINNING):
            return []
        batch = window.info.batch_size
        message = (
            f"the gradient of the biases of {last} has norm {number_text(norm[first])}; a mean over the batch has at "
            f"most {math.sqrt(2):.2f}: it is summed, so the learning rate acts as if it were {batch} times larger"
        )
        most, plain = float(norm[finite].max()), sentence(message)
        return [self.finding(window, last, first, len(window) - 1, most, limit, message, plain=plain)]

    def doses(self, finding: Finding, window: Window) -> Mapping[str, float]:
        return {"rate-over-batch": float(window.info.batch_size)}

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        name = "dense2/biases/gradient/norm"
        return (
            Case("a mean gradient", example(thresholds, {name: 0.7})),
            Case("a sum over 128 samples", example(thresholds, {name: 55.0}), ("dense2",)),
        )
