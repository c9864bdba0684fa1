"""Faint gradient: the gradient is far smaller than one of the mean loss can be while the network guesses.

What it looks at: the gradient of the last layer's weights, in a network that ends with softmax
and a cross-entropy, in the first rows whose loss is that of guessing. There the answers say
nothing about the labels yet, so that every batch pulls at random. With h the input of the last
layer, N samples in a batch and shares q of the classes, the norm of the gradient of the mean
loss is then at least about the root of E|h|^2 (1 - sum q^2) / N. It fires where the norm over the
rows is below the limit times that. It does not fire where the norm of the whole gradient is the same
in most of the rows, since such a gradient was clipped before it was recorded. Nor does it where a batch holds
half of the training set or more, since such batches hardly pull at random.

What it means: the gradient is divided by something that the loss is not divided by. Divided by
the batch size twice, it is N times too small. With k classes it is k times too small where
softmax is applied twice, and where the sum over all outputs is divided by their number. With two or
three classes that is within what healthy networks have, so it is not seen there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.examples import example, with_info
from diagnostics.detect.findings import Finding, Severity, sentence
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.number_range import number_text

GUESSING = 0.9  # times the loss of guessing
USUAL = (0.7, 7.0)  # the usual norm, times the least one, with room on both sides
AT_THE_LIMIT = 1e-4  # of a norm: how much the rounding of float32 may take from it
BY_BATCH, BY_CLASSES = "batch size", "classes"


class FaintGradient(Rule):
    """A gradient of the last weights that no mean loss of guessing has."""

    name = "faint-gradient"
    title = "the gradient is far smaller than that of the loss"
    rank = 6
    origin = Origin.CODE
    is_fault = is_about_the_start = True
    needs_cross_entropy = needs_guessing = True
    thresholds = (
        threshold("share", 0.3, "1", "last weights' gradient, of the least while guessing", CALIBRATION, 0, 1),
        threshold("rows", 10, "rows", "over so many of the first rows that guess", "choice", 1, 1000),
    )
    remedies = ("probabilities", "average-once", "gradient-check")
    explains = ("tiny-steps", "vanishing-gradient", "uninformative-labels")

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        of_batch = ("average-once", "gradient-check")
        return of_batch if finding.detail == BY_BATCH else self.remedies

    def check(self, window: Window) -> list[Finding]:
        last, limit, rows = window.layers[-1], self.threshold(window, "share"), int(self.threshold(window, "rows"))
        is_derived = f"{last}/weights" in window.info.description.get("derived_gradients", ())
        classes = len(window.info.prior)
        if is_derived or not window.ends_with_softmax or window.is_of_large_batches:
            return []
        loss, norm = window.scalar("data_loss"), window.tensor(last, "weights", "gradient", "norm")
        before = window.layers[-2] if len(window.layers) > 1 else window.input_name
        mean, spread = window.activation(before, "mean"), window.activation(before, "std")
        fan_in = window.weights(last).size / classes
        pulls = fan_in * (mean**2 + spread**2) * (1 - sum(q * q for q in window.info.prior))
        least = np.sqrt(pulls / window.scalar("samples"))
        is_known = np.isfinite(loss) & np.isfinite(norm) & np.isfinite(least) & (least > 0)
        guessing = np.flatnonzero(is_known & (loss >= GUESSING * window.guessing_loss))[:rows]
        if len(guessing) < rows or _is_clipped(window, guessing):
            return []
        share = math.sqrt(float(np.mean((norm[guessing] / least[guessing]) ** 2)))
        if not 0 < share < limit:
            return []
        level = float(loss[guessing].mean())
        message, detail = self._said(last, share, level, window)
        plain, end = sentence(message), len(window) - 1
        found = self.finding(
            window, last, int(guessing[0]), end, share, limit, message, severity=Severity.WARNING, plain=plain
        )
        return [replace(found, detail=detail)]

    def _said(self, last: str, share: float, loss: float, window: Window) -> tuple[str, str]:
        """The message, and what the gradient seems to be divided by; "" where neither fits."""
        batch, classes = window.info.batch_size, len(window.info.prior)
        times = number_text(float(f"{1 / share:.2g}"))
        seen = f"the gradient of the weights of {last} is about {times} times smaller than that of a mean "
        seen += f"cross-entropy of {number_text(loss)}: "
        by_batch = f"it is divided by the batch size ({batch}) twice"
        by_classes = f"it is divided by the number of classes ({classes})"
        if loss <= math.log(math.e + classes - 1):  # the largest loss of a softmax of probabilities
            by_classes = f"softmax is applied twice, or {by_classes}"
        fits_batch, fits_classes = (USUAL[0] <= share * by <= USUAL[1] for by in (batch, classes))
        if fits_classes:
            return seen + (f"{by_batch}, or {by_classes}" if fits_batch else by_classes), BY_CLASSES
        if fits_batch:
            return seen + f"{by_batch}, so the learning rate acts as if it were {batch} times smaller", BY_BATCH
        return seen + "it is divided once more than the loss", ""

    def doses(self, finding: Finding, window: Window) -> Mapping[str, float]:
        by = len(window.info.prior) if finding.detail == BY_CLASSES else window.info.batch_size
        return {"average-once": float(by)}

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        guessing, name = {"data_loss": 2.3}, "dense2/weights/gradient/norm"
        faint = {**guessing, name: 0.015}
        others = [f"{layer}/{one}/gradient/norm" for layer in ("conv1", "dense1") for one in ("weights", "biases")]
        clipped = {**dict.fromkeys([*others, "dense2/biases/gradient/norm"], 0.0), **guessing, name: 0.015}
        return (
            Case("a gradient of the mean loss", example(thresholds, {**guessing, name: 0.15})),
            Case("a tenth of it", example(thresholds, faint), ("dense2",)),
            Case("a hundred-and-twenty-eighth of it", example(thresholds, {**guessing, name: 0.0012}), ("dense2",)),
            Case("a tenth of it where the whole gradient has one norm", example(thresholds, clipped)),
            Case("a tenth of it with the whole training set", with_info(example(thresholds, faint), samples=128)),
            Case("a tenth of it in a network that has learned", example(thresholds, {"data_loss": 0.3, name: 0.015})),
        )


def _is_clipped(window: Window, rows: NDArray[np.intp]) -> bool:
    """Whether the norm of the whole gradient is at one limit in at least half of the rows."""
    norms = np.stack([window.layer_norm(layer, "gradient")[rows] for layer in window.layers])
    whole = np.sqrt((norms**2).sum(axis=0))
    return bool(np.mean(whole >= (1 - AT_THE_LIMIT) * whole.max()) >= 0.5)
