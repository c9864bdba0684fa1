"""Verdicts that rows leave open: what may have happened between them, or within a mean."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.detect.open_verdicts import open_verdicts
from reports.text.diagnosis import diagnosis_text
from tests.diagnostics.detect.test_missing_steps import GOOD, GUESS, collapse, judged, run_of
from tests.helpers.judged_rows import S


def left_open(symptoms):
    """The verdict of a run that is over, and those that it leaves open."""
    verdict = symptoms.verdict(is_over=True)
    return verdict, set(open_verdicts(symptoms, verdict))


def stretch(steps, first, last):
    """Losses and accuracies of a run that has learned, but for the steps from ``first`` to ``last``."""
    bad = [first <= step <= last for step in steps]
    return [GUESS if one else GOOD for one in bad], [0.1 if one else 0.95 for one in bad]


@pytest.mark.parametrize(("every", "others"), [(1, set()), (10, set()), (50, {Verdict.RECOVERED})])
def test_a_healthy_run_may_have_recovered_where_rows_are_further_apart_than_a_window(every, others):
    steps = range(0, 1000, every)

    assert left_open(judged(steps, *stretch(steps, 2000, 0))) == (Verdict.HEALTHY, others)


@pytest.mark.parametrize("every", [10, 19, 50])
def test_a_stretch_that_lies_between_rows_is_left_open(every):
    for first in range(400, 450):
        whole = judged(range(1000), *stretch(range(1000), first, first + 24))
        assert whole.verdict(is_over=True) is Verdict.RECOVERED

        steps = range(0, 1000, every)
        verdict, others = left_open(judged(steps, *stretch(steps, first, first + 24)))
        assert verdict is Verdict.RECOVERED or Verdict.RECOVERED in others


def test_a_run_that_never_learned_may_have_learned_between_two_rows_that_are_far_apart():
    assert left_open(judged(range(0, 1000, 10), *collapse(range(0, 1000, 10), 0))) == (Verdict.NEVER_LEARNED, set())
    steps = range(0, 1000, 50)  # none of which shows that it learned from step 10 to 45
    assert left_open(judged(steps, *collapse(steps, 0))) == (Verdict.NEVER_LEARNED, {Verdict.COLLAPSED})


def test_a_run_whose_last_row_guesses_may_have_collapsed_where_rows_are_far_apart():
    for every, others in ((1, set()), (10, set()), (50, {Verdict.RECOVERED, Verdict.COLLAPSED})):
        steps = range(0, 1001, every)
        assert left_open(judged(steps, *stretch(steps, 1000, 1000))) == (Verdict.HEALTHY, others)


class TestMeans:
    def left_open(self, *rows):
        losses, accuracies = zip(*rows, strict=True)
        steps = [469 * (row + 1) - 1 for row in range(len(rows))]
        return left_open(judged(steps, losses, accuracies, are_means=True, samples=2560))

    def test_a_mean_hides_as_many_defect_steps_as_its_loss_has_room_for(self):
        assert self.left_open((0.6, 0.8), (0.03, 0.99)) == (Verdict.HEALTHY, {Verdict.RECOVERED})
        assert self.left_open((0.6, 0.8), (0.2, 0.95)) == (Verdict.HEALTHY, {Verdict.RECOVERED, Verdict.COLLAPSED})
        assert self.left_open((0.05, 0.99), (0.02, 0.99)) == (Verdict.HEALTHY, set())

    def test_a_mean_hides_as_many_good_steps_as_its_accuracy_has_room_for(self):
        assert self.left_open((2.4, 0.13), (GUESS, 0.1)) == (Verdict.NEVER_LEARNED, {Verdict.COLLAPSED})
        assert self.left_open((2.4, 0.1), (GUESS, 0.1)) == (Verdict.NEVER_LEARNED, set())

    def test_that_a_run_had_learned_may_follow_from_one_mean_alone(self):
        assert self.left_open((1.8, 0.33), (GUESS, 0.1)) == (Verdict.COLLAPSED, {Verdict.NEVER_LEARNED})


def test_a_late_start_and_a_recovery_look_the_same_without_layers_and_the_text_says_so():
    run = run_of([GUESS] * (S + 100) + [GOOD] * 100)

    assert run.verdict is Verdict.RECOVERED
    assert set(run.diagnosis.also_possible) == {Verdict.HEALTHY}
    assert run.diagnosis.to_json()["also_possible"] == {"healthy": run.diagnosis.also_possible[Verdict.HEALTHY]}
    assert "possible:   healthy as well: without the outputs of its layers" in diagnosis_text(run.diagnosis)


def test_a_start_between_rows_after_a_long_plateau_may_be_a_recovery():
    falling = list(np.linspace(1.2 * GUESS, 0.8 * GUESS, 3 * S))  # its loss falls all the time, so that it is no defect
    run = run_of(falling + [GOOD] * 200, every=10)

    assert (run.verdict, set(run.diagnosis.also_possible)) == (Verdict.HEALTHY, {Verdict.RECOVERED})
