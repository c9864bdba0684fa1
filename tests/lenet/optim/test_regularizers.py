"""L1 and L2 penalties: part of the loss and of the gradient, for weights and never for biases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import ActivationSoftmax, DenseLayer, Model, OptimizerSGD
from tests.helpers.examples import examples
from tests.helpers.small_models import Everything, blobs, ready, small_model


def net(l1: float = 0.0, l2: float = 0.0, first: tuple[float, float] = (0.0, 0.0), seed: int = 0) -> Model:
    """Two dense layers, the first with penalties of its own, with biases that are not 0."""
    model = ready(
        Model(seed=seed, l1=l1, l2=l2, dtype=np.float64),
        DenseLayer(4, 3, l1=first[0], l2=first[1]),
        DenseLayer(3, 2),
        ActivationSoftmax(),
    )
    for layer in model.trainable_layers:
        layer.biases = np.arange(1.0, 1 + layer.units)
    return model


def added(model: Model, values: Any) -> tuple[float, Any]:
    """The penalty at flat ``values``, and the gradient that it adds."""
    gradients = np.full_like(values, 5.0)
    penalty = model.penalty.add(values, gradients)
    return penalty, gradients - 5.0


def written_out(model: Model, values: Any) -> float:
    """The penalty by its formula, one entry at a time."""
    total = 0.0
    for tensor in model.parameters.tensors:
        layer = next(one for one in model.trainable_layers if one.name == tensor.layer)
        if tensor.tensor == "weights":
            for w in values[tensor.offset : tensor.offset + tensor.size]:
                total += (model.l1 + layer.l1) * abs(float(w)) + (model.l2 + layer.l2) * float(w) ** 2
    return total


strengths = st.floats(0, 2, allow_subnormal=False)


@examples(50)
@given(strengths, strengths, st.tuples(strengths, strengths), st.integers(0, 1000))
def test_penalty_is_its_formula_and_its_gradient_that_of_finite_differences(
    l1: float, l2: float, first: tuple[float, float], seed: int
) -> None:
    model = net(l1, l2, first, seed)
    values = model.parameters.values
    values[np.abs(values) < 1e-3] = 0.01  # away from the kink of |w|
    penalty, gradient = added(model, values)

    assert penalty == pytest.approx(written_out(model, values), abs=1e-12)
    for k in range(len(values)):
        up, down = values.copy(), values.copy()
        up[k] += 1e-6
        down[k] -= 1e-6
        assert gradient[k] == pytest.approx((added(model, up)[0] - added(model, down)[0]) / 2e-6, abs=1e-6)


def test_the_l1_gradient_of_a_weight_that_is_zero_is_zero() -> None:
    model = net(l1=1.0)
    model.layers[0].weights = np.zeros((4, 3))
    _, gradient = added(model, model.parameters.values)

    assert not gradient[:12].any()


def test_biases_are_not_penalised() -> None:
    model = net(1.0, 1.0)
    _, gradient = added(model, model.parameters.values)
    biases = [g for t in model.parameters.tensors if t.tensor == "biases" for g in gradient[t.offset :][: t.size]]

    assert biases == [0.0] * 5


def test_a_layers_penalty_is_its_own_and_adds_to_the_models() -> None:
    only_first, both = net(first=(0.0, 0.3)), net(l2=0.2, first=(0.0, 0.3))

    assert only_first.penalty.is_active
    assert not added(only_first, only_first.parameters.values)[1][15:].any()
    assert both.penalty.add(both.parameters.values, np.zeros(23)) == pytest.approx(
        0.5 * (both.layers[0].weights ** 2).sum() + 0.2 * (both.layers[1].weights ** 2).sum()
    )


def test_without_penalties_nothing_is_computed() -> None:
    assert not net().penalty.is_active


def test_a_step_with_a_penalty_takes_its_gradient_too() -> None:
    X, y = blobs(40)
    plain, penalised = small_model(dtype=np.float64), small_model(l1=0.03, l2=0.05, dtype=np.float64)
    before = plain.parameters.values.copy()
    for model in (plain, penalised):
        model.train(X, y, steps=1, print_every=0)
    _, gradient = added(penalised, before)

    np.testing.assert_allclose(
        penalised.parameters.values, plain.parameters.values - 0.1 * gradient, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("penalty", [{"l1": 0.01}, {"l2": 0.01}], ids=str)
def test_penalties_and_decay_make_weights_smaller_in_the_end(penalty: dict[str, float]) -> None:
    def size(optimizer: OptimizerSGD, **options: float) -> float:
        model = small_model(optimizer=optimizer, **options)
        model.train(*blobs(200), epochs=10, batch_size=20, print_every=0)
        return float(np.linalg.norm(model.parameters.values))

    free = size(OptimizerSGD(0.1))

    assert size(OptimizerSGD(0.1), **penalty) < free
    assert size(OptimizerSGD(0.1, weight_decay=0.05)) < free


def test_validation_loss_is_the_data_loss_without_penalty() -> None:
    X, y = blobs(40)
    heard = Everything()
    model = small_model(optimizer=OptimizerSGD(0.0), l2=1.0)
    model.train(X, y, print_every=0, validation_data=(X, y), hooks=[heard])
    [step], [validation] = heard.of("on_step_end"), heard.of("on_validation_end")

    assert validation.loss == pytest.approx(step.data_loss, rel=1e-6)
    assert step.loss > step.data_loss
