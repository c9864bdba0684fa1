"""Exploding gradient: the gradient of a layer grows many times over within a few steps.

What it looks at: the norm of each layer's gradient of the weights against its median
over ten or fifty rows, the larger of the two. These rows end three rows before, so that a
burst does not raise the level that it is compared with. The rule fires for the last burst in
the window: the rows above the limit, with gaps of at most two, in which some update of the
weights is not tiny.

What it means: the loss surface is steep here. With plain gradient descent the update
grows with the gradient, and one step can move the weights far. Such bursts are frequent at
the step at which a run that was guessing begins to learn.

Source: Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural
networks, arXiv:1211.5063.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series, groups, medians_up_to
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import two_digits

LEVEL_ROWS, LAG, GAP = (10, 50), 3, 2
NO_GROWTH_FROM = 1e5  # from there on the message gives the two norms alone


class ExplodingGradient(Rule):
    """A gradient many times larger than just before."""

    name = "exploding-gradient"
    title = "the gradient of a layer grows many times over in a few steps"
    rank = 7
    origin = Origin.SETTINGS
    is_sudden = True
    happens_in_healthy_runs = True
    thresholds = (
        threshold("growth", 6, "times", "norm over its recent level", CALIBRATION, 1.1),
        threshold(
            "update", 0.005, "of the tensor's norm", "largest update of the weights in the burst", CALIBRATION, 0
        ),
    )
    value_unit = "times"
    remedies = ("scaled-targets", "smaller-rate", "clip", "warm-up")

    def check(self, window: Window) -> list[Finding]:
        limit = self.threshold(window, "growth")
        findings = []
        for layer in window.layers:
            norm = window.tensor(layer, "weights", "gradient", "norm")
            level = usual_level(norm)
            bursts = groups(norm >= limit * level, window.start, GAP)
            if not bursts:
                continue
            first, last = bursts[-1]
            peak = first + int(np.argmax(norm[first : last + 1]))
            growth = norm[peak] / level[first]
            moved = window.tensor(layer, "weights", "update", "ratio")[first : last + 1]
            if not (moved >= self.threshold(window, "update")).any():
                continue
            up = f"up {growth:,.0f}x, from" if growth < NO_GROWTH_FROM else "up from"
            ends = f"{two_digits(level[first])} to {two_digits(norm[peak])}"
            message = f"gradient of {layer} {up} {ends}"
            plain = f"The gradient of {layer} grew from {ends} within a few steps."
            findings.append(self.finding(window, layer, first, peak, growth, limit, message, peak=peak, plain=plain))
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        name = "dense1/weights/gradient/norm"
        still = {"dense1/weights/update/ratio": 1e-5}
        return (
            Case("a gradient that ripples", example(thresholds)),
            Case("14 times larger at step 31", example(thresholds, {name: (31, 14.0)}), ("dense1",)),
            Case("14 times larger, and moving nothing", example(thresholds, {name: (31, 14.0), **still})),
            Case("always large", example(thresholds, {name: 14.0})),
        )


def usual_level(norm: Series) -> Series:
    """The usual level before each row; NaN in the first few rows and where the level is 0.

    It is the larger of two medians, over the last ten and the last fifty rows that end three rows before. So a gradient
    that was small for a few rows and has its old size again has not grown.
    """
    level = np.full(len(norm), np.nan)
    # Where only the longer stretch has a NaN, the level is the median of the shorter one.
    level[LAG + 1 :] = np.fmax(*(medians_up_to(norm, rows) for rows in LEVEL_ROWS))[1 : max(1, len(norm) - LAG)]
    level[~(level > 0)] = np.nan
    return level
