"""Rows that do not stand for every step: thinned logs, means over many steps, losses without accuracies."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.findings import Verdict
from diagnostics.detect.symptoms import Symptoms
from diagnostics.run.run import Run
from diagnostics.schema.columns import Column, Columns
from diagnostics.schema.run_info import RunInfo
from tests.helpers.judged_rows import H, S

TEN = (0.1,) * 10
GUESS, GOOD = H, 0.3


def judged(steps, losses, accuracies=None, are_means=False, prior=TEN, samples=128):
    """The state machine after these rows; without accuracies the loss alone decides."""
    has_accuracy = accuracies is not None
    symptoms = Symptoms(prior, 20, DEFAULT_THRESHOLDS, has_accuracy=has_accuracy, are_means=are_means)
    for i, (step, loss) in enumerate(zip(steps, losses, strict=True)):
        accuracy = accuracies[i] if has_accuracy else math.nan
        symptoms.observe(step, loss, accuracy, samples, math.isfinite(loss))
    symptoms.finish()
    return symptoms


def collapse(steps, at, last_good_loss=GOOD):
    """Losses and accuracies of a run that learned and collapsed at step ``at``."""
    return [last_good_loss if step < at else GUESS for step in steps], [0.95 if step < at else 0.1 for step in steps]


@pytest.mark.parametrize("every", [2, 7, 10, 50])
def test_the_onset_of_a_thinned_collapse_lies_in_the_interval_that_is_told(every):
    for at in range(400, 430):
        steps = list(range(0, 1000, every))
        exact = judged(range(1000), *collapse(range(1000), at)).stretches[0]
        thinned = judged(steps, *collapse(steps, at)).stretches[0]

        assert exact.onset_between is None
        assert thinned.onset_between is not None
        first, last = thinned.onset_between
        assert first <= exact.onset <= last
        assert last - first <= 3 * every + 5
        assert first <= thinned.onset <= last


def test_a_row_that_is_the_mean_of_an_epoch_is_enough_to_judge_by():
    ends = [468, 937, 1406]
    collapsed = judged(ends, [0.6, 0.2, GUESS], [0.8, 0.95, 0.11], are_means=True, samples=2560)
    never = judged(ends, [2.4, GUESS, GUESS], [0.105, 0.1, 0.1], are_means=True, samples=2560)

    assert collapsed.verdict(is_over=True) is Verdict.COLLAPSED
    assert collapsed.stretches[0].onset_between == (0, 1406)  # within the epoch before, if late enough, or after it
    assert never.verdict(is_over=True) is Verdict.NEVER_LEARNED
    assert judged(ends, [0.6, 0.2, 0.1], [0.8, 0.95, 0.97], are_means=True).verdict(is_over=True) is Verdict.HEALTHY


def test_means_of_few_steps_fill_a_window_together():
    steps = range(9, 500, 10)
    symptoms = judged(steps, *collapse(steps, 300), are_means=True, samples=1280)

    assert symptoms.first_learned == 19
    assert symptoms.stretches[0].kind is Verdict.COLLAPSED


def test_a_divergence_lies_between_the_last_finite_row_and_the_first_other():
    steps = list(range(0, 300, 10))
    losses = [GOOD if step < 200 else math.nan for step in steps]
    [stretch] = judged(steps, losses, [0.9] * len(steps)).stretches

    assert (stretch.onset, stretch.onset_between) == (200, (191, 200))


def test_without_accuracies_the_loss_alone_decides():
    losses = [GOOD] * 100 + [GUESS] * 100

    assert judged(range(200), losses).verdict(is_over=True) is Verdict.COLLAPSED
    assert judged(range(100), losses[:100]).verdict(is_over=True) is Verdict.HEALTHY


def run_of(losses, prior=TEN, every=1):
    columns = Columns([Column("scalar", "", "", "", name) for name in ("loss", "data_loss", "samples")])
    imported = {"environment": {"imported_from": "a.csv"}, "recorded_columns": columns}
    info = RunInfo((), (), prior, 128, 60_000, 469, 1, 469, 0, **imported)
    values = np.array([[loss, loss, 128.0] for loss in losses], np.float32)[::every]
    return Run.from_rows(info, every * np.arange(len(values)), np.ones(len(values)), values)


def test_a_run_with_losses_only_is_judged_where_the_number_of_classes_is_known():
    losses = [GOOD] * 100 + [GUESS] * 100

    assert run_of(losses).verdict is Verdict.COLLAPSED
    assert run_of([math.nan] * 30, prior=(math.nan,)).verdict is Verdict.DIVERGED


def test_a_run_with_losses_only_and_no_number_of_classes_cannot_be_judged_and_says_so():
    diagnosis = run_of([GUESS] * 300, prior=(math.nan,)).diagnosis

    assert diagnosis.verdict is Verdict.UNDECIDED
    [finding] = [one for one in diagnosis.findings if one.rule == "undecided"]
    assert "cannot be judged: losses only, no number of classes" in finding.message
    assert "--classes" in finding.message


def test_a_run_without_layers_whose_loss_stands_still_has_recovered_where_it_learns_very_late():
    late = [GUESS] * (S + 100) + [GOOD] * 300

    assert run_of(late).verdict is Verdict.RECOVERED
    assert run_of(late[: S + 100]).verdict is Verdict.NEVER_LEARNED
    assert run_of(late, every=10).verdict is Verdict.RECOVERED
    assert run_of(late[400:]).verdict is Verdict.HEALTHY
    assert run_of(late[400:], every=50).verdict is Verdict.HEALTHY


def test_a_run_without_layers_whose_loss_still_falls_at_its_end_is_slow_and_not_dead():
    falls = [GUESS] * 300 + list(np.linspace(GUESS, 0.955 * GUESS, 150))

    assert run_of(falls).verdict is Verdict.UNDECIDED


class TestMeansOverManySteps:
    """Means over whole epochs of 469 steps: one row tells what a window of W steps tells elsewhere."""

    def verdict(self, *rows):
        steps = 469 * np.arange(1, len(rows) + 1) - 1
        losses, accuracies = np.array(rows).T
        found = judged(steps.tolist(), losses.tolist(), accuracies.tolist(), are_means=True, samples=2560)
        return found.verdict(is_over=True)

    def test_one_that_guesses_for_long_and_learns_later_has_recovered(self):
        assert self.verdict((2.302, 0.1), (2.302, 0.1), (2.302, 0.1), (1.2, 0.6), (0.3, 0.9)) is Verdict.RECOVERED
        assert self.verdict((2.302, 0.1), (1.2, 0.6), (0.3, 0.9)) is Verdict.HEALTHY

    def test_a_mean_far_above_chance_is_that_of_a_run_that_had_learned_for_a_time(self):
        assert self.verdict((1.8, 0.33), (2.1, 0.21), (2.302, 0.1)) is Verdict.COLLAPSED

    def test_one_that_leaves_guessing_in_its_last_epoch_is_not_called_dead(self):
        assert self.verdict((2.302, 0.1), (2.302, 0.1), (2.22, 0.155)) is Verdict.UNDECIDED
