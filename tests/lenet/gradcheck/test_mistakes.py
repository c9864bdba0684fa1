"""The gradient check calls each mistake by its name, the paper's convolution's above all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal

from lenet.errors import SettingsError, ShapeError
from lenet.gradcheck import check, check_loss
from tests.helpers import plain_layers as ref
from tests.helpers.faulty_layers import (
    CONVOLUTION_MISTAKES,
    DENSE_MISTAKES,
    IMAGES,
    ROWS,
    BiasesShared,
    ExchangedChannels,
    Halved,
    TransposedWeights,
    convolution,
    dense,
    draw,
    mistake_of,
)
from tests.helpers.plain_layers import Array

# Single mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DENSE_MISTAKES, ids=lambda kind: kind.__name__)
def test_a_mistake_of_a_dense_layer_is_called_by_its_name(kind: type[ref.Dense]) -> None:
    result = check(dense(kind), ROWS)

    assert not result.ok
    first = result.mistakes[0] if result.mistakes else None
    assert first == DENSE_MISTAKES[kind]
    if kind is not BiasesShared:
        assert result.mistake == first


def test_square_weights_used_transposed_are_named() -> None:
    result = check(dense(TransposedWeights, 5, 5), ROWS)

    assert result.mistake == "dinputs: uses the weights transposed"
    assert result.tensors["dweights"].ok


def test_a_batch_size_is_told_from_a_factor_that_happens_to_equal_it() -> None:
    assert check(dense(Halved), ROWS[:2]).mistake == "dweights: the right gradient times 1/2"


@pytest.mark.parametrize("kind", CONVOLUTION_MISTAKES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("padding", ["valid", pytest.param("same", marks=pytest.mark.slow)])
def test_a_mistake_of_a_convolution_is_called_by_its_name(kind: type[ref.Convolution], padding: str) -> None:
    square = kind is ExchangedChannels
    result = check(convolution(kind, f=2 if square else 3, padding=padding), IMAGES)

    assert not result.ok
    assert result.mistake == CONVOLUTION_MISTAKES[kind]


def test_the_worst_entry_is_named_with_both_values() -> None:
    class OneWrong(ref.Dense):
        def backward(self, dvalues: Array) -> None:
            super().backward(dvalues)
            self.dweights[3, 1] += 7

    result = check(dense(OneWrong), ROWS)
    tensor = result.tensors["dweights"]

    assert tensor.worst == (3, 1)
    assert tensor.analytic - tensor.numeric == pytest.approx(7)
    assert result.mistake == "dweights: something is added that does not depend on dvalues"
    assert not result.ok
    assert "dweights" in str(result)
    assert "WRONG" in str(result)


# The paper's convolution ------------------------------------------------------------------------


SEVERAL_CHANNELS = [
    pytest.param(*one, marks=pytest.mark.slow)
    for one in ((2, "valid"), (2, "full"), (3, "valid"), (3, "same"), (3, "full"))
]


@pytest.mark.parametrize(("c", "padding"), [(1, "valid"), (1, "same"), (1, "full"), (2, "same"), *SEVERAL_CHANNELS])
def test_the_mistakes_of_the_reports_convolution_are_all_named(c: int, padding: str) -> None:
    layer = convolution(ref.ReportConvolution, (3, 3), c, 3, padding)

    result = check(layer, draw(2, 5, 5, c, seed=3), entries=40)

    mistake = mistake_of(result)
    assert not any(tensor.ok for tensor in result.tensors.values())
    assert ("the output ignores input channel" in mistake) == (c > 1)
    assert "dweights and dbiases: not reset between calls, each call adds to 1/2 of what" in mistake
    assert "dinputs: channels paired wrongly" in mistake
    assert "dinputs: uses the kernel rotated by 180 degrees" in mistake
    assert ("dweights: one value repeated over all elements of a kernel" in mistake) == (padding == "same")
    assert "dweights: channels paired wrongly" in mistake
    assert "dweights: the batch size (2) is divided out once too often" in mistake
    assert "dbiases: the right gradient times 1/2 (the batch size is divided out once too often)" in mistake


def test_the_channels_and_the_rotation_are_read_where_few_channels_count() -> None:
    layer = convolution(ref.ReportConvolution, (3, 3), 3, 9, "valid")

    mistake = mistake_of(check(layer, draw(2, 5, 5, 3, seed=3), entries=10))

    assert "dinputs: uses the kernel rotated by 180 degrees" in mistake
    assert (
        "dweights: channels paired wrongly: the gradient of output channel 2 reaches the kernels of output "
        "channels 0 to 8 (expected: 2)" in mistake
    )


def test_what_came_before_the_check_does_not_matter() -> None:
    layer = convolution(ref.ReportConvolution, f=2)
    fresh = check(layer, IMAGES, entries=20)
    layer.forward(IMAGES)
    layer.backward(100 * draw(*layer.output.shape))
    left = layer.dweights.copy()

    result = check(layer, IMAGES, entries=20)

    assert result.mistakes == fresh.mistakes
    np.testing.assert_array_equal(layer.dweights, left)


@pytest.mark.parametrize("padding", ["valid", "same", "full"])
def test_the_loops_of_the_reference_agree_with_scipy(padding: str) -> None:
    image, kernel = draw(7, 6), draw(3, 5, seed=1)

    np.testing.assert_allclose(
        ref.correlate(image, kernel, padding), signal.correlate2d(image, kernel, padding), atol=1e-12
    )
    np.testing.assert_allclose(
        ref.convolve(image, kernel, padding), signal.convolve2d(image, kernel, padding), atol=1e-12
    )
    np.testing.assert_allclose(
        ref.correlate(kernel, draw(9, 9), "valid"), signal.correlate2d(kernel, draw(9, 9), "valid"), atol=1e-12
    )


# Losses ------------------------------------------------------------------------------------------


PROBABILITIES = np.random.default_rng(0).dirichlet(np.ones(6), size=4)
LABELS = np.array([0, 5, 2, 2])


def test_a_right_loss_passes() -> None:
    result = check_loss(ref.CrossEntropy(), PROBABILITIES, LABELS)

    assert result.ok, str(result)
    assert result.tensors["dinputs"].error < 1e-7


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (4, "dinputs: the right gradient times 4 (the mean over the batch is not taken)"),
        (1 / 4, "dinputs: the right gradient times 1/4 (the batch size is divided out twice)"),
        (-1, "dinputs: the right gradient times -1"),
        (0, "dinputs: zero everywhere, no gradient is passed on"),
        (np.nan, "dinputs: not finite"),
    ],
)
def test_a_scaled_gradient_of_a_loss_is_named(factor: float, expected: str) -> None:
    class ScaledLoss(ref.CrossEntropy):
        def backward(self, dvalues: Array, labels: Any) -> None:
            super().backward(dvalues, labels)
            self.dinputs = self.dinputs * factor

    result = check_loss(ScaledLoss(), PROBABILITIES, LABELS)

    assert not result.ok
    assert result.mistake == expected


def test_a_loss_that_is_not_reset_is_named() -> None:
    class AccumulatingLoss(ref.CrossEntropy):
        def backward(self, dvalues: Array, labels: Any) -> None:
            before = getattr(self, "dinputs", 0)
            super().backward(dvalues, labels)
            self.dinputs = self.dinputs + before

    assert "not reset between calls" in mistake_of(check_loss(AccumulatingLoss(), PROBABILITIES, LABELS))


def test_softmax_and_loss_in_one_object_are_checked_by_the_logits() -> None:
    class Together:
        """forward returns the mean loss; backward takes the softmax's output, as in the book."""

        def forward(self, inputs: Array, labels: Any) -> float:
            softmax = ref.Softmax()
            softmax.forward(inputs)
            self.output = softmax.output
            return ref.CrossEntropy().calculate(self.output, labels)

        def backward(self, dvalues: Array, labels: Any) -> None:
            self.dinputs = dvalues.copy()
            self.dinputs[np.arange(len(labels)), labels] -= 1
            self.dinputs /= len(labels)

    assert check_loss(Together(), draw(4, 6), LABELS).ok


# What cannot be checked --------------------------------------------------------------------------


def test_an_object_without_the_convention_is_refused() -> None:
    class Half:
        def forward(self, inputs: Array) -> Array:
            return inputs

    with pytest.raises(SettingsError, match=r"Half has no backward\(\)"):
        check(Half(), ROWS)
    with pytest.raises(SettingsError, match=r"Half: expected calculate\(\) or forward\(\), and backward\(\)"):
        check_loss(Half(), PROBABILITIES, LABELS)


def test_inputs_without_a_batch_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"received inputs of shape \(5,\), expected \(N, \.\.\.\)"):
        check(dense(), ROWS[0])
    with pytest.raises(ShapeError, match="received predictions"):
        check_loss(ref.CrossEntropy(), PROBABILITIES[0], LABELS)
    with pytest.raises(SettingsError, match="entries: received 0, expected at least 1"):
        check(dense(), ROWS, entries=0)


def test_an_output_that_is_not_finite_is_said_to_be_so() -> None:
    result = check(dense(), np.full((2, 5), np.inf))

    assert not result.ok
    assert result.mistake == "the output of Dense is not finite for these inputs"
