"""Dead units: most units of a layer output 0 for every input.

What it looks at: the share of a layer's units that are 0 for the whole batch
(``dead_fraction``), and the share that were so at every one of the last W steps
(``dead_window_fraction``). It fires for a ReLU layer where the first is above the
limit from some step on to the end of the window, and the second confirms it.

What it means: a ReLU unit that is silent for every input gets no gradient, so it
stays silent. Where nearly all units of a layer are dead, the layers after it get a
constant input and can only learn how frequent the classes are.

Units that are silent at step 0 were so before the first update: the initial weights or biases
silenced them, and neither the learning rate nor the order of the batches had a part in it.

What it does not mean: a layer with 80 % silent units for one batch, or for a
hundred steps, may still learn. This finding alone is no verdict.

Source: Lu, Shin, Su, Karniadakis: Dying ReLU and initialization, arXiv:1903.06733.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.remedies import INITIAL_REMEDIES
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import lasting_from
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window


class DeadUnits(Rule):
    """Most units of a ReLU layer silent for every input, to the end of the window."""

    name = "dead-units"
    title = "most units of a layer are silent for every input"
    rank = 3
    origin = Origin.SETTINGS
    blocks_learning = 3
    is_lasting = True
    thresholds = (
        threshold("share", 0.8, "share of units", "units silent for the whole batch", CALIBRATION, 0.05, 1),
        threshold("rows", 5, "rows", "for at least so many rows, up to the last", "choice", 1, 1000),
    )
    value_unit = "share"
    remedies = ("smaller-rate", "clip", "warm-up", "lecun-init")

    def check(self, window: Window) -> list[Finding]:
        share, rows = self.threshold(window, "share"), int(self.threshold(window, "rows"))
        findings = []
        for layer in window.hidden:
            if window.function(layer) != "relu":
                continue
            self.require_rows(window, rows)
            silent = window.activation(layer, "dead_fraction")
            first = lasting_from(silent >= share, rows)
            if first is None:
                continue
            units, value = window.unit_count(layer), np.median(silent[-rows:])
            at_first, in_the_end = round(silent[first] * units), round(value * units)
            message = f"{at_first} of {units} {window.units(layer)} of {layer} silent for every input"
            is_initial = int(window.steps[first]) == 0
            if window.info.is_imported:  # the log of another tool has shares and no numbers of units
                message = f"{silent[first]:.0%} of the units of {layer} silent for every input"
                plain = f"{value:.0%} of the units of {layer} then output 0 for every input, and pass no gradient back."
                findings.append(self.finding(window, layer, first, len(window) - 1, value, share, message, plain=plain))
                continue
            if in_the_end != at_first:
                message += f", {in_the_end} in the end"
            plain = _plain(window.units(layer), layer, at_first, in_the_end, units, is_initial)
            last = len(window) - 1
            findings.append(self.finding(window, layer, first, last, value, share, message, plain=plain))
        return findings

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        return INITIAL_REMEDIES if finding.first_step == 0 else self.remedies

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        name = "dense1/dead_fraction"
        one_batch = [0.9 * (t == 40) for t in range(60)]
        return (
            Case("a tenth of the units silent", example(thresholds)),
            Case("15 of 16 units silent from step 33 on", example(thresholds, {name: (33, 15 / 16)}), ("dense1",)),
            Case("silent for one batch only", example(thresholds, {name: one_batch})),
        )


def _plain(what: str, layer: str, at_first: int, in_the_end: int, units: int, is_initial: bool) -> str:
    """What the silent units mean, as a sentence. ``is_initial``: whether they were so before the first update."""
    since = "output 0 for every input since before the first update" if is_initial else "then output 0 for every input"
    silent = f"All {units}" if at_first == units else f"{at_first} of {units}"
    if in_the_end != at_first:
        since += f", in the end {'all ' if in_the_end == units else ''}{in_the_end}"
    never = "the layer can never recover"
    if in_the_end != units:
        never = "hardly anything of the input reaches the layers after it"
    return f"{silent} {what} of {layer} {since}, and a ReLU at 0 passes no gradient back, so {never}."
