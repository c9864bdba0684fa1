"""Runs that are neither dead nor well: slow, short, crippled, of one class; and plateaus that still move."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.detect.progress import change
from reports.text.diagnosis import diagnosis_text
from tests.helpers.judged_rows import G, H, P, S, info, judge, piecewise, rows


def reason_of(diagnosis):
    [finding] = [f for f in diagnosis.findings if f.rule == "undecided"]
    return finding


def drifting(steps, until=10_000):
    """Outputs of conv1 that grow slowly, with noise."""
    t = np.arange(steps)
    noise = np.random.default_rng(0).normal(0, 0.005, steps)
    return {"conv1/std": 0.3 + 0.002 * np.minimum(t, until) + noise}


def test_a_plateau_with_layers_that_move_is_not_learned_yet_and_no_defect():
    told = judge(rows(piecewise((P + 100, H), (300, 0.3)), changes=drifting(P + 400)))

    assert told.diagnosis.verdict is Verdict.HEALTHY
    assert told.stretches == []
    [warning] = [f for f in told.diagnosis.findings if f.rule == "early-warning"]
    assert "not learned yet" in warning.message
    assert warning.first_step == P


def test_a_plateau_is_confirmed_once_nothing_moves_any_more():
    told = judge(rows(piecewise((S + 300, H)), 0.1, changes=drifting(S + 300, until=S + 50)))
    [(kind, onset, confirmed, _)] = told.stretches

    assert (kind, onset) == ("never-learned", 0)
    assert S + 50 < confirmed < S + 180


def test_a_run_that_guesses_and_still_gets_better_is_slow_and_not_dead():
    t = np.arange(P + 200)
    loss = H * (1 - 0.0001 * t) + np.random.default_rng(0).normal(0, 0.003, len(t))
    told = judge(rows(loss, 0.1, changes=drifting(len(t))))

    assert told.diagnosis.verdict is Verdict.UNDECIDED
    assert reason_of(told.diagnosis).detail == "slow"
    assert f"slow: after {len(t)} steps it has not learned yet" in diagnosis_text(told.diagnosis)


def test_a_run_that_ends_above_chance_keeps_no_stretch_open():
    told = judge(rows(piecewise((S + 60, H), (100, 0.85 * H)), [0.1] * (S + 60) + [0.3] * 100))
    [(kind, _, _, recovery)] = told.stretches

    assert kind == "never-learned"
    assert recovery is not None
    assert told.diagnosis.verdict is Verdict.UNDECIDED


def test_a_run_that_has_begun_to_do_better_at_its_end_is_slow_and_keeps_no_stretch_open():
    t, noise = np.arange(400), np.random.default_rng(0).normal(0, 0.002, S + 460)
    loss = np.r_[np.full(S + 60, H), H * (1 - 0.0001 * t)] + noise
    told = judge(rows(loss, np.r_[np.full(S + 60, 0.1), 0.1 + 0.0003 * t]))
    [(kind, _, _, recovery)] = told.stretches

    assert kind == "never-learned"
    assert recovery is not None
    assert told.diagnosis.verdict is Verdict.UNDECIDED
    assert reason_of(told.diagnosis).detail == "slow"


def test_a_loss_that_falls_too_slowly_for_a_hundred_rows_still_moves():
    t = np.arange(P + 200)
    loss = H * (1 - 0.00004 * t) + np.random.default_rng(0).normal(0, 0.008, len(t))
    told = judge(rows(loss, 0.1))

    assert told.stretches == []


@pytest.mark.parametrize(
    ("batch", "steps", "verdict"), [(1, 800, "healthy"), (1, 150, "undecided"), (8, 250, "healthy")]
)
def test_a_small_batch_needs_no_thousands_of_steps(batch, steps, verdict):
    told = judge(rows(np.full(steps, 0.05), 1.0, batch), info(batch_size=batch))

    assert told.diagnosis.verdict == verdict
    if verdict == "undecided":
        assert "it made 150 of the 200 steps that are needed" in reason_of(told.diagnosis).message
        assert "50 are missing" in reason_of(told.diagnosis).message


@pytest.mark.parametrize(
    ("steps", "loss", "words"),
    [
        (40, 2.4, f"it made 40 of the {G} steps that are needed"),
        (G + 100, 2.4, "its accuracy is better than that of guessing, but not its loss of 2.4 (guessing: 2.3)"),
        (G + 100, 2.1, "it is better than guessing; it has not learned, and it no longer gets better"),
    ],
)
def test_a_run_between_learning_and_guessing_is_called_no_better_than_it_is(steps, loss, words):
    assert words in reason_of(judge(rows(np.full(steps, loss), 0.2)).diagnosis).message


def test_one_class_cannot_be_judged_and_its_rises_are_no_changed_labels():
    prior = (1.0,)
    told = judge(rows(piecewise((60, 0.1), (60, 0.4)), 1.0), info(prior=prior))

    assert told.diagnosis.verdict is Verdict.UNDECIDED
    assert reason_of(told.diagnosis).message.startswith("all labels are of one class")
    assert told.diagnosis.first_link is None


def test_a_dead_regressor_is_not_explained_by_changed_labels():
    dead = {"dense1/dead_fraction": (40, 1.0), "dense1/std": (40, 0.0)}
    told = judge(rows(piecewise((40, 0.1), (100, 5.0)), 0.0, changes=dead), info(prior=(1.0,)))

    assert "changed-labels" not in {f.rule for f in told.diagnosis.findings}
    assert told.diagnosis.first_link.rule == "dead-units"


def test_a_run_that_lives_with_a_dead_layer_is_told_so_with_what_to_try():
    told = judge(rows(np.full(300, 0.85 * H), 0.25, changes={"dense1/dead_fraction": (30, 0.99)}))

    assert told.diagnosis.verdict is Verdict.UNDECIDED
    assert told.diagnosis.first_link.rule == "dead-units"
    assert "a smaller learning rate" in told.diagnosis.remedies


def test_change_is_in_units_of_its_own_noise():
    rng = np.random.default_rng(1)
    still, moving = rng.normal(0, 1, 100), rng.normal(0, 1, 100) + np.repeat([0, 2], 50)

    assert abs(change(still, 50)) < 3
    assert change(moving, 50) == pytest.approx(2 * 5, abs=3)  # two, with noise of a fifth
    assert change([1.0] * 10 + [2.0] * 10, 10) == np.inf
    assert change([1.0] * 20, 10) == 0
    assert change([1.0] * 19 + [np.nan], 10) == 0


def test_a_run_that_had_learned_and_got_worse_again_is_told_so():
    told = judge(rows(piecewise((P + 60, 0.3), (40, 0.85 * H)), [0.9] * (P + 60) + [0.3] * 40))

    assert told.diagnosis.verdict is Verdict.UNDECIDED
    said = reason_of(told.diagnosis).message
    assert f"it had learned up to step {P + 62} and got worse again" in said  # means of five losses are looked at
    assert "mean loss of its last rows is 1.96" in said


@pytest.mark.parametrize(("ratio", "rate", "is_told"), [(1e-7, 0.5, True), (1e-2, 0.5, False), (1e-7, None, False)])
def test_steps_that_are_too_small_explain_an_undecided_run_unless_the_rate_still_rises(ratio, rate, is_told):
    steps = G + 60
    still = {f"{layer}/weights/update/ratio": ratio for layer in ("conv1", "dense1", "dense2")}
    rates = {"learning_rate": np.arange(1, steps + 1) * 1e-6 if rate is None else rate}
    told = judge(rows(piecewise((steps, 0.99 * H)), 0.16, changes={**still, **rates}))

    assert told.diagnosis.verdict is Verdict.UNDECIDED
    assert (told.diagnosis.first_link is not None) is is_told
    assert ("larger-rate" in [one.remedy.key for one in told.diagnosis.suggestions]) is is_told
