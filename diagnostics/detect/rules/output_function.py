"""Output function: the last layer ends with a function whose outputs are no probabilities.

What it looks at: the activation function of the last layer, where it has as many units as
the labels have classes. It fires for ReLU and tanh.

What it means: a cross-entropy takes the logarithm of a probability. A ReLU gives numbers above
1, and zeros, whose logarithm is clipped and has no gradient. A tanh gives negative numbers.
The last layer needs softmax.
"""

from __future__ import annotations

from dataclasses import replace

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, sentence
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window

NO_PROBABILITIES = ("relu", "tanh")


class OutputFunction(Rule):
    """A last layer without probabilities."""

    name = "output-function"
    title = "the last layer ends with a function whose outputs are no probabilities"
    rank = 0
    origin = Origin.CODE
    is_fault = is_about_the_start = True
    needs_cross_entropy = True
    remedies = ("probabilities",)

    def check(self, window: Window) -> list[Finding]:
        last = window.layers[-1]
        function = window.function(last)
        if function not in NO_PROBABILITIES or window.unit_count(last) != len(window.info.prior) or not len(window):
            return []
        message = (
            f"the last layer {last} ends with {function}, whose outputs are no probabilities, before a cross-entropy"
        )
        plain = sentence(message)
        nan = float("nan")
        return [self.finding(window, last, 0, len(window) - 1, nan, nan, message, plain=plain)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        window = example(thresholds)
        *others, last = window.info.layers
        wrong = replace(window.info, layers=(*others, replace(last, activation="relu")))
        return (Case("softmax", window), Case("ReLU", replace(window, info=wrong), ("dense2",)))
