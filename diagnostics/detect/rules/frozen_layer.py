"""Frozen layer: the parameters of a layer never change though its gradient is not zero.

What it looks at: the norm of each layer's update, weights and biases. It fires from the row
on from which that is exactly 0 up to the last row, while the gradient is not 0 and learning
rate times gradient is more than float32 rounds away.

What it means: the update does not reach the layer. In a loop that a user wrote, the update is
most often assigned to another name, or made on a copy. The run may still learn with its other
layers.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import lasting_from
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window


class FrozenLayer(Rule):
    """No update for a layer that has a gradient."""

    name = "frozen-layer"
    title = "the parameters of a layer never change though its gradient is not zero"
    rank = 13
    origin = Origin.CODE
    is_lasting = is_fault = is_about_the_start = True
    thresholds = (
        threshold("rows", 20, "rows", "for at least so many rows, up to the last", "choice", 3, 1000),
        threshold("step", 1e-5, "of the layer's norm", "rate times gradient at least", "choice", 1e-7, 1),
    )
    remedies = ("look-at-assignment", "gradient-check")

    def check(self, window: Window) -> list[Finding]:
        rows, step = int(self.threshold(window, "rows")), self.threshold(window, "step")
        self.require_rows(window, rows)
        frozen: dict[str, int] = {}
        for layer in window.layers:
            rate = window.learning_rate(layer)
            gradient = window.layer_norm(layer, "gradient")
            due = (gradient > 0) & (rate * gradient >= step * window.layer_norm(layer, "value"))
            first = lasting_from((window.layer_norm(layer, "update") == 0) & due & (rate > 0), rows)
            if first is not None:
                frozen[layer] = first
        everything = len(frozen) == len(window.layers)
        findings = []
        for layer, first in frozen.items():
            which = "no parameter of any layer" if everything else f"no parameter of {layer}"
            message = f"{which} changes though the gradients are not zero"
            plain = f"From step {window.steps[first]:,} on {message}: the update does not reach the parameters."
            norm = float(np.median(window.layer_norm(layer, "gradient")[first:]))
            where, last = None if everything else layer, len(window) - 1
            findings.append(self.finding(window, where, first, last, norm, 0, message, plain=plain))
            if everything:
                break
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        def still(*layers: str, since: int = 0) -> dict[str, object]:
            return {f"{layer}/{one}/update/norm": (since, 0.0) for layer in layers for one in ("weights", "biases")}

        unused = {f"dense1/{one}/gradient/norm": 0.0 for one in ("weights", "biases")}
        return (
            Case("every layer moves", example(thresholds)),
            Case("dense1 stays as it is from step 30 on", example(thresholds, still("dense1", since=30)), ("dense1",)),
            Case("nothing moves at all", example(thresholds, still("conv1", "dense1", "dense2")), (None,)),
            Case("a layer without a gradient", example(thresholds, {**still("dense1"), **unused})),
            Case("a learning rate of 0", example(thresholds, {**still("dense1"), "learning_rate": 0.0})),
        )
