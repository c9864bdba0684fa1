"""Exploding gradient: the gradient of a layer grows many times over within a few steps.

What it looks at: the norm of each layer's gradient of the weights against its median
over the 20 rows before. It fires at the first row where it is larger by the limit.

What it means: the loss surface is steep here. With plain gradient descent the update
grows with the gradient, and one step can throw the weights far off.

Source: Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural
networks, arXiv:1211.5063.
"""

from __future__ import annotations

import numpy as np

from diagnostics.findings import Finding
from diagnostics.limits import Limit, Limits
from diagnostics.rules.base import Case, Rule, Window, first_true, median_before
from diagnostics.rules.examples import example


class ExplodingGradient(Rule):
    """A gradient many times larger than just before."""

    name = "exploding-gradient"
    title = "the gradient of a layer grows many times over in a few steps"
    rank = 10
    limits = (
        Limit("exploding-gradient", "growth", 6, "times", "norm over the median of 20 rows before", "provisional", 1.1),
    )
    remedies = ("clipping the gradient by its norm", "warm-up", "a smaller learning rate")

    def check(self, window: Window) -> list[Finding]:
        limit = self.limit(window, "growth")
        findings = []
        for layer in window.layers:
            norm = window.tensor(layer, "weights", "gradient", "norm")
            before = median_before(norm, window.start)
            if not before > 0:
                continue
            first = first_true(norm >= limit * before, window.start)
            if first is None:
                continue
            peak = first + int(np.nanargmax(norm[first : first + 5]))
            growth = norm[peak] / before
            message = f"gradient of {layer} up {growth:.0f}x, from {before:.2g} to {norm[peak]:.2g}"
            findings.append(self.finding(window, layer, first, peak, growth, limit, message))
        return findings

    def cases(self, limits: Limits) -> tuple[Case, ...]:
        name = "dense1/weights/gradient/norm"
        return (
            Case("a gradient that ripples", example(limits)),
            Case("14 times larger at step 31", example(limits, {name: (31, 14.0)}), ("dense1",)),
            Case("always large", example(limits, {name: 14.0})),
        )
