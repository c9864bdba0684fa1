"""A first loss that is not that of the task is said to be what it is, with what to give instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diagnostics import Task
from diagnostics.adapters.told_loss import ToldLoss, as_answers, doubt

SAMPLES, OUTPUTS = 20, 3
DRAW = np.random.default_rng(0)
POWERS = np.exp(DRAW.standard_normal((SAMPLES, OUTPUTS)))
SHARES = POWERS / POWERS.sum(axis=1, keepdims=True)
LABELS = DRAW.integers(0, OUTPUTS, SAMPLES)
ONE_HOT = np.eye(OUTPUTS)[LABELS]
ENTROPY = float(-np.log(SHARES[range(SAMPLES), LABELS]).mean())
SQUARE = float(((SHARES - ONE_HOT) ** 2).mean())
YES = float(-np.log(1 - np.abs(SHARES - ONE_HOT)).mean())
DIVIDE = "divide it by the number of samples"


def said(scale: str, name: str = "squared-error", kind: str = "classes") -> str:
    return f'say watch(..., task=Task.{kind}("{name}"{scale}))'


@pytest.mark.parametrize(
    ("task", "value", "words"),
    [
        (Task.classes(), ENTROPY, ""),
        (Task.classes(), SAMPLES * ENTROPY, f"is the cross-entropy, added up over the batch; {DIVIDE}"),
        (Task.classes(), SQUARE, f"is the squared error; {said('')}"),
        (Task.classes(), OUTPUTS * SQUARE, f"is the squared error times 3; {said(', scale=3')}"),
        (
            Task.classes(),
            OUTPUTS * SAMPLES * SQUARE / 2,
            f"is the squared error times 1.5, added up over the batch; {DIVIDE} and {said(', scale=1.5')}",
        ),
        (Task.classes("squared-error", scale=OUTPUTS), OUTPUTS * SQUARE, ""),
        (Task.classes(), YES, f"is the binary-cross-entropy; {said('', 'binary-cross-entropy')}"),
        (Task.classes(), 3 * ENTROPY, f"is not the cross-entropy of the outputs and targets, which is {ENTROPY:.3g}"),
        (Task.classes(), 1.1 * ENTROPY, ""),
        (Task.classes(), float("nan"), ""),
        (Task.binary(), YES, ""),
        (Task.binary(), OUTPUTS * YES, f"is the cross-entropy times 3; {said(', scale=3', 'cross-entropy', 'binary')}"),
        (Task.regression(), SQUARE, ""),
        (Task.regression(scale=0.5), SQUARE, f"is the squared error; {said('', kind='regression')}"),
        (Task.loss_only(), SQUARE, ""),
    ],
)
def test_a_loss_is_compared_with_those_of_outputs_and_targets(task: Task, value: float, words: str) -> None:
    assert doubt(task, ToldLoss(value, samples=SAMPLES, answers=SHARES, targets=ONE_HOT)) == words


@pytest.mark.parametrize(
    ("task", "loss", "words"),
    [
        (Task.classes(), ToldLoss(0.09, 0.1), "is no mean cross-entropy, which is at least 0.624 where the accuracy"),
        (
            Task.classes(),
            ToldLoss(SAMPLES * ENTROPY, answers=SHARES),
            "is no mean cross-entropy of the outputs",
        ),
        (Task.classes(), ToldLoss(ENTROPY, answers=SHARES), ""),
        (
            Task.classes(),
            ToldLoss(22.0, 0.3, SAMPLES, guessing=1.1),
            "is 20 times that of guessing, 1.1; if it is",
        ),
        (Task.classes(), ToldLoss(2.9, 0.3, SAMPLES, guessing=1.1), ""),
        (Task.classes(), ToldLoss(14.0, 0.1, 128, guessing=2.3), ""),
        (Task.classes("squared-error"), ToldLoss(0.2, 0.3, SAMPLES, guessing=0.22), ""),
        (Task.regression(), ToldLoss(470.0, None, SAMPLES, 24, guessing=1.0), "is 470 times that of guessing, 1; if"),
        (Task.regression(), ToldLoss(470.0, None, SAMPLES, guessing=1.0), ""),
        (Task.regression(), ToldLoss(470.0, None, SAMPLES, 24), ""),
    ],
)
def test_without_targets_only_what_no_mean_can_be_is_doubted(task: Task, loss: ToldLoss, words: str) -> None:
    found = doubt(task, loss)
    assert found.startswith(words)
    assert bool(found) == bool(words)


@pytest.mark.parametrize("targets", [LABELS, LABELS[:, np.newaxis], ONE_HOT, ONE_HOT.T, LABELS.astype(float)])
def test_targets_come_in_any_layout(targets: Any) -> None:
    assert np.array_equal(as_answers(Task.classes(), targets, SHARES.shape), ONE_HOT)  # type: ignore[arg-type]


def test_outputs_that_are_no_shares_of_classes_have_no_cross_entropy() -> None:
    sigmoids = ToldLoss(YES, answers=SHARES * 0.9, targets=ONE_HOT)
    value = float(-np.log(1 - np.abs(SHARES * 0.9 - ONE_HOT)).mean())
    assert doubt(Task.classes(), sigmoids) == ""
    assert doubt(Task.classes(), sigmoids._replace(value=value)).startswith("is the binary-cross-entropy; say")


def test_targets_that_do_not_fit_are_left_out() -> None:
    assert as_answers(Task.classes(), LABELS[1:], SHARES.shape) is None
    assert as_answers(Task.classes(), LABELS + 1, SHARES.shape) is None
    assert as_answers(Task.regression(), LABELS, SHARES.shape) is None
