"""What looks like a defect run and is none, and trainings whose chance is not one in ten."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.record.recorder import Recorder
from lenet import (
    AccuracyCategorical,
    ActivationReLU,
    ActivationSoftmax,
    DenseLayer,
    LossCategoricalCrossEntropy,
    Model,
    OptimizerSGD,
)
from reports.text.diagnosis import diagnosis_text
from tests.helpers.judged_rows import H, S, entropy, info, judge, piecewise, rows
from tests.helpers.small_trainings import small_model, train


def test_a_single_bad_batch_is_no_defect():
    loss = piecewise((60, 0.3), (1, 9.0), (60, 0.3))

    assert judge(rows(loss)).diagnosis.verdict is Verdict.HEALTHY


@pytest.mark.parametrize("batch", [8, 32])
def test_noise_of_small_batches_is_no_defect(batch):
    rng = np.random.default_rng(1)
    loss = np.clip(0.6 + 0.5 * rng.standard_normal(2000), 0.01, None)
    accuracy = rng.binomial(batch, 0.85, 2000) / batch

    told = judge(rows(loss, accuracy, batch), info(batch_size=batch))

    assert told.diagnosis.verdict is Verdict.HEALTHY


def test_a_slow_starter_is_healthy_before_a_standstill_is_a_defect_and_recovers_after_it():
    early = judge(rows(piecewise((S - 20, H), (200, 0.4))))
    late = judge(rows(piecewise((S + 56, H), (200, 0.4))))

    assert early.diagnosis.verdict is Verdict.HEALTHY
    assert late.diagnosis.verdict is Verdict.RECOVERED


def test_a_layer_nine_tenths_dead_for_a_hundred_steps_that_learns_after_all_is_no_defect_run():
    loss = piecewise((40, H), (100, 2.28), (200, 0.3))
    dead = np.where((np.arange(340) >= 40) & (np.arange(340) < 140), 0.9, 0.1)

    told = judge(rows(loss, changes={"dense1/dead_fraction": dead, "dense1/dead_window_fraction": dead}))

    assert told.diagnosis.verdict in (Verdict.HEALTHY, Verdict.RECOVERED)


def test_a_fine_tuned_run_that_starts_at_98_percent_is_healthy_from_its_first_window_on():
    told = judge(rows(piecewise((200, 0.06)), 0.98))

    assert told.diagnosis.verdict is Verdict.HEALTHY
    assert told.detector.symptoms.first_learned == 19


@pytest.mark.parametrize("classes", [2, 20])
def test_other_numbers_of_classes_are_judged_by_their_own_chance(classes):
    prior = (1 / classes,) * classes
    h = entropy(prior)
    learning, guessing = rows(piecewise((50, h), (200, 0.1 * h)), 0.97), rows(piecewise((400, h)), 1 / classes)

    assert judge(learning, info(prior)).diagnosis.verdict is Verdict.HEALTHY
    assert judge(guessing, info(prior)).diagnosis.verdict is Verdict.NEVER_LEARNED


def test_ninety_percent_accuracy_is_guessing_where_one_class_has_ninety_percent():
    prior = (0.9, 0.1)
    guessing = rows(piecewise((400, entropy(prior))), 0.9)
    learning = rows(piecewise((30, entropy(prior)), (300, 0.05)), 0.98)

    assert judge(guessing, info(prior)).diagnosis.verdict is Verdict.NEVER_LEARNED
    assert judge(learning, info(prior)).diagnosis.verdict is Verdict.HEALTHY


def test_a_run_without_batches_has_a_window_of_twenty_steps():
    whole = info(batch_size=60_000, samples=60_000, steps_per_epoch=1)

    told = judge(rows(piecewise((30, H), (60, 0.4)), samples=60_000), whole)

    assert told.detector.symptoms.window == 20
    assert told.diagnosis.verdict is Verdict.HEALTHY


@pytest.mark.parametrize("changes", [{"batch_size": 8}, {"batch_size": None, "epochs": 60, "shuffle": False}])
def test_real_small_trainings_that_learn_are_healthy(changes):
    recorder = Recorder()

    train([recorder], **{"epochs": 25, **changes})

    assert recorder.diagnosis.verdict is Verdict.HEALTHY


def blobs(shares, samples=2000, seed=0):
    """Points around one centre a class, with these shares of the classes."""
    rng = np.random.default_rng(seed)
    y = rng.choice(len(shares), samples, p=shares)
    return (4 * rng.standard_normal((len(shares), 16))[y] + rng.standard_normal((samples, 16))).astype(np.float32), y


def trained_on_blobs(shares, samples=2000, epochs=12, shuffled=False):
    """A small dense network on them: what its recorder says."""
    model, recorder = Model(seed=1), Recorder()
    for inputs, outputs, activation in ((16, 16, ActivationReLU()), (16, len(shares), ActivationSoftmax())):
        model.add(DenseLayer(n_inputs=inputs, n_neurons=outputs))
        model.add(activation)
    model.set(
        loss=LossCategoricalCrossEntropy(), optimizer=OptimizerSGD(learning_rate=0.05), accuracy=AccuracyCategorical()
    )
    model.finalize()
    X, y = blobs(shares, samples)
    if shuffled:
        y = np.random.default_rng(1).permutation(y)
    model.train(X, y, epochs=epochs, batch_size=64, print_every=0, hooks=[recorder])
    return recorder.diagnosis


SHARES = {"two classes": (0.5, 0.5), "twenty classes": (0.05,) * 20, "one of nine tenths": (0.9, 0.06, 0.04)}


@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
def test_real_trainings_on_other_classes_learn_and_on_shuffled_labels_do_not(shares):
    assert trained_on_blobs(shares).verdict is Verdict.HEALTHY

    # So many samples that none can be learned by heart.
    lost = trained_on_blobs(shares, samples=8000, epochs=3, shuffled=True)
    assert lost.verdict is Verdict.NEVER_LEARNED
    assert lost.cause.rule == "uninformative-labels"


def test_a_real_training_that_starts_where_another_ended_is_healthy():
    model = train([], epochs=30, batch_size=8)
    recorder = Recorder()

    train([recorder], model, epochs=20, batch_size=8)

    assert recorder.diagnosis.verdict is Verdict.HEALTHY
    assert recorder.detector.symptoms.first_learned == recorder.detector.symptoms.window - 1


def test_a_real_training_with_far_too_large_a_rate_is_a_defect_run_with_a_cause():
    recorder = Recorder()

    train([recorder], small_model(lr=40.0, momentum=0.0), epochs=15)

    assert recorder.diagnosis.verdict.is_defect
    assert recorder.diagnosis.cause is not None
    assert recorder.diagnosis.remedies


def imbalanced(learned: float, steps: int = 600, share: float = 0.01, seed: int = 0):
    """Rows of batches of 32 with a rare class: ``learned``: what is left of the loss of guessing at last."""
    rng = np.random.default_rng(seed)
    rare = rng.binomial(32, share, steps) / 32
    left = np.interp(np.arange(steps), [0, 100], [1, learned])
    loss = left * -(rare * np.log(share) + (1 - rare) * np.log(1 - share))
    return rows(loss, 1 - rare, samples=32)


RARE = info((0.99, 0.01), batch_size=32)


@pytest.mark.parametrize("seed", range(6))
def test_a_classifier_that_always_says_the_commonest_of_very_unequal_classes_has_not_learned(seed):
    diagnosis = judge(imbalanced(1.0, seed=seed), RARE).diagnosis

    assert diagnosis.verdict in (Verdict.NEVER_LEARNED, Verdict.UNDECIDED)
    assert not {"contradiction", "oscillation"} & {finding.rule for finding in diagnosis.findings}
    assert "better than guessing" not in diagnosis_text(diagnosis)


@pytest.mark.parametrize("seed", range(6))
def test_a_low_loss_of_very_unequal_classes_counts_though_the_accuracy_is_that_of_the_commonest(seed):
    diagnosis = judge(imbalanced(0.25, seed=seed), RARE).diagnosis

    assert diagnosis.verdict is Verdict.HEALTHY
    assert not {"contradiction", "oscillation", "constant-answer"} & {finding.rule for finding in diagnosis.findings}


def test_a_low_loss_with_an_accuracy_below_that_of_the_commonest_class_is_still_a_contradiction():
    values = rows(piecewise((600, 0.01)), 0.9, samples=32)

    assert "contradiction" in {finding.rule for finding in judge(values, RARE).diagnosis.findings}
