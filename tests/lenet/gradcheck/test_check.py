"""The gradient check: right layers are never accused, and every layer is left as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.gradcheck import check
from tests.helpers import plain_layers as ref
from tests.helpers.examples import examples
from tests.helpers.faulty_layers import (
    IMAGES,
    ROWS,
    Halved,
    LastChannelOnly,
    RotatedGradient,
    convolution,
    dense,
    draw,
    mistake_of,
)
from tests.helpers.plain_layers import Array

# Layers that are right ---------------------------------------------------------------------------


@examples(25)
@given(
    n=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["valid", "same", "full"]),
    seed=st.integers(0, 1000),
)
def test_a_right_convolution_is_never_accused(
    n: int, kernel: tuple[int, int], channels: tuple[int, int], padding: str, seed: int
) -> None:
    layer = convolution(ref.Convolution, kernel, *channels, padding)

    result = check(layer, draw(n, 5, 4, channels[0], seed=seed), seed=seed, entries=64)

    assert result.ok, str(result)
    assert result.mistake is None
    assert max(t.error for t in result.tensors.values()) < 1e-8


@examples(50)
@given(
    n=st.integers(1, 4),
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    scale=st.sampled_from([1e-3, 1.0, 100.0]),
    seed=st.integers(0, 1000),
)
def test_a_right_dense_layer_is_never_accused(n: int, sizes: tuple[int, int], scale: float, seed: int) -> None:
    result = check(dense(ref.Dense, *sizes), scale * draw(n, sizes[0], seed=seed), seed=seed)

    assert result.ok, str(result)


@examples(50)
@given(
    layer=st.sampled_from([ref.ReLU(), ref.Sigmoid(), ref.Softmax(), ref.AveragePool(), ref.MaxPool()]),
    n=st.integers(1, 4),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    whole=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_right_layers_without_parameters_are_never_accused(
    layer: Any, n: int, scale: float, whole: bool, seed: int
) -> None:
    shape = (n, 4, 5, 2) if isinstance(layer, ref.AveragePool) else (n, 6)
    inputs = scale * draw(*shape, seed=seed)

    result = check(layer, np.round(inputs) if whole else inputs, seed=seed)

    assert result.ok, str(result)


def test_a_dead_or_saturated_layer_is_not_accused() -> None:
    class DeadReLUDense(ref.Dense):
        def forward(self, inputs: Array) -> None:
            super().forward(inputs)
            self.output = np.maximum(0, self.output)

        def backward(self, dvalues: Array) -> None:
            super().backward(dvalues * (self.output > 0))

    dead = DeadReLUDense(draw(5, 4), np.full(4, -1000.0))

    assert check(dead, ROWS).ok
    assert check(ref.ReLU(), -np.abs(ROWS)).ok
    assert check(ref.Sigmoid(), 1000 * ROWS[:, :1]).ok


def test_weights_that_happen_to_be_zero_are_no_ignored_input() -> None:
    assert check(ref.Dense(np.zeros((5, 4)), np.zeros(4)), ROWS).ok


def test_kinks_are_left_out_and_counted() -> None:
    inputs = np.array([[0.0, 1.0, -1.0, 0.0, 2.0]])

    class SteepReLU(ref.ReLU):
        def backward(self, dvalues: Array) -> None:
            self.dinputs = np.where(self.inputs >= 0, dvalues, 0)

    result = check(SteepReLU(), inputs)

    assert result.ok
    assert (result.skipped, result.tensors["dinputs"].checked) == (2, 3)
    assert "2 on a kink left out" in str(result)


def test_inputs_that_lie_on_kinks_everywhere_are_moved_aside() -> None:
    result = check(ref.MaxPool(), np.zeros((2, 4, 4, 1)))

    assert result.stepped_aside
    assert result.ok
    assert result.tensors["dinputs"].checked == 32


def test_a_kink_close_by_is_stepped_over_with_a_smaller_step() -> None:
    result = check(ref.ReLU(), np.array([[3e-6, -4e-7, 2e-5]]))

    assert result.ok
    assert result.skipped == 0


def test_a_layer_that_rounds_to_float32_is_judged_by_what_float32_can_show() -> None:
    class Rounding(ref.Dense):
        def forward(self, inputs: Array) -> None:
            narrow = [a.astype(np.float32) for a in (inputs, self.weights, self.biases)]
            self.inputs = inputs
            self.output = narrow[0] @ narrow[1] + narrow[2]

    result = check(dense(Rounding), ROWS)

    assert result.ok
    assert result.dtype == "float32"
    assert not check(dense(type("Wrong", (Halved, Rounding), {})), ROWS).ok


def test_large_tensors_are_sampled_with_a_seed() -> None:
    layer = dense(ref.Dense, 40, 30)
    first, again = (check(layer, draw(2, 40), seed=5, entries=20) for _ in range(2))

    assert first.tensors["dweights"].checked == 20
    assert first.tensors["dweights"].size == 1200
    assert first == again


def test_other_conventions_of_the_book_are_understood() -> None:
    class Chapter15:
        """forward takes ``training``, biases are a row, results are also returned."""

        def __init__(self) -> None:
            self.weights, self.biases = draw(5, 4), draw(1, 4)

        def forward(self, inputs: Array, training: bool) -> None:
            self.inputs = inputs
            self.output = inputs @ self.weights + self.biases

        def backward(self, dvalues: Array) -> None:
            self.dweights = self.inputs.T @ dvalues
            self.dbiases = dvalues.sum(axis=0, keepdims=True)
            self.dinputs = dvalues @ self.weights.T

    assert check(Chapter15(), ROWS).ok


@pytest.mark.parametrize("biases", [draw(4, seed=2), np.zeros(4)])
@pytest.mark.parametrize("outputs", [4, 1])
def test_the_penalties_of_the_book_are_no_mistake(biases: Array, outputs: int) -> None:
    class Penalised(ref.Dense):
        weight_regularizer_l1, weight_regularizer_l2, bias_regularizer_l1 = 0.25, 0.5, 0.125

        def backward(self, dvalues: Array) -> None:
            super().backward(dvalues)
            self.dweights += 0.25 * np.sign(self.weights) + 2 * 0.5 * self.weights
            self.dbiases += 0.125 * np.where(self.biases < 0, -1.0, 1.0)

    assert check(Penalised(draw(5, outputs), biases[:outputs]), ROWS).ok


def test_a_constant_that_is_added_to_biases_of_zero_is_a_mistake() -> None:
    class Added(ref.Dense):
        rate = 0.125

        def backward(self, dvalues: Array) -> None:
            super().backward(dvalues)
            self.dbiases += 7

    assert check(Added(draw(5, 4), np.zeros(4)), ROWS).mistake == (
        "dbiases: something is added that does not depend on dvalues"
    )


def test_channels_may_come_first() -> None:
    class ChannelsFirst:
        def __init__(self, kind: type[Any]) -> None:
            self.inner = convolution(kind)
            self.weights, self.biases = self.inner.weights.transpose(3, 2, 0, 1).copy(), self.inner.biases

        def forward(self, inputs: Array) -> Array:
            self.inner.weights, self.inner.biases = self.weights.transpose(2, 3, 1, 0), self.biases
            self.inner.forward(inputs.transpose(0, 2, 3, 1))
            self.output: Array = self.inner.output.transpose(0, 3, 1, 2)
            return self.output

        def backward(self, dvalues: Array) -> None:
            self.inner.backward(dvalues.transpose(0, 2, 3, 1))
            self.dweights = self.inner.dweights.transpose(3, 2, 0, 1)
            self.dbiases = self.inner.dbiases
            self.dinputs = self.inner.dinputs.transpose(0, 3, 1, 2)

    inputs = IMAGES.transpose(0, 3, 1, 2)

    assert check(ChannelsFirst(ref.Convolution), inputs).ok
    assert "rotated by 180 degrees" in mistake_of(check(ChannelsFirst(RotatedGradient), inputs))
    assert "output ignores input channel 0 of 2" in mistake_of(check(ChannelsFirst(LastChannelOnly), inputs))
