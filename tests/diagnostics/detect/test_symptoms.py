"""The state machine of the verdict, against its definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.findings import Verdict
from diagnostics.detect.symptoms import Symptoms, window_of
from diagnostics.schema.task import prior_entropy
from tests.helpers.judged_rows import G, H, P, S, piecewise

TEN = (0.1,) * 10
GUESS, GOOD, BETWEEN = H, 0.3, 1.9
NAN = math.nan


def fed(losses, accuracies=None, prior=TEN, batch_size=128, finish=True, finite=None, limits=DEFAULT_THRESHOLDS):
    symptoms = Symptoms(prior, window_of(limits, batch_size), limits)
    for step, loss in enumerate(losses):
        usual = 0.95 if loss < 0.8 * H else 0.1
        accuracy = usual if accuracies is None else accuracies[step]
        good = math.isfinite(loss) and (finite is None or bool(finite[step]))
        symptoms.observe(step, float(loss), accuracy, batch_size, good)
    if finish:
        symptoms.finish()
    return symptoms


def told(symptoms):
    return [(str(s.kind), s.onset, s.confirmed, s.recovery) for s in symptoms.stretches]


# ---- transitions


def test_a_run_that_learns_at_once_is_healthy():
    symptoms = fed(piecewise((10, GUESS), (200, GOOD)))

    assert told(symptoms) == []
    assert symptoms.verdict(is_over=True) is Verdict.HEALTHY


def test_without_a_proof_from_starting_to_never_learned_at_six_times_patience_and_not_a_step_before():
    before, at = fed(piecewise((S, GUESS)), finish=False), fed(piecewise((S + 1, GUESS)), finish=False)

    assert S == 6 * P
    assert told(before) == []
    assert told(at) == [("never-learned", 0, S, None)]


def test_a_run_that_is_not_guessing_at_that_step_is_caught_when_it_is():
    symptoms = fed(piecewise((S + 50, 2.1), (30, GUESS)), np.full(S + 80, 0.1))

    assert [s[0] for s in told(symptoms)] == ["never-learned"]
    assert symptoms.stretches[0].confirmed > S + 50


@pytest.mark.parametrize("start", [407, 425, 772])
def test_runs_of_the_papers_settings_that_began_to_learn_so_late_are_healthy(start):
    """So late began 3 of 19 runs that learned (lenet, learning rate 0.5, seeds 0 to 25): nothing proved them dead."""
    symptoms = fed(piecewise((start, GUESS), (200, GOOD)))

    assert symptoms.verdict(is_over=True) is Verdict.HEALTHY


def test_from_never_learned_to_learning_is_a_recovery():
    symptoms = fed(piecewise((S + 20, GUESS), (40, GOOD)))

    # 0.7 H over 20 steps needs k of them at 0.3 and 20 - k at H.
    needed = math.ceil(20 * (1 - 0.7) * H / (H - GOOD))
    assert told(symptoms) == [("never-learned", 0, S, S + 20 + needed - 1)]
    assert symptoms.verdict(is_over=True) is Verdict.RECOVERED


def test_from_learning_to_collapsed_and_back_and_down_again():
    symptoms = fed(piecewise((60, GOOD), (60, GUESS), (60, GOOD), (60, GUESS)))

    kinds = [s[0] for s in told(symptoms)]
    assert kinds == ["collapsed", "collapsed"]
    assert symptoms.stretches[0].recovery is not None
    assert symptoms.verdict(is_over=True) is Verdict.COLLAPSED


def test_a_stretch_begins_no_sooner_than_the_one_before_it_has_ended():
    shares = [0.3] * 30 + [1.0] * 30 + [0.5] * 10 + [0.85] * 7 + [1.0] * 60
    symptoms = fed(np.array(shares) * H, [0.35 if share < 0.8 else 0.1 for share in shares])

    (_, _, _, recovery), (_, onset, _, _) = told(symptoms)
    assert recovery == onset == 76, "the last five-step mean that was good ended at step 71"


@pytest.mark.parametrize("before", [[], [(60, GOOD)]], ids=["starting", "learning"])
def test_a_loss_that_is_not_finite_diverges_at_that_very_step(before):
    losses = piecewise(*before, (5, GUESS), (10, NAN))
    first = len(losses) - 10

    assert told(fed(losses)) == [("diverged", first, first, None)]


def test_a_parameter_that_is_not_finite_diverges_though_the_loss_is():
    finite = np.arange(60) < 40

    assert told(fed(piecewise((60, GOOD)), finite=finite)) == [("diverged", 40, 40, None)]


def test_from_diverged_to_learning_once_the_window_is_clean_and_good():
    symptoms = fed(piecewise((40, GOOD), (1, NAN), (40, GOOD)))

    assert told(symptoms) == [("diverged", 40, 40, 60)]
    assert symptoms.verdict(is_over=True) is Verdict.RECOVERED


def test_a_stretch_keeps_its_kind_when_it_gets_worse():
    assert told(fed(piecewise((60, GOOD), (40, GUESS), (10, NAN))))[0][0] == "collapsed"
    assert [s[0] for s in told(fed(piecewise((S + 5, GUESS), (10, NAN))))] == ["never-learned"]


def test_proof_that_it_cannot_learn_confirms_at_once_and_only_while_guessing():
    symptoms = Symptoms(TEN, 20, DEFAULT_THRESHOLDS)
    asked = []
    for step in range(30):
        symptoms.observe(step, GUESS, 0.1, 128, True, lambda step=step: bool(asked.append(step)) or step >= 25)

    assert asked == list(range(19, 26))
    assert told(symptoms) == [("never-learned", 0, 25, None)]


@pytest.mark.parametrize(("steps", "verdict"), [(G - 1, Verdict.UNDECIDED), (G, Verdict.NEVER_LEARNED)])
def test_a_run_that_ends_guessing_never_learned_from_grace_on(steps, verdict):
    assert fed(piecewise((steps, GUESS))).verdict(is_over=True) is verdict


def test_a_run_that_ends_between_guessing_and_learned_is_undecided():
    assert fed(piecewise((300, BETWEEN))).verdict(is_over=True) is Verdict.UNDECIDED
    assert fed(piecewise((60, GOOD), (60, BETWEEN))).verdict(is_over=True) is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        ([0.4, 0.8, 4.8, 4.2, 2.6], Verdict.UNDECIDED),
        ([9.0, 9.0, 0.3, 0.3], Verdict.HEALTHY),
        ([16.0], Verdict.HEALTHY),
    ],
)
def test_a_run_that_ends_in_the_middle_of_a_fall_is_undecided_and_a_bad_batch_is_no_fall(last, verdict):
    symptoms = fed([*piecewise((200, GOOD)), *last])

    assert symptoms.is_learned
    assert symptoms.verdict(is_over=True) is verdict
    assert symptoms.verdict(is_over=False) is Verdict.HEALTHY


def test_a_run_shorter_than_its_window_is_undecided():
    assert fed(piecewise((19, GOOD))).verdict(is_over=True) is Verdict.UNDECIDED
    assert fed([]).verdict(is_over=True) is Verdict.UNDECIDED


def test_while_it_goes_on_a_run_that_has_learned_is_healthy_and_others_are_undecided():
    assert fed(piecewise((60, GOOD)), finish=False).verdict(is_over=False) is Verdict.HEALTHY
    assert fed(piecewise((100, GUESS)), finish=False).verdict(is_over=False) is Verdict.UNDECIDED


# ---- definitions, from both sides


@pytest.mark.parametrize(("batch", "steps"), [(128, 20), (129, 20), (127, 21), (8, 200), (1, 200), (60_000, 20)])
def test_the_window_has_twenty_steps_or_2560_samples_whichever_is_more(batch, steps):
    assert window_of(DEFAULT_THRESHOLDS, batch) == steps


@pytest.mark.parametrize("prior", [TEN, (0.5, 0.5), (0.9, 0.1), (0.05,) * 20])
def test_guessing_begins_at_095_of_the_entropy_and_learned_ends_at_07(prior):
    entropy = prior_entropy(prior)
    at, learned, chance = 0.95 * entropy, 0.7 * entropy, max(prior)

    def ends(loss, accuracy=chance):
        symptoms = fed([loss] * 20, [accuracy] * 20, prior)
        return symptoms.is_guessing, symptoms.is_learned

    assert ends(at) == (True, False)
    assert ends(math.nextafter(at, 0)) == (False, False)
    assert ends(learned, 0.99) == (False, True)
    assert ends(learned) == (False, False)
    assert ends(math.nextafter(learned, 9), 0.99) == (False, False)


def test_learned_begins_where_the_accuracy_is_three_sigma_above_the_commonest_class():
    most = math.floor((0.1 + 3 * math.sqrt(0.09 / 2560)) * 2560)

    def learned(correct):
        shares = [(correct // 20 + (step < correct % 20)) / 128 for step in range(20)]
        symptoms = fed([GOOD] * 20, shares)
        return symptoms.is_learned, symptoms.recent.is_contradictory

    assert learned(most) == (False, True)
    assert learned(most + 1) == (True, False)


@pytest.mark.parametrize(
    ("loss", "accuracy", "words"),
    [
        (0.09, 0.10, "labels that were scaled or are all of one class"),
        (0.004, 0.098, "no mean cross-entropy in nats"),
        (2.302, 0.89, "counts elements of one-hot rows"),
        (295.0, 0.95, "summed instead of averaged"),
    ],
)
def test_loss_and_accuracy_that_contradict_each_other_decide_nothing_and_are_told(loss, accuracy, words):
    symptoms = fed(np.full(300, loss), [accuracy] * 300)
    finding = symptoms.recent.contradiction.finding

    assert told(symptoms) == []
    assert symptoms.verdict(is_over=True) is Verdict.UNDECIDED
    assert words in finding.message
    assert (finding.first_step, finding.last_step) == (19, 299)


def test_most_samples_in_one_class_are_no_contradiction():
    prior = (0.95, 0.05)
    symptoms = fed(np.full(300, prior_entropy(prior)), [0.95] * 300, prior)

    assert symptoms.recent.contradiction is None


def test_a_stretch_ends_where_the_run_is_far_above_chance_though_it_has_not_learned():
    losses = piecewise((S + 20, GUESS), (200, 0.8 * H))
    accuracies = [0.1] * (S + 20) + [0.68] * 200
    symptoms = fed(losses, accuracies)
    [(kind, onset, _, recovery)] = told(symptoms)

    assert (kind, onset) == ("never-learned", 0)
    assert S + 20 < recovery < S + 45
    assert symptoms.verdict(is_over=True) is Verdict.UNDECIDED


def test_a_second_time_of_guessing_begins_after_the_first_has_ended():
    losses = piecewise((S + 20, GUESS), (60, 0.8 * H), (60, GUESS))
    accuracies = [0.1] * (S + 20) + [0.68] * 60 + [0.1] * 60
    first, second = told(fed(losses, accuracies))

    assert (first[0], second[0], second[1]) == ("never-learned", "never-learned", first[3])


def test_guessing_ends_where_the_accuracy_is_three_sigma_above_the_commonest_class():
    limit = 0.1 + 3 * math.sqrt(0.09 / 2560)
    most = math.floor(limit * 2560)

    def guessing(correct):
        shares = [(correct // 20 + (step < correct % 20)) / 128 for step in range(20)]
        return fed([GUESS] * 20, shares).is_guessing

    assert guessing(most)
    assert not guessing(most + 1)


def test_the_onset_of_a_collapse_follows_the_last_good_five_step_mean():
    losses = [*[0.0] * 40, *[GUESS] * 40]
    last = max(t for t in range(4, 80) if sum(losses[t - 4 : t + 1]) / 5 <= 0.7 * H)

    assert fed(losses).stretches[0].onset == last + 1 == 43


def test_the_entropy_is_that_of_the_prior_and_empty_classes_add_nothing():
    assert prior_entropy(TEN) == pytest.approx(math.log(10))
    assert prior_entropy((0.5, 0.5, 0.0)) == pytest.approx(math.log(2))


def test_a_single_class_can_neither_be_guessed_nor_learned():
    symptoms = fed(piecewise((400, 0.0)), np.ones(400), prior=(1.0,))

    assert symptoms.verdict(is_over=True) is Verdict.UNDECIDED


def test_an_enormous_loss_leaves_no_trace_in_the_window_it_has_left():
    symptoms = fed(np.r_[piecewise((30, GOOD)), 3e38, piecewise((20, GOOD))])

    assert told(symptoms) == []
    assert symptoms.is_learned
