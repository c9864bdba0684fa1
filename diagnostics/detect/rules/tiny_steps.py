"""Tiny steps: gradients are there, but the learning rate is too small to move anything.

What it looks at: the update-to-weight ratio of every layer. It fires where it has been
below the limit in all layers, to the end of the window, while the loss is still that
of guessing.

What it means: nothing is broken; the run just has not begun. More steps or a larger
learning rate would show whether it learns.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, Origin, Severity
from diagnostics.detect.rule import Case, Rule
from diagnostics.detect.series import lasting_from
from diagnostics.detect.thresholds import CALIBRATION, Threshold, Thresholds
from diagnostics.detect.window import Window


class TinySteps(Rule):
    """Updates too small to change anything in the steps there are."""

    name = "tiny-steps"
    title = "the learning rate is too small to move"
    rank = 30
    origin = Origin.SETTINGS
    is_last_resort = True
    is_lasting = True
    thresholds = (
        Threshold(
            "tiny-steps", "ratio", 1e-5, "of the tensor's norm", "norm of the weights' update", CALIBRATION, 0, 1
        ),
        Threshold("tiny-steps", "rows", 20, "rows", "for at least so many rows, up to the last", "choice", 1, 1000),
    )
    remedies = ("larger-rate",)

    def check(self, window: Window) -> list[Finding]:
        limit, rows = self.threshold(window, "ratio"), int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        ratios = np.stack([window.tensor(layer, "weights", "update", "ratio") for layer in window.layers])
        moved = np.stack([window.tensor(layer, "weights", "gradient", "norm") for layer in window.layers]) > 0
        largest = np.where(np.isfinite(ratios), ratios, 0.0).max(axis=0)
        guessing = window.scalar("data_loss") >= 0.9 * window.guessing_loss
        first = lasting_from((largest < limit) & moved.all(axis=0) & guessing, rows)
        if first is None:
            return []
        message = f"no layer moves by more than {largest[first:].max():.1e} of its norm a step"
        return [
            self.finding(window, None, first, len(window) - 1, largest[-1], limit, message, severity=Severity.WARNING)
        ]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        still = {f"{layer}/weights/update/ratio": 1e-7 for layer in ("conv1", "dense1", "dense2")}
        return (
            Case("updates of a hundredth", example(thresholds)),
            Case("updates of 1e-7 while guessing", example(thresholds, {**still, "data_loss": 2.3}), (None,)),
            Case("updates of 1e-7 after having learned", example(thresholds, still)),
        )
