"""Growing steps: the steps of all layers grow many times over while gradients and learning rate do not.

What it looks at: the norm of each layer's update over learning rate times gradient, its
median over 20 rows against that of 20 rows a hundred rows earlier. It fires where that has
grown by the limit in every layer. The finding begins at the first row in which the steps of all
layers are one and a half times as long, from which on that is so over 20 rows.

It does not fire where the optimiser divides steps by the size of the gradients, as Adam does, nor with batches of
fewer than 32 samples: their gradients vary so much that steps over gradients say nothing.

What it means: the momentum was raised, or velocities add up without decay. A momentum of m makes
steps 1 / (1 - m) times as long, so 0.99 instead of 0.9 acts like a learning rate ten times as large.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.examples import example, with_info
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.run_traits import is_adaptive
from diagnostics.detect.series import Series, first_true, medians
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import TooFewRowsError, Window

ROWS, APART = 20, 100
BEGUN = 1.5  # times the level before: the growth has begun
LONGER = 2  # by so much the updates themselves have to grow; otherwise the gradient shrank
SMALLEST_BATCH = 32  # samples
BEGINNING = 40  # rows in which the velocity of a momentum of 0.9 still grows


class GrowingSteps(Rule):
    """Steps that grow without a larger gradient or rate."""

    name = "growing-steps"
    title = "steps grow many times over without a larger gradient or learning rate"
    rank = 5
    origin = Origin.SETTINGS
    is_fault = is_about_the_start = True
    thresholds = (
        threshold("growth", 4, "times", "update over rate and gradient, over 100 rows before", CALIBRATION, 1.5),
    )
    value_unit = "times"
    remedies = ("momentum-before", "smaller-rate")

    def check(self, window: Window) -> list[Finding]:
        limit = self.threshold(window, "growth")
        if is_adaptive(window.info) or window.info.batch_size < SMALLEST_BATCH:
            return []
        start = int(np.searchsorted(window.steps, BEGINNING))
        updates = [window.layer_norm(layer, "update") for layer in window.layers]
        units = [
            update / (window.learning_rate(layer) * window.layer_norm(layer, "gradient"))
            for layer, update in zip(window.layers, updates, strict=True)
        ]
        # Rows after a layer has lost its gradient say nothing about the steps.
        stop = first_true(~np.all(np.isfinite(units), axis=0), start)
        stop = len(window) if stop is None else stop
        if stop - start < 2 * ROWS + 10:
            raise TooFewRowsError(f"{2 * ROWS + 10:,} with a gradient in every layer after the first {BEGINNING} steps")
        apart = min(APART, (stop - start - ROWS + 1) // 2)
        least = np.min([_growth(one[start:stop], apart) for one in units], axis=0)
        longer = np.min([_growth(one[start:stop], apart) for one in updates], axis=0)
        row = first_true((least >= limit) & (longer >= LONGER))
        if row is None:
            return []
        grown = start + row + apart
        first = _beginning(np.array(units), start, start + row, grown)
        times = float(least[row:].max())
        message = f"steps of all layers grew {times:.0f}x while gradients and learning rate did not"
        plain = f"From step {window.steps[first]:,} on the {message}, as raised momentum does it."
        return [self.finding(window, None, first, len(window) - 1, times, limit, message, plain=plain)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        t = np.arange(300)
        growing = 0.1 * (1 + 9 * (1 - np.exp(-np.maximum(0, t - 150) / 50)))
        layers = ("conv1", "dense1", "dense2")
        raised = {f"{layer}/{one}/update/norm": growing for layer in layers for one in ("weights", "biases")}
        one_layer = {key: value for key, value in raised.items() if key.startswith("dense1")}
        return (
            Case("steps follow the gradient", example(thresholds, steps=300)),
            Case("ten times longer within a hundred rows", example(thresholds, raised, steps=300), (None,)),
            Case(
                "the same with Adam",
                with_info(example(thresholds, raised, steps=300), description={"optimizer": "AdamW"}),
            ),
            Case("the same with single samples", with_info(example(thresholds, raised, steps=300), batch_size=1)),
            Case("in one layer only", example(thresholds, one_layer, steps=300)),
        )


def _growth(values: Series, apart: int) -> Series:
    """The median over 20 rows against the smallest that one had been ``apart`` rows earlier or before."""
    level = medians(values, ROWS)
    growth: Series = level[apart:] / np.minimum.accumulate(level)[: len(level) - apart]
    return growth


def _beginning(units: NDArray[np.float64], start: int, before: int, grown: int) -> int:
    """The row at which the growth began: the first long step of all layers once their median over 20 rows stays long.

    units: (layers, n), update over rate and gradient.
    start: the first row that counts.
    before: the first of the 20 rows that ``grown`` was compared with.
    grown: the first of the 20 rows whose growth reached the limit.
    """
    running = np.stack([medians(one[start : grown + ROWS], ROWS) for one in units])
    usual = running[:, : before - start + 1].min(axis=1, keepdims=True)
    near = np.flatnonzero((running <= BEGUN * usual).any(axis=0))
    stays = start + (int(near[-1]) + 1 if len(near) else 0)
    first = first_true((units[:, : grown + ROWS] > BEGUN * usual).all(axis=0), stays)
    return grown if first is None else first
