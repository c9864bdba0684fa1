"""The base class of the three symptoms of a defect run, which the state machine finds row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diagnostics.detect.findings import Finding, Verdict
from diagnostics.detect.rule import Rule
from diagnostics.detect.symptoms import Symptoms, symptom_finding
from diagnostics.detect.window import Window


class Symptom(Rule):
    """A kind of defect stretch, as a rule: it runs the state machine over the rows of a window.

    Only manual and tests ask it. The detector has a state machine of its own that sees every row.
    """

    kind: Verdict
    value_unit = "loss"

    def check(self, window: Window) -> list[Finding]:
        """One finding for each stretch of this kind."""
        symptoms = self.judged(window)
        found = [symptom_finding(one, symptoms.steps, symptoms) for one in symptoms.stretches if one.kind is self.kind]
        return [replace(one, rule=self.name) for one in found]

    def judged(self, window: Window) -> Symptoms:
        """The state machine after all rows of the window."""
        symptoms = Symptoms(window.info.prior, window.info.window, window.thresholds)
        columns = [window.scalar(name) for name in ("data_loss", "accuracy", "samples", "loss")]
        bad = sum(window.tensor(t.layer, t.tensor, "value", "nonfinite") for t in window.info.tensors)
        finite = np.isfinite(columns[-1]) & (bad == 0)
        for row, step in enumerate(window.steps.tolist()):
            loss, accuracy, samples = (float(column[row]) for column in columns[:3])
            symptoms.observe(step, loss, accuracy, samples, bool(finite[row]))
        symptoms.finish()
        return symptoms
