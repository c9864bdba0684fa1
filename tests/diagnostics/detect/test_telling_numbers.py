"""Each number at which a loss stays for a known cause, and words that fit small numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.rules.exploding_gradient import ExplodingGradient
from diagnostics.detect.rules.frozen_layer import FrozenLayer
from diagnostics.detect.rules.telling_loss import CLIPPED_AT, TellingLoss
from diagnostics.detect.window import Window
from tests.helpers.judged_rows import entropy

ROWS = 100
WOBBLE = np.sin(np.arange(ROWS))


def rows_with(loss: object, accuracy: object) -> Window:
    return example(DEFAULT_THRESHOLDS, {"data_loss": loss, "accuracy": accuracy}, steps=ROWS)


def stays(window: Window) -> Finding:
    """The one finding about the last rows."""
    [finding] = [one for one in TellingLoss().check(window) if not one.detail]
    return finding


@pytest.mark.parametrize("clip", CLIPPED_AT)
def test_probabilities_of_0_and_1_are_named_with_the_number_they_are_clipped_at(clip: float) -> None:
    accuracy = np.round(0.3 + 0.1 * WOBBLE, 3)
    finding = stays(rows_with((1 - accuracy) * clip, accuracy))

    assert f"(1 - accuracy) x {clip:g}" in finding.message
    assert finding.message.endswith(f"clipped at {CLIPPED_AT[clip]}")


def test_the_entropy_of_unequal_classes_to_six_digits_says_that_no_gradient_moves_anything() -> None:
    prior = (0.5, 0.3, 0.2)
    level = entropy(prior)
    window = rows_with(level, 0.5)
    window = replace(window, info=replace(window.info, prior=prior))

    assert f"the entropy of the class prior = {level:.6f} to six digits" in stays(window).message


@pytest.mark.parametrize("right", [0.1, 0.5, 0.9, 0.97, 0.985, 0.995])
def test_softmax_twice_is_named_at_every_accuracy(right: float) -> None:
    """At an accuracy of 0.1 the loss is 2.3612, and where every answer is right 1.4612."""
    accuracy = np.random.default_rng(0).binomial(128, right, ROWS) / 128
    finding = stays(rows_with(math.log(1 + 9 / math.e) + 1 - accuracy, accuracy))

    assert "1.4612 + 1 - accuracy: softmax applied twice" in finding.message
    assert right != 0.1 or finding.value == pytest.approx(2.3612, abs=0.02)


@pytest.mark.parametrize("since", [0, 200])
def test_one_layer_that_never_changes_is_named_from_the_first_row_on_or_from_a_later_one(since: int) -> None:
    still = {f"dense1/{one}/update/norm": (since, 0.0) for one in ("weights", "biases")}
    [finding] = FrozenLayer().check(example(DEFAULT_THRESHOLDS, still, steps=300))

    assert (finding.layer, finding.first_step) == ("dense1", since)


def test_a_burst_from_almost_nothing_is_not_told_as_a_factor() -> None:
    norm = np.where(np.arange(60) < 31, 8e-15, 3.9e-7)
    [finding] = ExplodingGradient().check(example(DEFAULT_THRESHOLDS, {"dense1/weights/gradient/norm": norm}))

    assert finding.message == "gradient of dense1 up from 8e-15 to 3.9e-07"
