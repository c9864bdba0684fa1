"""Faults of a long run whose rows the detector has forgotten by its end."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.detector import HISTORY
from diagnostics.detect.findings import RuleOutcome, Verdict
from tests.helpers.judged_rows import judge, rows

STEPS = HISTORY + 400


def noisy(steps):
    """The loss of a run that has learned."""
    return 0.3 + np.random.default_rng(0).normal(0, 0.05, steps)


def jump(at):
    """Weights of dense1 that are a hundred times as large from a step on, without a gradient that says so."""
    t = np.arange(STEPS)
    norm = np.where(t <= at, 3.0, 300.0)
    return {
        "dense1/weights/value/norm": norm,
        "dense1/weights/update/norm": np.where(t == at, 297.0, 0.03),
        "dense1/weights/update/ratio": np.where(t == at, 99.0, 1e-4),
    }


def rules_of(told):
    return {f.rule for f in told.diagnosis.findings}


@pytest.mark.parametrize("at", [256, HISTORY - 1, HISTORY, HISTORY + 50, STEPS - 60])
def test_weights_that_jumped_are_told_however_long_the_run_went_on(at):
    told = judge(rows(noisy(STEPS), 0.95, changes=jump(at)))

    assert told.diagnosis.verdict is Verdict.HEALTHY
    [jumped] = [f for f in told.diagnosis.findings if f.rule == "foreign-change"]
    assert jumped.layer == "dense1"
    assert jumped.first_step <= at <= jumped.last_step


def test_a_first_loss_far_above_guessing_is_told_in_a_long_run():
    loss = noisy(STEPS)
    loss[:20] = np.linspace(30, 2, 20)

    assert "telling-loss" in rules_of(judge(rows(loss, np.where(loss > 2, 0.1, 0.95))))


def test_an_earlier_fault_takes_the_place_of_an_answer_that_nothing_was_found():
    told = judge(rows(noisy(STEPS), 0.95, changes=jump(256)))
    outcomes = [check.outcome for check in told.diagnosis.checks if check.rule == "foreign-change"]

    assert outcomes == [RuleOutcome.FIRED]


def test_a_long_healthy_run_shows_no_fault():
    assert rules_of(judge(rows(noisy(3 * HISTORY), 0.95))) == set()
