"""Optimisers against their formulas, written a second time for single parameters in plain Python floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import Constant, Cosine, InverseTime, Optimizer, OptimizerAdam, OptimizerRMSprop, OptimizerSGD, StepDecay
from tests.helpers.examples import examples
from tests.helpers.small_models import OPTIMIZERS, blobs, small_model

Rows = Sequence[Sequence[float]]
Update = Callable[[dict[str, float], float, float, int], float]

numbers = st.floats(-3, 3, allow_subnormal=False)
# Ten gradients of three parameters.
gradient_rows = st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=10)
rates = st.floats(1e-4, 1.0)
shares = st.floats(0.0, 0.99)


def formula(start: Sequence[float], rows: Rows, update: Update, *, rate: Any, decay: float = 0.0) -> list[float]:
    """Updates each parameter on its own; ``update(memory, gradient, rate, t)`` is what is subtracted from it."""
    result = []
    for k, p in enumerate(start):
        memory: dict[str, float] = {}
        for t, row in enumerate(rows):
            r = rate(t) if callable(rate) else rate
            p = p * (1 - r * decay) - update(memory, row[k], r, t + 1)
        result.append(p)
    return result


def run(optimizer: Optimizer, start: Sequence[float], rows: Rows, dtype: Any = np.float64) -> list[float]:
    values = np.array(start, dtype)
    for row in rows:
        gradients = np.array(row, dtype)
        kept = gradients.copy()
        optimizer.update(values, gradients)
        assert np.array_equal(gradients, kept)
    return list(values)


START = (0.5, -1.5, 2.0)


@given(gradient_rows, rates)
def test_sgd_goes_down_the_gradient(rows: Rows, rate: float) -> None:
    def update(memory: dict[str, float], g: float, r: float, t: int) -> float:
        return r * g

    assert run(OptimizerSGD(rate), START, rows) == pytest.approx(formula(START, rows, update, rate=rate), abs=1e-12)


@given(gradient_rows, rates, st.floats(0.01, 0.99), st.booleans())
def test_momentum_keeps_a_velocity_and_nesterov_looks_one_step_ahead(
    rows: Rows, rate: float, momentum: float, nesterov: bool
) -> None:
    def update(memory: dict[str, float], g: float, r: float, t: int) -> float:
        memory["v"] = momentum * memory.get("v", 0.0) + g
        return r * (g + momentum * memory["v"]) if nesterov else r * memory["v"]

    made = run(OptimizerSGD(rate, momentum=momentum, nesterov=nesterov), START, rows)
    assert made == pytest.approx(formula(START, rows, update, rate=rate), rel=1e-10, abs=1e-10)


@given(gradient_rows, rates, shares)
def test_rmsprop_divides_by_the_root_of_the_mean_square(rows: Rows, rate: float, rho: float) -> None:
    def update(memory: dict[str, float], g: float, r: float, t: int) -> float:
        memory["s"] = rho * memory.get("s", 0.0) + (1 - rho) * g * g
        return r * g / (math.sqrt(memory["s"]) + 1e-7)

    made = run(OptimizerRMSprop(rate, rho=rho), START, rows)
    assert made == pytest.approx(formula(START, rows, update, rate=rate), rel=1e-9, abs=1e-9)


@given(gradient_rows, rates, shares, shares)
def test_adam_corrects_both_means_for_their_start_at_zero(
    rows: Rows, rate: float, beta_1: float, beta_2: float
) -> None:
    def update(memory: dict[str, float], g: float, r: float, t: int) -> float:
        memory["v"] = beta_1 * memory.get("v", 0.0) + (1 - beta_1) * g
        memory["s"] = beta_2 * memory.get("s", 0.0) + (1 - beta_2) * g * g
        return r * (memory["v"] / (1 - beta_1**t)) / (math.sqrt(memory["s"] / (1 - beta_2**t)) + 1e-8)

    made = run(OptimizerAdam(rate, beta_1=beta_1, beta_2=beta_2), START, rows)
    assert made == pytest.approx(formula(START, rows, update, rate=rate), rel=1e-8, abs=1e-8)


@given(gradient_rows, rates, st.floats(0.001, 1.0))
def test_weight_decay_is_decoupled_from_the_gradient(rows: Rows, rate: float, decay: float) -> None:
    def update(memory: dict[str, float], g: float, r: float, t: int) -> float:
        memory["v"] = 0.9 * memory.get("v", 0.0) + 0.1 * g
        memory["s"] = 0.999 * memory.get("s", 0.0) + 0.001 * g * g
        return r * (memory["v"] / (1 - 0.9**t)) / (math.sqrt(memory["s"] / (1 - 0.999**t)) + 1e-8)

    made = run(OptimizerAdam(rate, weight_decay=decay), START, rows)
    assert made == pytest.approx(formula(START, rows, update, rate=rate, decay=decay), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_with_zero_gradient_and_no_decay_nothing_moves(make: Callable[[], Optimizer]) -> None:
    optimizer = make()
    optimizer.weight_decay = 0.0

    assert run(optimizer, START, [[0.0, 0.0, 0.0]] * 3) == list(START)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_single_precision_follows_double_precision(make: Callable[[], Optimizer]) -> None:
    rows = np.random.default_rng(4).standard_normal((10, 3)).tolist()

    assert run(make(), START, rows, np.float32) == pytest.approx(run(make(), START, rows), rel=1e-4, abs=1e-5)


# Learning rates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [InverseTime(0.2), StepDecay(0.5, 2), Cosine(5)], ids=str)
@pytest.mark.parametrize("kind", [OptimizerSGD, OptimizerRMSprop, OptimizerAdam])
def test_the_learning_rate_of_a_step_is_that_of_the_schedule_at_the_updates_made(kind: Any, schedule: Any) -> None:
    optimizer, values = kind(0.3, schedule=schedule), np.ones(2)
    seen = []
    for _ in range(6):
        seen.append(optimizer.current_learning_rate)
        optimizer.update(values, np.ones(2))

    assert seen == [0.3 * schedule(step) for step in range(6)]


def test_the_reports_decay_is_inverse_time_a_step() -> None:
    optimizer = OptimizerSGD(0.5, decay=3e-4)

    assert optimizer.schedule == InverseTime(3e-4)
    optimizer.iterations = 1000
    assert optimizer.current_learning_rate == pytest.approx(0.5 / 1.3)


def test_the_defaults_are_the_reports_and_the_papers() -> None:
    sgd, rmsprop, adam = OptimizerSGD(), OptimizerRMSprop(), OptimizerAdam()

    assert (sgd.learning_rate, sgd.momentum, sgd.nesterov, sgd.schedule) == (1.0, 0.0, False, Constant())
    assert (rmsprop.learning_rate, rmsprop.rho, rmsprop.epsilon) == (0.001, 0.9, 1e-7)
    assert (adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon) == (0.001, 0.9, 0.999, 1e-8)
    for one in (sgd, rmsprop, adam):
        assert (one.weight_decay, one.clip_norm, one.clip_value) == (0.0, None, None)


# Clipping ----------------------------------------------------------------------------------------


def step_of(gradient: Sequence[float], **clipping: float) -> Any:
    """What plain SGD at rate 1 subtracts: the clipped gradient."""
    return -np.array(run(OptimizerSGD(1.0, **clipping), np.zeros(len(gradient)), [gradient]))


gradients = st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=1, max_size=30)


@given(gradients, st.floats(0.01, 50))
def test_clipping_by_norm_keeps_the_direction_and_never_lengthens(gradient: list[float], limit: float) -> None:
    norm = math.sqrt(math.fsum(g * g for g in gradient))
    expected = np.array(gradient) * min(1.0, limit / norm if norm else 1.0)

    np.testing.assert_allclose(step_of(gradient, clip_norm=limit), expected, rtol=1e-9, atol=1e-12)


@given(gradients, st.floats(0.01, 50))
def test_clipping_by_value_cuts_every_entry_alone(gradient: list[float], limit: float) -> None:
    expected = [max(-limit, min(limit, g)) for g in gradient]

    assert list(step_of(gradient, clip_value=limit)) == expected


def test_entries_are_cut_before_the_norm_is_limited() -> None:
    made = step_of([30.0, -4.0], clip_value=3.0, clip_norm=2.0)

    np.testing.assert_allclose(made, [2**0.5, -(2**0.5)])


def test_the_norm_that_is_clipped_is_that_of_all_layers_together() -> None:
    X, y = blobs(40)
    free, clipped = small_model(), small_model()
    clipped.optimizer.clip_norm = 0.01
    before = free.parameters.values.copy()
    for model in (free, clipped):
        model.train(X, y, steps=1, print_every=0)
    long, short = (model.parameters.values - before for model in (free, clipped))

    assert np.linalg.norm(short) == pytest.approx(0.1 * 0.01, rel=1e-3)
    np.testing.assert_allclose(short / np.linalg.norm(short), long / np.linalg.norm(long), atol=1e-3)


@examples(25)
@given(st.sampled_from(sorted(OPTIMIZERS)), st.integers(0, 1000))
def test_every_optimizer_goes_downhill_on_a_bowl(name: str, seed: int) -> None:
    optimizer = OPTIMIZERS[name]()
    values = np.random.default_rng(seed).uniform(0.5, 2.0, 4)
    before = float(values @ values)
    for _ in range(15):
        optimizer.update(values, 2 * values)

    assert float(values @ values) < before


def test_optimizers_describe_themselves_in_plain_types() -> None:
    about = OptimizerAdam(0.01, schedule=Cosine(9), clip_norm=1.0, weight_decay=0.1).describe()

    assert about == {
        "optimizer": "OptimizerAdam",
        "learning_rate": 0.01,
        "schedule": "Cosine(steps=9, floor=0.0)",
        "weight_decay": 0.1,
        "clip_norm": 1.0,
        "clip_value": None,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
    }
