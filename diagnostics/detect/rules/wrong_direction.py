"""Wrong direction: the parameters of a layer move along the gradient, not against it.

What it looks at: the sign of the mean update against the sign of the mean gradient of
each tensor. With plain gradient descent they are opposite at every step; with momentum
at most of them. It fires where they agree in nearly all of the last rows. Adam and RMSprop divide
each entry by its size, so that the mean update of one layer may go along the mean gradient. With
such an optimiser it fires only where all layers do.

What it means: the step increases the loss instead of decreasing it. A sign is wrong, in the
optimiser or between gradient and update.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example, with_info
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.run_traits import is_adaptive
from diagnostics.detect.series import first_true
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window


class WrongDirection(Rule):
    """Updates along the gradient."""

    name = "wrong-direction"
    title = "the parameters of a layer move along the gradient"
    rank = 11
    origin = Origin.CODE
    is_fault = is_about_the_start = True
    thresholds = (
        threshold("share", 0.95, "share of rows", "rows where update and gradient agree in sign", "choice", 0.5, 1),
        threshold("rows", 10, "rows", "of at least so many rows, up to the last", "choice", 3, 1000),
    )
    value_unit = "share"
    remedies = ("gradient-check", "update-sign")

    def check(self, window: Window) -> list[Finding]:
        share, rows = self.threshold(window, "share"), int(self.threshold(window, "rows"))
        findings = []
        for layer in window.layers:
            pairs = [
                np.sign(window.tensor(layer, tensor, "update", "mean"))
                * np.sign(window.tensor(layer, tensor, "gradient", "mean"))
                for tensor in ("weights", "biases")
            ]
            along = (pairs[0] + pairs[1] > 0) & (np.minimum(*pairs) >= 0)
            # The share of the rows from each one to the last; the earliest True from which it is high enough.
            shares = np.cumsum(along[::-1])[::-1] / np.arange(len(along), 0, -1)
            first = first_true(along & (shares >= share))
            if first is not None and len(along) - first >= rows:
                value = shares[first]
                message = f"the updates of {layer} go along its gradient instead of against it"
                plain = f"From step {window.steps[first]:,} on {message}."
                last = len(window) - 1
                findings.append(self.finding(window, layer, first, last, value, share, message, plain=plain))
        if is_adaptive(window.info) and len(findings) < len(window.layers):
            return []
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        turned = {f"dense1/{tensor}/update/mean": (30, 0.001) for tensor in ("weights", "biases")}
        adam = with_info(example(thresholds, turned), description={"optimizer": "OptimizerAdam"})
        return (
            Case("updates against the gradient", example(thresholds)),
            Case("dense1 climbs from step 30 on", example(thresholds, turned), ("dense1",)),
            Case("the same with Adam", adam),
        )
