"""Tiny steps: the gradients are not zero, but the steps are too small for this network to learn.

What it looks at: the update-to-weight ratio of the hidden layers. It fires where it has been
below the limit in all of them, to the end of the window, while the loss is still that of
guessing. It does not fire while the learning rate rises, as in a warm-up. Networks with
sigmoids and tanhs need larger steps than those with ReLUs to leave the first plateau, so they
have a limit of their own.

What it means: nothing is broken, but the run has not begun to learn. A larger learning rate, by
the factor that the measured ratio asks for, or another activation or initialisation would show
whether it learns.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diagnostics.detect.examples import example, with_info
from diagnostics.detect.findings import Finding, Severity, sentence
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import lasting_from, medians
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import MissingColumnsError, Window

USUAL = 0.005  # the ratio of runs that learn: 0.002 to 0.016 in the median


class TinySteps(Rule):
    """Updates too small to change anything in the steps there are."""

    name = "tiny-steps"
    title = "the steps are too small for this network"
    rank = 30
    origin = Origin.SETTINGS
    is_last_resort = is_lasting = is_fault = True
    needs_guessing = True
    thresholds = (
        threshold("ratio", 1e-4, "of the norm", "update of every hidden layer below", CALIBRATION, 0, 1),
        threshold("flat", 2e-3, "of the norm", "the same with sigmoid or tanh", CALIBRATION, 0, 1),
        threshold("rows", 20, "rows", "for at least so many rows, up to the last", "choice", 1, 1000),
    )
    remedies = ("larger-rate", "adaptive", "glorot-init", "relu")

    def check(self, window: Window) -> list[Finding]:
        rows = int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        layers = window.hidden or window.layers
        flat = any(window.function(layer) in ("sigmoid", "tanh") for layer in window.hidden)
        limit = self.threshold(window, "flat" if flat else "ratio")
        ratios = np.stack([window.tensor(layer, "weights", "update", "ratio") for layer in layers])
        gradients = np.stack([window.tensor(layer, "weights", "gradient", "norm") for layer in window.layers])
        largest = np.where(np.isfinite(ratios), ratios, 0.0).max(axis=0)
        if not window.guessing_loss > 0:  # all targets are the same: there is nothing to learn
            return []
        # A few batches with a larger gradient do not take the network off its plateau.
        usual_before = np.concatenate((largest[: rows - 1], medians(largest, rows)))
        first = lasting_from((usual_before < limit) & (gradients > 0).all(axis=0) & window.is_guessing, rows)
        if first is None or _rate_rises(window, rows):
            return []
        usual = float(np.median(largest[first:]))
        message = (
            f"the steps are too small for this network: its hidden layers move by {usual:.1e} of their norm a step"
        )
        plain, level, last = sentence(message), Severity.WARNING, len(window) - 1
        return [self.finding(window, None, first, last, usual, limit, message, severity=level, plain=plain)]

    def doses(self, finding: Finding, window: Window) -> Mapping[str, float]:
        return {"larger-rate": float(f"{USUAL / finding.value:.1g}")} if finding.value > 0 else {}

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        def still(ratio: float) -> dict[str, object]:
            return {f"{layer}/weights/update/ratio": ratio for layer in ("conv1", "dense1", "dense2")}

        guessing = {"data_loss": 2.3}
        warm_up = {"learning_rate": 1e-6 * np.arange(1, 61)}
        plateau = {**still(5e-4), **guessing, "dense2/weights/update/ratio": 0.01}
        return (
            Case("updates of a hundredth", example(thresholds)),
            Case("updates of 1e-7 while guessing", example(thresholds, {**still(1e-7), **guessing}), (None,)),
            Case("targets that are all the same", with_info(example(thresholds, still(1e-7)), prior=(1.0,))),
            Case("updates of 1e-7 in a warm-up", example(thresholds, {**still(1e-7), **guessing, **warm_up})),
            Case("updates of 1e-7 after having learned", example(thresholds, still(1e-7))),
            Case(
                "5e-4 below sigmoids, while the last layer moves",
                example(thresholds, plateau, function="sigmoid"),
                (None,),
            ),
            Case("5e-4 below ReLUs", example(thresholds, plateau)),
        )


def _rate_rises(window: Window, rows: int) -> bool:
    """Whether the learning rate has risen over the last rows; False where the log does not have it."""
    try:
        rate = window.learning_rate(window.layers[0])
    except MissingColumnsError:
        return False
    return bool(rate[-1] > rate[-rows])
