"""What the first rows of a run show: layers that were dead before any update, and the loss that it began with."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from reports.text.diagnosis import diagnosis_text
from tests.helpers.judged_rows import H, info, judge, piecewise, rows


def silent_from(step, *layers):
    """All units of these layers silent from a step on, and no gradient for the layers up to the last of them."""
    below = ("conv1", "dense1")[: 1 + ("dense1" in layers)]
    zero = {f"{layer}/{one}/gradient/norm": (step, 0.0) for layer in below for one in ("weights", "biases")}
    return {**{f"{layer}/dead_fraction": (step, 1.0) for layer in layers}, **zero}


def test_of_layers_that_were_silent_before_the_first_update_the_lowest_failed():
    diagnosis = judge(rows(piecewise((150, H)), 0.1, changes=silent_from(0, "conv1", "dense1"))).diagnosis

    assert diagnosis.verdict is Verdict.NEVER_LEARNED
    assert (diagnosis.blow.rule, diagnosis.blow.layer, diagnosis.blow.step) == ("dead-units", "conv1", 0)
    assert diagnosis.remedies[:2] == ("LeCun initialisation", "a look at the initial weights and biases")
    assert "a smaller learning rate" not in diagnosis.remedies
    text = " ".join(diagnosis_text(diagnosis).split())
    assert "output 0 for every input since before the first update" in text
    assert "neither the learning rate nor the order of the batches had a part in it" in text


def test_layers_that_are_alive_and_get_no_gradient_from_the_first_row_on_may_be_the_code():
    told = {name: value for name, value in silent_from(0, "dense1").items() if "dead" not in name}
    diagnosis = judge(rows(piecewise((150, H)), 0.1, changes=told)).diagnosis

    assert (diagnosis.first_link.rule, diagnosis.first_link.origin) == ("zero-gradient", "unknown")
    assert "neither the learning rate" not in " ".join(diagnosis_text(diagnosis).split())
    assert any(one.startswith("a gradient check") for one in diagnosis.remedies)


def test_of_layers_that_an_update_silenced_the_one_without_a_gradient_failed_as_before():
    diagnosis = judge(rows(piecewise((40, 0.3), (150, H)), changes=silent_from(40, "conv1", "dense1"))).diagnosis

    assert (diagnosis.first_link.rule, diagnosis.first_link.layer) == ("dead-units", "dense1")
    assert "a smaller learning rate" in diagnosis.remedies
    assert "before the first update" not in " ".join(diagnosis_text(diagnosis).split())


@pytest.mark.parametrize(("batch", "first", "is_told"), [(128, 5.0, True), (128, 4.0, False), (4, 30.0, False)])
def test_the_first_loss_is_compared_with_that_of_all_outputs_over_32_samples(batch, first, is_told):
    two_of_ten = info(prior=(0.5, 0.5) + (0.0,) * 8, batch_size=batch)
    values = rows(np.where(np.arange(300) == 0, first, np.log(2)), 0.5, samples=batch)
    told = judge(values, two_of_ten).diagnosis

    assert any("the first loss is" in f.message for f in told.findings) is is_told


def test_a_hundred_classes_that_are_guessed_are_not_softmax_applied_twice():
    classes, noise = 100, np.random.default_rng(0)
    values = rows(np.log(classes) + noise.normal(0, 0.01, 1500), noise.binomial(128, 0.01, 1500) / 128)
    told = judge(values, info(prior=(1 / classes,) * classes)).diagnosis

    assert "telling-loss" not in {f.rule for f in told.findings if "applied twice" in f.message}


def test_accuracies_that_are_not_finite_are_not_right_to_the_last_sample():
    gone = np.where(np.arange(400) < 200, 0.3, np.nan)
    told = judge(rows(gone, np.where(np.isnan(gone), np.nan, 0.9))).diagnosis

    assert told.verdict is Verdict.DIVERGED
    assert "one-class-labels" not in {f.rule for f in told.chain}
