"""Numbers of arms and comparisons as cells of a page's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diagnostics.statistics.intervals import points_words
from reports.text.numbers import NONE, rate

Arm = Mapping[str, Any]
MOST_TOLD = 4
"""The number of arms whose rates the alternative text of the figure has; the tables have all arms."""


def defect_rate(arm: Arm) -> str:
    """K of n with its interval: "10 of 40 (14–40 %)"."""
    return rate(arm["defect_runs"], arm["judged"], _interval(arm["defect_rate_interval"]), is_brief=True)


def rates_words(arms: Sequence[Arm]) -> dict[str, Any]:
    """The rates of the first arms, and the number of further arms, for the alternative text of the figure."""
    told = [
        f"{arm['label']}: {rate(arm['defect_runs'], arm['judged'], _interval(arm['defect_rate_interval']))}"
        for arm in arms[:MOST_TOLD]
    ]
    return {"rates": told if any(arm["judged"] for arm in arms) else [], "more_rates": len(arms) - len(told)}


def rate_and_rest(arm: Arm) -> str:
    """K of n with its interval, and beside it the runs that are not in n."""
    rest = [f"{arm[what]} {what}" for what in ("undecided", "crashed") if arm[what]]
    return ", ".join([defect_rate(arm), *rest])


def share(mean: Arm) -> str:
    """A mean share in per cent."""
    return NONE if mean["mean"] is None else f"{100 * mean['mean']:.1f} %"


def arrows(means: Sequence[Arm]) -> str:
    """Accuracies from epoch to epoch as the paper prints them: "49 → 72 → 84 %"."""
    shown = [f"{100 * mean['mean']:.0f}" for mean in means if mean["mean"] is not None]
    return " → ".join(shown) + " %" if shown else NONE


def points(value: float | None, interval: Sequence[float | None], digits: int) -> str:
    """A difference of shares in percentage points, with its interval where there is one: "-15 (-31 to +2)"."""
    if value is None:
        return NONE
    words, ends = f"{100 * value:+.{digits}f}", _interval(interval)
    return words if ends is None else f"{words} ({points_words(ends, digits)})"


def p_value(p: float | None) -> str:
    """A p-value with three digits."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _interval(ends: Sequence[float | None]) -> tuple[float, float] | None:
    """The ends of an interval; None where there is none."""
    low, high = ends
    return None if low is None or high is None else (low, high)
