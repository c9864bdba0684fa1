"""Statistics of outputs and silent units, beside plain second calculations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.measure.activation_layout import MAP_ROWS, MAP_SAMPLES, SAMPLES
from diagnostics.measure.activations import ActivationStatistics
from diagnostics.schema.measures import ACTIVATION_STATISTICS, LayerOutputs, positions
from lenet.hooks import LayerInfo
from lenet.layers.workspace import batch_first, batch_last
from tests.helpers.examples import examples

MEAN, STD, ZERO, SATURATED, DEAD = positions(
    ACTIVATION_STATISTICS, "mean", "std", "zero_fraction", "saturated_fraction", "dead_fraction"
)
WINDOW = 3
ORDERS = st.sampled_from(["batch-last", "batch-first", "fortran", "strided"])


def laid_out(x: Any, order: str) -> Any:
    """The same array (n, ...) in another order in memory."""
    if order == "batch-last":
        return batch_first(np.ascontiguousarray(batch_last(x)))
    if order == "fortran":
        return np.asfortranarray(x)
    if order == "strided":
        return np.repeat(x, 2, axis=0)[::2]
    return np.ascontiguousarray(x)


def layers(activation: str = "relu") -> tuple[LayerInfo, ...]:
    return (
        LayerInfo("conv1", "ConvolutionLayer", activation, (7, 6, 9), 9),
        LayerInfo("dense1", "DenseLayer", activation, (11,), 11),
    )


def outputs(seed: int, sizes: list[int], alive: float, activation: str = "relu") -> dict[str, list[Any]]:
    """Outputs in which whole units, and most single entries, are zero."""
    rng = np.random.default_rng(seed)
    result: dict[str, list[Any]] = {"input": [], "conv1": [], "dense1": []}
    on = {"conv1": rng.random(9) < alive, "dense1": rng.random(11) < alive}
    for n in sizes:
        result["input"].append(rng.random((n, 7, 6, 1)).astype(np.float32))
        for name, shape in (("conv1", (n, 7, 6, 9)), ("dense1", (n, 11))):
            x = rng.normal(size=shape) * (rng.random(shape) < 0.02) * on[name]
            result[name].append((np.maximum(x, 0) if activation == "relu" else x).astype(np.float32))
    return result


@given(
    seed=st.integers(0, 10_000),
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=3),
    order=ORDERS,
    alive=st.sampled_from([0.0, 0.2, 0.9, 1.0]),
    activation=st.sampled_from(["relu", "tanh"]),
)
@examples(150)
def test_silent_units_are_exactly_those_that_are_zero_for_the_whole_batch(
    seed: int, sizes: list[int], order: str, alive: float, activation: str
) -> None:
    made = outputs(seed, sizes, alive, activation)
    block = np.full((6, 3), np.nan, np.float32)
    statistics = ActivationStatistics(layers(activation), block, WINDOW)

    with np.errstate(all="ignore"):
        statistics.observe({k: tuple(laid_out(x, order) for x in v) for k, v in made.items()}, 0)
        statistics.finish(0)

    conv = np.concatenate(made["conv1"])
    dense = np.concatenate(made["dense1"])
    expected = [*(~conv.any(axis=(0, 1, 2))), *(~dense.any(axis=0))]
    assert statistics.silent.tolist() == [int(e) for e in expected]
    assert block[DEAD, 1:] == pytest.approx([np.mean(expected[:9]), np.mean(expected[9:])])
    assert np.isnan(block[DEAD, 0])


@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 70), min_size=1, max_size=3), order=ORDERS)
@examples(100)
def test_statistics_are_those_of_the_first_samples_and_evenly_spaced_rows(
    seed: int, sizes: list[int], order: str
) -> None:
    made = outputs(seed, sizes, 1.0, "tanh")
    block = np.full((6, 3), np.nan, np.float32)

    with np.errstate(all="ignore"):
        statistics = ActivationStatistics(layers("tanh"), block, WINDOW)
        statistics.observe({k: tuple(laid_out(x, order) for x in v) for k, v in made.items()}, 0)
        statistics.finish(0)

    stride = max(1, 7 // MAP_ROWS)
    for i, name in enumerate(("input", "conv1", "dense1")):
        if name == "dense1":
            seen = np.concatenate(made[name])[:SAMPLES].astype(np.float64)
        else:
            seen = made[name][0][:MAP_SAMPLES, stride // 2 :: stride].astype(np.float64)
        np.testing.assert_allclose(block[MEAN, i], seen.mean(), rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(block[STD, i], seen.std(), rtol=1e-3, atol=1e-6)
        assert block[ZERO, i] == pytest.approx(np.mean(seen == 0), abs=1e-6)
        if i:
            assert block[SATURATED, i] == pytest.approx(np.mean(np.abs(seen) > np.float32(0.98)), abs=1e-6)


def test_a_batch_in_portions_gives_the_silence_of_the_whole_batch() -> None:
    first, second = outputs(1, [16], 0.5), outputs(2, [16, 16], 0.5)
    statistics = ActivationStatistics(layers(), np.zeros((6, 3), np.float32), WINDOW)

    statistics.observe({k: tuple(v) for k, v in first.items()}, 0)
    statistics.observe({k: tuple(v) for k, v in second.items()}, 16)

    whole = {k: np.concatenate(first[k] + second[k]) for k in first}
    expected = [*(~whole["conv1"].any(axis=(0, 1, 2))), *(~whole["dense1"].any(axis=0))]
    assert statistics.silent.tolist() == [int(e) for e in expected]


def test_a_new_batch_forgets_the_silence_of_the_last_one() -> None:
    statistics = ActivationStatistics(layers(), np.zeros((6, 3), np.float32), WINDOW)

    statistics.observe({k: tuple(v) for k, v in outputs(1, [16], 0.0).items()}, 0)
    before = statistics.silent.copy()
    statistics.observe({k: tuple(v) for k, v in outputs(1, [40], 1.0).items()}, 0)

    assert before.all()
    assert not statistics.silent.all()


def test_outputs_that_are_not_finite_are_not_silent() -> None:
    made = outputs(3, [16], 0.0)
    made["dense1"][0][3, 4] = np.nan
    statistics = ActivationStatistics(layers(), np.zeros((6, 3), np.float32), WINDOW)

    with np.errstate(all="ignore"):
        statistics.observe({k: tuple(v) for k, v in made.items()}, 0)

    assert statistics.silent[9 + 4] == 0
    assert statistics.silent.sum() == 19


@given(
    seed=st.integers(0, 10_000),
    steps=st.integers(1, 6),
    alive=st.sampled_from([0.0, 0.5, 1.0]),
    activation=st.sampled_from(["relu", "tanh"]),
)
@examples(60)
def test_every_statistic_is_what_its_definition_says(seed: int, steps: int, alive: float, activation: str) -> None:
    block = np.full((len(ACTIVATION_STATISTICS), 3), np.nan, np.float32)
    statistics = ActivationStatistics(layers(activation), block, WINDOW)
    silence: list[Any] = []
    for step in range(steps):
        made = outputs(seed + step, [20], alive, activation)
        with np.errstate(all="ignore"):
            statistics.observe({k: tuple(v) for k, v in made.items()}, 0)
            statistics.finish(step)
        silence.append(statistics.silent != 0)

    streaks = [next((n for n, one in enumerate(unit[::-1]) if not one), steps) for unit in np.array(silence).T]
    for place, units in enumerate((slice(0, 0), slice(0, 9), slice(9, 20))):
        seen = LayerOutputs(
            sample=statistics._layouts[0].sample(place),
            activation=activation if place else None,
            silent=silence[-1][units],
            silent_steps=np.array(streaks)[units],
            window=WINDOW,
            steps=steps,
        )
        expected = [statistic.of(seen) for statistic in ACTIVATION_STATISTICS]
        np.testing.assert_allclose(block[:, place], expected, rtol=1e-3, atol=1e-6)
