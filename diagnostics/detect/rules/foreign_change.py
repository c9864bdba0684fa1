"""Foreign change: a layer changed in one step by far more than its gradient explains.

What it looks at: the norm of each layer's update over learning rate times gradient. With
plain gradient descent that is 1; with momentum and adaptive steps it moves slowly. It fires
where it jumps by the limit over its median of the 20 rows before, in a step whose update is
not tiny.

What it means: something other than the gradient changed the parameters. They were set,
scaled or drawn anew.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import share_words

BEFORE, SHRUNK = 20, 0.3


class ForeignChange(Rule):
    """An update that its gradient does not explain."""

    name = "foreign-change"
    title = "a layer changes by far more than its gradient explains"
    rank = 11
    origin = Origin.CODE
    is_fault = is_about_the_start = is_blow = True
    includes = ("oversized-update",)
    thresholds = (
        threshold("growth", 100, "times", "update over rate and gradient, over its median before", CALIBRATION, 2),
        threshold("update", 0.05, "of the layer's norm", "and the update itself", "choice", 0),
    )
    value_unit = "times"
    remedies = ("look-at-writers",)

    def check(self, window: Window) -> list[Finding]:
        growth, least = self.threshold(window, "growth"), self.threshold(window, "update")
        findings = []
        for layer in window.layers:
            update = window.layer_norm(layer, "update")
            gradient = window.layer_norm(layer, "gradient")
            unit = update / (window.learning_rate(layer) * gradient)
            moved = update / window.layer_norm(layer, "value")
            for row in np.flatnonzero(np.isfinite(unit) & (moved >= least)).tolist():
                usual = _usual(unit, row)
                # Where the gradient shrinks, the momentum of earlier steps looks like a change that no gradient made.
                shrunk = gradient[row] < SHRUNK * _usual(gradient, row)
                if usual > 0 and unit[row] >= growth * usual and not shrunk:
                    times = unit[row] / usual
                    size = f"{share_words(float(moved[row]))} its norm"
                    message = f"the change of {layer} is {size}, {times:,.0f} times what its gradient explains"
                    plain = f"At step {window.steps[row]:,} something other than the gradient changed {layer}."
                    findings.append(self.finding(window, layer, row, row, times, growth, message, plain=plain))
                    break
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        update = [30.0 if t == 40 else 0.1 for t in range(60)]
        gradient = [300.0 if t == 40 else 1.0 for t in range(60)]
        name = "dense1/weights/update/norm"
        return (
            Case("updates follow the gradient", example(thresholds)),
            Case("dense1 redrawn at step 40", example(thresholds, {name: update}), ("dense1",)),
            Case(
                "the gradient was as large",
                example(thresholds, {name: update, "dense1/weights/gradient/norm": gradient}),
            ),
        )


def _usual(unit: Series, row: int) -> float:
    """The median over the rows before; 0 where there are too few."""
    before = unit[max(0, row - BEFORE) : row]
    before = before[np.isfinite(before)]
    return float(np.median(before)) if len(before) >= BEFORE // 2 else 0.0
