"""Accumulated gradient: each step's gradient is the last one plus a small change.

What it looks at: mean, smallest and largest entry of every tensor's gradient, as shares of
its norm, from row to row. Gradients of different batches differ. The rule fires where the
median difference between a row and the next, over the first rows of the window, is a small
part of these numbers, and the norms of rows one after another are alike, while the gradient grows.
Rows whose loss is three times that of guessing, or a small part of it, do not count. It does not
fire where a batch holds half of the training set or more, since gradients of such batches are alike.

What it means: the gradients are not set to zero between the steps, so that each update
repeats all earlier ones. The run may learn for a while, and the steps get longer and longer.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example, with_info
from diagnostics.detect.findings import Finding, sentence
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import MissingColumnsError, Window

GROWTH = 2.5
STEADY = 0.1  # of the logarithm of the norm, from one row to the next
LEARNED, SATURATED = 0.2, 3.0  # H


class AccumulatedGradient(Rule):
    """Gradients that hardly change from batch to batch."""

    name = "accumulated-gradient"
    title = "gradients add up from step to step"
    rank = 6
    origin = Origin.CODE
    is_fault = is_about_the_start = is_lasting = True
    thresholds = (
        threshold("change", 0.12, "of the gradient", "from one row to the next, in the median", CALIBRATION, 0, 1),
        threshold("rows", 40, "rows", "of at least so many rows", "choice", 10, 1000),
    )
    remedies = ("zero-gradients", "gradient-check")

    def check(self, window: Window) -> list[Finding]:
        limit, rows = self.threshold(window, "change"), int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        # A run that died or learned perfectly has almost no gradient left, which hardly changes; nor does it where all
        # samples of many batches are of one class. Where the loss is far above guessing, probabilities are 0 or 1, and
        # the gradients of all batches are nearly the same.
        share = window.scalar("data_loss")[1:] / window.guessing_loss
        change = np.where((share > LEARNED) & (share < SATURATED), _change(window), np.nan)[: 4 * rows]
        change = change[np.isfinite(change)]
        if len(change) < rows // 2 or not np.median(change) < limit or window.is_of_large_batches:
            return []
        if not _grows(window, rows) or not _is_steady(window, 4 * rows):
            return []
        value = float(np.median(change))
        message = f"each gradient is the last one plus a small change: from step to step they differ by {value:.0%}"
        plain = f"{sentence(message)} Gradients that are not set to zero between the steps add up so."
        return [self.finding(window, None, 0, len(window) - 1, value, limit, message, plain=plain)]

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        t = np.arange(60)
        adding: dict[str, object] = {}
        for layer in ("conv1", "dense1", "dense2"):
            for tensor in ("weights", "biases"):
                name = f"{layer}/{tensor}/gradient"
                adding |= {f"{name}/norm": 1.0 + t, f"{name}/mean": 0.01 * (1 + t)}
                adding |= {f"{name}/max": 0.1 * (1 + t), f"{name}/min": -0.1 * (1 + t)}
        jumping = {name: np.where(t % 2, 0.5, 2.0) * np.asarray(value) for name, value in adding.items()}
        return (
            Case("gradients of different batches", example(thresholds)),
            Case("gradients that add up", example(thresholds, adding), (None,)),
            Case("alike gradients of the whole training set", with_info(example(thresholds, adding), samples=128)),
            Case("alike gradients whose norms jump", example(thresholds, jumping)),
        )


def _is_steady(window: Window, rows: int) -> bool:
    """Whether the norm of the whole gradient of the first rows changes little from one to the next."""
    norm = _norm(window, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        jumps = np.abs(np.diff(np.log(norm)))
    return bool(np.median(jumps[np.isfinite(jumps)]) < STEADY)


def _norm(window: Window, rows: int) -> Series:
    """The norm of the whole gradient of the first rows."""
    norm: Series = np.sqrt(sum(window.layer_norm(layer, "gradient")[:rows] ** 2 for layer in window.layers))
    return norm


def _grows(window: Window, rows: int) -> bool:
    """Whether the gradient of the first rows becomes several times as large."""
    norm = _norm(window, rows)
    return bool(np.nanmax(norm) >= GROWTH * np.nanmean(norm[:3]))


def _change(window: Window) -> Series:
    """By what share the gradients' statistics change in each row after the first."""
    shapes = []
    for layer in window.info.layer_names:
        for tensor in window.tensors(layer):
            norm = window.tensor(layer, tensor, "gradient", "norm")
            shapes += [window.tensor(layer, tensor, "gradient", one) / norm for one in ("mean", "min", "max")]
    if not shapes:
        raise MissingColumnsError("gradients: nothing is recorded of them")
    shape = np.stack(shapes, axis=1)
    change: Series = np.linalg.norm(np.diff(shape, axis=0), axis=1) / np.linalg.norm(shape[1:], axis=1)
    return change
