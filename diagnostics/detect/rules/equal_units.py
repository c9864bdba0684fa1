"""Equal units: all weights of a layer are the same number, so its units can never differ.

What it looks at: the standard deviation of each layer's weights against their mean. It
fires at the first row where all weights are the same number, and that number is not 0.

What it means: units with the same weights give the same outputs and get the same gradient,
so they stay the same. The layer computes no more than one unit would. Initial weights that
were not drawn at random have this effect.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import first_true
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import number_text


class EqualUnits(Rule):
    """A layer whose weights are all the same number."""

    name = "equal-units"
    title = "all weights of a layer are the same number"
    rank = 1
    origin = Origin.CODE
    is_fault = is_about_the_start = is_blow = True
    thresholds = (threshold("spread", 1e-6, "of the mean", "standard deviation of the weights", "choice", 0, 0.01),)
    remedies = ("random-weights",)

    def check(self, window: Window) -> list[Finding]:
        limit = self.threshold(window, "spread")
        findings = []
        for layer in window.layers:
            mean = np.abs(window.tensor(layer, "weights", "value", "mean"))
            spread = window.tensor(layer, "weights", "value", "std")
            first = first_true((mean > 0) & (spread <= limit * mean))
            units = window.unit_count(layer)
            has_one_a_unit = window.weights(layer).size <= units  # such as gamma of a normalisation, which starts at 1
            if first is None or units < 2 or has_one_a_unit:
                continue
            message = (
                f"all weights of {layer} are the same number, {number_text(mean[first])}: its units can never differ"
            )
            plain = f"At step {window.steps[first]:,} {message}."
            findings.append(
                self.finding(window, layer, first, first, spread[first], limit * mean[first], message, plain=plain)
            )
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        mean = [0.1 if t == 0 else 0.01 for t in range(60)]
        std = [0.0 if t == 0 else 0.1 for t in range(60)]
        equal = {"dense1/weights/value/mean": mean, "dense1/weights/value/std": std}
        return (
            Case("weights drawn at random", example(thresholds)),
            Case("all weights of dense1 are 0.1 at first", example(thresholds, equal), ("dense1",)),
            Case("weights of 0, which rule zero-weights finds", example(thresholds, {"dense1/weights/value/std": 0.0})),
        )
