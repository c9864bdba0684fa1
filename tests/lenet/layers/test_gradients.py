"""The arithmetic of every layer, against plain loops and against finite differences in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import (
    ActivationReLU,
    ActivationSigmoid,
    ActivationSoftmax,
    ActivationTanh,
    AveragePooling,
    ConvolutionLayer,
    DenseLayer,
    Flatten,
    Layer,
)
from lenet.gradcheck import check
from tests.helpers import plain_layers as ref
from tests.helpers.examples import examples
from tests.helpers.plain_layers import Array

PADDINGS = ["valid", "same", "full"]
KERNELS = [(1, 1), (3, 3), (5, 5), (2, 2), (4, 4), (3, 2), (1, 4), (5, 2)]


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def filled(layer: Any, seed: int = 0) -> Any:
    """The layer with float64 parameters, none of them zero."""
    for k, (name, shape) in enumerate(layer.parameter_shapes().items()):
        setattr(layer, name, draw(*shape, seed=seed + k))
    return layer


def assert_same_arithmetic(layer: Any, reference: Any, inputs: Array, seed: int = 0, calls: int = 2) -> None:
    """Forward and backward agree with the plain layer, also when they are called again with other numbers."""
    for call in range(calls):
        x = inputs * (1 + call)
        reference.forward(x)
        layer.forward(x)
        d = draw(*reference.output.shape, seed=seed + call)
        reference.backward(d)
        layer.backward(d)

        for name in ("output", "dinputs", "dweights", "dbiases"):
            if hasattr(reference, name):
                found, expected = getattr(layer, name), getattr(reference, name)
                assert found.shape == expected.shape, name
                np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10, err_msg=name)


def assert_right_gradients(layer: Any, inputs: Array, seed: int = 0, entries: int = 256) -> None:
    result = check(layer, inputs, seed=seed, entries=entries, tolerance=1e-6)

    assert result.ok, str(result)
    assert result.dtype == "float64"
    assert all(tensor.checked for tensor in result.tensors.values())


# Convolution -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("padding", PADDINGS)
def test_the_convolution_agrees_with_loops_and_finite_differences(padding: str, kernel: tuple[int, int]) -> None:
    layer = filled(ConvolutionLayer(depth=3, kernel_size=kernel, padding=padding, input_size=(6, 5, 2)))
    inputs = draw(3, 6, 5, 2, seed=9)

    assert_same_arithmetic(layer, ref.Convolution(layer.weights, layer.biases, padding), inputs)
    assert_right_gradients(layer, inputs, entries=80)


@examples(60)
@given(
    n=st.integers(1, 4),
    image=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.sampled_from(PADDINGS),
    seed=st.integers(0, 1000),
)
def test_the_convolution_agrees_with_loops_for_any_shape(
    n: int, image: tuple[int, int], kernel: tuple[int, int], channels: tuple[int, int], padding: str, seed: int
) -> None:
    if padding != "full":
        kernel = (min(kernel[0], image[0]), min(kernel[1], image[1]))
    layer = filled(ConvolutionLayer(channels[1], kernel, padding=padding, input_size=(*image, channels[0])), seed=seed)

    assert_same_arithmetic(
        layer, ref.Convolution(layer.weights, layer.biases, padding), draw(n, *image, channels[0], seed=seed), seed
    )


@examples(20)
@given(
    n=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(PADDINGS),
    seed=st.integers(0, 1000),
)
def test_the_convolution_has_right_gradients_for_any_shape(
    n: int, kernel: tuple[int, int], channels: tuple[int, int], padding: str, seed: int
) -> None:
    layer = filled(ConvolutionLayer(channels[1], kernel, padding=padding, input_size=(5, 4, channels[0])), seed=seed)

    assert_right_gradients(layer, draw(n, 5, 4, channels[0], seed=seed), seed, entries=60)


def test_the_convolutions_of_a_lenet_have_right_gradients() -> None:
    first = filled(ConvolutionLayer(6, (5, 5), padding="same", input_size=(28, 28, 1)))
    second = filled(ConvolutionLayer(16, (5, 5), input_size=(14, 14, 6)))

    assert_right_gradients(first, draw(2, 28, 28, 1), entries=100)
    assert_right_gradients(second, draw(2, 14, 14, 6), entries=100)


# Pooling, dense, flatten, activations ------------------------------------------------------------


@examples(60)
@given(
    n=st.integers(1, 3),
    image=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    window=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    channels=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_pooling_agrees_with_loops_and_finite_differences_also_where_windows_overlap(
    n: int, image: tuple[int, int], window: tuple[int, int], stride: tuple[int, int], channels: int, seed: int
) -> None:
    window = (min(window[0], image[0]), min(window[1], image[1]))
    layer, inputs = AveragePooling(window_size=window, stride=stride), draw(n, *image, channels, seed=seed)

    assert_same_arithmetic(layer, ref.AveragePool(window, stride), inputs, seed)
    assert_right_gradients(layer, inputs, seed, entries=30)


@examples(40)
@given(n=st.integers(1, 5), sizes=st.tuples(st.integers(1, 8), st.integers(1, 8)), seed=st.integers(0, 1000))
def test_the_dense_layer_agrees_with_its_formula_and_finite_differences(
    n: int, sizes: tuple[int, int], seed: int
) -> None:
    layer, inputs = filled(DenseLayer(*sizes), seed=seed), draw(n, sizes[0], seed=seed)

    assert_same_arithmetic(layer, ref.Dense(layer.weights, layer.biases), inputs, seed)
    assert_right_gradients(layer, inputs, seed)


ACTIVATIONS = [
    (ActivationReLU, ref.ReLU),
    (ActivationSigmoid, ref.Sigmoid),
    (ActivationSoftmax, ref.Softmax),
    (ActivationTanh, None),
]


@pytest.mark.parametrize(("kind", "reference"), ACTIVATIONS)
@examples(25)
@given(
    n=st.integers(1, 4), features=st.integers(1, 8), scale=st.sampled_from([0.1, 1.0, 10.0]), seed=st.integers(0, 1000)
)
def test_activations_agree_with_their_formula_and_finite_differences(
    kind: type[Layer], reference: Any, n: int, features: int, scale: float, seed: int
) -> None:
    inputs = scale * draw(n, features, seed=seed)

    if reference is not None:
        assert_same_arithmetic(kind(), reference(), inputs, seed)
    assert_right_gradients(kind(), inputs, seed)


@pytest.mark.parametrize("kind", [ActivationReLU, ActivationSigmoid, ActivationTanh])
def test_activations_of_images_have_right_gradients(kind: type[Layer]) -> None:
    assert_right_gradients(kind(), draw(2, 4, 3, 2))


@pytest.mark.parametrize("kind", [ActivationSigmoid, ActivationTanh, ActivationSoftmax])
def test_huge_inputs_overflow_nothing(kind: type[Layer]) -> None:
    layer = kind()
    output = layer.forward(np.array([[-1e4, 0.0, 1e4], [1e300, -1e300, 0.0]]))
    dinputs = layer.backward(np.ones((2, 3)))

    assert np.isfinite(output).all()
    assert np.isfinite(dinputs).all()


@pytest.mark.parametrize("shape", [(2, 4, 3, 2), (3, 5)], ids=str)
def test_flatten_keeps_the_order_of_rows_and_columns(shape: tuple[int, ...]) -> None:
    layer, inputs = Flatten(), draw(*shape)

    np.testing.assert_array_equal(layer.forward(inputs), inputs.reshape(shape[0], -1))
    assert_right_gradients(layer, inputs)
