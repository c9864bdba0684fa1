"""Categorical cross-entropy and accuracy against their definitions, alone and in a model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import (
    AccuracyCategorical,
    ActivationSoftmax,
    DataError,
    DenseLayer,
    LossCategoricalCrossEntropy,
    Model,
    ShapeError,
)
from lenet.losses import sparse_labels
from tests.helpers.examples import examples
from tests.helpers.small_models import Everything, one_hot, ready

LOSS, ACCURACY = LossCategoricalCrossEntropy(), AccuracyCategorical()


@st.composite
def guesses(draw: st.DrawFn) -> tuple[Any, Any]:
    """Probabilities (N, classes), and labels."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    samples, classes = draw(st.integers(1, 9)), draw(st.integers(2, 6))
    scores = rng.standard_normal((samples, classes)) * draw(st.sampled_from([0.1, 1.0, 30.0]))
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True), rng.integers(0, classes, samples)


@given(guesses())
def test_the_loss_is_the_mean_of_minus_log_p_clipped_at_1e_7(data: tuple[Any, Any]) -> None:
    p, y = data
    terms = [-math.log(min(max(row[k], 1e-7), 1 - 1e-7)) for row, k in zip(p, y, strict=True)]

    assert LOSS.forward(p, y) == pytest.approx(terms)
    assert LOSS.calculate(p, y) == pytest.approx(math.fsum(terms) / len(terms))


def test_the_loss_never_exceeds_16_nats_and_is_finite_for_a_certain_error() -> None:
    certain = np.array([[1.0, 0.0]])

    assert LOSS.calculate(certain, [1]) == pytest.approx(-math.log(1e-7))
    assert LOSS.calculate(certain, [0]) == pytest.approx(1e-7, rel=1e-3)


def test_the_gradient_of_a_certain_error_is_finite_and_that_of_the_clip() -> None:
    loss = LossCategoricalCrossEntropy()

    assert np.array_equal(loss.backward(np.array([[0.0, 1.0], [0.5, 0.5]]), [0, 0]), [[-0.5e7, 0.0], [-1.0, 0.0]])


def test_nan_in_gives_nan_out() -> None:
    assert math.isnan(LOSS.calculate(np.array([[np.nan, 0.5]]), [0]))


@given(guesses())
def test_one_hot_and_sparse_labels_mean_the_same(data: tuple[Any, Any]) -> None:
    p, y = data
    hot = one_hot(y, p.shape[1])

    assert np.array_equal(LOSS.forward(p, y), LOSS.forward(p, hot))
    assert np.array_equal(LOSS.backward(p, y), LOSS.backward(p, hot))
    assert ACCURACY.calculate(p, y) == ACCURACY.calculate(p, hot)


@given(guesses())
def test_softmax_backward_of_the_losss_gradient_is_p_minus_one_hot_over_n(data: tuple[Any, Any]) -> None:
    _, y = data
    classes = data[0].shape[1]
    softmax = ActivationSoftmax()
    p = softmax.forward(np.log(data[0] + 0.01))

    np.testing.assert_allclose(
        softmax.backward(LOSS.backward(p, y)), (p - one_hot(y, classes)) / len(y), rtol=1e-9, atol=1e-12
    )


@examples(30)
@given(st.integers(0, 1000), st.sampled_from([1, 7, 40, 130]))
def test_a_models_loss_accuracy_and_gradient_are_those_of_the_definitions(seed: int, samples: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((samples, 5)), rng.integers(0, 4, samples)
    model = ready(Model(seed=seed, dtype=np.float64), DenseLayer(5, 4), ActivationSoftmax())
    p = model.predict(X)
    heard = Everything()
    model.train(X, y, print_every=0, hooks=[heard])
    [step] = heard.of("on_gradients_ready")
    gradient = next(array for name, array in heard.arrays if name == "on_gradients_ready.gradients")

    assert step.data_loss == pytest.approx(LOSS.calculate(p, y))
    assert step.accuracy == ACCURACY.calculate(p, y)
    np.testing.assert_allclose(gradient[:20].reshape(5, 4), X.T @ (p - one_hot(y, 4)) / samples, atol=1e-12)
    np.testing.assert_allclose(gradient[20:], (p - one_hot(y, 4)).mean(axis=0), atol=1e-12)


def test_accuracy_is_the_share_of_right_guesses_and_ties_go_to_the_first_class() -> None:
    p = np.array([[0.4, 0.4, 0.2], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])

    assert ACCURACY.calculate(p, [0, 2, 1]) == pytest.approx(2 / 3)
    assert ACCURACY.calculate(p, [1, 2, 2]) == pytest.approx(2 / 3)
    assert ACCURACY.calculate(np.array([0, 2, 1]), np.array([0, 2, 2])) == pytest.approx(2 / 3)


def test_guessed_classes_go_with_one_hot_labels_too_and_their_numbers_have_to_agree() -> None:
    accuracy = AccuracyCategorical()

    assert accuracy.calculate([2, 0], [[0, 0, 1], [0, 1, 0]]) == 0.5  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="accuracy: received 1 labels, expected 2, one a prediction"):
        accuracy.calculate([2, 0], [2])  # type: ignore[arg-type]


def test_a_network_of_nan_guesses_nothing_right() -> None:
    model = ready(Model(), DenseLayer(2, 2), ActivationSoftmax())
    model.layers[0].weights = np.full((2, 2), np.nan)
    loss, accuracy = model.validate((np.ones((4, 2)), [0, 0, 1, 0]), print_every=0)

    assert math.isnan(loss)
    assert accuracy == 0.0


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([2, 0], [2, 0]),
        (np.array([2.0, 0.0]), [2, 0]),
        (np.array([True, False]), [1, 0]),
        ([[0, 0, 1], [1, 0, 0]], [2, 0]),
    ],
)
def test_labels_of_any_form_become_class_numbers(labels: Any, expected: list[int]) -> None:
    assert sparse_labels(labels, 3).tolist() == expected


@pytest.mark.parametrize(
    ("p", "y", "kind", "message"),
    [
        (np.ones(3), [0], ShapeError, "loss: received predictions (3,), expected (N, classes)"),
        (np.ones((2, 3)), [0], ShapeError, "loss: received 1 labels, expected 2, one a prediction"),
        (np.ones((1, 3)), [3], DataError, "labels: received class 3, expected 0 to 2 (the network has 3 outputs)"),
    ],
)
def test_predictions_and_labels_that_do_not_fit_are_refused(p: Any, y: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind) as caught:
        LOSS.calculate(p, y)

    assert str(caught.value) == message
