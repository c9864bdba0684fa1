"""Exploding gradient: the gradient of a layer grows many times over within a few steps.

What it looks at: the norm of each layer's gradient of the weights against its median
over ten rows that end three rows before, so that a burst does not raise the level it is
held against. It fires for the last burst in the window: the rows above the limit, with
gaps of at most two, where its weights also moved by more than next to nothing.

What it means: the loss surface is steep here. With plain gradient descent the update
grows with the gradient, and one step can throw the weights far off. It often comes at
the very moment when a run that was guessing begins to learn.

Source: Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural
networks, arXiv:1211.5063.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.findings import Finding
from diagnostics.detect.rules.base import Case, Rule, Series, Window
from diagnostics.detect.rules.examples import example
from diagnostics.detect.thresholds import CALIBRATION, Threshold, Thresholds


class ExplodingGradient(Rule):
    """A gradient many times larger than just before."""

    name = "exploding-gradient"
    title = "the gradient of a layer grows many times over in a few steps"
    rank = 7
    needs_trouble = True
    thresholds = (
        Threshold("exploding-gradient", "growth", 6, "times", "norm over its recent level", CALIBRATION, 1.1),
        Threshold(
            "exploding-gradient",
            "update",
            0.005,
            "of the tensor's norm",
            "largest update of the weights in the burst",
            CALIBRATION,
            0,
        ),
    )
    remedies = ("clipping the gradient by its norm", "warm-up", "a smaller learning rate")

    def check(self, window: Window) -> list[Finding]:
        limit = self.threshold(window, "growth")
        findings = []
        for layer in window.layers:
            norm = window.tensor(layer, "weights", "gradient", "norm")
            level = recent_level(norm)
            burst = last_burst(norm >= limit * level, window.start)
            if burst is None:
                continue
            first, last = burst
            peak = first + int(np.argmax(norm[first : last + 1]))
            growth = norm[peak] / level[first]
            moved = window.tensor(layer, "weights", "update", "ratio")[first : last + 1]
            if not (moved >= self.threshold(window, "update")).any():
                continue
            message = f"gradient of {layer} up {growth:.0f}x, from {level[first]:.2g} to {norm[peak]:.2g}"
            findings.append(self.finding(window, layer, first, peak, growth, limit, message))
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        name = "dense1/weights/gradient/norm"
        still = {"dense1/weights/update/ratio": 1e-5}
        return (
            Case("a gradient that ripples", example(thresholds)),
            Case("14 times larger at step 31", example(thresholds, {name: (31, 14.0)}), ("dense1",)),
            Case("14 times larger, and moving nothing", example(thresholds, {name: (31, 14.0), **still})),
            Case("always large", example(thresholds, {name: 14.0})),
        )


LEVEL_ROWS, LAG, GAP = 10, 3, 2


def recent_level(norm: Series) -> Series:
    """Median over the ten rows that end three rows before each; NaN in the first few and where it is 0."""
    level = np.full(len(norm), np.nan)
    for row in range(LAG + 1, len(norm)):
        before = norm[max(0, row - LAG - LEVEL_ROWS + 1) : row - LAG + 1]
        level[row] = np.median(before)
    level[~(level > 0)] = np.nan
    return level


def last_burst(above: NDArray[np.bool_], start: int) -> tuple[int, int] | None:
    """First and last row of the last group of True from ``start`` on, with gaps of at most two rows."""
    rows = np.flatnonzero(above[start:]) + start
    if not len(rows):
        return None
    breaks = np.flatnonzero(np.diff(rows) > GAP + 1)
    first = int(rows[breaks[-1] + 1]) if len(breaks) else int(rows[0])
    return first, int(rows[-1])
