"""Not finite: NaN or infinity, and the place where it came first.

What it looks at: the activations of the input and of every layer, the counts of
non-finite entries in gradients, updates and parameters. It fires at the first row
that has any, and names the first place in the order in which a step is computed:
input, activations from the first layer up, gradients from the last layer down,
update, parameters.

What it means: one NaN spreads to all parameters with the next update, and no later
update removes it. It comes from the data, from an overflow (after growth that other
rules see) or from a layer's own arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import first_true
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window

INPUT_HAS = "input"
LARGEST = float(np.finfo(np.float32).max)


class NonFinite(Rule):
    """The first NaN or infinity."""

    name = "non-finite"
    spoken_name = "non-finite numbers"
    title = "a number is NaN or infinite"
    rank = 2
    is_fault = is_about_the_start = is_blow = True  # the origin depends on the place where it came first
    thresholds = (threshold("entries", 1, "entries", "entries that are not finite", "definition", 1),)
    remedies = ("smaller-rate", "clip")

    def check(self, window: Window) -> list[Finding]:
        places = [
            (name, INPUT_HAS if name == window.input_name else "output", ~np.isfinite(window.activation(name, "mean")))
            for name in window.columns.layers
        ]
        for kind in ("gradient", "update", "value"):
            for layer in reversed(window.layers):
                bad = window.tensor(layer, "weights", kind, "nonfinite") + window.tensor(
                    layer, "biases", kind, "nonfinite"
                )
                places.append((layer, kind, bad >= self.threshold(window, "entries")))
        firsts = [(first_true(bad), order) for order, (_, _, bad) in enumerate(places)]
        seen = [(first, order) for first, order in firsts if first is not None]
        if not seen:
            return []
        first, order = min(seen)
        layer, what, _ = places[order]
        noun = "data" if what == INPUT_HAS else f"{what} of {layer}"
        message = f"the {noun} has NaN or infinite numbers, the first of this run"
        if what == "update":
            step = window.learning_rate(layer)[first] * window.layer_norm(layer, "gradient")[first]
            what = "update" if step < LARGEST else "overflow"
            message += {
                "update": "; its gradient is finite, so they come from the optimiser",
                "overflow": "; learning rate times gradient is more than the numbers can hold",
            }[what]
        plain = f"At step {window.steps[first]:,} {message}."
        found = self.finding(window, layer, first, len(window) - 1, math.nan, 1, message, plain=plain)
        return [replace(found, detail=what)]

    def origin_of(self, finding: Finding, window: Window) -> Origin:
        origins = {INPUT_HAS: Origin.DATA, "update": Origin.CODE, "value": Origin.CODE}
        return origins.get(finding.detail, Origin.SETTINGS)

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        if finding.detail == INPUT_HAS:  # no size of the steps keeps such a number out
            return ("finite-inputs",)
        own = {"update": "look-at-optimizer", "value": "look-at-writers"}
        return (own[finding.detail], *self.remedies) if finding.detail in own else self.remedies

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        nan = float("nan")
        everywhere = dict.fromkeys(("input/mean", "conv1/mean", "dense1/mean"), (40, nan))
        infinite = {"dense1/weights/gradient/nonfinite": (40, 3.0)}
        update = {"dense2/weights/update/nonfinite": (40, 3.0)}
        return (
            Case("all finite", example(thresholds)),
            Case("NaN in the data at step 40", example(thresholds, everywhere), ("input",)),
            Case("three infinite gradients", example(thresholds, infinite), ("dense1",)),
            Case("an update with a finite gradient", example(thresholds, update), ("dense2",)),
        )
