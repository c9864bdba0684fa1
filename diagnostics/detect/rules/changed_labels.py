"""Changed labels: the loss jumps although neither weights nor inputs did.

What it looks at: the data loss of each row against its median over the 20 rows before.
It fires where the loss jumps by the limit within one step and stays high, while the update
just before was of ordinary size in every layer, and the input and the outputs of every
layer are spread as before. The same network on the same kind of images is suddenly wrong,
so the labels changed.

What it means: from this step on the labels are shuffled, shifted, or those of another data
set.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series, first_true, median_before
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import loss_text


class ChangedLabels(Rule):
    """A jump of the loss that neither an update nor the input explains."""

    name = "changed-labels"
    title = "the labels changed"
    rank = 5
    origin = Origin.DATA
    is_fault = is_blow = True
    needs_guessing = True
    thresholds = (
        threshold("jump", 0.8, "H", "rise of the data loss over its median of 20 rows", "choice", 0.05),
        threshold("update", 3, "times", "largest update before the jump over its median", "choice", 1),
    )
    remedies = ("look-at-pairs",)

    def check(self, window: Window) -> list[Finding]:
        loss = window.scalar("data_loss")
        before = median_before(loss, window.start)
        jump = self.threshold(window, "jump") * window.guessing_loss
        if not jump > 0:  # with one class any rise would be a jump
            return []
        first = first_true(loss - before >= jump, window.start) if np.isfinite(before) else None
        if first is None or first == 0 or loss[first - 1] - before >= jump / 2:
            return []
        if np.median(loss[first:]) - before < jump / 2:
            return []  # one bad batch
        for layer in window.layers:
            update = window.layer_norm(layer, "update")
            usual = median_before(update, first - 1)
            if not update[first - 1] <= self.threshold(window, "update") * usual:
                return []
        if not _is_as_before(window.activation("input", "std"), first, 0.2):
            return []
        if not all(_is_as_before(window.activation(layer, "std"), first, 0.5) for layer in window.hidden):
            return []  # the network itself had changed by then
        ends = f"{loss_text(float(before), 2)} to {loss_text(loss[first], 2)}"
        message = f"loss up from {ends} in one step, with ordinary updates and inputs: the labels changed"
        plain = (
            f"At step {window.steps[first]:,} the loss rose from {ends}, though updates and inputs were ordinary: the "
            "labels changed."
        )
        last = len(window) - 1
        return [self.finding(window, None, first, last, loss[first] - before, jump, message, plain=plain)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        own_step = {"data_loss": (40, 5.0), "dense1/weights/update/norm": [9.0 if t == 39 else 0.1 for t in range(60)]}
        faded = {"data_loss": (40, 5.0), "dense1/std": 0.3 * np.exp(-np.maximum(0, np.arange(60) - 25) / 8)}
        one_batch = [5.0 if t == 40 else 0.3 for t in range(60)]
        return (
            Case("a loss that falls", example(thresholds)),
            Case("loss 5 from step 40 on", example(thresholds, {"data_loss": (40, 5.0)}, start=38), (None,)),
            Case("loss 5 for one batch", example(thresholds, {"data_loss": one_batch}, start=38)),
            Case("loss 5 after outputs faded", example(thresholds, faded, start=38)),
            Case("loss 5 after a large update", example(thresholds, own_step, start=38)),
        )


def _is_as_before(spread: Series, row: int, share: float) -> bool:
    """Whether a spread is within ``share`` of its median over the 20 rows before."""
    usual = median_before(spread, row)
    return bool(abs(spread[row] - usual) <= share * usual)
