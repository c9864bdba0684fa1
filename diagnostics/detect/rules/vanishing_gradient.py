"""Vanishing gradient: the gradient of a lower layer is a tiny part of that of the last layer.

What it looks at: for every layer but the last, the norm of its weights' gradient for
one entry (norm over root of the number of entries), against that of the last layer.
It fires where the quotient is below the limit, and not zero, to the end of the window.

What it means: the layer hardly learns although the network is still wrong. It is typical
of saturated sigmoids and of small weights in many layers.

Source: Hochreiter: The vanishing gradient problem during learning recurrent neural
nets, 1998, doi:10.1142/S0218488598000094.
"""

from __future__ import annotations

import math

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series, lasting_from
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window


class VanishingGradient(Rule):
    """The gradient of a lower layer is a tiny part of the last layer's."""

    name = "vanishing-gradient"
    title = "almost no gradient reaches a layer"
    rank = 9
    origin = Origin.SETTINGS
    blocks_learning = 1
    is_lasting = True
    thresholds = (
        threshold("quotient", 1e-4, "1", "gradient an entry over that of the last layer", CALIBRATION, 0, 1),
        threshold("rows", 10, "rows", "for at least so many rows, up to the last", "choice", 1, 1000),
    )
    remedies = ("relu", "glorot-init", "adaptive")

    def check(self, window: Window) -> list[Finding]:
        limit, rows = self.threshold(window, "quotient"), int(self.threshold(window, "rows"))
        self.require_rows(window, rows)

        def an_entry(layer: str) -> Series:
            return window.tensor(layer, "weights", "gradient", "norm") / math.sqrt(window.weights(layer).size)

        top = an_entry(window.layers[-1])
        for layer in reversed(window.hidden):
            low = an_entry(layer)
            first = lasting_from((low > 0) & (low < limit * top), rows)
            if first is not None:
                value = low[-1] / top[-1]
                message = f"the gradient of {layer} is {value:.1e} of the last layer's, entry by entry"
                return [self.finding(window, layer, first, len(window) - 1, value, limit, message)]
        return []

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        faint = {"conv1/weights/gradient/norm": (30, 1e-7)}
        return (
            Case("gradients of like size everywhere", example(thresholds)),
            Case("1e-7 of it in conv1 from step 30 on", example(thresholds, faint), ("conv1",)),
            Case(
                "exactly zero, which rule zero-gradient finds",
                example(thresholds, {"conv1/weights/gradient/norm": (30, 0.0)}),
            ),
        )
