"""Rates and numbers of steps as the cells of the zoo's tables have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.text.numbers import rate

Numbers = Mapping[str, Any]


def share_cell(one: Numbers, is_brief: bool = True) -> str:
    """A rate with its interval, in percent with one digit after the point."""
    return rate(one["k"], one["n"], one["interval"], is_brief, digits=1)


def steps_cell(value: float | None) -> str:
    """A number of steps; a half stays a half, and a dash stands for none."""
    return "-" if value is None else f"{value:g}" if value % 1 == 0.5 else f"{value:.0f}"


def reached_cell(value: float | None, at_least: float = float("-inf"), at_most: float = float("inf")) -> str:
    """Whether a number lies within its bounds: yes, no in bold, or a dash where nothing was counted."""
    return "-" if value is None else "yes" if at_least <= value <= at_most else "**no**"
