"""The usual level of a gradient against its plain definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnostics.detect.rules.exploding_gradient import LAG, LEVEL_ROWS, usual_level
from diagnostics.detect.series import Series

NORMS = arrays.arrays(
    np.float64, st.integers(0, 120), elements=st.one_of(st.floats(0, 1e300), st.sampled_from([0.0, np.inf, np.nan]))
)


@given(NORMS)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_the_usual_level_is_the_larger_median_before_each_row(norm: Series) -> None:
    expected = np.full(len(norm), np.nan)
    for row in range(LAG + 1, len(norm)):
        stop = row - LAG + 1
        expected[row] = max(np.median(norm[max(0, stop - rows) : stop]) for rows in LEVEL_ROWS)
    expected[~(expected > 0)] = np.nan
    np.testing.assert_array_equal(usual_level(norm), expected)
