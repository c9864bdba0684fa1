"""Diverged: the loss or a parameter is NaN or infinite.

What it looks at: the loss of each row and the counts of parameters that are not finite.
The stretch begins at the first such row, and is confirmed there.

What it means: one NaN spreads to all parameters with the next update, and no later update
removes it. The rule `non-finite` names the place where it came first.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Verdict
from diagnostics.detect.rule import Case
from diagnostics.detect.symptom_rule import Symptom
from diagnostics.detect.thresholds import Thresholds


class Diverged(Symptom):
    """Numbers that are not finite."""

    name = "diverged"
    title = "loss or parameters are no longer finite"
    kind = Verdict.DIVERGED
    thresholds = ()

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        t = np.arange(100)
        return (
            Case("all finite", example(thresholds, steps=100)),
            Case(
                "NaN from step 60 on", example(thresholds, {"loss": np.where(t < 60, 0.3, np.nan)}, steps=100), (None,)
            ),
        )
