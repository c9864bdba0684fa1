"""Zero weights: nearly all weights of a layer are exactly zero.

What it looks at: the share of exact zeros among a layer's weights. It fires from the
first row where it is above the limit. The last layer may begin with zeros, as in a logistic
regression, if its first update leaves them.

What it means: the outputs of such a layer are its biases, and it passes no gradient down.
Training with plain gradient descent does not lead to it: the weights were set to zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import first_true
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window


class ZeroWeights(Rule):
    """A layer whose weights are exactly zero."""

    name = "zero-weights"
    title = "the weights of a layer are exactly zero"
    rank = 1
    origin = Origin.CODE
    is_fault = is_about_the_start = is_blow = True
    includes = ("oversized-update", "foreign-change")
    thresholds = (threshold("share", 0.9, "share of weights", "weights that are exactly 0", "choice", 0.01, 1),)
    value_unit = "share"
    remedies = ("random-weights", "look-at-writers")

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        drawn, written = self.remedies
        return (drawn,) if finding.first_step == 0 else (written,)

    def check(self, window: Window) -> list[Finding]:
        limit = self.threshold(window, "share")
        findings = []
        for layer in window.layers:
            zero = window.tensor(layer, "weights", "value", "zero_fraction")
            first = first_true(zero >= limit)
            if first is not None and not (layer == window.layers[-1] and _leaves_its_beginning(window, zero < limit)):
                message = f"{zero[first]:.0%} of the weights of {layer} are exactly zero"
                plain = _plain(layer, int(window.steps[first])) if zero[first] == 1 else ""
                last = len(window) - 1
                findings.append(self.finding(window, layer, first, last, zero[first], limit, message, plain=plain))
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        return (
            Case("no weight is zero", example(thresholds)),
            Case(
                "all of dense1 zero",
                example(thresholds, {"dense1/weights/value/zero_fraction": (40, 1.0)}),
                ("dense1",),
            ),
            Case(
                "a last layer that begins with zeros",
                example(thresholds, {"dense2/weights/value/zero_fraction": [float(t == 0) for t in range(60)]}),
            ),
        )


def _plain(layer: str, step: int) -> str:
    """What it means that all weights of a layer are zero, as a sentence."""
    since = f"From step {step:,} on" if step else "Since before the first update"
    return (
        f"{since} all weights of {layer} are exactly zero: its outputs are the same for every input, and no gradient "
        "reaches the layers below it."
    )


def _leaves_its_beginning(window: Window, is_set: NDArray[np.bool_]) -> bool:
    """Whether a layer has zeros in the first row of the run and in no other row."""
    return bool(window.steps[0] == 0 and len(is_set) > 1 and is_set[1:].all())
