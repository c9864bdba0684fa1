"""A network that a user wrote, checked end to end on the loss that its loop reports, and then located."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet.errors import SettingsError
from lenet.gradcheck import GradientCheck, check, check_network
from tests.helpers import plain_layers as ref
from tests.helpers.faulty_layers import BatchTwice
from tests.helpers.foreign_layers.arrays import Array, draw
from tests.helpers.foreign_layers.changing_layers import Dropout
from tests.helpers.foreign_layers.losses import BookSoftmaxLossBackwardOnly
from tests.helpers.foreign_layers.mistaken_layers import DiagonalSoftmax
from tests.helpers.foreign_layers.names_of_their_own import TakesTheMean

X, LABELS = draw(6, 5), np.array([0, 1, 2, 0, 1, 2])
NAMES = ["w1", "b1", "w2", "b2"]


class BookNetwork:
    """Two dense layers with a tanh between them; softmax and cross-entropy differentiated together or apart."""

    def __init__(
        self, dense: type[Any] = ref.Dense, softmax: type[Any] | None = None, divide: bool = True, between: Any = None
    ) -> None:
        self.layers = [dense(draw(5, 4, seed=1), draw(4, seed=2)), dense(draw(4, 3, seed=3), draw(3, seed=4))]
        self.softmax, self.fused, self.divide = (softmax or ref.Softmax)(), softmax is None, divide
        self.between = between

    def forward(self) -> Array:
        first, second = self.layers
        first.forward(X)
        hidden = np.tanh(first.output)
        if self.between is not None:
            self.between.forward(hidden)
            hidden = self.between.output
        second.forward(hidden)
        self.softmax.forward(second.output)
        return self.softmax.output

    def loss(self) -> float:
        return float(-np.log(self.forward()[np.arange(6), LABELS]).mean())

    def gradients(self) -> list[Array]:
        probabilities = self.forward()
        if self.fused:
            together = BookSoftmaxLossBackwardOnly()
            together.backward(probabilities, LABELS)
            d = together.dinputs * (1 if self.divide else len(X))
        else:
            entropy = ref.CrossEntropy()
            entropy.backward(probabilities, LABELS)
            self.softmax.backward(entropy.dinputs)
            d = self.softmax.dinputs
        self.layers[1].backward(d)
        d = self.layers[1].dinputs
        if self.between is not None:
            self.between.backward(d)
            d = self.between.dinputs
        self.layers[0].backward(d * (1 - np.tanh(self.layers[0].output) ** 2))
        return [gradient for layer in self.layers for gradient in (layer.dweights, layer.dbiases)]

    def parameters(self) -> list[Array]:
        return [array for layer in self.layers for array in (layer.weights, layer.biases)]

    def named(self) -> dict[str, Array]:
        return dict(zip(NAMES, self.parameters(), strict=True))

    def named_gradients(self) -> dict[str, Array]:
        return dict(zip(NAMES, self.gradients(), strict=True))

    def check(self, **options: Any) -> GradientCheck:
        return check_network(self.loss, self.named(), self.named_gradients, **options)


class MeanDense(ref.Dense):
    """A dense layer that takes the mean over the batch."""

    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights, self.dbiases = self.dweights / len(dvalues), self.dbiases / len(dvalues)


@pytest.mark.parametrize("softmax", [None, ref.Softmax], ids=["together", "apart"])
def test_a_right_network_is_right_fused_or_not_and_left_as_it_was(softmax: Any) -> None:
    network = BookNetwork(softmax=softmax)
    before = [(array, array.copy()) for array in network.parameters()]

    result = network.check()

    assert result.ok, str(result)
    assert result.mistake is None
    assert list(result.tensors) == NAMES
    assert max(tensor.error for tensor in result.tensors.values()) < 1e-7
    for now, (array, content) in zip(network.parameters(), before, strict=True):
        assert now is array
        np.testing.assert_array_equal(array, content)


def test_the_mean_over_the_batch_belongs_in_one_place() -> None:
    right, twice, never = BookNetwork(MeanDense, divide=False), BookNetwork(MeanDense), BookNetwork(divide=False)

    assert right.check().ok
    assert str(twice.check().mistake).startswith(
        "w1, b1, w2 and b2: the right gradient times 1/6 (if the batch has 6 samples, its size is divided out once "
        "too often); look at the last layer and the loss"
    )
    assert "times 6 (if the batch has 6 samples, its size is not divided out)" in str(never.check().mistake)
    assert not BookNetwork(BatchTwice).check().ok


def test_a_mistake_is_located_by_what_is_right_after_it() -> None:
    class Wrong(Dropout):
        def forward(self, inputs: Array, training: bool = True) -> None:
            self.output = inputs**2

        def backward(self, dvalues: Array) -> None:
            self.dinputs = dvalues

    network = BookNetwork(between=Wrong())

    result = network.check()

    assert [name for name, tensor in result.tensors.items() if tensor.ok] == ["w2", "b2"]
    assert result.mistakes[-1] == "look between b1 and w2: the gradients from w2 on are right"
    assert not check(network.between, np.tanh(network.layers[0].output)).ok


def test_a_softmax_with_its_diagonal_alone_is_found_at_the_end() -> None:
    result = BookNetwork(softmax=DiagonalSoftmax).check()

    assert result.wrong
    assert (
        result.mistakes[-1] == "look at the last layer and the loss: b2, the first that the gradient reaches, is wrong"
    )


def test_dropout_is_frozen() -> None:
    network = BookNetwork(between=Dropout())

    assert network.check().ok


# Penalties, and what the loss does not say ----------------------------------------------------------


def test_a_penalty_that_the_reported_loss_leaves_out_is_not_accused_and_one_without_gradient_is() -> None:
    network = BookNetwork()

    def decayed() -> list[Array]:
        w1, b1, w2, b2 = network.gradients()
        return [w1 + 0.02 * network.layers[0].weights, b1, w2, b2]

    def with_penalty() -> float:
        return network.loss() + 0.01 * float((network.layers[0].weights ** 2).sum())

    left_out = check_network(network.loss, network.parameters(), decayed)
    missing = check_network(with_penalty, network.parameters(), network.gradients)

    assert (left_out.ok, left_out.wrong) == (False, False)
    assert "parameters[0]: not decided: it contains the gradient of a penalty on the weights" in str(left_out.mistake)
    assert str(missing.mistake).startswith(
        "parameters[0]: the gradient of the penalty that the loss contains is missing"
    )
    assert check_network(with_penalty, network.parameters(), decayed).ok


def test_an_array_that_the_network_does_not_use_is_named() -> None:
    network = BookNetwork()
    strange = draw(5, 4)

    result = check_network(network.loss, [strange, *network.parameters()[1:]], network.gradients)

    assert str(result.mistake).startswith("parameters[0]: the loss does not depend on it")


def test_a_gradient_of_zero_and_one_that_is_not_finite_are_named() -> None:
    network = BookNetwork()
    w1, b1, w2, b2 = network.gradients()

    result = check_network(network.loss, network.parameters(), [0 * w1, b1 * np.nan, w2, b2.T[None]])

    assert not result.ok
    assert result.mistakes[0] == "parameters[0]: zero everywhere, no gradient is passed on"
    assert result.mistakes[1] == "parameters[1]: not finite"
    assert (
        result.mistakes[2]
        == "look between parameters[1] and parameters[2]: the gradients from parameters[2] on are right"
    )


def test_a_network_in_float32_is_judged_by_what_float32_can_show() -> None:
    network = BookNetwork()
    for layer in network.layers:
        layer.weights, layer.biases = layer.weights.astype(np.float32), layer.biases.astype(np.float32)

    result = network.check()

    assert result.ok, str(result)
    assert result.dtype == "float32"
    wrong = check_network(network.loss, network.parameters(), [2 * g for g in network.gradients()])
    assert not any(tensor.ok for tensor in wrong.tensors.values())


# Answers instead of crashes -------------------------------------------------------------------------


def test_errors_and_chance_in_the_network_are_answers() -> None:
    network = BookNetwork()
    calls: list[int] = []

    def counting() -> float:
        calls.append(1)
        return network.loss() + len(calls)

    def broken() -> list[Array]:
        raise ZeroDivisionError("no batch")

    two = check_network(lambda: (1.0, 0.5), network.parameters(), network.gradients)  # type: ignore[arg-type, return-value]
    missing = check_network(network.loss, broken, network.gradients)
    random_loss = check_network(counting, network.parameters(), network.gradients)
    failed = check_network(network.loss, network.parameters(), broken)
    infinite = check_network(lambda: np.inf, network.parameters(), network.gradients)

    assert "in one call and" in str(random_loss)
    assert str(failed.mistake).startswith("gradients raised ZeroDivisionError: no batch (test_network.py, line ")
    assert infinite.mistake == "the loss is inf for this batch"
    assert str(two) == "undecided: the loss: not compared: it is 2 numbers, expected one"
    assert str(missing.mistake).startswith("parameters raised ZeroDivisionError: no batch")
    assert random_loss.wrong
    assert infinite.wrong


def test_arguments_that_do_not_fit_together_are_refused() -> None:
    network = BookNetwork()

    with pytest.raises(SettingsError, match="gradients: received 1, expected 4 as parameters"):
        check_network(network.loss, network.parameters(), [draw(5, 4)])
    with pytest.raises(SettingsError, match="gradients: received w, expected w1, b1, w2, b2"):
        check_network(network.loss, network.named(), {"w": draw(5, 4)})
    with pytest.raises(
        SettingsError, match=r"parameters: parameters\[0\] is float, expected an array of floats that can be changed"
    ):
        check_network(network.loss, [1.0], [draw(5, 4)])
    with pytest.raises(SettingsError, match="is an array of int64, writeable=True, expected an array of floats"):
        check_network(network.loss, [np.arange(3)], [draw(3)])


def test_a_layer_with_a_mean_is_undecided_alone_and_decided_by_the_network() -> None:
    assert not check(TakesTheMean(), X).wrong
    assert BookNetwork(MeanDense, divide=False).check().ok
