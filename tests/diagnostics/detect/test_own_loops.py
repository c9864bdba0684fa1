"""Mistakes that people ask about in public, each as a small network with a loop of its own on 25,600 digits."""

from __future__ import annotations

from functools import cache

import pytest

from diagnostics.detect.findings import Diagnosis
from diagnostics.detect.link import Origin
from reports.text.diagnosis import diagnosis_text
from tests.helpers import own_loop_mlp

trained = cache(own_loop_mlp.trained)


def told(diagnosis: Diagnosis) -> dict[str, str]:
    """What fired, with its words."""
    return {finding.rule: finding.message for finding in diagnosis.findings}


def test_a_right_loop_is_healthy_and_told_nothing():
    diagnosis = trained()

    assert diagnosis.verdict == "healthy"
    assert told(diagnosis) == {}


@pytest.mark.parametrize(
    ("mistake", "rule", "words", "remedy"),
    [
        ("unassigned", "frozen-layer", "no parameter of any layer changes", "a look at where the update is written"),
        ("equal", "equal-units", "its units can never differ", "initial weights drawn at random"),
        ("relu-output", "output-function", "dense2 ends with relu", "one softmax, and outputs that are probabilities"),
        ("summed", "summed-gradient", "acts as if it were 128 times larger", "a learning rate 128 times smaller"),
    ],
)
def test_a_mistake_of_the_code_is_the_first_link_with_what_to_try(mistake, rule, words, remedy):
    diagnosis = trained(mistake)

    assert diagnosis.first_link is not None
    assert diagnosis.first_link.rule == rule
    assert diagnosis.first_link.origin is Origin.CODE
    assert words in told(diagnosis)[rule]
    assert any(remedy in title for title in diagnosis.remedies)


@pytest.mark.parametrize(
    ("mistake", "rate", "rule", "words", "remedy"),
    [
        ("tiny-weights", 0.1, "small-weights", "its weights are too small", "LeCun initialisation"),
        ("decayed", 0.1, "shrinking-weights", "a decay pulls them to zero", "a smaller weight decay"),
    ],
)
def test_weights_that_are_or_become_too_small_are_the_first_link_and_no_larger_rate_is_tried(
    mistake, rate, rule, words, remedy
):
    diagnosis = trained(mistake, rate)

    assert diagnosis.verdict == "never-learned"
    assert diagnosis.first_link is not None
    assert (diagnosis.first_link.rule, diagnosis.first_link.origin) == (rule, Origin.SETTINGS)
    assert words in diagnosis_text(diagnosis).replace("\n ", "").replace("  ", " ")
    assert diagnosis.remedies[0].startswith(remedy)


def test_samples_sorted_by_class_make_gradients_alike_and_no_gradient_adds_up():
    assert "accumulated-gradient" not in told(trained("sorted", 0.3))


def test_gradients_that_are_never_set_to_zero_are_told_though_the_run_lives():
    diagnosis = trained("accumulating")

    assert "each gradient is the last one plus a small change" in told(diagnosis)["accumulated-gradient"]
    assert "summed-gradient" not in told(diagnosis)


def test_softmax_twice_is_told_by_the_value_of_the_loss():
    assert "softmax applied twice" in told(trained("softmax-twice", rate=1.0))["telling-loss"]


def test_softmax_twice_is_told_by_the_gradient_where_the_loss_has_not_fallen_yet():
    diagnosis = trained("softmax-twice", rate=0.1)

    assert "softmax is applied twice" in told(diagnosis)["faint-gradient"]
    assert diagnosis.first_link is not None
    assert diagnosis.first_link.origin is Origin.CODE
    assert diagnosis.remedies[0].startswith("one softmax")


def test_a_gradient_that_is_averaged_twice_is_told_with_the_batch_size():
    diagnosis = trained("averaged-twice")

    assert "divided by the batch size (128) twice" in told(diagnosis)["faint-gradient"]
    assert diagnosis.remedies[0].endswith("a learning rate 128 times larger")


@pytest.mark.parametrize("loss", ["squared-error", "binary-cross-entropy"])
def test_a_loss_that_is_no_mean_cross_entropy_contradicts_an_accuracy_at_chance(loss):
    diagnosis = trained(loss)

    assert diagnosis.verdict == "undecided"
    assert "no mean cross-entropy in nats" in told(diagnosis)["contradiction"]


def test_an_accuracy_over_the_elements_of_one_hot_rows_contradicts_the_loss():
    diagnosis = trained("accuracy-of-elements", rate=1e-5)

    assert diagnosis.verdict == "undecided"
    assert "a metric that counts elements of one-hot rows" in told(diagnosis)["contradiction"]


def test_labels_that_all_became_one_class_contradict_the_accuracy():
    diagnosis = trained("labels/255")

    assert diagnosis.verdict == "undecided"
    assert "labels that were scaled" in told(diagnosis)["contradiction"]
    assert "accumulated-gradient" not in told(diagnosis)


@pytest.mark.parametrize(
    ("mistake", "rate"), [("shuffled-labels", 0.1), ("constant-inputs", 0.01), ("tiny-steps", 0.1)]
)
def test_a_loss_that_wobbles_about_the_entropy_of_the_prior_says_that_the_answers_are_always_the_same(mistake, rate):
    diagnosis = trained(mistake, rate)

    assert diagnosis.verdict == "never-learned"
    assert "varies about the entropy of the class prior, 2.30" in told(diagnosis)["constant-answer"]
    assert "telling-loss" not in told(diagnosis)


@pytest.mark.parametrize(
    ("mistake", "answer"),
    [("nan-weights", "class 0 (outputs of NaN"), ("biases-alone", "the commonest class (by the biases")],
)
def test_an_accuracy_that_is_the_share_of_a_class_to_the_sample_names_the_answer(mistake, answer):
    answers = [f.message for f in trained(mistake, 1e-9).findings if f.rule == "constant-answer"]

    assert any(f"to the sample: the answer is always {answer}" in message for message in answers)


def test_a_layer_whose_gradient_is_random_numbers_is_told_though_the_run_lives():
    diagnosis = trained("noise")
    found = [(f.layer, f.first_step) for f in diagnosis.findings if f.rule == "noise-gradient"]

    assert diagnosis.verdict == "healthy"
    assert found == [("dense1", 0)]


def test_no_command_line_is_suggested_to_a_loop_of_ones_own():
    assert "lenet-diag" not in diagnosis_text(trained("summed"))
