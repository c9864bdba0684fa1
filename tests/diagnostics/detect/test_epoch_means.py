"""What shows only over a whole run: oscillation, stall, overfitting."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.epoch_means import EpochSums
from diagnostics.detect.findings import Severity, Verdict
from tests.helpers.judged_rows import H, judge, piecewise, rows


def fired(told):
    return {f.rule: f for f in told.diagnosis.findings if f.rule in ("oscillation", "stall", "overfitting")}


def test_epochs_are_added_up_by_samples():
    sums = EpochSums()
    sums.add(1, 2.0, 0.5, 100)
    sums.add(1, 1.0, 1.0, 50)
    sums.add(2, 0.1, 0.9, 100)

    (first,) = sums.with_validations([(1, 0.4, 0.8), (3, 0.1, 0.9)])

    assert first == pytest.approx((1, 250 / 150, 100 / 150, 0.4, 0.8))


def test_a_loss_that_swings_is_told_and_stays_what_it_is():
    loss = np.where(np.arange(400) // 50 % 2, 2.25, 0.5)

    told = judge(rows(loss, 0.5))

    assert fired(told)["oscillation"].severity is Severity.WARNING
    assert fired(told)["oscillation"].value == 7


def test_a_loss_that_stays_high_is_a_stall_and_not_a_defect():
    told = judge(rows(piecewise((800, 1.2)), 0.6))

    assert "stall" in fired(told)
    assert told.diagnosis.verdict is Verdict.HEALTHY


def test_a_loss_that_goes_on_falling_is_no_stall():
    assert fired(judge(rows(np.linspace(2.0, 0.7, 800), 0.6))) == {}


def test_a_guessing_run_is_not_also_called_stalled():
    assert fired(judge(rows(piecewise((800, H)), 0.1))) == {}


def overfitted(losses):
    from diagnostics.detect.detector import Detector
    from tests.helpers.judged_rows import info

    detector = Detector(info())
    for step, row in enumerate(rows(piecewise((300, 0.05)), 0.99)):
        detector.observe(step, 1 + step // 100, row)
    for epoch, loss in enumerate(losses, 1):
        detector.validation(epoch, loss, 0.93)
    detector.validation(-1, 9.0, 0.1)
    return detector.finish()


def test_validation_that_gets_worse_while_training_does_not_is_overfitting():
    diagnosis = overfitted([0.3, 0.2, 0.5])

    assert [f.rule for f in diagnosis.findings] == ["overfitting"]
    assert diagnosis.verdict is Verdict.HEALTHY


def test_validation_that_gets_better_is_not():
    assert overfitted([0.3, 0.2, 0.19]).findings == ()
