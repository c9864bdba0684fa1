"""Intervals and tests of rates and means against published examples and other libraries."""

from __future__ import annotations

from itertools import product

import pytest
from scipy.stats import binomtest

from diagnostics.statistics.intervals import adjust, fisher, mcnemar, mean_interval, newcombe, sign_flips, wilson


@pytest.mark.parametrize("n", [1, 2, 7, 40, 1407])
def test_wilson_agrees_with_scipy(n):
    for k in {0, 1, n // 4, n // 2, n - 1, n}:
        expected = binomtest(k, n).proportion_ci(confidence_level=0.95, method="wilson")

        assert wilson(k, n) == pytest.approx((expected.low, expected.high), rel=1e-14)


def test_of_no_runs_there_is_no_interval():
    assert wilson(0, 0) is None


def test_newcombe_agrees_with_the_example_of_his_paper():
    # Newcombe 1998, table II (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339.
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_fisher_agrees_with_the_lady_who_tastes_tea():
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)


def test_mcnemar_is_the_binomial_test_of_the_pairs_that_disagree():
    assert mcnemar(6, 0) == pytest.approx(2 / 64)
    assert mcnemar(0, 0) == 1


def test_p_values_are_adjusted_for_the_number_of_questions():
    assert adjust([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.03])
    assert adjust([]) == []


def test_the_interval_of_a_mean_is_students():
    assert mean_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))
    assert mean_interval([1.0]) is None
    assert mean_interval([0.5, 0.5, 0.5]) is None  # equal values would have an interval without width


@pytest.mark.parametrize("differences", [(3, -1, 2, 0, 5), (-2, -1, -1, -6, -4, 1), (1,), (0, 0), ()])
def test_signs_are_flipped_in_all_ways(differences):
    sums = [
        sum(s * d for s, d in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]

    assert sign_flips(differences) == sum(abs(one) >= abs(sum(differences)) for one in sums) / len(sums)
