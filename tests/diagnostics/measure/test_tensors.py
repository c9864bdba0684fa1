"""Every measure against a plain second implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from diagnostics.measure.histograms import histograms
from diagnostics.measure.tensors import TensorStatistics, exact_statistics
from diagnostics.schema.measures import LayerOutputs, saturated_fraction
from diagnostics.schema.tables import BINS
from tests.helpers.examples import examples

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)
TENSORS = st.lists(hnp.arrays(np.float32, st.integers(1, 600), elements=FLOATS), min_size=1, max_size=5)


def plain(x: NDArray[np.float32]) -> list[float]:
    """The definitions, as one would write them down."""
    wide = [np.float64(v) for v in x]
    with np.errstate(all="ignore"):
        mean = sum(wide) / len(wide)
        return [
            mean,
            float(np.sqrt(sum((v - mean) ** 2 for v in wide) / len(wide))),
            float(np.min(wide)),
            float(np.max(wide)),
            float(np.sqrt(sum(v * v for v in wide))),
            sum(v == 0 for v in wide) / len(wide),
            float(sum(not np.isfinite(v) for v in wide)),
        ]


def measured(tensors: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The statistics (statistic, tensor) of the tensors."""
    out = np.zeros((7, len(tensors)), np.float32)
    TensorStatistics([t.size for t in tensors], out).measure(np.concatenate(tensors))
    return out


def agree(found: Any, expected: Any, scale: float) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found, np.float32(expected), rtol=2e-4, atol=2e-6 * scale)


@given(TENSORS)
@examples(80)
def test_statistics_equal_their_definitions_whatever_the_entries(tensors: list[NDArray[np.float32]]) -> None:
    out = measured(tensors)

    for i, tensor in enumerate(tensors):
        finite = np.abs(tensor[np.isfinite(tensor)])
        agree(out[:, i], plain(tensor), float(finite.max()) if finite.size else 0.0)


@given(
    size=st.sampled_from([1, 2, 9, 300, 4095, 4096, 4097, 9000]),
    scale=st.sampled_from([1e-45, 1e-40, 1e-25, 1e-19, 1e-3, 1.0, 1e15, 1e19, 1e38]),
    shift=st.sampled_from([0.0, 0.0, 1.0, -1000.0]),
    spread=st.sampled_from([0.0, 1.0]),
    seed=st.integers(0, 1000),
)
@examples(120)
def test_statistics_equal_their_definitions_whatever_the_size_and_the_scale(
    size: int, scale: float, shift: float, spread: float, seed: int
) -> None:
    with np.errstate(all="ignore"):
        x = ((np.random.default_rng(seed).normal(size=size) * spread + shift) * scale).astype(np.float32)

    found = measured([x[: size // 2], x, x[size // 2 :]] if size > 1 else [x, x, x])[:, 1]

    expected = exact_statistics(x)
    finite = np.abs(x[np.isfinite(x)])
    agree(found, expected, float(finite.max()) if finite.size else 0.0)
    np.testing.assert_array_equal(found[[2, 3, 6]], expected[[2, 3, 6]])  # smallest, largest, not finite


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e-6, 1.0, 1e18, 1e25])
def test_norm_and_deviation_hold_where_float32_squares_under_or_overflow(scale: float) -> None:
    x = (np.random.default_rng(0).normal(size=3000) * scale).astype(np.float32)

    out = measured([x])

    agree(out[:, 0], plain(x), scale)
    assert out[4, 0] > 0


def test_a_deviation_far_smaller_than_the_mean_is_measured_precisely() -> None:
    x = (1000 + np.random.default_rng(1).normal(size=48_000) * 1e-3).astype(np.float32)

    out = measured([x])

    assert out[1, 0] == pytest.approx(x.astype(np.float64).std(), rel=1e-3)


def test_large_tensors_are_summed_precisely() -> None:
    x = np.random.default_rng(2).normal(0.3, 1.0, 48_000).astype(np.float32)

    out = measured([x, x[:10]])

    wide = x.astype(np.float64)
    assert out[0, 0] == pytest.approx(wide.mean(), rel=1e-5)
    assert out[1, 0] == pytest.approx(wide.std(), rel=1e-5)
    assert out[4, 0] == pytest.approx(np.linalg.norm(wide), rel=1e-5)


def test_one_bad_entry_spoils_no_other_tensor() -> None:
    bad = np.array([1.0, np.nan, np.inf], np.float32)
    good = np.array([3.0, 4.0], np.float32)

    out = measured([good, bad, good])

    assert out[6].tolist() == [0, 2, 0]
    np.testing.assert_array_equal(out[:, 0], out[:, 2])
    assert out[4, 0] == 5


@given(TENSORS)
@examples(80)
def test_histograms_count_every_finite_entry_in_its_bin(tensors: list[NDArray[np.float32]]) -> None:
    counts = np.zeros((len(tensors), BINS), np.uint32)
    ranges = np.zeros((len(tensors), 2), np.float32)

    with np.errstate(all="ignore"):
        ends = np.array([[t.min() for t in tensors], [t.max() for t in tensors]])
        histograms(tensors, ends, counts, ranges)

    for i, tensor in enumerate(tensors):
        finite = tensor[np.isfinite(tensor)].astype(np.float64)
        assert counts[i].sum() == finite.size
        if finite.size == 0:
            assert np.isnan(ranges[i]).all()
            continue
        assert ranges[i].tolist() == [finite.min(), finite.max()]
        edges = np.linspace(finite.min(), finite.max(), BINS + 1)
        slack = (finite.max() - finite.min()) * 1e-5
        for edge, below in zip(edges[1:-1], np.cumsum(counts[i])[:-1], strict=True):
            if slack > 0:
                assert np.sum(finite < edge - slack) <= below <= np.sum(finite <= edge + slack)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 48_001])
def test_histograms_of_large_tensors_count_the_same(size: int) -> None:
    x = np.random.default_rng(size).normal(size=size).astype(np.float32)
    counts, ranges = np.zeros((1, BINS), np.uint32), np.zeros((1, 2), np.float32)

    histograms([x], np.array([[x.min()], [x.max()]]), counts, ranges)

    low, high = float(x.min()), float(x.max())
    scaled = (x.astype(np.float64) - low) * (BINS / (high - low))
    expected = [int(((scaled >= i) & (scaled < i + 1)).sum()) for i in range(BINS)]
    expected[-1] += int((scaled >= BINS).sum())
    assert counts[0].tolist() == expected


@given(hnp.arrays(np.float32, 50, elements=st.floats(-2, 2, width=32)))
def test_saturation_is_the_share_outside_the_flat_ends(x: NDArray[np.float32]) -> None:
    low, high = np.float32(0.01), np.float32(0.99)

    def saturated(activation: str | None) -> float:
        units = np.zeros(0, np.int64)
        return saturated_fraction(LayerOutputs(x, activation, units == 0, units, window=20, steps=1))

    assert saturated("sigmoid") == pytest.approx(sum(v < low or v > high for v in x) / 50)
    assert saturated("tanh") == pytest.approx(sum(abs(v) > np.float32(0.98) for v in x) / 50)
    assert np.isnan([saturated("relu"), saturated(None)]).all()
