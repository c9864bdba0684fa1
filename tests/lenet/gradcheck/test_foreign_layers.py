"""Layers and losses as people write them: right ones are not accused, wrong ones are not passed, none crashes."""

from __future__ import annotations

import ast
import functools
import random
from typing import Any

import numpy as np
import pytest

from lenet.errors import SettingsError
from lenet.gradcheck import GradientCheck, check, check_loss
from tests.helpers import plain_layers as ref
from tests.helpers.examples import SHARE
from tests.helpers.foreign_layers import changing_layers as changing
from tests.helpers.foreign_layers import kinds_of_layers as other_kinds
from tests.helpers.foreign_layers import losses as their_losses
from tests.helpers.foreign_layers import mistaken_layers as mistaken
from tests.helpers.foreign_layers import names_of_their_own as named
from tests.helpers.foreign_layers.arrays import draw

ROWS = draw(4, 5, seed=4)
SEQUENCES = draw(2, 3, 3, seed=4)
IMAGES = draw(2, 4, 4, 2, seed=4)


def answer(layer: Any, **options: Any) -> GradientCheck:
    inputs = SEQUENCES if isinstance(layer, other_kinds.Recurrent) else ROWS
    return check(layer, ROWS[:, :3] if isinstance(layer, other_kinds.SamplesInColumns) else inputs, **options)


# Right layers --------------------------------------------------------------------------------------

RIGHT: dict[type[Any], list[str]] = {
    named.CapitalLetters: ["dW", "db", "dinputs"],
    named.Dictionaries: ["grads['w']", "grads['b']", "dinputs"],
    named.KernelAndBias: ["kernel_gradient", "bias_gradient", "dinputs"],
    named.ParameterObjects: ["w.grad", "b.grad", "dinputs"],
    named.ReturnsTuple: ["returned[1]", "returned[2]", "dinputs"],
    named.ReturnsDictionary: ["returned['dW']", "returned['db']", "dinputs"],
    other_kinds.LayerNorm: ["returned[2]", "returned[1]", "dinputs"],
    other_kinds.BatchNorm: ["dgamma", "dbeta", "dinputs"],
    other_kinds.Centred: ["dinputs"],
    other_kinds.Recurrent: ["dWx", "dWh", "db", "dinputs"],
    other_kinds.Block: ["first.dweights", "first.dbiases", "second.dweights", "second.dbiases", "dinputs"],
    other_kinds.SlopeOfOne: ["dalpha", "dinputs"],
    named.PlainLists: ["dweights", "dbiases", "dinputs"],
    named.Linked: ["dW", "db", "dinputs"],
    named.NameOfItsOwn: ["steepest", "dinputs"],
    named.GradientOfInputsByAnotherName: ["dW", "db", "dinputs"],
    named.CacheForBackward: ["dW", "db", "dinputs"],
    changing.AddsUntilZeroed: ["dW", "db", "dinputs"],
    other_kinds.NoBias: ["dweights", "dbiases", "dinputs"],
    other_kinds.SamplesInColumns: ["change of weights", "change of bias", "dinputs"],
    changing.UpdatesWithRate: ["change of weights", "change of bias", "dinputs"],
    changing.UpdatesItself: ["change of weights", "change of bias", "dinputs"],
    changing.UpdatesWithMomentum: ["change of weights", "change of bias", "dinputs"],
    changing.KeepsAndUpdates: ["dweights", "dbiases", "dinputs"],
    changing.DrawsWhenFirstCalled: ["dW", "db", "dinputs"],
    changing.Dropout: ["dinputs"],
    changing.DropoutOfItsOwn: ["dinputs"],
    changing.DropoutOfTheModule: ["dinputs"],
    changing.ReadOnly: ["dweights", "dbiases", "dinputs"],
    changing.NoSetter: ["dweights", "dbiases", "dinputs"],
}


def made(kind: type[Any]) -> Any:
    return kind(draw(5, 4), draw(4, seed=1)) if kind.__init__ is ref.Dense.__init__ else kind()


@pytest.mark.parametrize("kind", RIGHT, ids=lambda kind: kind.__name__)
def test_a_right_layer_in_any_style_is_right_and_all_its_gradients_are_compared(kind: type[Any]) -> None:
    result = answer(made(kind))

    assert result.ok, str(result)
    assert not result.wrong
    assert result.mistake is None
    assert set(result.compared) == set(RIGHT[kind])


@pytest.mark.parametrize(
    ("scale", "samples"),
    [(0.01, 1), (30, 2), *(pytest.param(*both, marks=pytest.mark.slow) for both in ((0.01, 2), (30, 1)))],
)
@pytest.mark.parametrize("kind", RIGHT, ids=lambda kind: kind.__name__)
def test_a_right_layer_is_right_for_one_sample_small_inputs_and_large_ones(
    kind: type[Any], scale: float, samples: int
) -> None:
    shape = {other_kinds.Recurrent: (samples, 3, 3), other_kinds.SamplesInColumns: (4, samples)}.get(kind, (samples, 5))

    result = check(made(kind), scale * draw(*shape, seed=9), entries=20)

    assert result.ok, str(result)


@pytest.mark.parametrize("kind", RIGHT, ids=lambda kind: kind.__name__)
def test_a_layer_and_the_random_generators_are_left_as_they_were(kind: type[Any]) -> None:
    layer = made(kind)
    held = {name: (value, np.copy(value)) for name, value in vars(layer).items() if isinstance(value, np.ndarray)}
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)

    answer(layer)

    for name, (array, content) in held.items():
        assert getattr(layer, name) is array
        np.testing.assert_array_equal(array, content)
    drawn = np.random.rand(), random.random(), changing.MODULE_GENERATOR.bit_generator.state["state"]["state"]  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    expected = np.random.default_rng(7).bit_generator.state["state"]["state"]
    assert drawn == (np.random.rand(), random.random(), expected)  # noqa: NPY002


# Wrong by a factor ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (named.CapitalLetters, "dW"),
        (named.Dictionaries, "grads['w']"),
        (named.KernelAndBias, "bias_gradient"),
        (named.ParameterObjects, "w.grad"),
        (named.ReturnsTuple, "returned[1]"),
        (named.ReturnsDictionary, "returned['dW']"),
        (other_kinds.LayerNorm, "returned[1]"),
        (other_kinds.BatchNorm, "dinputs"),
        (other_kinds.Block, "second.dbiases"),
        (other_kinds.SlopeOfOne, "dalpha"),
        (changing.UpdatesWithRate, "change of weights"),
        (changing.Dropout, "dinputs"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_gradient_that_is_999_times_too_large_is_named_whatever_it_is_called(kind: type[Any], label: str) -> None:
    layer = made(kind)
    layer.factor = 999

    result = answer(layer)

    assert result.wrong
    assert result.mistake == f"{label}: the right gradient times 999"
    assert [name for name, tensor in result.tensors.items() if not tensor.ok] == [label]


def enlarged(layer: Any, label: str) -> Any:
    """The layer with one of its gradients 999 times too large, wherever backward leaves it."""
    right = layer.backward

    def larger(gradient: Any) -> Any:
        return float(999 * gradient) if np.ndim(gradient) == 0 else 999 * np.array(gradient)

    @functools.wraps(right)
    def backward(*arguments: Any, **options: Any) -> Any:
        returned = right(*arguments, **options)
        name = (
            next(one for one in ("dinputs", "delta", "") if not one or hasattr(layer, one))
            if label == "dinputs"
            else label
        )
        if label.startswith("returned") or (label == "dinputs" and not name):
            if isinstance(returned, np.ndarray):
                return larger(returned)
            key = ast.literal_eval(label[9:-1]) if label != "dinputs" else "dx" if isinstance(returned, dict) else 0
            items = returned.items() if isinstance(returned, dict) else enumerate(returned)
            parts = {k: larger(value) if k == key else value for k, value in items}
            return parts if isinstance(returned, dict) else tuple(parts.values())
        exec(f"layer.{name} = larger(layer.{name})", {"layer": layer, "larger": larger})
        return returned

    layer.backward = backward
    return layer


EVERY_GRADIENT = [(kind, label) for kind, labels in RIGHT.items() for label in labels if "change" not in label]
SOME_GRADIENTS = [
    pytest.param(kind, label, marks=() if number % 3 == 0 else pytest.mark.slow)
    for number, (kind, label) in enumerate(EVERY_GRADIENT)
]


@pytest.mark.parametrize(("kind", "label"), SOME_GRADIENTS, ids=lambda value: getattr(value, "__name__", value))
def test_no_gradient_of_any_layer_is_passed_if_it_is_999_times_too_large(kind: type[Any], label: str) -> None:
    layer = made(kind)
    is_zero = isinstance(layer, other_kinds.NoBias) and label == "dbiases"

    result = answer(enlarged(layer, label), entries=20)

    assert result.ok == is_zero, str(result)
    assert result.wrong or is_zero or label in ("steepest", "dinputs"), str(result)


def test_a_recurrent_gradient_that_is_wrong_through_time_is_not_passed() -> None:
    layer = other_kinds.Recurrent()
    layer.factor = 999

    result = answer(layer)

    assert not result.ok
    assert [name for name, tensor in result.tensors.items() if not tensor.ok] == ["dWh"]


# What cannot be compared or decided ----------------------------------------------------------------


def test_a_wrong_gradient_whose_name_nobody_can_guess_is_not_called_right() -> None:
    layer = named.NameOfItsOwn()
    layer.factor = 999

    result = answer(layer)

    assert not result.ok
    assert not result.wrong
    assert result.compared == ["dinputs"]
    assert "theta: not compared: the output depends on it, and no gradient of it was found" in str(result)
    assert answer(layer, gradients={"theta": "steepest"}).mistake == "steepest: the right gradient times 999"


def test_a_constant_is_not_compared_and_said_to_be_one_if_the_user_says_so() -> None:
    result = answer(other_kinds.Scaled())

    assert (result.ok, result.wrong, list(result.undecided)) == (False, False, ["spread"])
    assert answer(other_kinds.Scaled(), gradients={"spread": None}).ok


def test_a_gradient_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match=r"gradients: received V, expected some of inputs, W, b"):
        answer(named.CapitalLetters(), gradients={"V": "dW"})
    told = r"received 'nothing' as the gradient of W; backward leaves returned, dW, db"
    with pytest.raises(SettingsError, match=told):
        answer(named.CapitalLetters(), gradients={"W": "nothing"})


def test_a_first_layer_needs_no_gradient_by_its_inputs_and_the_answer_says_so() -> None:
    result = answer(named.FirstLayer())

    assert result.ok
    assert set(result.compared) == {"dW", "db"}
    assert result.undecided == {"dinputs": "not compared: backward gives no gradient by the inputs"}


def test_a_layer_of_which_nothing_is_compared_is_not_called_right() -> None:
    class NothingAtAll(other_kinds.Centred):
        def backward(self, dout: Any) -> None:  # type: ignore[override]
            return None

    result = answer(NothingAtAll())

    assert not result.ok
    assert result.mistake == "dinputs: not compared: backward gives no gradient by the inputs"


def test_weights_that_can_be_neither_replaced_nor_written_into_are_named() -> None:
    result = answer(changing.Sealed())

    assert not result.ok
    assert not result.wrong
    assert result.undecided["weights"].startswith("not compared: it is read-only")
    assert set(result.compared) == {"dbiases", "dinputs"}


def test_a_gradient_by_the_inputs_whose_name_nobody_can_guess_is_not_passed_if_it_is_wrong() -> None:
    layer = named.GradientOfInputsByAnotherName()
    layer.inputs_factor = 999

    result = answer(layer)

    assert not result.ok
    assert set(result.compared) == {"dW", "db"}
    assert answer(layer, gradients={"inputs": "delta"}).mistake == "dinputs: the right gradient times 999"
    assert answer(layer, gradients={"inputs": None}).ok


def test_weights_that_forward_changes_are_named() -> None:
    result = answer(changing.KeepsItsNorm())

    assert (result.ok, result.wrong) == (False, False)
    assert result.undecided == {"W": "not compared: it is read-only, or forward changes it"}


@pytest.mark.parametrize("factor", [1.0, 999.0])
def test_an_embedding_takes_indices_and_has_no_gradient_by_them(factor: float) -> None:
    layer = other_kinds.Embedding()
    layer.factor = factor

    result = check(layer, np.array([[1, 2], [3, 1]]))

    assert result.ok == (factor == 1)
    assert result.compared == ["dweights"]
    assert result.undecided == {"dinputs": "not compared: the inputs are whole numbers"}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (changing.DropoutMadeAnew, "the output: not compared: it is random, from a generator that is made anew"),
        (changing.UpdatesWithAdam, "not decided: backward changes the parameters itself, by no common learning rate"),
    ],
)
def test_what_cannot_be_compared_is_neither_passed_nor_accused(kind: type[Any], reason: str) -> None:
    result = answer(kind())

    assert (result.ok, result.wrong) == (False, False)
    assert reason in str(result)


def test_the_mean_over_the_batch_inside_a_layer_is_left_to_the_network() -> None:
    result = answer(named.TakesTheMean())

    assert not result.ok
    assert not result.wrong
    assert result.mistakes == ()
    assert result.mistake == (
        "dW and db: the mean over the 4 samples: right where the loss does not divide by the batch size, "
        "1/4 of the right gradient where it does; check_network tells which"
    )
    decayed = answer(named.TakesTheMeanAndDecays())
    assert (decayed.wrong, decayed.mistake) == (False, result.mistake)
    assert answer(mistaken.TakesTheMeanOfWeightsOnly()).mistake == (
        "dW: the right gradient times 1/4 (the batch size is divided out once too often)"
    )


def test_a_step_that_no_learning_rate_explains_is_not_decided() -> None:
    layer = changing.UpdatesItself()
    layer.factor = 999

    result = answer(layer)

    assert (result.ok, result.wrong) == (False, False)
    assert "change of weights 9.99 times, change of bias 1/100 times of the gradient" in str(result)


# Mistakes by their names ---------------------------------------------------------------------------


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


# Losses --------------------------------------------------------------------------------------------

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
