"""Oversized update: one step changes a layer by a large part of itself.

What it looks at: the norm of a layer's update over the norm of its parameters,
weights and biases together (biases start at 0, so that a ratio of theirs alone has no
meaning). It fires for every group of rows where that is above the limit, with gaps of at
most three rows, and names the largest.

What it means: healthy training moves a layer by about a thousandth of its norm a
step. A step of a third of the norm loses what was learned, and many units are silent or
saturated after it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import groups, median_before
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import share_words

PAUSE = 3


class OversizedUpdate(Rule):
    """An update that is a large part of the layer's own norm."""

    name = "oversized-update"
    title = "one update changes a layer by a large part of itself"
    rank = 12
    origin = Origin.SETTINGS
    is_sudden = is_blow = True
    happens_in_healthy_runs = True
    thresholds = (
        threshold("ratio", 0.25, "of the layer's norm", "norm of the update", CALIBRATION, 1e-6),
        threshold("growth", 3, "times", "and over the median ratio of 20 rows before", "choice", 1),
    )
    value_unit = "share"
    remedies = ("scaled-targets", "smaller-rate", "clip", "warm-up")

    def check(self, window: Window) -> list[Finding]:
        limit, growth = self.threshold(window, "ratio"), self.threshold(window, "growth")
        findings = []
        for layer in window.layers:
            ratio = window.layer_norm(layer, "update") / window.layer_norm(layer, "value")
            before = median_before(ratio, window.start)
            least = limit if math.isnan(before) else max(limit, growth * before)
            for first, last in groups(ratio >= least, window.start, PAUSE):
                peak = first + int(ratio[first : last + 1].argmax())
                step, largest = int(window.steps[peak]), float(ratio[peak])
                message = f"update of {layer} is {share_words(largest)} its norm"
                if last > first:
                    message = f"updates of {layer} are up to {share_words(largest)} its norm"
                plain = f"Step {step:,} changed {layer} by {share_words(largest)} its size."
                found = self.finding(window, layer, first, last, largest, limit, message, peak=peak, plain=plain)
                findings.append(found)
        return findings

    def together(self, findings: Sequence[Finding]) -> str:
        return "largest updates: " + ", ".join(f"{f.layer} {share_words(f.value)} its norm" for f in findings)

    def told_of(self, finding: Finding, layer: str, window: Window) -> Finding:
        """The layer that failed may move so far at every step that no update of it stands out."""
        if layer not in window.layers:
            return finding
        row = int(np.searchsorted(window.steps, finding.step))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = float(window.layer_norm(layer, "update")[row] / window.layer_norm(layer, "value")[row])
        if not ratio >= self.threshold(window, "ratio"):
            return finding
        plain = f"{finding.plain.removesuffix('.')}, and {layer} by {share_words(ratio)} its own."
        return replace(finding, plain=plain)

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        name = "dense1/weights/update/norm"
        growing = np.select([np.arange(60) == t for t in (31, 32, 34)], [3.0, 30.0, 8.0], 0.1)
        return (
            Case("updates of a hundredth", example(thresholds)),
            Case("38 % of the norm at step 32", example(thresholds, {name: (32, 3.8)}), ("dense1",)),
            Case("30 %, 300 % and 80 % from step 31 on", example(thresholds, {name: growing}), ("dense1",)),
        )
