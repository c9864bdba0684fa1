"""What the rules and remedies say of runs whose task is not ten classes, and whose networks begin otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnostics.detect.contradiction import Contradiction
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.examples import example, example_info
from diagnostics.detect.remedies import suggestions
from diagnostics.detect.rules.exploding_gradient import ExplodingGradient
from diagnostics.detect.rules.frozen_layer import FrozenLayer
from diagnostics.detect.rules.non_finite import NonFinite
from diagnostics.detect.rules.oversized_update import OversizedUpdate
from diagnostics.detect.rules.telling_loss import TellingLoss
from diagnostics.detect.rules.tiny_steps import TinySteps
from diagnostics.detect.rules.zero_weights import ZeroWeights
from diagnostics.schema.number_range import loss_text
from diagnostics.schema.task import Task
from lenet.hooks import LayerInfo


def with_last(function, *, is_alone=False):
    """The network of the examples with another last function; ``is_alone``: without any hidden layer."""
    info = example_info()
    layers = (*info.layers[:2], LayerInfo("dense2", "DenseLayer", function, (1,), 1))
    if is_alone:
        return replace(info, layers=layers[2:], tensors=tuple(t for t in info.tensors if t.layer == "dense2"))
    return replace(info, layers=layers)


def test_a_layer_of_zeros_without_a_gradient_is_not_one_whose_update_is_lost():
    zero = {f"dense1/{one}/{what}": 0.0 for one in ("weights", "biases") for what in ("value/norm", "update/norm")}
    no_gradient = {f"dense1/{one}/gradient/norm": 0.0 for one in ("weights", "biases")}

    assert FrozenLayer().check(example(DEFAULT_THRESHOLDS, zero))
    assert not FrozenLayer().check(example(DEFAULT_THRESHOLDS, {**zero, **no_gradient}))


@pytest.mark.parametrize(("layer", "is_told"), [("dense2", False), ("dense1", True)])
def test_a_last_layer_that_begins_with_zeros_and_leaves_them_is_no_fault(layer, is_told):
    at_first = [float(t == 0) for t in range(60)]

    window = example(DEFAULT_THRESHOLDS, {f"{layer}/weights/value/zero_fraction": at_first})

    assert bool(ZeroWeights().check(window)) is is_told


def test_a_last_layer_that_stays_at_zeros_or_is_set_to_them_is_one():
    later = [float(t == 40) for t in range(60)]

    for share in (1.0, later):
        assert ZeroWeights().check(example(DEFAULT_THRESHOLDS, {"dense2/weights/value/zero_fraction": share}))


def test_a_sigmoid_at_the_output_is_no_reason_for_relu():
    assert not suggestions(["relu"], with_last("sigmoid"))
    assert suggestions(["relu"], example_info("tanh"))


def test_a_single_layer_with_a_sigmoid_needs_no_larger_steps_than_one_without():
    window = example(DEFAULT_THRESHOLDS, {"data_loss": 2.3, "dense2/weights/update/ratio": 1e-3}, function="relu")
    assert not TinySteps().check(replace(window, info=with_last("sigmoid", is_alone=True)))


def test_a_gradient_that_began_at_a_usual_size_did_not_rise_from_almost_nothing():
    norm = np.where(np.arange(60) < 40, 14.0, 1e30)
    (found,) = ExplodingGradient().check(example(DEFAULT_THRESHOLDS, {"dense1/weights/gradient/norm": norm}))

    assert found.message == "gradient of dense1 up from 14 to 1e+30"


def test_neither_a_smaller_rate_nor_clipping_helps_against_inputs_that_are_not_finite():
    rule = NonFinite()
    window = example(DEFAULT_THRESHOLDS, dict.fromkeys(("input/mean", "conv1/mean"), (40, float("nan"))))

    assert rule.remedies_for(rule.check(window)[0]) == ("finite-inputs",)


@pytest.mark.parametrize(
    ("task", "is_told"),
    [
        (replace(Task.regression(), guessing_loss=1e8), True),
        (replace(Task.regression(scale=0.5), guessing_loss=20.0), True),
        (replace(Task.regression(), guessing_loss=20.0), False),
        (replace(Task.regression("absolute-error"), guessing_loss=20.0), True),
        (Task.regression(), False),
        (Task.loss_only(), False),
        (Task.classes(), False),
    ],
)
def test_targets_that_spread_far_are_to_be_scaled_before_anything_else(task, is_told):
    titles = [one.title for one in suggestions(OversizedUpdate.remedies, replace(example_info(), task=task))]

    assert (titles[0] == "targets standardised to mean 0 and standard deviation 1") is is_told


def test_the_likely_reasons_of_a_contradiction_fit_the_task():
    high = Contradiction(0, 9, 4.9, 0.94, 0.693, Task.binary()).finding.message
    low = Contradiction(0, 9, 0.01, 0.2, 0.16, Task.classes("squared-error", scale=0.5)).finding.message

    assert "sigmoid" in high
    assert "softmax" not in high
    assert low.endswith("no mean squared error times 0.5")


def test_what_to_try_against_a_telling_loss_fits_the_task_and_the_loss():
    def titles(rule, window, task):
        (found, *_) = rule.check(window)
        return [one.title for one in suggestions(rule.remedies_for(found), replace(window.info, task=task))]

    negative = example(DEFAULT_THRESHOLDS, {"data_loss": -4.0})
    first = example(DEFAULT_THRESHOLDS, {"data_loss": np.where(np.arange(60) == 0, 30.0, 0.3)})

    assert titles(TellingLoss(), negative, Task.classes())[0].startswith("one softmax")
    assert titles(TellingLoss(), negative, Task.binary())[0].startswith("one sigmoid")
    assert "softmax" not in " ".join(titles(TellingLoss(), first, Task.classes()))


def test_one_output_has_no_softmax_that_could_be_applied_twice():
    accuracy = 0.9 + 0.05 * np.sin(np.arange(60))
    window = example(DEFAULT_THRESHOLDS, {"data_loss": np.log(1 + 1 / np.e) + 1 - accuracy, "accuracy": accuracy})
    of_two = replace(window, info=replace(window.info, prior=(0.5, 0.5)))

    assert TellingLoss().check(of_two)
    assert not TellingLoss().check(replace(of_two, info=replace(of_two.info, task=Task.binary())))


@pytest.mark.parametrize(("loss", "text"), [(2.3012, "2.301"), (1.0146e8, "1.01e+08"), (4.2e-6, "4.2e-06")])
def test_losses_of_any_size_can_be_read(loss, text):
    assert loss_text(loss) == text
