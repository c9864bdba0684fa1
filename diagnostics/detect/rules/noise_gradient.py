"""Noise gradient: the gradient of a layer is random numbers.

What it looks at: the mean entry of the gradient of each layer's weights, in units of what
chance gives: z = mean / std x root of the number of entries. Where the inputs of a layer
are mostly of one sign, as after ReLU, sigmoid or in images, all weights into a unit get a
gradient of the same sign, and z is far from 0: z squared is 2 to 1,000 in the mean over a
hundred rows. At the last layer, after a softmax, the entries add up to 0, and z is 0.
Independent random numbers give 1, with another sign in every row. The rule fires where z
is that of chance in all of the last rows, and the gradient has as large entries of either
sign.

What it means: the gradient that the backward pass gives the layer has nothing to do with the
loss. The layer moves at random, and the run may still learn with its other layers.

What it does not see: layers whose inputs have both signs, such as those after tanh, layers of few
inputs, whose true gradients look like chance, and noise that is added to a gradient.
"""

from __future__ import annotations

import math

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import Series, lasting_from, means
from diagnostics.detect.thresholds import CALIBRATION, Thresholds
from diagnostics.detect.window import Window

ONE_SIGN = 0.3  # mean over standard deviation of inputs that are mostly of one sign
FEWEST = 16  # weights into a unit
MEAN, LEAN = 0.5, 0.1  # the largest distance from 0 of the means of z, and of the lean to one sign, over the rows


class NoiseGradient(Rule):
    """A gradient that is what chance gives."""

    name = "noise-gradient"
    title = "the gradient of a layer is random numbers"
    rank = 6
    origin = Origin.CODE
    is_fault = is_about_the_start = is_lasting = True
    thresholds = (
        threshold("rows", 100, "rows", "at least so many, up to the last", "choice", 50, 1000),
        threshold("least", 0.5, "1", "mean of z squared at least; noise has 1", CALIBRATION, 0, 1),
        threshold("most", 1.6, "1", "mean of z squared at most", CALIBRATION, 1),
    )
    remedies = ("gradient-check",)

    def check(self, window: Window) -> list[Finding]:
        rows = int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        findings = []
        for layer in window.layers:
            if "weights" not in window.tensors(layer) or _weights_of_a_unit(window, layer) < FEWEST:
                continue
            if not _has_signs(window, layer):
                continue
            z, lean = _chance(window, layer), _lean(window, layer)
            if not np.isfinite(z[-rows:]).all():
                continue
            square, mean, one_sided = means(z**2, rows), means(z, rows), means(lean, rows)
            least, most = self.threshold(window, "least"), self.threshold(window, "most")
            is_noise = (square >= least) & (square <= most) & (np.abs(mean) <= MEAN) & (np.abs(one_sided) <= LEAN)
            first = lasting_from(is_noise, 1)
            if first is None:
                continue
            value = float(square[first:].mean())
            message = f"the gradient of {layer} is random numbers: its mean entry is what chance gives"
            plain = f"From step {window.steps[first]:,} on {message}."
            findings.append(self.finding(window, layer, first, len(window) - 1, value, most, message, plain=plain))
        return findings

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        noise = np.random.default_rng(0).standard_normal(200)
        chance = 0.05 / math.sqrt(
            256 * 16
        )  # standard deviation of the example's gradients over the root of the number of entries
        mean = np.where(np.arange(200) < 40, 0.01, chance * noise)
        random: dict[str, object] = {
            "dense1/weights/gradient/mean": mean,
            "dense1/weights/gradient/min": -0.2,
            "dense1/weights/gradient/max": 0.2,
        }
        centred = {**random, "conv1/mean": 0.0}
        return (
            Case("a gradient with signs", example(thresholds, steps=200)),
            Case("random numbers for dense1 from step 40 on", example(thresholds, random, steps=200), ("dense1",)),
            Case("inputs without a sign of their own", example(thresholds, centred, steps=200)),
        )


def _has_signs(window: Window, layer: str) -> bool:
    """Whether the mean entry of a true gradient is far from what chance gives, above or below."""
    place = window.layers.index(layer)
    if layer == window.layers[-1] and window.function(layer) == "softmax":
        return True  # its entries add up to 0
    inputs = window.layers[place - 1] if place else window.input_name
    share = np.median(np.abs(window.activation(inputs, "mean")) / window.activation(inputs, "std"))
    return bool(share >= ONE_SIGN)


def _weights_of_a_unit(window: Window, layer: str) -> float:
    weights = window.weights(layer)
    return weights.size / max(1, weights.shape[-1])


def _chance(window: Window, layer: str) -> Series:
    """z: the mean entry of the weights' gradient in units of what chance gives."""
    z: Series = math.sqrt(window.weights(layer).size) * (
        window.tensor(layer, "weights", "gradient", "mean") / window.tensor(layer, "weights", "gradient", "std")
    )
    return z


def _lean(window: Window, layer: str) -> Series:
    """By how much the largest positive entry exceeds the largest negative one, 0 to 1: 0 where both are equal."""
    low, high = (window.tensor(layer, "weights", "gradient", name) for name in ("min", "max"))
    lean: Series = (high + low) / (high - low)
    return lean
