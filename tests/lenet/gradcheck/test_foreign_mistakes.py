"""Mistakes in layers that people wrote have their names, and layers that go wrong get an answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet.gradcheck import check
from tests.helpers import plain_layers as ref
from tests.helpers.examples import SHARE
from tests.helpers.foreign_layers import mistaken_layers as mistaken
from tests.helpers.foreign_layers.answers import IMAGES, ROWS, answer, made
from tests.helpers.foreign_layers.arrays import draw


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (mistaken.BiasNeverAdded, "biases: never used by forward, the output does not depend on it"),
        (mistaken.BiasesNotSummed, "dbiases: has shape (4, 4), expected (4,): not summed over the samples"),
        (mistaken.DiagonalSoftmax, "dinputs: uses the diagonal of the Jacobian alone"),
        (mistaken.BackThroughUpdated, "dinputs: passes the gradient back through the updated weights"),
        (mistaken.BackThroughItsUpdated, "dinputs: passes the gradient back through the updated weights"),
        (mistaken.UpdatesUphill, "change of weights and change of bias: the right gradient times -1"),
        (mistaken.RaisesInBackward, "backward raised ValueError: matmul"),
        (mistaken.RaisesInForward, "forward raised ValueError: matmul"),
        (mistaken.GrowingOutput, "the output has shape (4, 4) in one call and (8, 4) in another"),
        (mistaken.GrowingGradient, "dW has shape (5, 4) after one call of backward and (10, 4) after the next"),
        (mistaken.PositiveOnly, "the output has shape"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_mistake_has_its_name(kind: type[Any], expected: str) -> None:
    result = answer(made(kind))

    assert result.wrong
    assert result.mistake is not None
    assert result.mistake.startswith(expected)


def test_an_error_in_the_layer_is_told_with_its_line() -> None:
    assert "(mistaken_layers.py, line " in str(answer(mistaken.RaisesInBackward()))


def test_an_argument_that_nobody_knows_is_asked_for_and_can_be_handed_over() -> None:
    result = answer(mistaken.NeedsACache())

    assert (result.ok, result.wrong) == (False, False)
    assert "backward: not compared: it needs cache, of which check knows nothing" in str(result)
    assert "backward raised" in str(answer(mistaken.NeedsACache(), arguments={"cache": "nonsense"}))


def test_a_maximum_that_multiplies_the_gradient_on_ties_is_named() -> None:
    result = check(mistaken.TiesMultiplied(), IMAGES)

    assert result.tensors["dinputs"].ok
    assert not result.ok
    assert result.mistake == (
        "dinputs: the parts of the gradient at equal inputs sum to 4 times what they should: a maximum has to pass "
        "its gradient to one of several equal inputs, or to share it among them"
    )


@pytest.mark.parametrize("shares", [True, False])
def test_a_maximum_that_passes_or_shares_the_gradient_on_ties_is_right(shares: bool) -> None:
    class Shares(mistaken.TiesMultiplied):
        def backward(self, dvalues: Any) -> None:
            super().backward(dvalues)
            for _, _, rows, columns in self.windows(self.inputs.shape):
                window = self.inputs[:, rows, columns]
                largest = window == window.max(axis=(1, 2), keepdims=True)
                self.dinputs[:, rows, columns] /= np.where(largest, largest.sum(axis=(1, 2), keepdims=True), 1)

    layer = Shares() if shares else ref.MaxPool()

    assert check(layer, IMAGES).ok
    assert check(layer, np.round(IMAGES)).ok


# Answers instead of crashes ------------------------------------------------------------------------


class Faltering(ref.Dense):
    """Goes wrong from one call on."""

    def __init__(self, calls: int, spoil: Any) -> None:
        super().__init__(draw(5, 4), draw(4, seed=1))
        self.left, self.spoil = [calls], spoil

    def forward(self, inputs: Any) -> None:
        super().forward(inputs)
        CALLS[0] += 1
        if CALLS[0] > self.left[0]:
            self.output = self.spoil(self.output)

    def backward(self, dvalues: Any) -> None:
        super().backward(dvalues)
        CALLS[0] += 1
        if CALLS[0] > self.left[0]:
            self.dweights, self.dinputs = self.spoil(self.dweights), self.spoil(self.dinputs)


CALLS = [0]
SPOILED = {
    "an error": lambda array: 1 // 0,
    "None": lambda array: None,
    "NaN": lambda array: array * np.nan,
    "text": lambda array: "text",
    "a row less": lambda array: array[1:],
    "an axis more": lambda array: array[..., None],
    "an empty array": lambda array: array[:0],
    "a ragged list": lambda array: [[1.0], [2.0, 3.0]],
    "other numbers": lambda array: array * CALLS[0],
    "integers": lambda array: array.astype(int),
    "float32": lambda array: array.astype(np.float32),
}


SOUND_CALLS = (*range(20), 30, 40, 50, 60, 70, 80) if SHARE == 1 else (0, 1, 2, 4, 8, 15, 40)
"""How many calls are right before one goes wrong."""


@pytest.mark.parametrize("spoil", SPOILED)
def test_a_layer_that_goes_wrong_in_any_call_gets_an_answer_and_its_weights_back(spoil: str) -> None:
    for calls in SOUND_CALLS:
        CALLS[0] = 0
        layer = Faltering(calls, SPOILED[spoil])
        weights = layer.weights

        result = check(layer, ROWS[:2], entries=4)

        assert isinstance(str(result), str)
        assert layer.weights is weights
        np.testing.assert_array_equal(weights, draw(5, 4))
        if calls < 9 and spoil != "float32":
            assert not result.ok, calls
