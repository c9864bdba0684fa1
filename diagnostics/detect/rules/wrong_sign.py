"""Wrong sign: from its first step on the loss rises about as fast as the gradients say that it should fall.

What it looks at: the first rows of a run that begins untrained, as long as every update is small against the weights
that it changes. A small step against the gradient lowers the loss by about the norm of the step times the norm of the
gradient. The rule adds these products up, row by row, until the loss has risen by a tenth of the
loss of guessing. It fires where, in the median of the rows whose sum stands out of the noise of a batch, the loss has
risen by a good part of the sum instead, by no more than twice the sum, and where the answers do not get better.

Without an accuracy the mean loss of five rows has to rise by half the loss of guessing and to stay there to the end,
by no more than twice the sum. The mean gradient of the layer that is moved most may not change its sign at nearly
every step from then on, as it does where steps overshoot.

In runs with a cross-entropy it also fires where the loss is three times that of guessing over many rows while the
weights of every layer that moves grow by most of the length of each step. Where the answers are wrong and sure, the
gradient points away from larger weights, so that steps against it shrink them (Euler's theorem, for layers with ReLUs
or without a function).

What it means: the steps go uphill. A sign is wrong in the gradient or in the update, or the loss is not the one that
the gradient belongs to.

What it does not mean: a rate that is too large makes the loss rise too, but then it falls first, or its updates are
not small.

On 749 runs with many rates, networks and faults of other kinds the loss had fallen in the median of these rows. On runs
whose gradients had the wrong sign it had risen by 0.5 to 0.9 of the sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, sentence
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series, first_true, lasting_from, means
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window

LEAST_ROWS, LEAST_SAMPLES = 3, 32
NOISE = 0.15  # of H: the spread of the loss of one sample in a network that guesses
MOST = 2.0  # of the sum: a loss that rises by more is carried off by steps that are too large
BETTER_SIGMAS = 3
HIGH = 3.0  # H
SMOOTHED, FOR_GOOD = 5, 0.5  # without an accuracy: rows that are averaged, and the share of H by which the loss rises
TURNS, LEAST_TURNS = 0.7, 5  # share of the steps that change the sign where they overshoot, of at least so many
LEAST_LAYERS = 2
LEAST_RATIO, MOST_RATIO = 1e-4, 2.0  # of the norm: steps outside say nothing of the direction
UNTRAINED = 0.8  # of H: from there on the first loss is that of a network that has not learned yet


class WrongSign(Rule):
    """A loss that rises from the first step on while the updates are small."""

    name = "wrong-sign"
    title = "the loss rises as fast as the gradients say that it should fall"
    rank = 5
    origin = Origin.CODE
    is_fault = is_about_the_start = True
    needs_guessing = True
    thresholds = (
        threshold("ratio", 0.1, "of the norm", "updates up to this are small", "choice", 0, 1),
        threshold("rise", 0.1, "H", "by so much the loss rises while updates are small", "choice", 0),
        threshold("share", 0.3, "of the sum", "by at least so much the loss rises in the median", CALIBRATION, 0, 2),
        threshold("growth", 0.8, "of the step", "by so much the weights of each layer grow", "choice", 0, 1),
        threshold("rows", 20, "rows", "with a loss far above guessing, for at least so many", "choice", 5, 1000),
    )
    remedies = ("gradient-check", "update-sign")
    explains = ("accumulated-gradient",)

    def check(self, window: Window) -> list[Finding]:
        self.require_rows(window, LEAST_ROWS + 1)
        if window.steps[0] != 0 or not window.guessing_loss > 0:  # with one class there is nothing to learn
            return []
        rises = self._rises_for_good if window.columns.find("accuracy") is None else self._rises
        # Large targets of a regression make the weights grow while its loss is high and falls.
        return rises(window) or (self._grows(window) if window.info.task.is_cross_entropy else [])

    def _rises(self, window: Window) -> list[Finding]:
        """The finding where the loss rises while the steps are small."""
        small, least = self.threshold(window, "ratio"), self.threshold(window, "rise") * window.guessing_loss
        ratios, by_layer = _steps(window)
        falls = np.sum(by_layer, axis=0)
        large = first_true(~(ratios <= small))
        rows = len(window) if large is None else large + 1  # this loss is the first after a large update, if any
        batch = max(1, window.info.batch_size)
        size = math.ceil(LEAST_SAMPLES / batch)  # so many rows together have a loss that is not that of a few samples
        if rows < size + LEAST_ROWS:
            return []
        loss = means(window.scalar("data_loss")[:rows], size)
        expected = means(np.concatenate(([0.0], np.cumsum(falls)))[:rows], size)
        start, guessing = float(loss[0]), window.guessing_loss
        if start < UNTRAINED * guessing:
            return []
        # Where the answers are wrong and sure, the loss of a sample varies by what it is above that of guessing.
        noise = max(NOISE * guessing, start - guessing) / math.sqrt(batch * size)
        # The first time that the loss has risen by enough: what comes later cannot hide the beginning.
        risen = first_true(loss - start >= max(least, noise))
        if risen is None:
            return []
        at = max(risen, LEAST_ROWS)
        rise, fall = loss[1 : at + 1] - start, expected[1 : at + 1] - expected[0]
        stands_out = fall >= noise
        limit = self.threshold(window, "share")
        share = float(np.median((rise / fall)[stands_out])) if stands_out.sum() >= LEAST_ROWS else math.nan
        row = at + size - 1
        if not limit <= share <= MOST or _gets_better(window, row + 1, batch):
            return []
        return [self._finding(window, 0, row, share, limit, _risen(start, float(loss[at]), row))]

    def _rises_for_good(self, window: Window) -> list[Finding]:
        """The finding where the loss rises while the steps are small and stays high, of a run without an accuracy."""
        ratios, by_layer = _steps(window)
        large = first_true(~(ratios <= self.threshold(window, "ratio")))
        rows = len(window) if large is None else large + 1
        size = max(SMOOTHED, math.ceil(LEAST_SAMPLES / max(1, window.info.batch_size)))
        if rows < size + LEAST_ROWS:
            return []
        loss = means(window.scalar("data_loss"), size)
        start, least = float(loss[0]), FOR_GOOD * window.guessing_loss
        if start < UNTRAINED * window.guessing_loss:
            return []
        at = lasting_from(~(loss - start < least), 1)  # a loss that is not finite any more has not fallen
        if at is None or not LEAST_ROWS <= at <= rows - size:
            return []
        row, rise = at + size - 1, float(loss[at]) - start
        if _overshoots(window, by_layer, row, rows) or not np.sum(by_layer, axis=0)[:row].sum() >= rise / MOST:
            return []
        return [self._finding(window, 0, row, rise, least, _risen(start, float(loss[at]), row))]

    def _grows(self, window: Window) -> list[Finding]:
        """The finding where the weights of all layers grow along their steps while the loss is far too high."""
        limit, rows = self.threshold(window, "growth"), int(self.threshold(window, "rows"))
        high = window.scalar("data_loss") >= HIGH * window.guessing_loss
        high[-1] = False  # what the last step does to the weights is not known
        if not rows <= high.sum():
            return []
        shares = [share for layer in window.layers if (share := _growth(window, layer, high, rows)) is not None]
        if len(shares) < LEAST_LAYERS or not min(shares) >= limit:
            return []
        places = np.flatnonzero(high)
        loss = float(np.median(window.scalar("data_loss")[high]))
        message = (
            f"the loss is {loss:.3g} over {len(places)} steps, and the weights grow by {min(shares):.0%} of each step "
            "at least, where steps that lower the loss would shrink them"
        )
        return [self._finding(window, int(places[0]), int(places[-1]), min(shares), limit, message)]

    def _finding(self, window: Window, first: int, last: int, value: float, limit: float, message: str) -> Finding:
        plain = sentence(f"{message}: a sign is wrong")
        return self.finding(window, None, first, last, value, limit, message, plain=plain)

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        t = np.arange(60)
        uphill = {"data_loss": 2.3 + 0.05 * t, "accuracy": 0.09}
        layers = [f"{layer}/{tensor}" for layer in ("conv1", "dense1", "dense2") for tensor in ("weights", "biases")]
        steps = {f"{one}/update/{what}": value for one in layers for what, value in (("norm", 0.01), ("ratio", 0.01))}
        steps |= {f"{one}/gradient/norm": 1.0 for one in layers}
        too_large = steps | {f"{one}/update/ratio": 0.3 for one in layers}
        weights = [f"{layer}/weights" for layer in ("conv1", "dense1", "dense2")]
        growing = {"data_loss": 9.0, "accuracy": 0.1, **{f"{one}/value/norm": 3 * 1.2**t for one in weights}}
        growing |= {f"{one}/update/norm": 0.6 * 1.2**t for one in weights}
        growing |= {f"{one}/update/ratio": 0.2 for one in weights}
        sideways = {f"{one}/update/norm": 1.2 * 1.2**t for one in weights}
        return (
            Case("a loss that falls", example(thresholds)),
            Case("a loss that rises by small steps", example(thresholds, {**uphill, **steps}), (None,)),
            Case("by large ones", example(thresholds, {**uphill, **too_large})),
            Case("while the answers get better", example(thresholds, {**uphill, **steps, "accuracy": 0.01 * t})),
            Case("weights that grow along their steps, at a loss of 9", example(thresholds, growing), (None,)),
            Case("weights that grow by a part of their steps", example(thresholds, {**growing, **sideways})),
        )


def _risen(start: float, end: float, steps: int) -> str:
    return (
        f"the loss rises from {start:.3g} to {end:.3g} within {steps} small steps, as fast as the gradients say that "
        "it should fall"
    )


def _overshoots(window: Window, by_layer: Sequence[Series], first: int, stop: int) -> bool:
    """Whether the mean gradient of the layer that is moved most changes its sign at nearly every step of these rows.

    True where the rows are too few to tell.
    """
    layer = window.layers[int(np.argmax([expected[:stop].sum() for expected in by_layer]))]
    signs = np.sign(window.tensor(layer, "weights", "gradient", "mean")[first:stop])
    return len(signs) < LEAST_TURNS or float(np.mean(signs[1:] != signs[:-1])) > TURNS


def _growth(window: Window, layer: str, high: NDArray[np.bool_], least: int) -> float | None:
    """By what share of its steps the weights of a layer grow, in the median of the rows with a high loss.

    None where the steps of fewer than ``least`` of these rows are of a size that says something.
    """
    norm = window.tensor(layer, "weights", "value", "norm")
    step, ratio = (window.tensor(layer, "weights", "update", which) for which in ("norm", "ratio"))
    grown = np.diff(norm, append=np.nan) / step
    told = high & np.isfinite(grown) & (ratio >= LEAST_RATIO) & (ratio < MOST_RATIO)
    if told.sum() < least:
        return None
    earlier, later = np.array_split(step[told], 2)
    # Momentum goes on in one direction too after a step that was too large, but by less and less.
    return float(np.median(grown[told])) if np.median(later) >= np.median(earlier) else 0.0


def _gets_better(window: Window, rows: int, batch: int) -> bool:
    """Whether the accuracy of the second half of the first ``rows`` is above that of the first half, beyond noise."""
    accuracy, half = window.scalar("accuracy")[:rows], rows // 2
    before, after = float(accuracy[:half].mean()), float(accuracy[half:].mean())
    noise = math.sqrt(max(before * (1 - before), 1 / batch) * 2 / (half * batch))
    return after - before > BETTER_SIGMAS * noise


def _steps(window: Window) -> tuple[Series, list[Series]]:
    """Of each row the largest update against its weights, and by how much those of each layer should lower the loss."""
    ratios, by_layer = [], []
    for layer in window.layers:
        expected = np.zeros(len(window))
        for tensor in window.tensors(layer):
            if tensor == "weights":
                ratios.append(window.tensor(layer, tensor, "update", "ratio"))
            update, gradient = (window.tensor(layer, tensor, kind, "norm") for kind in ("update", "gradient"))
            expected += update * gradient
        by_layer.append(expected)
    most: Series = np.max(ratios, axis=0) if ratios else np.full(len(window), math.inf)
    return most, by_layer
