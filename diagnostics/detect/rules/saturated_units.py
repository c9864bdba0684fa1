"""Saturated units: a layer's sigmoid or tanh outputs lie where the function is flat.

What it looks at: the share of outputs outside [0.01, 0.99] (sigmoid) or
[-0.98, 0.98] (tanh). It fires where that share is above the limit from some step on
to the end of the window.

What it means: where the function is flat its slope is almost 0, and so is the
gradient of all layers below.

Source: Glorot, Bengio: Understanding the difficulty of training deep feedforward
neural networks, AISTATS 2010, section 3; the bounds are the project's own.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import lasting_from
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window


class SaturatedUnits(Rule):
    """Most outputs of a sigmoid or tanh layer in the flat part of the function."""

    name = "saturated-units"
    title = "most outputs of a layer are where its function is flat"
    rank = 4
    origin = Origin.SETTINGS
    blocks_learning = 2
    is_lasting = True
    thresholds = (
        threshold("share", 0.8, "share of outputs", "outputs in the flat part", CALIBRATION, 0.05, 1),
        threshold("rows", 5, "rows", "for at least so many rows, up to the last", "choice", 1, 1000),
    )
    value_unit = "share"
    remedies = ("glorot-init", "scaled-inputs", "smaller-rate")

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        # Before the first update no learning rate had a part in it.
        initial = ("glorot-init", "scaled-inputs", "look-at-initial-weights")
        return initial if finding.first_step == 0 else self.remedies

    def check(self, window: Window) -> list[Finding]:
        share, rows = self.threshold(window, "share"), int(self.threshold(window, "rows"))
        findings = []
        for layer in window.hidden:
            if window.function(layer) not in ("sigmoid", "tanh"):
                continue
            self.require_rows(window, rows)
            flat = window.activation(layer, "saturated_fraction")
            first = lasting_from(flat >= share, rows)
            if first is not None:
                message = f"{flat[first]:.0%} of the outputs of {layer} saturated"
                value, last = np.median(flat[-rows:]), len(window) - 1
                outputs = f"{value:.0%} of the outputs of {layer}"
                outputs = f"{outputs} then" if window.steps[first] else f"Since before the first update {outputs}"
                plain = f"{outputs} lie where its {window.function(layer)} is flat and passes hardly any gradient."
                findings.append(self.finding(window, layer, first, last, value, share, message, plain=plain))
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        flat = {"dense1/saturated_fraction": (33, 0.97)}
        return (
            Case("a tenth of the outputs saturated", example(thresholds, function="tanh")),
            Case("97 % saturated from step 33 on", example(thresholds, flat, function="tanh"), ("dense1",)),
            Case("a ReLU layer has no flat upper part", example(thresholds, flat)),
        )
