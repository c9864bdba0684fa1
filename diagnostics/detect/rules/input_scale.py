"""Input scale: the data are constant, or far larger than the network expects.

What it looks at: standard deviation and mean of the input itself. It fires from the
first row where the standard deviation is 0, or where it or the mean is above the
limit, unless the outputs of the first layer show that the input is not multiplied by
weights (token ids that are looked up).

What it means: images in 0 to 255 instead of 0 to 1 multiply the first layer's outputs
and gradients by 255 each, so that a suitable learning rate becomes 65,025 times too
large. From a constant input nothing can be learned.
"""

from __future__ import annotations

import math

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import first_true, lasting_from
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import number_text

NOT_MULTIPLIED = 0.01  # outputs that many times smaller than input times weights show that the input is not multiplied


class InputScale(Rule):
    """Constant or unscaled data."""

    name = "input-scale"
    spoken_name = "wrong scale"
    title = "the input is constant or not scaled"
    rank = 0
    origin = Origin.DATA
    is_fault = is_about_the_start = is_blow = True
    thresholds = (threshold("spread", 5, "1", "standard deviation, or size of the mean, of the input", "choice", 0.1),)
    remedies = ("scaled-inputs", "look-at-inputs")

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        scaled, read = self.remedies
        return (scaled,) if finding.value > 0 else (read,)

    def check(self, window: Window) -> list[Finding]:
        limit = self.threshold(window, "spread")
        spread, mean = window.activation("input", "std"), np.abs(window.activation("input", "mean"))
        size = np.maximum(spread, mean)
        first = first_true(size > limit)
        if first is not None and not _is_looked_up(window, first, float(size[first])):
            numbers = f"mean {number_text(mean[first])}, standard deviation {number_text(spread[first])}"
            message = f"the input has {numbers}: it is not scaled"
            return [self.finding(window, "input", first, len(window) - 1, size[first], limit, message)]
        signed = window.activation("input", "mean")
        first = lasting_from((spread == 0) & (signed == signed[-1]), 5)  # one number alone has no spread
        if first is not None:
            message = "the input is the same number everywhere"
            return [self.finding(window, "input", first, len(window) - 1, 0.0, 0.0, message)]
        return []

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        pixels = {"input/std": (30, 78.0), "input/mean": (30, 33.0), "conv1/std": (30, 40.0)}
        tokens = {"input/std": 2900.0, "input/mean": 5000.0, "conv1/std": 0.1}
        return (
            Case("digits in 0 to 1", example(thresholds)),
            Case("pixels in 0 to 255", example(thresholds, pixels), ("input",)),
            Case("token ids that are looked up", example(thresholds, tokens)),
            Case("batches of one number", example(thresholds, {"input/std": 0.0, "input/mean": np.arange(60) / 60})),
            Case("a constant", example(thresholds, {"input/std": (30, 0.0)}), ("input",)),
        )


def _is_looked_up(window: Window, row: int, size: float) -> bool:
    """Whether the first layer does not multiply its input but looks up rows for token ids."""
    first = window.layers[0]
    shape = window.weights(first).shape
    spread = window.tensor(first, "weights", "value", "std")[row]
    expected = size * spread * math.sqrt(math.prod(shape[:-1]))
    return bool(0 < window.activation(first, "std")[row] < NOT_MULTIPLIED * expected)
