"""Wrong sign: from its first step on the loss rises about as fast as the gradients say that it should fall.

What it looks at: the first rows of a run that begins untrained, as long as every update is small against the weights
that it changes. A small step against the gradient lowers the loss by about the norm of the step
times the norm of the gradient. It fires where the loss rises instead, by half the loss of guessing
and more, over more steps than one, by no more than twice what these products add up to, and where
the answers do not get better.

What it means: the steps go uphill. A sign is wrong in the
gradient or in the update, or the loss is not the one that the gradient belongs to.

What it does not mean: a rate that is too large makes the loss rise too, but its updates are not small.
"""

from __future__ import annotations

import math

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, sentence
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series, first_true, means
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window

LEAST_STEPS, LEAST_SAMPLES = 2, 32
BEFORE_THE_LAST = 0.15  # of the rise comes before the last of the steps
EXPECTED = 0.5  # of the rise: so much at least the products of steps and gradients add up to
BETTER_SIGMAS = 3
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
        threshold("ratio", 0.05, "of the norm", "updates up to this are small", "choice", 0, 1),
        threshold("rise", 0.5, "H", "by so much the loss rises while updates are small", "choice", 0.1),
    )
    remedies = ("gradient-check", "update-sign")
    explains = ("accumulated-gradient",)

    def check(self, window: Window) -> list[Finding]:
        small, least = self.threshold(window, "ratio"), self.threshold(window, "rise") * window.guessing_loss
        self.require_rows(window, LEAST_STEPS + 1)
        if window.steps[0] != 0 or not window.guessing_loss > 0:  # with one class there is nothing to learn
            return []
        ratios, expected = _steps(window)
        large = first_true(~(ratios <= small))
        last = len(window) - 1 if large is None else large  # this loss is the first after a large update, if any
        if last < LEAST_STEPS:
            return []
        batch = max(1, window.info.batch_size)
        size = math.ceil(LEAST_SAMPLES / batch)  # so many rows together have a loss that is not that of a few samples
        loss = means(window.scalar("data_loss"), size)[: last + 2 - size]
        if len(loss) <= LEAST_STEPS:
            return []
        # The first time that the loss has risen by enough: what comes later cannot hide the beginning.
        start = float(loss[0])
        if start < UNTRAINED * window.guessing_loss:
            return []
        at = first_true(loss - start >= least, LEAST_STEPS)
        if at is None:
            return []
        row, rise = at + size - 1, float(loss[at]) - start
        gradually = loss[at - 1] - start >= BEFORE_THE_LAST * rise
        if not gradually or not expected[:row].sum() >= EXPECTED * rise or _gets_better(window, row + 1, batch):
            return []
        message = (
            f"the loss rises from {start:.3g} to {loss[at]:.3g} within {row} small steps, as fast as the gradients "
            "say that it should fall"
        )
        plain = sentence(f"{message}: a sign is wrong")
        return [self.finding(window, None, 0, row, rise, least, message, plain=plain)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        t = np.arange(60)
        uphill = {"data_loss": 2.3 + 0.02 * t**2, "accuracy": 0.09}
        layers = [f"{layer}/{tensor}" for layer in ("conv1", "dense1", "dense2") for tensor in ("weights", "biases")]
        steps = {f"{one}/update/{what}": value for one in layers for what, value in (("norm", 0.3), ("ratio", 0.01))}
        steps |= {f"{one}/gradient/norm": 1.0 for one in layers}
        too_large = steps | {f"{one}/update/ratio": 0.3 for one in layers}
        return (
            Case("a loss that falls", example(thresholds)),
            Case("a loss that rises by small steps", example(thresholds, {**uphill, **steps}), (None,)),
            Case("by large ones", example(thresholds, {**uphill, **too_large})),
            Case("while the answers get better", example(thresholds, {**uphill, **steps, "accuracy": 0.01 * t})),
        )


def _gets_better(window: Window, rows: int, batch: int) -> bool:
    """Whether the accuracy of the second half of the first ``rows`` is above that of the first half, beyond noise."""
    accuracy, half = window.scalar("accuracy")[:rows], rows // 2
    before, after = float(accuracy[:half].mean()), float(accuracy[half:].mean())
    noise = math.sqrt(max(before * (1 - before), 1 / batch) * 2 / (half * batch))
    return after - before > BETTER_SIGMAS * noise


def _steps(window: Window) -> tuple[Series, Series]:
    """Of each row the largest update against its weights, and by how much all updates should lower the loss."""
    ratios, expected = [], []
    for layer in window.layers:
        for tensor in window.tensors(layer):
            if tensor == "weights":
                ratios.append(window.tensor(layer, tensor, "update", "ratio"))
            update, gradient = (window.tensor(layer, tensor, kind, "norm") for kind in ("update", "gradient"))
            expected.append(update * gradient)
    most: Series = np.max(ratios, axis=0) if ratios else np.full(len(window), math.inf)
    return most, np.sum(expected, axis=0)
