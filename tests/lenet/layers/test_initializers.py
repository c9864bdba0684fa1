"""Initial weights: the variance of each scheme, the limits of each distribution, and which choice counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import ActivationSoftmax, ConvolutionLayer, DenseLayer, Flatten, Initializer, Model, Settings
from lenet.layers.initializers import SCHEMES, SHAPES, fans
from tests.helpers.examples import examples
from tests.helpers.small_models import ready

SIZES = [(300, 200), (784, 120), (5, 5, 20, 30), (3, 7, 16, 40)]


def expected_variance(scheme: str, shape: tuple[int, ...]) -> float:
    fan_in = math.prod(shape[:-1])
    fan_out = math.prod(shape[:-2]) * shape[-1]
    if scheme == "report":
        return 0.01 if len(shape) == 2 else 2 / (fan_in + fan_out)
    return {"lecun": 1 / fan_in, "glorot": 2 / (fan_in + fan_out), "he": 2 / fan_in}[scheme]


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("distribution", SHAPES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_weights_have_mean_zero_and_the_variance_of_their_scheme(
    scheme: str, distribution: str, shape: tuple[int, ...]
) -> None:
    weights = Initializer(scheme, distribution).draw(shape, np.random.default_rng(11))
    variance = expected_variance(scheme, shape)
    error = 5 * math.sqrt(variance / weights.size)

    assert weights.shape == shape
    assert abs(weights.mean()) < error
    # The variance of n draws has the relative error sqrt(2 / n) at most.
    assert weights.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / weights.size))


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("scheme", ["lecun", "glorot", "he"])
def test_uniform_weights_end_at_their_limit_and_normal_ones_do_not(scheme: str, shape: tuple[int, ...]) -> None:
    limit = math.sqrt(3 * expected_variance(scheme, shape))
    uniform, normal = (
        np.abs(Initializer(scheme, d).draw(shape, np.random.default_rng(2))).max() for d in ("uniform", "normal")
    )

    assert 0.99 * limit < uniform <= limit
    assert normal > limit


def test_the_reports_kernels_are_glorot_uniform_and_its_dense_weights_a_tenth_of_normal() -> None:
    kernels = Initializer().draw((5, 5, 1, 6), np.random.default_rng(0))
    dense = Initializer().draw((400, 120), np.random.default_rng(0))

    assert np.abs(kernels).max() <= math.sqrt(6 / (25 + 150))
    assert np.array_equal(dense, 0.1 * np.random.default_rng(0).standard_normal((400, 120)))
    for distribution in SHAPES:
        assert np.array_equal(
            Initializer("report", distribution).draw((9, 4), np.random.default_rng(5)),
            Initializer("report").draw((9, 4), np.random.default_rng(5)),
        )


@given(st.lists(st.integers(1, 9), min_size=2, max_size=2), st.lists(st.integers(1, 9), min_size=2, max_size=2))
def test_fans_count_the_inputs_and_outputs_a_weight_joins(kernel: list[int], sides: list[int]) -> None:
    area = kernel[0] * kernel[1]

    assert fans(tuple(sides)) == (sides[0], sides[1])
    assert fans((*kernel, *sides)) == (area * sides[0], area * sides[1])


@examples(20)
@given(st.sampled_from(SCHEMES), st.sampled_from(SHAPES), st.integers(0, 99))
def test_the_same_generator_gives_the_same_weights(scheme: str, distribution: str, seed: int) -> None:
    first, second = (Initializer(scheme, distribution).draw((6, 5), np.random.default_rng(seed)) for _ in "12")

    assert np.array_equal(first, second)


def test_a_layers_initializer_wins_over_the_models_and_the_models_over_the_reports() -> None:
    def spread(layer: DenseLayer, model: Model) -> float:
        ready(model, layer, ActivationSoftmax())
        return float(layer.weights.std())

    he, lecun, report = math.sqrt(2 / 3000), math.sqrt(1 / 3000), 0.1

    assert spread(DenseLayer(3000, 9, initializer="he"), Model(initializer="lecun")) == pytest.approx(he, rel=0.05)
    assert spread(DenseLayer(3000, 9), Model(initializer=Initializer("lecun"))) == pytest.approx(lecun, rel=0.05)
    assert spread(DenseLayer(3000, 9), Model()) == pytest.approx(report, rel=0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_settings_choose_the_initializer_of_all_layers(scheme: str) -> None:
    model = Settings(init=scheme, init_shape="normal" if scheme == "report" else "uniform").build_model(samples=10)

    for layer in model.trainable_layers:
        variance = expected_variance(scheme, layer.weights.shape)
        assert layer.weights.var() == pytest.approx(variance, rel=6 * math.sqrt(2 / layer.weights.size))


def test_biases_start_at_zero() -> None:
    model = ready(
        Model(initializer="he"),
        ConvolutionLayer(2, 3, input_size=(4, 4, 1)),
        Flatten(),
        DenseLayer(8, 3),
        ActivationSoftmax(),
    )

    assert not any(layer.biases.any() for layer in model.trainable_layers)


def test_a_layer_alone_draws_its_weights_from_its_own_seed() -> None:
    same, other = DenseLayer(4, 3, seed=1).weights, DenseLayer(4, 3, seed=2).weights

    assert np.array_equal(same, DenseLayer(4, 3, seed=1).weights)
    assert not np.array_equal(same, other)
