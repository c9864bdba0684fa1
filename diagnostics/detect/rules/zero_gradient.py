"""Zero gradient: the gradient of a layer and of all below it is exactly zero.

What it looks at: the norms of the gradients, weights and biases, first layer to last.
It fires where those of the lower layers are exactly 0, to the end of the window, while
some layer above still gets a gradient. The rule names the highest layer without one: its
units pass no gradient. (The layer above a dead one may have no gradient of its weights
either, since its input is zero, but its biases still have one.)

What it means: an exact zero in floating point does not come from small numbers. It
comes from a layer that is silent for every input, or from weights that are all zero. The
layers below cannot change any more, whatever the data.
"""

from __future__ import annotations

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.remedies import INITIAL_REMEDIES
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import lasting_from
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window


class ZeroGradient(Rule):
    """An exactly zero gradient for a layer and everything below."""

    name = "zero-gradient"
    title = "a layer and all layers below it get no gradient"
    rank = 8
    blocks_learning = 4
    is_lasting = True
    thresholds = (threshold("rows", 5, "rows", "for at least so many rows, up to the last", "choice", 1, 1000),)
    remedies = ("smaller-rate", "clip", "warm-up", "lecun-init")

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        # From the first row on it may be the code as well: a backward pass that stops above the layer.
        return (*INITIAL_REMEDIES, "gradient-check") if finding.first_step == 0 else self.remedies

    def check(self, window: Window) -> list[Finding]:
        rows = int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        norms = [
            window.tensor(layer, "weights", "gradient", "norm") + window.tensor(layer, "biases", "gradient", "norm")
            for layer in window.layers
        ]
        named = None
        for layer, norm in zip(window.layers, norms, strict=True):
            first = lasting_from(norm == 0, rows)
            if first is None:
                break
            named = layer, first
        if named is None:
            return []
        layer, first = named
        below = window.layers[: window.layers.index(layer) + 1]
        where = layer if len(below) == 1 else f"{layer} and all layers below it"
        message = f"the gradient of {where} is exactly zero"
        return [self.finding(window, layer, first, len(window) - 1, 0.0, 0.0, message)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        below = {
            f"{layer}/{tensor}/gradient/norm": (36, 0.0)
            for layer in ("conv1", "dense1")
            for tensor in ("weights", "biases")
        }
        one_batch = {f"conv1/{t}/gradient/norm": [float(s != 40) for s in range(60)] for t in ("weights", "biases")}
        return (
            Case("every layer has a gradient", example(thresholds)),
            Case("nothing for conv1 and dense1 from step 36 on", example(thresholds, below), ("dense1",)),
            Case("nothing for one batch only", example(thresholds, one_batch)),
        )
