"""Numbers of findings in words: the digits that mean something, and none of them in powers of ten where it fits."""

from __future__ import annotations

import math

import pytest

from diagnostics.schema.number_range import LARGEST, share_words, two_digits


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0067, "0.0067"),
        (2.71, "2.7"),
        (99.6, "100"),
        (271.0, "270"),
        (56_123.0, "56,000"),
        (6.2e10, "6.2e+10"),
        (math.inf, "inf"),
        (LARGEST, "larger than 3.4e38, the largest number that the log holds"),
    ],
)
def test_two_digits_are_written_out_up_to_a_million(value, words):
    assert two_digits(value) == words


@pytest.mark.parametrize(
    ("ratio", "words"), [(0.61, "61% of"), (9.9, "990% of"), (702.6, "703 times"), (2.3e6, "2.3e+06 times")]
)
def test_a_size_is_a_share_or_so_many_times(ratio, words):
    assert share_words(ratio) == words
