"""Networks whose layers update themselves, or whose arrays are replaced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet.gradcheck import check_network
from tests.helpers.foreign_layers.arrays import draw
from tests.helpers.foreign_layers.changing_layers import UpdatesWithRate
from tests.helpers.foreign_layers.mistaken_layers import BackThroughUpdated
from tests.lenet.gradcheck.test_network import X


@pytest.mark.parametrize(("kind", "is_right"), [(UpdatesWithRate, True), (BackThroughUpdated, False)])
@pytest.mark.parametrize("learning_rate", [1.0, 0.1])
def test_layers_that_update_themselves_are_judged_by_their_step(
    kind: type[Any], is_right: bool, learning_rate: float
) -> None:
    first, second = kind(), kind()
    second.weights, second.bias = draw(4, 3, seed=3), draw(1, 3, seed=4)

    def loss() -> float:
        return float(np.mean((second.forward(np.tanh(first.forward(X))) - 1) ** 2))

    def step() -> None:
        hidden = np.tanh(first.forward(X))
        d = 2 * (second.forward(hidden) - 1) / 18
        first.backward(second.backward(d, learning_rate) * (1 - hidden**2), learning_rate)

    parameters = {"w1": first.weights, "b1": first.bias, "w2": second.weights, "b2": second.bias}
    result = check_network(loss, parameters, step, learning_rate=learning_rate)

    assert result.ok == is_right, str(result)
    assert {name for name, tensor in result.tensors.items() if tensor.ok} >= {"w2", "b2"}
    np.testing.assert_array_equal(second.weights, draw(4, 3, seed=3))


def test_arrays_that_the_network_replaces_are_asked_for_as_a_function() -> None:
    held = {"w": draw(5, 1)}

    def loss() -> float:
        return float(np.mean((X @ held["w"]) ** 2))

    def step() -> None:
        held["w"] = held["w"] - 0.1 * 2 * X.T @ (X @ held["w"]) / len(X)

    stale = check_network(loss, [held["w"]], step, learning_rate=0.1)
    held["w"] = draw(5, 1)
    right = check_network(loss, lambda: [held["w"]], step, learning_rate=0.1)

    assert (stale.ok, stale.wrong) == (False, False)
    assert "hand over a function that returns the arrays of the moment" in str(stale)
    assert right.ok, str(right)
    np.testing.assert_array_equal(held["w"], draw(5, 1))
