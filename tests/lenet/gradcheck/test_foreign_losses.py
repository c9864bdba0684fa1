"""Losses that people wrote."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet.gradcheck import check_loss
from tests.helpers.foreign_layers import losses as their_losses
from tests.helpers.foreign_layers.arrays import draw

LABELS = np.array([0, 2, 1, 2])
PROBABILITIES = np.random.default_rng(0).dirichlet(np.ones(3), size=4)
LOSSES: dict[type[Any], tuple[Any, Any]] = {
    their_losses.BookLoss: (PROBABILITIES, LABELS),
    their_losses.SquaredErrorTargetsFirst: (PROBABILITIES, draw(4, 3)),
    their_losses.SoftmaxWithLoss: (draw(4, 3), LABELS),
    their_losses.SoftmaxWithLossUnasked: (draw(4, 3), LABELS),
    their_losses.BookSoftmaxAndLoss: (draw(4, 3), LABELS),
    their_losses.BookSoftmaxLossBackwardOnly: (draw(4, 3), LABELS),
}


@pytest.mark.parametrize("kind", LOSSES, ids=lambda kind: kind.__name__)
def test_a_right_loss_in_any_style_is_right(kind: type[Any]) -> None:
    result = check_loss(kind(), *LOSSES[kind])

    assert result.ok, str(result)


@pytest.mark.parametrize("kind", LOSSES, ids=lambda kind: kind.__name__)
def test_a_loss_that_does_not_take_the_mean_is_named_in_any_style(kind: type[Any]) -> None:
    loss = kind()
    loss.factor = 4

    result = check_loss(loss, *LOSSES[kind])

    assert result.mistake == "dinputs: the right gradient times 4 (the mean over the batch is not taken)"


def test_a_loss_with_a_kink_everywhere_is_not_called_right() -> None:
    class AbsoluteError:
        def forward(self, y_pred: Any, y_true: Any) -> float:
            return float(np.abs(y_pred - y_true).mean())

        def backward(self, dvalues: Any, y_true: Any) -> Any:
            return 999 * np.sign(dvalues - y_true)

    result = check_loss(AbsoluteError(), np.ones((2, 3)), np.ones((2, 3)))

    assert (result.ok, result.wrong, result.compared) == (False, False, [])
    assert result.undecided == {"dinputs": "not compared: it has a kink at every entry"}
    assert check_loss(AbsoluteError(), np.zeros((2, 3)), np.ones((2, 3))).wrong


def test_an_error_in_a_loss_is_an_answer() -> None:
    class FailingLoss(their_losses.BookLoss):
        def backward(self, dvalues: Any, y_true: Any) -> None:
            self.dinputs = dvalues / y_true

    result = check_loss(FailingLoss(), PROBABILITIES, LABELS)

    assert result.wrong
    assert "backward raised ValueError: operands could not be broadcast" in str(result)
