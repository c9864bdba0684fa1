"""Parameter drift: the norm of a layer's parameters grows slowly, over hundreds of steps.

What it looks at: the norm of each layer's parameters, weights and biases together, over
the 500 rows before the run died (fewer where there are no more), against its value at the
first of them. It fires where the norm has grown by the limit 20 rows before the run died,
and no single step made more than a fifth of that growth. (Other rules find sudden changes.)

What it means: each update is small, but all have the same direction. Activations grow
with the weights, until some step is too large or units become silent. Growth alone is no
fault: in runs that end well the last layer and a first convolution grow two- to threefold.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import first_true
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import TooFewRowsError, Window

OVER = 500
SUDDEN = 20
LARGEST_STEP = 0.2
ONSET_SHARE = 0.25  # the drift begins where a quarter of the growth is reached


class ParameterDrift(Rule):
    """A layer's norm grew slowly by a large factor before the run died."""

    name = "parameter-drift"
    title = "the parameters of a layer drift over hundreds of steps"
    rank = 6
    origin = Origin.SETTINGS
    happens_in_healthy_runs = True
    thresholds = (
        threshold("growth", 4, "times", "norm before the run died over that 500 rows earlier", CALIBRATION, 1.05),
        threshold("rows", 100, "rows", "over at least so many rows", "choice", 10),
    )
    value_unit = "times"
    remedies = ("weight-decay", "smaller-rate", "exact-convolution")

    def check(self, window: Window) -> list[Finding]:
        limit, rows = self.threshold(window, "growth"), int(self.threshold(window, "rows"))
        if window.start < rows:
            raise TooFewRowsError(f"{rows:,} before the run died")
        begin = max(0, window.start - OVER)
        findings = []
        for layer in window.layers:
            norm = window.layer_norm(layer, "value")[begin : window.start]
            if not norm[0] > 0 or not np.isfinite(norm).all():
                continue
            at = max(0, len(norm) - SUDDEN)
            slow = norm[at] / norm[0]
            if slow < limit or np.diff(np.log(norm)).max() > LARGEST_STEP * np.log(slow):
                continue
            first = begin + (first_true(norm >= (1 + ONSET_SHARE * (limit - 1)) * norm[0]) or 0)
            steps = window.steps[begin + at] - window.steps[begin]
            message = f"parameters of {layer} grew {slow:.1f}x within {steps:,} steps, without a sudden step"
            begun = f"From step {int(window.steps[first]):,} on" if first else "From the first step on"
            plain = f"{begun} the weights and biases of {layer} grew {slow:.1f}x, without a sudden step."
            last = window.start - 1
            findings.append(self.finding(window, layer, first, last, slow, limit, message, plain=plain))
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        name, steps, start = "conv1/weights/value/norm", 400, 350
        slow = np.linspace(10.0, 100.0, steps)
        grown = example(thresholds, {name: slow}, steps=steps, start=start)
        long_ago = np.minimum(10.0, 1.0 + 0.09 * np.arange(800))
        sudden = np.where(np.arange(steps) < start - 5, 10.0, 100.0)
        return (
            Case("norms stay as they are", example(thresholds, steps=steps, start=start)),
            Case("ten times larger over 400 steps", grown, ("conv1",)),
            Case("it grew long before", example(thresholds, {name: long_ago}, steps=800, start=750)),
            Case("a sudden jump, which is no drift", example(thresholds, {name: sudden}, steps=steps, start=start)),
        )
