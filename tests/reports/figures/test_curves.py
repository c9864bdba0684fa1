"""Reducing curves and maps loses no extreme."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reports.figures.curves import cells, extremes, moving_mean
from tests.helpers.examples import examples


@examples(60)
@given(hnp.arrays(np.float64, st.integers(1, 3000), elements=st.floats(-1e6, 1e6)), st.integers(1, 50))
def test_every_bucket_of_a_reduced_curve_keeps_its_smallest_and_largest_value(y, buckets):
    x, reduced = extremes(np.arange(len(y)), y, buckets)

    edges = np.linspace(0, len(y), buckets + 1).astype(int)
    for a, b in pairwise(edges):
        inside = reduced[(x >= a) & (x < b)]
        if b > a:
            assert inside.min() == y[a:b].min()
            assert inside.max() == y[a:b].max()
    assert len(x) <= max(len(y) if len(y) <= 4 * buckets else 0, 5 * buckets)
    assert np.all(np.diff(x) > 0)


def test_a_value_that_is_not_finite_leaves_a_gap_in_a_reduced_curve():
    y = np.ones(10_000)
    y[5_003] = np.inf
    x, reduced = extremes(np.arange(10_000), y, 100)

    assert np.isnan(reduced[list(x).index(5_003)])


def test_the_moving_mean_is_that_of_pandas_and_leaves_out_what_is_not_finite():
    import pandas as pd

    y = np.random.default_rng(1).standard_normal(200)
    y[50] = np.nan
    expected = pd.Series(y).rolling(20, min_periods=1).mean().to_numpy()

    np.testing.assert_allclose(moving_mean(y, 20), expected, atol=1e-12)


@pytest.mark.parametrize("extreme", [0.0, 1e6, np.nan])
def test_a_cell_of_a_map_shows_the_most_unusual_of_its_steps(extreme):
    values = np.ones((2, 5000))
    values[1, 3210] = extreme
    reduced, edges = cells(values, 100)

    place = np.searchsorted(edges, 3210, side="right") - 1
    np.testing.assert_equal(reduced[1, place], extreme)
    np.testing.assert_array_equal(reduced[0], 1.0)
