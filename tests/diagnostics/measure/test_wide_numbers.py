"""Finite numbers of float64 networks that float32 cannot hold: they are finite in rows too."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from diagnostics.measure.activation_layout import ActivationLayout
from diagnostics.measure.tensors import (
    MAX,
    MEAN,
    MIN,
    NONFINITE,
    NORM,
    STD,
    ZERO,
    TensorStatistics,
    logged_ratios,
    wide_statistics,
)
from diagnostics.schema.number_range import LARGEST, are_beyond, logged_number, logged_numbers, number_text
from lenet.hooks import LayerInfo
from tests.helpers.examples import examples

FINITE = st.floats(-1e307, 1e307) | st.floats(1e30, 1e100) | st.floats(-1.0, 1.0)
TENSORS = st.lists(hnp.arrays(np.float64, st.integers(1, 40), elements=FINITE), min_size=1, max_size=4)


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def measured(tensors: list[NDArray[Any]]) -> tuple[NDArray[np.float32], TensorStatistics, NDArray[np.float32]]:
    out = np.zeros((7, len(tensors)), np.float32)
    statistics, whole = TensorStatistics([one.size for one in tensors], out), np.concatenate(tensors)
    with np.errstate(all="ignore"):
        entries = whole.astype(np.float32)
    statistics.measure(entries)
    if whole.dtype == np.float64:
        statistics.measure_wide(entries, lambda: whole)
    return out, statistics, entries


def in_range(value: float) -> float:
    return max(-LARGEST, min(LARGEST, value))


@given(TENSORS)
@examples(60)
def test_huge_finite_entries_are_counted_as_finite_and_have_finite_statistics(tensors: list[NDArray[Any]]) -> None:
    out, _, entries = measured(tensors)

    assert np.isfinite(out).all()
    assert np.isfinite(entries).all()
    assert not out[NONFINITE].any()
    for i, x in enumerate(tensors):
        exact = [Fraction(float(one)) for one in x]
        largest = float(np.abs(x).max())
        mean = float(sum(exact) / len(exact))
        assert out[MIN, i] == np.float32(in_range(float(x.min())))
        assert out[MAX, i] == np.float32(in_range(x.max()))
        assert out[MEAN, i] == pytest.approx(in_range(mean), rel=1e-4, abs=min(LARGEST, 1e-5 * largest))
        norm = largest * math.sqrt(float(sum((one / Fraction(largest)) ** 2 for one in exact))) if largest else 0.0
        assert out[NORM, i] == pytest.approx(in_range(norm), rel=1e-4, abs=1e-30)


@given(st.lists(hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(width=32)), min_size=1, max_size=4))
@examples(60)
def test_numbers_within_the_range_give_the_same_bits_whatever_their_type(tensors: list[NDArray[np.float32]]) -> None:
    narrow, _, _ = measured(tensors)
    wide, _, entries = measured([one.astype(np.float64) for one in tensors])
    fits = np.isfinite(narrow[[MEAN, STD, MIN, MAX, NORM]]).all(axis=0)

    assert entries.tobytes() == np.concatenate(tensors).tobytes() or np.isnan(entries).any()
    assert narrow[:, fits].tobytes() == wide[:, fits].tobytes()
    assert (narrow[NONFINITE] == wide[NONFINITE]).all()


def test_what_is_not_finite_in_the_network_is_counted_beside_huge_numbers() -> None:
    out, _, entries = measured([np.array([1e97, np.inf, 0.0, -1e97]), np.array([np.nan, 1e97])])

    assert out[NONFINITE].tolist() == [1, 1]
    assert out[MIN, 0] == -LARGEST
    assert out[MAX, 0] == np.inf
    assert np.isnan(out[MEAN, 1])
    assert out[ZERO].tolist() == [0.25, 0.0]
    np.testing.assert_array_equal(entries, np.float32([LARGEST, np.inf, 0, -LARGEST, np.nan, LARGEST]))


def test_sums_and_squares_that_overflow_float64_do_not_count_as_infinite() -> None:
    found = wide_statistics(np.full(100, 1e308))

    assert found[MEAN] == pytest.approx(1e308)
    assert found[STD] < 1e294
    assert np.isfinite(found).all()
    assert not found[NONFINITE]


def test_ratios_are_those_of_the_norms_as_they_are() -> None:
    _, values, _ = measured([np.array([1e97]), np.array([2.0])])
    _, updates, _ = measured([np.array([1e96]), np.array([1.0])])
    small = np.array([1e38, 1.0], np.float32)

    assert values.wide_norms is not None
    assert updates.wide_norms is not None
    assert logged_ratios(updates.wide_norms, values.wide_norms).tolist() == pytest.approx([0.1, 0.5])
    assert logged_ratios(small, values.wide_norms).tolist() == [0.0, 0.5]
    assert logged_ratios(np.array([1e38, 1.0], np.float32), np.array([1e-38, 0.0], np.float32))[0] == np.inf


def test_outputs_beyond_the_range_have_finite_statistics() -> None:
    outputs = {"input": (np.ones((4, 2)),), "dense": (np.array([[1e97, 0.0, 1.0]] * 4),)}
    layout = ActivationLayout(outputs, [LayerInfo("dense", "Dense", "relu", (3,), 3)])
    block, quiet = np.full((6, 2), np.nan, np.float32), np.zeros(3, np.bool_)
    layout.measure(block, quiet)

    assert block[:2, 1].tolist() == [LARGEST, LARGEST]
    assert block[2, 1] == np.float32(1 / 3)
    assert quiet.tolist() == [False, True, False]
    assert layout.sample(1)[0] == LARGEST


def test_numbers_beyond_the_range_are_told_in_words() -> None:
    assert [logged_number(one) for one in (1e300, -1e300, 2.5)] == [LARGEST, -LARGEST, 2.5]
    assert logged_number(math.inf) == math.inf
    assert math.isnan(logged_number(math.nan))
    assert number_text(LARGEST) == "larger than 3.4e38, the largest number that the log holds"
    assert number_text(-LARGEST) == "below -3.4e38, the smallest number that the log holds"
    assert [number_text(one) for one in (1e38, math.inf, 0.25)] == ["1e+38", "inf", "0.25"]
    found = logged_numbers(np.array([1e39, np.inf, np.nan, 1.0]))
    assert are_beyond(found).tolist() == [True, False, False, False]
