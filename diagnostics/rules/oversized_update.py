"""Oversized update: one step changes a layer by a large part of itself.

What it looks at: the norm of a layer's update over the norm of its parameters,
weights and biases together (biases alone start at 0, where a ratio means nothing).
It fires at the first row where that is above the limit.

What it means: healthy training moves a layer by about a thousandth of its norm a
step; a step of a third of it forgets what was learned and often lands where units
are silent or saturated.
"""

from __future__ import annotations

import math

from diagnostics.findings import Finding
from diagnostics.limits import CALIBRATION, Limit, Limits
from diagnostics.rules.base import Case, Rule, Window, first_true, layer_norm, median_before
from diagnostics.rules.examples import example


class OversizedUpdate(Rule):
    """An update that is a large part of the layer's own norm."""

    name = "oversized-update"
    title = "one update changes a layer by a large part of itself"
    rank = 12
    needs_trouble = True
    limits = (
        Limit("oversized-update", "ratio", 0.25, "of the layer's norm", "norm of the update", CALIBRATION, 1e-6),
        Limit("oversized-update", "growth", 3, "times", "and over the median ratio of 20 rows before", "choice", 1),
    )
    remedies = ("clipping the gradient by its norm", "a smaller learning rate", "warm-up")

    def check(self, window: Window) -> list[Finding]:
        limit, growth = self.limit(window, "ratio"), self.limit(window, "growth")
        findings = []
        for layer in window.layers:
            ratio = layer_norm(window, layer, "update") / layer_norm(window, layer, "value")
            before = median_before(ratio, window.start)
            least = limit if math.isnan(before) else max(limit, growth * before)
            first = first_true(ratio >= least, window.start)
            if first is not None:
                message = f"update of {layer} is {ratio[first]:.0%} of its norm"
                findings.append(self.finding(window, layer, first, first, ratio[first], limit, message))
        return findings

    def cases(self, limits: Limits) -> tuple[Case, ...]:
        name = "dense1/weights/update/norm"
        return (
            Case("updates of a hundredth", example(limits)),
            Case("38 % of the norm at step 32", example(limits, {name: (32, 3.8)}), ("dense1",)),
        )
