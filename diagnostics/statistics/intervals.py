"""Intervals and tests for shares and their differences, and k of n in words.

References
----------
E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209, doi:10.1080/01621459.1927.10502953.
R. G. Newcombe, Stat. Med. 17 (1998) 873 (method 10), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
Q. McNemar, Psychometrika 12 (1947) 153, doi:10.1007/BF02295996.
E. J. G. Pitman, Suppl. J. R. Stat. Soc. 4 (1937) 119, doi:10.2307/2984124.
Y. Benjamini, Y. Hochberg, J. R. Stat. Soc. B 57 (1995) 289, doi:10.1111/j.2517-6161.1995.tb02031.x.

SciPy is imported where it is needed, since ``--help`` does not need it. Intervals take its quantiles from
``scipy.special``: ``scipy.stats``, which has the tests, takes a second to import.
"""  # noqa: E501

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from lenet.arguments import expect_whole
from lenet.errors import SettingsError

CONFIDENCE = 0.95


def wilson(k: int, n: int) -> tuple[float, float] | None:
    """Wilson's score interval of the share k/n; None for n = 0.

    Raises SettingsError where k is no number of n.
    """
    expect_whole("n", n, 0)
    expect_whole("k", k, 0)
    if k > n:
        raise SettingsError(f"k: received {k}, expected at most n = {n}")
    return _wilson(int(k), int(n)) if n else None


@cache
def _wilson(k: int, n: int) -> tuple[float, float]:
    from scipy.special import ndtri

    share, z = k / n, float(ndtri(0.5 + CONFIDENCE / 2))
    scale = 2 * (n + z**2)
    middle = (2 * n * share + z**2) / scale
    half = z / scale * math.sqrt(4 * n * share * (1 - share) + z**2)
    return 0.0 if k == 0 else middle - half, 1.0 if k == n else middle + half


def rate_words(k: int, n: int, interval: tuple[float, float] | None, digits: int = 0) -> str:
    """How often something happened: "10 of 40 = 25 % (95 % interval 14 to 40 %)"; "0 of 0" without an interval."""
    if interval is None or not n:
        return f"{k} of {n}"
    return f"{k} of {n} = {100 * k / n:.{digits}f} % (95 % interval {interval_words(interval, digits)})"


def interval_words(interval: tuple[float, float] | None, digits: int = 0) -> str:
    """The ends of an interval of a share: "14 to 40 %"; a dash where there is none."""
    if interval is None or not all(map(math.isfinite, interval)):
        return "–"
    return f"{100 * interval[0]:.{digits}f} to {100 * interval[1]:.{digits}f} %"


def points_words(interval: tuple[float, float], digits: int = 0) -> str:
    """The ends of an interval of a difference of shares, in percentage points: "-31 to +2"."""
    low, high = interval
    return f"{100 * low:+.{digits}f} to {100 * high:+.{digits}f}"


def newcombe(k1: int, n1: int, k2: int, n2: int) -> tuple[float, float] | None:
    """Newcombe's interval of the difference k1/n1 - k2/n2 of two independent shares; None where an n is 0.

    For pairs that agree more often than by chance the true interval is narrower than this one, and wider for
    pairs that agree less often.
    """
    first, second = wilson(k1, n1), wilson(k2, n2)
    if first is None or second is None:
        return None
    p1, p2 = k1 / n1, k2 / n2
    below = math.hypot(p1 - first[0], second[1] - p2)
    above = math.hypot(first[1] - p1, p2 - second[0])
    return p1 - p2 - below, p1 - p2 + above


def fisher(k1: int, n1: int, k2: int, n2: int) -> float | None:
    """Two-sided p-value of Fisher's exact test that two independent shares are equal."""
    if n1 == 0 or n2 == 0:
        return None
    import numpy as np
    from scipy.stats import fisher_exact

    return float(fisher_exact(np.array([[k1, n1 - k1], [k2, n2 - k2]])).pvalue)


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact two-sided p-value, from the two counts of pairs that disagree; 1 where no pair does."""
    n = only_first + only_second
    return _one_half(int(only_first), int(n)) if n else 1.0


def sign_flips(differences: Sequence[int]) -> float:
    """Two-sided p-value of the exact test that each difference is as likely with the other sign (Pitman).

    It is the share of all ways to give the differences signs in which their sum is at least as far from 0.
    """
    ways = {0: 1}
    for difference in differences:
        longer: dict[int, int] = {}
        for total, count in ways.items():
            for one in (total + difference, total - difference):
                longer[one] = longer.get(one, 0) + count
        ways = longer
    found = abs(sum(differences))
    return sum(count for total, count in ways.items() if abs(total) >= found) * 0.5 ** len(differences)


@cache
def _one_half(k: int, n: int) -> float:
    """Two-sided p-value that k of n are a share of one half."""
    from scipy.stats import binomtest

    return float(binomtest(k, n, 0.5).pvalue)


def adjust(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted (Benjamini, Hochberg) for their number.

    Of all differences called significant at an adjusted p of 0.05, at most 5 % are expected
    to be chance. The method asks for tests that do not depend on one another, or depend as
    tests against one control do.
    """
    if not p_values:
        return []
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(p_values)]


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's interval of the mean of ``values``; None for fewer than two, and where all are equal.

    Equal values do not say how far others would lie from them: their interval would have no width.
    """
    n = len(values)
    if len(set(values)) < 2:
        return None
    import numpy as np
    from scipy.special import stdtrit

    centre, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * spread / math.sqrt(n)
    return centre - half, centre + half
