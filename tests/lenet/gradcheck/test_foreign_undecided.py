"""Layers that people wrote, of which not everything can be compared, or nothing decided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet.errors import SettingsError
from lenet.gradcheck import check
from tests.helpers.foreign_layers import changing_layers as changing
from tests.helpers.foreign_layers import kinds_of_layers as other_kinds
from tests.helpers.foreign_layers import mistaken_layers as mistaken
from tests.helpers.foreign_layers import names_of_their_own as named
from tests.helpers.foreign_layers.answers import answer


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
