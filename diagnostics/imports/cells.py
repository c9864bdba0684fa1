"""Numbers as people and programs write them into the cells of a log."""

from __future__ import annotations

import math
import re
from typing import Any

DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?")
GROUPED = re.compile(r"[+-]?\d{1,3}(?P<group>[,'’\u00a0\u202f ])\d{3}(?:(?P=group)\d{3})*(?P<rest>\.\d*)?")
"""Digits in groups of three, as 1,000 or 12 345.6."""
OF_ALL = re.compile(r"(?P<number>\d+)\s*/\s*\d+")
"""A number and how many there are, as epoch 3/10."""
MISSING = frozenset({"", "-", "--", "na", "n/a", "#n/a", "null", "none", "nil", "<na>"})
"""How programs write, in small letters, that there is no number."""


def number_of(value: Any) -> float | None:
    """A value as a float; None for anything that is no number, such as truth values, texts, lists and empty cells.

    A text may have a decimal comma, digits in groups of three, or a sign for per cent, which divides it by 100.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return _number_in(value.strip().lower().replace("infinity", "inf"))
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def count_of(value: Any) -> float | None:
    """The number of a step or an epoch, as :func:`number_of`; "1,000" is a thousand, and "3/10" the third of ten."""
    if isinstance(value, str):
        text = value.strip()
        if text.isdecimal():
            return float(text)
        if (of_all := OF_ALL.fullmatch(text)) is not None:
            return float(of_all["number"])
        if (grouped := GROUPED.fullmatch(text)) is not None and not text.startswith("0"):
            return float(text.replace(grouped["group"], ""))
    return number_of(value)


def whole_number_of(value: Any) -> int | None:
    """A whole number that is not negative, also as text; None for all else."""
    number = number_of(value)
    return int(number) if number is not None and 0 <= number < 2**53 and number == math.floor(number) else None


def is_missing(value: Any) -> bool:
    """Whether a cell says that there is no number."""
    return value is None or (isinstance(value, float) and value != value) or str(value).strip().lower() in MISSING


def _number_in(text: str) -> float | None:
    """The number in a text of small letters without spaces around it."""
    try:
        return float(text)
    except ValueError:
        pass  # written in another way
    if text.endswith("%"):
        share = _number_in(text[:-1].rstrip())
        return None if share is None else share / 100
    if DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    elif (grouped := GROUPED.fullmatch(text)) is not None:
        text = text.replace(grouped["group"], "")
    try:
        return float(text)
    except (ValueError, OverflowError):
        return None
