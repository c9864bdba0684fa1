"""Fading signal: a layer's outputs slowly shrink, until they hardly depend on the input.

What it looks at: the standard deviation of each hidden layer's outputs, in a run that was
better than guessing. Its median over the ten rows that end five before the run died is
compared with its best: the largest median over 20 rows one after another of the 300 before,
without the first 60 steps of a run. The rule fires where it has fallen below the limit. It
also fires where it had clearly begun to fall by then and fell below the limit while the run
died.

What it means: biases and kernels have moved so that the layer gives nearly the same output
for every image. The layers above get less and less of the input while the loss is still low,
and then a small step is enough to lose what they had learned. The paper's own convolution
does this: it adds each step's gradient to the gradient before and gives one number to all
weights of a kernel. So a kernel and its bias move as a whole, step after step in one
direction, until the channel is nearly constant.

In healthy runs outputs hardly fade; the table of healthy bands has the numbers. Before the
collapses of the paper's convolution the second convolution has 0.02 to 0.6 of its best.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series, means, medians
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import TooFewRowsError, Window
from diagnostics.schema.number_range import two_digits

DENSE = "dense1"
NOW, BEST, LEVEL = 10, 20, 300
SETTLING_STEPS = 60  # steps at the beginning of a run whose outputs do not count for the best
SHORTLY_BEFORE = 15  # rows before the run died; the rows of interest begin 20 rows before that step
BETTER = 0.95  # share of H below which the mean loss of ten rows is better than guessing
FALLEN_SHARE = 0.8  # share of the best, five rows before; outputs below it faded before any single event
AT_LAST = 3  # rows
ONSET_SHARE = 0.8  # the fading counts from where the outputs had this share of their best


class FadingSignal(Rule):
    """Outputs that slowly became a small part of what they were."""

    name = "fading-signal"
    title = "the outputs of a layer fade over tens to hundreds of steps"
    rank = 6
    happens_in_healthy_runs = True
    is_slow = True
    needs_guessing = True
    thresholds = (
        threshold("share", 0.6, "of their best", "spread of the outputs when the run dies", CALIBRATION, 0, 1),
    )
    value_unit = "times"
    remedies = ("exact-convolution", "smaller-rate")

    def check(self, window: Window) -> list[Finding]:
        limit, stop = self.threshold(window, "share"), min(window.start + SHORTLY_BEFORE, len(window))
        begin = max(stop - LEVEL, int(np.searchsorted(window.steps, SETTLING_STEPS)))
        if stop - begin < BEST + NOW:
            raise TooFewRowsError(f"{BEST + NOW:,} between the first {SETTLING_STEPS} steps and where the run died")
        if not means(window.scalar("data_loss")[:stop], NOW).min() < BETTER * window.guessing_loss:
            return []
        findings = []
        for layer in window.hidden:
            spread = window.activation(layer, "std")
            steady = medians(spread[begin : stop - NOW], BEST)
            best, now = steady.max(), np.median(spread[stop - NOW : stop])
            if now < FALLEN_SHARE * best:
                now = min(now, np.median(spread[-AT_LAST:]))
            # Outputs of exactly 0 have not faded: the layer is silent, and the rule dead-units finds it.
            if not 0 < now < limit * best:
                continue
            first = _last_above(spread[:stop], ONSET_SHARE * best)
            spreads = f"from a spread of {two_digits(best)} to {two_digits(now)}"
            message = f"outputs of {layer} faded to {now / best:.0%} of their best, {spreads}"
            plain = f"From step {window.steps[first]:,} on the {message}."
            findings.append(self.finding(window, layer, first, stop - 1, best / now, 1 / limit, message, plain=plain))
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        name, steps, start = f"{DENSE}/std", 400, 380
        t = np.arange(steps)
        fading = 0.3 * np.exp(-np.maximum(0, t - 250) / 60)
        slower = 0.3 * np.exp(-np.maximum(0, t - 350) / 100)
        sudden = np.where(t < 397, 0.3, 0.01)
        never = {name: fading, "data_loss": 2.3026}
        return (
            Case("outputs as they were", example(thresholds, steps=steps, start=start)),
            Case(
                "a tenth of it after 130 steps", example(thresholds, {name: fading}, steps=steps, start=start), (DENSE,)
            ),
            Case("it has only begun", example(thresholds, {name: slower}, steps=steps, start=start)),
            Case("a sudden fall, which is no fading", example(thresholds, {name: sudden}, steps=steps, start=start)),
            Case("in a run that only guessed", example(thresholds, never, steps=steps, start=start)),
            Case("always small", example(thresholds, {name: 0.01}, steps=steps, start=start)),
        )


def _last_above(spread: Series, least: float) -> int:
    """The row after the last at which the median over ten rows was at least ``least``."""
    above = np.flatnonzero(medians(spread, NOW) >= least)
    return min(int(above[-1]) + NOW, len(spread) - 1) if len(above) else 0
