"""A layer that is checked is left as it was."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from lenet.gradcheck import check
from lenet.settings import Settings
from tests.helpers import plain_layers as ref
from tests.helpers.faulty_layers import ROWS, Accumulating, dense, draw
from tests.helpers.plain_layers import Array


def test_the_layer_is_left_as_it_was() -> None:
    layer = dense(Accumulating)
    layer.forward(ROWS)
    layer.backward(draw(4, 4))
    before = {name: np.copy(value) for name, value in vars(layer).items()}
    arrays = dict(vars(layer))

    check(layer, 2 * ROWS)

    assert all(vars(layer)[name] is array for name, array in arrays.items())
    for name, value in before.items():
        np.testing.assert_array_equal(vars(layer)[name], value)


def test_a_layer_that_cannot_be_copied_gets_its_parameters_back_bit_for_bit() -> None:
    layer = dense()
    layer.lock = threading.Lock()  # type: ignore[attr-defined]
    layer.weights = weights = layer.weights.astype(np.float32)
    before = weights.copy()

    result = check(layer, ROWS)

    assert result.ok
    assert layer.weights is weights
    np.testing.assert_array_equal(layer.weights, before)


def test_a_layer_whose_arrays_are_views_of_one_another_is_judged_rightly_and_left_intact() -> None:
    class Buffered:
        """Keeps one buffer and hands out a view of it, reshaped."""

        def __init__(self) -> None:
            self.buffer = np.zeros(6)
            self.output = self.buffer.reshape(2, 3)
            self.history: list[Array] = []
            self.cache: dict[str, Any] = {"buffers": (self.buffer,)}

        def forward(self, inputs: Array) -> None:
            self.buffer[...] = 2 * inputs.ravel()
            self.history.append(inputs)
            self.cache["last"] = inputs

        def backward(self, dvalues: Array) -> None:
            self.dinputs = 2 * dvalues

    layer = Buffered()
    layer.forward(draw(2, 3))
    buffer, output = layer.buffer.copy(), layer.output

    result = check(layer, draw(2, 3, seed=1))

    assert result.ok
    assert layer.output is output
    assert np.shares_memory(layer.output, layer.buffer)
    assert (len(layer.history), set(layer.cache)) == (1, {"buffers", "last"})
    np.testing.assert_array_equal(layer.buffer, buffer)


def test_a_layer_of_a_model_is_checked_without_touching_the_model() -> None:
    model = Settings(network="lenet", seed=3).build_model(samples=100)
    layer = model.layers[0]
    inputs = (draw(2, 28, 28, 1) > 0).astype(np.float32)
    before = model.digest()

    result = check(layer, inputs, entries=20)

    assert result.ok
    assert result.dtype == "float64"
    assert model.digest() == before


def test_a_layer_that_fails_gets_its_parameters_back_too() -> None:
    class Failing(ref.Dense):
        def backward(self, dvalues: Array) -> None:
            raise RuntimeError("not today")

    layer = dense(Failing)
    layer.lock = threading.Lock()  # type: ignore[attr-defined]
    weights = layer.weights

    result = check(layer, ROWS)

    assert result.wrong
    assert str(result.mistake).startswith("backward raised RuntimeError: not today (test_left_alone.py, line ")
    assert layer.weights is weights
    np.testing.assert_array_equal(weights, draw(5, 4, seed=1))
