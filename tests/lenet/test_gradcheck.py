"""The gradient check: right layers are never accused, and each mistake is called by its name."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from lenet.errors import SettingsError, ShapeError
from lenet.gradcheck import GradientCheck, check, check_loss
from lenet.settings import Settings
from tests.lenet import reference as ref
from tests.lenet.reference import Array


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def dense(kind: type[ref.Dense] = ref.Dense, inputs: int = 5, neurons: int = 4) -> ref.Dense:
    return kind(draw(inputs, neurons, seed=1), draw(neurons, seed=2))


def convolution(
    kind: type[Any] = ref.Convolution, kernel: tuple[int, int] = (3, 3), c: int = 2, f: int = 3, padding: str = "valid"
) -> Any:
    return kind(draw(*kernel, c, f, seed=1), draw(f, seed=2), padding)


IMAGES = draw(3, 6, 6, 2, seed=3)
ROWS = draw(4, 5, seed=4)


# Layers that are right ---------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
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


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(1, 4),
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    scale=st.sampled_from([1e-3, 1.0, 100.0]),
    seed=st.integers(0, 1000),
)
def test_a_right_dense_layer_is_never_accused(n: int, sizes: tuple[int, int], scale: float, seed: int) -> None:
    result = check(dense(ref.Dense, *sizes), scale * draw(n, sizes[0], seed=seed), seed=seed)

    assert result.ok, str(result)


@settings(max_examples=50, deadline=None)
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


def test_the_penalties_of_the_book_are_no_mistake() -> None:
    class Penalised(ref.Dense):
        weight_regularizer_l1, weight_regularizer_l2, bias_regularizer_l2 = 0.25, 0.5, 0.125

        def backward(self, dvalues: Array) -> None:
            super().backward(dvalues)
            self.dweights += 0.25 * np.sign(self.weights) + 2 * 0.5 * self.weights
            self.dbiases += 2 * 0.125 * self.biases

    assert check(dense(Penalised), ROWS).ok


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


# The layer is left alone -------------------------------------------------------------------------


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

    with pytest.raises(RuntimeError, match="not today"):
        check(layer, ROWS)

    assert layer.weights is weights
    np.testing.assert_array_equal(weights, draw(5, 4, seed=1))


# One faulty layer for each kind of mistake -------------------------------------------------------


class Halved(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights / 2


class BatchTwice(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights, self.dbiases = self.dweights / len(dvalues), self.dbiases / len(dvalues)


class BatchMultiplied(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs = self.dinputs * len(dvalues)


class SignFlipped(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dbiases = -self.dbiases


class Accumulating(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        before = getattr(self, "dweights", 0)
        super().backward(dvalues)
        self.dweights = self.dweights + before


class TransposedShape(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights.T


class TransposedWeights(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs = dvalues @ self.weights


class NothingPassedOn(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs = np.zeros_like(self.dinputs)


class NotFinite(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights / 0.0


class BiasesShared(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dbiases = np.full_like(self.dbiases, dvalues.sum())


class SecondHalfIgnored(ref.Dense):
    def forward(self, inputs: Array) -> None:
        self.inputs = inputs.copy()
        self.inputs[:, 3:] = 0
        self.output = self.inputs @ self.weights + self.biases

    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs[:, 3:] = 0


class Noisy(ref.Dense):
    def forward(self, inputs: Array) -> None:
        super().forward(inputs)
        self.calls = getattr(self, "calls", 0) + 1
        self.output = self.output * self.calls


class Scrambled(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = np.sin(self.dweights)


DENSE_MISTAKES = {
    Halved: "dweights: the right gradient times 1/2",
    BatchTwice: "dweights and dbiases: the right gradient times 1/4 (the batch size is divided out once too often)",
    BatchMultiplied: "dinputs: the right gradient times 4 (the batch size is multiplied in)",
    SignFlipped: "dbiases: the right gradient times -1 (its sign is wrong)",
    Accumulating: "dweights: not reset between calls, each call adds to what the call before left",
    TransposedShape: "dweights: has shape (4, 5), expected (5, 4): transposed",
    NothingPassedOn: "dinputs: zero everywhere, no gradient is passed on",
    NotFinite: "dweights: not finite",
    BiasesShared: "dbiases: one value repeated over all of them",
    SecondHalfIgnored: "the output ignores inputs 3 to 4 of 5: changing them changes nothing",
    Noisy: "the output differs between two calls with the same inputs: it is random, or not reset",
    Scrambled: None,
}


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


class RotatedGradient(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights[::-1, ::-1]


class TransposedGradient(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights.swapaxes(0, 1)


class QuarterTurn(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = np.rot90(self.dweights)


class RotatedAndScaled(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights[::-1, ::-1] / len(dvalues)


class OtherKernel(ref.Convolution):
    """Backward with a changed kernel."""

    def change(self, weights: Array) -> Array:
        raise NotImplementedError

    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        kept, self.weights = self.weights, self.change(self.weights)
        right = self.dweights, self.dbiases
        super().backward(dvalues)
        self.weights = kept
        self.dweights, self.dbiases = right


class RotatedKernel(OtherKernel):
    def change(self, weights: Array) -> Array:
        return weights[::-1, ::-1]


class QuarterTurnedKernel(OtherKernel):
    def change(self, weights: Array) -> Array:
        return np.rot90(weights)


class MirroredKernel(OtherKernel):
    def change(self, weights: Array) -> Array:
        return weights[:, ::-1]


class ExchangedChannels(OtherKernel):
    def change(self, weights: Array) -> Array:
        return weights.swapaxes(2, 3)


class ShiftedInputChannels(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs = np.roll(self.dinputs, 1, axis=3)


class ReversedFilters(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights[..., ::-1]


class FirstFilterForAll(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = np.repeat(self.dweights.sum(axis=3, keepdims=True), 3, axis=3)


class RepeatedOverKernel(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = np.broadcast_to(self.dweights.mean(axis=(0, 1), keepdims=True), self.weights.shape)


class LastChannelOnly(ref.Convolution):
    def forward(self, inputs: Array) -> None:
        only = inputs.copy()
        only[..., :-1] = 0
        super().forward(only)

    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs[..., :-1] = 0


CONVOLUTION_MISTAKES = {
    RotatedGradient: "dweights: its kernels are rotated by 180 degrees",
    TransposedGradient: "dweights: its kernels are transposed (rows and columns exchanged)",
    QuarterTurn: "dweights: its kernels are rotated by 90 degrees",
    RotatedAndScaled: "dweights: its kernels are rotated by 180 degrees, and times 1/3 "
    "(the batch size is divided out once too often)",
    RotatedKernel: "dinputs: uses the kernel rotated by 180 degrees",
    QuarterTurnedKernel: "dinputs: uses the kernel rotated by 90 degrees",
    MirroredKernel: "dinputs: uses the kernel mirrored left to right",
    ExchangedChannels: "dinputs: channels paired wrongly: input and output channels of the kernel are exchanged",
    ShiftedInputChannels: "dinputs: channels paired wrongly: what belongs to input channel 0 is given to 1",
    ReversedFilters: "dweights: channels paired wrongly: what belongs to output channel 0 is given to 2",
    FirstFilterForAll: "dweights: channels paired wrongly: the gradient of output channel 0 reaches "
    "the kernels of output channels 0 to 2 (expected: 0)",
    RepeatedOverKernel: "dweights: one value repeated over all elements of a kernel",
    LastChannelOnly: "the output ignores input channel 0 of 2: changing it changes nothing",
}


@pytest.mark.parametrize("kind", CONVOLUTION_MISTAKES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("padding", ["valid", "same"])
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


def mistake_of(result: GradientCheck) -> str:
    assert result.mistake is not None
    return result.mistake


# The report's convolution ------------------------------------------------------------------------


@pytest.mark.parametrize("padding", ["valid", "same", "full"])
@pytest.mark.parametrize(("c", "f"), [(1, 3), (2, 3), (3, 3)])
def test_the_mistakes_of_the_reports_convolution_are_all_named(padding: str, c: int, f: int) -> None:
    layer = convolution(ref.ReportConvolution, (3, 3), c, f, padding)

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
    class Scaled(ref.CrossEntropy):
        def backward(self, dvalues: Array, labels: Any) -> None:
            super().backward(dvalues, labels)
            self.dinputs = self.dinputs * factor

    result = check_loss(Scaled(), PROBABILITIES, LABELS)

    assert not result.ok
    assert result.mistake == expected


def test_a_loss_that_is_not_reset_is_named() -> None:
    class Accumulating(ref.CrossEntropy):
        def backward(self, dvalues: Array, labels: Any) -> None:
            before = getattr(self, "dinputs", 0)
            super().backward(dvalues, labels)
            self.dinputs = self.dinputs + before

    assert "not reset between calls" in mistake_of(check_loss(Accumulating(), PROBABILITIES, LABELS))


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

    class NoInputGradient(Half):
        def backward(self, dvalues: Array) -> None: ...

    with pytest.raises(SettingsError, match=r"Half has no backward\(\)"):
        check(Half(), ROWS)
    with pytest.raises(SettingsError, match="NoInputGradient: backward left no dinputs"):
        check(NoInputGradient(), ROWS)
    with pytest.raises(SettingsError, match=r"Half: expected calculate\(\) or forward\(\), and backward\(\)"):
        check_loss(Half(), PROBABILITIES, LABELS)


def test_inputs_without_a_batch_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"received inputs of shape \(5,\), expected \(N, \.\.\.\)"):
        check(dense(), ROWS[0])
    with pytest.raises(ShapeError, match="received predictions"):
        check_loss(ref.CrossEntropy(), PROBABILITIES[0], LABELS)
    with pytest.raises(SettingsError, match="entries=0"):
        check(dense(), ROWS, entries=0)


def test_an_output_that_is_not_finite_is_said_to_be_so() -> None:
    result = check(dense(), np.full((2, 5), np.inf))

    assert not result.ok
    assert result.mistake == "the output of Dense is not finite for these inputs"
