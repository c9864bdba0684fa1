"""Fading signal: a layer's outputs slowly shrink, until what comes after sees next to nothing.

What it looks at: the standard deviation of each hidden layer's outputs. Its median over
the ten rows that end five before the run went down is held against its median over rows
that lie 50 to 300 rows earlier. It fires where it has fallen below the limit, in a run
that was better than guessing at that level; also where it had clearly begun to fall by
then and is below the limit when the run goes down.

What it means: biases and kernels have wandered so that the layer answers nearly the same
to every image, and the layers above live on less and less, while the loss is still good;
then a small step is enough to lose what they knew. The report's own convolution does
this: it adds each step's gradient to what the last one left, and gives one number to all
weights of a kernel.

In 19 of 20 calibration runs that end well the outputs keep 0.6 of their level and more;
before the late falls of the report's convolution they have 0.02 to 0.4 of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.findings import Finding
from diagnostics.limits import CALIBRATION, Limit, Limits
from diagnostics.rules.base import Case, Rule, Series, TooFewRowsError, Window
from diagnostics.rules.examples import example

DENSE = "dense1"
NOW, GAP, LEVEL = 10, 50, 300
SHORTLY_BEFORE = 15  # the window's interest begins 20 rows before the run went down
BETTER = 0.8  # of H: some row was clearly better than guessing
BEGUN = 0.8  # of the level, five rows before: a fall that has begun and is no sudden event
AT_LAST = 3  # rows: the window ends three after the run went down
DEPARTED = 0.7  # the fading counts from where the outputs had this share of their level


class FadingSignal(Rule):
    """Outputs that slowly became a small part of what they were."""

    name = "fading-signal"
    title = "the outputs of a layer fade over tens to hundreds of steps"
    rank = 6
    needs_trouble = True
    limits = (
        Limit("fading-signal", "share", 0.5, "of their level", "spread of the outputs before the trouble",
              CALIBRATION, 0, 1),
    )  # fmt: skip
    remedies = ("the exact convolution (--convolution exact)", "a smaller learning rate")

    def check(self, window: Window) -> list[Finding]:
        limit, stop = self.limit(window, "share"), min(window.start + SHORTLY_BEFORE, len(window))
        if stop < GAP + 3 * NOW:
            raise TooFewRowsError(f"{GAP + 3 * NOW:,} before the trouble")
        earlier = slice(max(0, stop - LEVEL), stop - GAP)
        if not window.scalar("data_loss")[earlier].min() < BETTER * window.guessing_loss:
            return []
        findings = []
        for layer in window.hidden:
            spread = window.activation(layer, "std")[:stop]
            level = np.median(spread[earlier])
            now = np.median(spread[-NOW:])
            if now < BEGUN * level:
                now = min(now, np.median(window.activation(layer, "std")[-AT_LAST:]))
            if not (level > 0 and now < limit * level):
                continue
            first = _last_above(spread, DEPARTED * level, NOW)
            message = f"outputs of {layer} faded {level / now:.1f}x, from a spread of {level:.2g} to {now:.2g}"
            findings.append(
                self.finding(window, layer, first, stop - 1, level / now, 1 / limit, message, confidence=0.7)
            )
        return findings

    def cases(self, limits: Limits) -> tuple[Case, ...]:
        name, steps, start = f"{DENSE}/std", 400, 380
        t = np.arange(steps)
        fading = 0.3 * np.exp(-np.maximum(0, t - 250) / 60)
        return (
            Case("outputs as they were", example(limits, steps=steps, start=start)),
            Case("a tenth of it after 130 steps", example(limits, {name: fading}, steps=steps, start=start), (DENSE,)),
            Case("always small", example(limits, {name: 0.01}, steps=steps, start=start)),
        )


def _last_above(spread: Series, least: float, rows: int) -> int:
    """The row after the last at which the median over ``rows`` rows was at least ``least``."""
    medians: NDArray[np.float64] = np.median(np.lib.stride_tricks.sliding_window_view(spread, rows), axis=1)
    above = np.flatnonzero(medians >= least)
    return min(int(above[-1]) + rows, len(spread) - 1) if len(above) else 0
