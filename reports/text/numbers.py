"""Numbers in words: with few digits, with units, as shares, and as k of n."""

from __future__ import annotations

import math
from typing import Any

from diagnostics.schema.number_range import LARGEST, number_text
from diagnostics.statistics.intervals import rate_words

Interval = tuple[float, float]
NONE = "–"


def number(value: float | None, digits: int = 3) -> str:
    """A number with ``digits`` significant digits; whole numbers are whole, None and NaN a dash."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if abs(value) == LARGEST:
        return number_text(value)
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else _written_out(value, digits)


def _written_out(value: float, digits: int) -> str:
    """A number with so many significant digits: 870 and no 8.7e+02, where it is not very large or small."""
    text = f"{value:.{digits}g}"
    return f"{float(text):,.0f}" if 100 <= abs(float(text)) < 1e4 and "e" in text else text


def percent(share: float | None, digits: int = 1) -> str:
    """A share as a percentage."""
    return NONE if share is None or not math.isfinite(share) else f"{100 * share:.{digits}f} %"


def seconds(value: float | None, digits: int = 3) -> str:
    """A time in the unit that suits it, with ``digits`` significant digits."""
    if value is None or not math.isfinite(value):
        return NONE
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (120.0, 1.0, "s"), (7200.0, 1 / 60, "min")):
        if value < limit:
            return f"{_written_out(value * factor, digits)} {unit}"
    return f"{value / 3600:.1f} h"


def size(count: int) -> str:
    """A file size."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000 or unit == "MB":
            break
        count /= 1000  # type: ignore[assignment]  # a whole number only while it is bytes
    return f"{count:.3g} {unit}" if unit != "bytes" else f"{count} bytes"


def counted(n: int, noun: str) -> str:
    """A number with its noun, which gets an s where there is not exactly one."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def rate(k: int, n: int, interval: Interval | None, is_brief: bool = False, digits: int = 0) -> str:
    """How often something happened, with its 95 % interval.

    "10 of 40 = 25 % (95 % interval 14 to 40 %)", or, where the words around it say what the interval is,
    "10 of 40 (14–40 %)", with so many ``digits`` after the point. Where n is 0 it is "0 of 0" or a dash.
    """
    if interval is None or not n:
        return NONE if is_brief else f"{k} of {n}"
    if is_brief:
        return f"{k} of {n} ({100 * interval[0]:.{digits}f}–{100 * interval[1]:.{digits}f} %)"
    return rate_words(k, n, interval, digits)


def plain(value: Any) -> str:
    """A setting as text."""
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, 6)
    if isinstance(value, dict):
        return ", ".join(f"{k} {plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(v) for v in value)
    return f"{value}"
