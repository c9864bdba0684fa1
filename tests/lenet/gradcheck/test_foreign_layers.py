"""Layers as people write them: right ones are not accused, and wrong ones are not passed."""

from __future__ import annotations

import ast
import functools
import random
from typing import Any

import numpy as np
import pytest

from lenet.gradcheck import check
from tests.helpers.foreign_layers import changing_layers as changing
from tests.helpers.foreign_layers import kinds_of_layers as other_kinds
from tests.helpers.foreign_layers import names_of_their_own as named
from tests.helpers.foreign_layers.answers import answer, made
from tests.helpers.foreign_layers.arrays import draw

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
