"""Collapsed: the run had learned, and guesses now.

What it looks at: the loss and accuracy of the last W steps. W is 20 steps, or as many as
hold 2,560 samples where these are more, and at most 200. The run had learned where their
mean data loss was at most 0.7 H, the entropy of the class prior; it guesses where that is
at least 0.95 H with the accuracy of always answering the commonest class. The stretch
begins after the last step whose mean loss over five steps was still at most 0.7 H.

What it means: within a few steps the run lost all that it had learned. A single bad batch is no
collapse, and neither is a loss that rises while the accuracy stays above chance.

Source: the paper calls these steps "defect iterations", and its printed trace of one is among
the tests. The limits are those of `verdict`.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Verdict
from diagnostics.detect.rule import Case
from diagnostics.detect.symptom_rule import Symptom
from diagnostics.detect.thresholds import Thresholds


class Collapsed(Symptom):
    """Guessing after having learned."""

    name = "collapsed"
    title = "the run lost what it had learned"
    kind = Verdict.COLLAPSED
    thresholds = ()

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        t = np.arange(200)
        fallen = {"data_loss": np.where(t < 100, 0.3, 2.3026), "accuracy": np.where(t < 100, 0.95, 0.1)}
        one_batch = {"data_loss": np.where(t == 100, 9.0, 0.3)}
        return (
            Case("a loss that stays low", example(thresholds, {"data_loss": 0.3}, steps=200)),
            Case("loss 2.303 from step 100 on", example(thresholds, fallen, steps=200), (None,)),
            Case("loss 9 for one batch", example(thresholds, one_batch, steps=200)),
        )
